"""Weights and files against Keras 3."""

import keras
import numpy as np

import cyconv


def convnet(library):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def test_get_weights_of_one_are_set_weights_of_the_other():
    theirs, ours = convnet(keras), convnet(cyconv)
    ours.set_weights(theirs.get_weights())
    x = np.random.default_rng(0).normal(size=(5, 8, 8, 2)).astype("float32")
    expected = theirs.predict(x, verbose=0)
    cyconv.testing.assert_close(ours.predict(x, verbose=0), expected, "network", terms=4 * 6 * 6)
