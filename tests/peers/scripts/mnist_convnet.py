"""The first script of every course: a small convnet on handwritten digits.

    python mnist_convnet.py DATA.npz FOLDER [EPOCHS]

DATA.npz: x_train, y_train, x_test, y_test. FOLDER receives history.json and, the first time, the weights that
every later run starts from.
"""

import json
import os
import sys

import keras
import numpy as np
from keras import layers
from keras.utils import to_categorical

# Model / data parameters
num_classes = 10
input_shape = (28, 28, 1)
data, folder = np.load(sys.argv[1]), sys.argv[2]
epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 3

keras.utils.set_random_seed(1)

# Images in the [0, 1] range, with a channel axis; labels one-hot
x_train = np.expand_dims(data["x_train"].astype("float32") / 255, -1)
x_test = np.expand_dims(data["x_test"].astype("float32") / 255, -1)
y_train = to_categorical(data["y_train"], num_classes)
y_test = to_categorical(data["y_test"], num_classes)
print("x_train shape:", x_train.shape)
print(x_train.shape[0], "train samples")
print(x_test.shape[0], "test samples")

model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(num_classes, activation="softmax"),
    ]
)
model.summary()
start = os.path.join(folder, "mnist.weights.h5")
if os.path.exists(start):
    model.load_weights(start)
else:
    model.save_weights(start)

model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=128, epochs=epochs, validation_split=0.1, verbose=2)

score = model.evaluate(x_test, y_test, verbose=0)
print("Test loss:", score[0])
print("Test accuracy:", score[1])
model.save(os.path.join(folder, "mnist.keras"))
reloaded = keras.models.load_model(os.path.join(folder, "mnist.keras"))
predicted = reloaded.predict(x_test[:100], verbose=0).argmax(axis=1)
print("First labels:", data["y_test"][:5], "predicted:", predicted[:5])
results = {**history.history, "test_loss": score[0], "test_accuracy": score[1]}
results["params"] = model.count_params()
with open(os.path.join(folder, "history.json"), "w") as file:
    json.dump({k: np.asarray(v, float).tolist() for k, v in results.items()}, file)
