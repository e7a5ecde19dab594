"""A functional U-Net (Ronneberger et al. 2015) with dropout and concatenations, fed by two image generators
that transform image and mask alike.

    python unet_augmented.py DATA.npz FOLDER [EPOCHS]

DATA.npz: images (N, H, W) uint8 and masks (N, H, W), 0 or 255; the last quarter is held out. FOLDER receives
history.json and, the first time, the weights that every later run starts from.
"""

import json
import os
import sys

import keras
import numpy as np
from keras.callbacks import EarlyStopping, ModelCheckpoint
from keras.layers import Conv2D, Dropout, Input, MaxPooling2D, UpSampling2D, concatenate
from keras.models import Model
from keras.optimizers import Adam
from keras.preprocessing.image import ImageDataGenerator

data, folder = np.load(sys.argv[1]), sys.argv[2]
epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 3
batch_size = 4

keras.utils.set_random_seed(3)
images = data["images"][..., None].astype("float32")
masks = data["masks"][..., None].astype("float32")
cut = len(images) * 3 // 4


def adjust(image, mask):
    """Images in [0, 1], masks 0 or 1."""
    return image / 255, (mask / 255 > 0.5).astype("float32")


def train_generator(images, masks):
    arguments = dict(
        rotation_range=5,
        width_shift_range=0.05,
        height_shift_range=0.05,
        shear_range=0.05,
        zoom_range=0.05,
        horizontal_flip=True,
        fill_mode="nearest",
    )
    image_flow = ImageDataGenerator(**arguments).flow(images, batch_size=batch_size, seed=1)
    mask_flow = ImageDataGenerator(**arguments).flow(masks, batch_size=batch_size, seed=1)
    while True:
        yield adjust(next(image_flow), next(mask_flow))


def unet(input_size, base=8):
    inputs = Input(input_size)
    options = dict(activation="relu", padding="same", kernel_initializer="he_normal")
    conv1 = Conv2D(base, 3, **options)(inputs)
    conv1 = Conv2D(base, 3, **options)(conv1)
    pool1 = MaxPooling2D(pool_size=(2, 2))(conv1)
    conv2 = Conv2D(2 * base, 3, **options)(pool1)
    conv2 = Conv2D(2 * base, 3, **options)(conv2)
    pool2 = MaxPooling2D(pool_size=(2, 2))(conv2)
    conv3 = Conv2D(4 * base, 3, **options)(pool2)
    conv3 = Conv2D(4 * base, 3, **options)(conv3)
    drop3 = Dropout(0.5)(conv3)
    up4 = Conv2D(2 * base, 2, **options)(UpSampling2D(size=(2, 2))(drop3))
    merge4 = concatenate([conv2, up4], axis=3)
    conv4 = Conv2D(2 * base, 3, **options)(merge4)
    up5 = Conv2D(base, 2, **options)(UpSampling2D(size=(2, 2), interpolation="bilinear")(conv4))
    merge5 = concatenate([conv1, up5], axis=3)
    conv5 = Conv2D(base, 3, **options)(merge5)
    outputs = Conv2D(1, 1, activation="sigmoid")(conv5)
    return Model(inputs=inputs, outputs=outputs)


model = unet(images.shape[1:])
model.summary()
start = os.path.join(folder, "unet.weights.h5")
if os.path.exists(start):
    model.load_weights(start)
else:
    model.save_weights(start)
model.compile(
    optimizer=Adam(learning_rate=3e-3),
    loss="binary_crossentropy",
    metrics=["accuracy", keras.metrics.BinaryIoU(target_class_ids=[1], threshold=0.5)],
)
best = os.path.join(folder, "unet.keras")
checkpoint = ModelCheckpoint(best, monitor="loss", verbose=1, save_best_only=True)
stopping = EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True)
history = model.fit(
    train_generator(images[:cut], masks[:cut]),
    steps_per_epoch=max(10 * cut // batch_size, 1),
    epochs=epochs,
    validation_data=adjust(images[cut:], masks[cut:]),
    callbacks=[checkpoint, stopping],
    verbose=2,
)
predicted = model.predict(images[cut:] / 255, batch_size=batch_size, verbose=0)
print("Predicted foreground:", float((predicted > 0.5).mean()), "truth:", float((masks[cut:] > 127).mean()))
results = {**history.history, "params": model.count_params()}
with open(os.path.join(folder, "history.json"), "w") as file:
    json.dump({k: np.asarray(v, float).tolist() for k, v in results.items()}, file)
