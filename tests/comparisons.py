"""What the tests of `compare_backends` share: a small model, a batch, a backend that is wrong on purpose."""

import numpy as np

import cyconv as keras
from cyconv import layers
from cyconv.backends import host


def broken(operation, position, factor=1.01):
    """A backend like "cpu" one operation of which is off by 1e-2."""

    class Broken(host.Cpu):
        name = "broken"

        def _do(self, name, operands, attributes, at_level=None):
            super()._do(name, operands, attributes, at_level)
            if name == operation:
                operands[position][...] *= factor

    return Broken


def small():
    """Every kind of kernel in a few numbers: convolution, normalisation, pooling, dropout, a dense layer."""
    return keras.Sequential([
        keras.Input((8, 8, 2)),
        layers.Conv2D(8, 3, padding="same", name="first"),
        layers.BatchNormalization(name="norm"),
        layers.Activation("relu", name="rectify"),
        layers.MaxPooling2D(2, name="pool"),
        layers.Conv2D(6, 3, padding="same", activation="tanh", name="second"),
        layers.AveragePooling2D(2, name="average"),
        layers.Flatten(name="flat"),
        layers.Dropout(0.5, name="drop"),
        layers.Dense(5, activation="softmax", name="classes"),
    ])  # fmt: skip


def batch(count=6, shape=(8, 8, 2)):
    generator = np.random.default_rng(3)
    return generator.standard_normal((count, *shape)).astype(np.float32), generator.integers(0, 5, count)


def compared(model=None, names=("reference", "cpu"), data=None, **options):
    model = model or small()
    x, y = data or batch()
    model.compile("sgd", "sparse_categorical_crossentropy")
    return keras.compare_backends(model, x, y, list(names), **{"seconds": 0, **options})
