"""A small trained model for the tests of files."""

import numpy as np

import cyconv as keras
from cyconv import layers


def trained():
    """(a compiled and trained functional model with every kind of weight, its images, its labels)."""
    inputs = keras.Input((6, 6, 1), name="image")
    x = layers.Conv2D(3, 3, activation="relu")(inputs)
    x = layers.add([x, layers.BatchNormalization()(x)])
    inner = keras.Sequential([layers.Conv2D(2, 1), layers.LeakyReLU(0.1)], name="inner")
    x = layers.Dropout(0.0)(inner(x))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Flatten()(x)))
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    generator = np.random.default_rng(0)
    x, y = generator.random((12, 6, 6, 1), np.float32), np.arange(12) % 2
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    return model, x, y


def same_weights(a, b):
    assert len(a) == len(b)
    for v, w in zip(a, b, strict=True):
        np.testing.assert_array_equal(v, w)
