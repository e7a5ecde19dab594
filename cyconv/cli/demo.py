"""`cyconv demo`: a small network learns real handwritten digits, from images to pictures of what it learned.

Read it from the top: it is a Keras script, but for the line that says which Keras.
"""

import math
import time
import warnings
from pathlib import Path

import numpy as np

import cyconv as keras
from cyconv import layers
from cyconv.cli import info


class CosineDecay(keras.callbacks.Callback):
    """Lowers the learning rate with every step, along half a cosine, from `start` to 0 (arXiv:1608.03983)."""

    def __init__(self, start, steps):
        super().__init__()
        self.start, self.steps, self.step = start, steps, 0

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = (
            self.start * 0.5 * (1 + math.cos(math.pi * self.step / self.steps))
        )
        self.step += 1


def digits_network():
    """Two convolutions for 8x8 images; 14,698 weights."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(10, activation="softmax"),
        ]
    )


def mnist_network():
    """Three convolutions with batch normalisation for 28x28 images; 49,410 weights."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(24, 5, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(48, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )


# The images, their largest grey value, the network, and what it takes to train it.
DEMOS = {
    "digits": dict(
        load=keras.datasets.digits.load_data, white=16, network=digits_network, epochs=30, batch_size=32
    ),
    "mnist": dict(
        load=keras.datasets.mnist.load_data, white=255, network=mnist_network, epochs=3, batch_size=64
    ),
}


def run(name, epochs=None, batch_size=None, seed=0, out="demo-output"):
    """Trains the network of a demo, prints its accuracy on images it never saw, and draws four pictures.

    Arguments: `name`, "digits" or "mnist"; `epochs` and `batch_size`, the demo's own if None; `seed`, of the
        weights and the order of the images; `out`, the folder for the pictures.
    Returns: (test accuracy, the list of the pictures' paths).
    Errors: those of the data set and of a missing matplotlib, each with the command that helps.
    """
    demo, out = DEMOS[name], Path(out)
    epochs, batch_size = epochs or demo["epochs"], batch_size or demo["batch_size"]
    keras.visualize.require_matplotlib()  # told now rather than after the training
    out.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *where: print(f"NOTE: {message}")
        (x_train, y_train), (x_test, y_test) = demo["load"]()
    x_train, x_test = (x[..., None].astype("float32") / demo["white"] for x in (x_train, x_test))
    print(
        f"{len(x_train):,} images to learn from and {len(x_test):,} to be tested on, {x_test.shape[1:]} each"
    )
    print(f"cyconv {keras.__version__}: {info.engine_line()}")

    keras.utils.set_random_seed(seed)
    model = demo["network"]()
    model.summary()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    steps = epochs * math.ceil(len(x_train) / batch_size)
    began = time.perf_counter()
    history = model.fit(
        x_train, y_train, batch_size=batch_size, epochs=epochs,
        validation_data=(x_test, y_test), callbacks=[CosineDecay(2e-3, steps)],
    )  # fmt: skip
    print(f"trained for {time.perf_counter() - began:.1f} s")

    probabilities = model.predict(x_test, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(1) == y_test))
    print(f"test accuracy: {accuracy:.4f}")
    return accuracy, draw(model, history, x_test, y_test, probabilities, out, name)


def draw(model, history, x, y, probabilities, folder, name):
    """Writes the four pictures of a demo into `folder`; returns their paths."""
    first = next(layer for layer in model.layers if isinstance(layer, layers.Conv2D))
    pictures = {
        "training": keras.visualize.history(history),
        "filters": keras.visualize.filters(first),
        "confusion": keras.visualize.confusion_matrix(y, probabilities),
        "mistakes": keras.visualize.mistakes(x, y, probabilities),
    }
    paths = []
    for what, figure in pictures.items():
        paths.append(folder / f"{name}-{what}.png")
        figure.savefig(paths[-1])
        print(f"wrote {paths[-1]}")
    return paths
