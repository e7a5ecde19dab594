"""A CIFAR-10 ResNet v1 (He et al. 2015) with augmentation and learning-rate callbacks.

    python cifar_resnet.py DATA.npz FOLDER [EPOCHS]

DATA.npz: x_train, y_train, x_test, y_test. FOLDER receives history.json and, the first time, the weights that
every later run starts from.
"""

import json
import os
import sys

import numpy as np
from keras import layers, optimizers, regularizers
from keras.callbacks import CSVLogger, LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau
from keras.losses import SparseCategoricalCrossentropy
from keras.models import Model, load_model
from keras.utils import set_random_seed

data, folder = np.load(sys.argv[1]), sys.argv[2]
epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 3
n = 1  # residual blocks a stage: the depth is 6n + 2
batch_size = 64

set_random_seed(2)
x_train, y_train = data["x_train"].astype("float32") / 255, data["y_train"].reshape(-1, 1)
x_test, y_test = data["x_test"].astype("float32") / 255, data["y_test"].reshape(-1, 1)
x_train_mean = np.mean(x_train, axis=0)
x_train -= x_train_mean
x_test -= x_train_mean


def lr_schedule(epoch, lr):
    """Smaller steps towards the end."""
    rate = 1e-3 if epoch < epochs - 1 else 5e-4
    print("Learning rate: ", rate)
    return rate


def resnet_layer(inputs, num_filters=16, kernel_size=3, strides=1, activation="relu"):
    """Convolution, batch normalisation, activation."""
    x = layers.Conv2D(
        num_filters,
        kernel_size=kernel_size,
        strides=strides,
        padding="same",
        kernel_initializer="he_normal",
        kernel_regularizer=regularizers.l2(1e-4),
    )(inputs)
    x = layers.BatchNormalization()(x)
    if activation is not None:
        x = layers.Activation(activation)(x)
    return x


def resnet_v1(input_shape, num_classes=10):
    inputs = layers.Input(shape=input_shape)
    x = layers.RandomFlip("horizontal", seed=1)(inputs)
    x = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", seed=2)(x)
    x = resnet_layer(x)
    num_filters = 16
    for stack in range(3):
        for res_block in range(n):
            strides = 2 if stack > 0 and res_block == 0 else 1
            y = resnet_layer(x, num_filters=num_filters, strides=strides)
            y = resnet_layer(y, num_filters=num_filters, activation=None)
            if stack > 0 and res_block == 0:  # match the shortcut's shape
                x = resnet_layer(x, num_filters=num_filters, kernel_size=1, strides=strides, activation=None)
            x = layers.add([x, y])
            x = layers.Activation("relu")(x)
        num_filters *= 2
    x = layers.AveragePooling2D(pool_size=8)(x)
    y = layers.Flatten()(x)
    outputs = layers.Dense(num_classes, kernel_initializer="he_normal")(y)
    return Model(inputs=inputs, outputs=outputs, name="resnet_v1")


model = resnet_v1(x_train.shape[1:])
start = os.path.join(folder, "resnet.weights.h5")
if os.path.exists(start):
    model.load_weights(start)
else:
    model.save_weights(start)
model.compile(
    loss=SparseCategoricalCrossentropy(from_logits=True),
    optimizer=optimizers.Adam(learning_rate=lr_schedule(0, None)),
    metrics=["accuracy"],
)
model.summary()
filepath = os.path.join(folder, "resnet.{epoch:03d}.keras")
callbacks = [
    ModelCheckpoint(filepath=filepath, monitor="val_accuracy", verbose=1, save_best_only=True),
    ReduceLROnPlateau(factor=np.sqrt(0.1), cooldown=0, patience=5, min_lr=0.5e-6),
    LearningRateScheduler(lr_schedule),
    CSVLogger(os.path.join(folder, "resnet.csv")),
]
history = model.fit(
    x_train, y_train, batch_size=batch_size, epochs=epochs, validation_data=(x_test, y_test), shuffle=True,
    callbacks=callbacks, verbose=2,
)  # fmt: skip
scores = model.evaluate(x_test, y_test, verbose=1)
print("Test loss:", scores[0])
print("Test accuracy:", scores[1])
best = sorted(f for f in os.listdir(folder) if f.startswith("resnet.") and f.endswith(".keras"))[-1]
print("Best model:", best, load_model(os.path.join(folder, best)).evaluate(x_test, y_test, verbose=0))
results = {**history.history, "test_loss": scores[0], "test_accuracy": scores[1]}
results["params"] = model.count_params()
with open(os.path.join(folder, "history.json"), "w") as file:
    json.dump({k: np.asarray(v, float).tolist() for k, v in results.items()}, file)
