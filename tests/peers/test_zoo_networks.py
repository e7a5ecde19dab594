"""The paper's U-Net, wired by hand in Keras: the same weights give the same map."""

import keras
import numpy as np
from keras import layers

from cyconv import zoo
from cyconv.testing import assert_close


def unet_in_keras(size, filters, depth):
    def twice(x, filters):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, activation="relu")(x)
        return x

    x = inputs = keras.Input((size, size, 1))
    skips = []
    for level in range(depth):
        x = twice(x, filters * 2**level)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = twice(x, filters * 2**depth)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(filters * 2**level, 2, strides=2, activation="relu")(x)
        skip = skips[level]
        before = (skip.shape[1] - x.shape[1]) // 2
        after = skip.shape[1] - x.shape[1] - before
        skip = layers.Cropping2D(((before, after), (before, after)))(skip)
        x = twice(layers.Concatenate()([skip, x]), filters * 2**level)
    return keras.Model(inputs, layers.Conv2D(2, 1, activation="softmax")(x))


def test_the_papers_unet():
    ours, theirs = zoo.unet((68, 68, 1), filters=4, depth=2), unet_in_keras(68, 4, 2)
    assert ours.output_shape == theirs.output_shape == (None, 28, 28, 2)
    theirs.set_weights(ours.get_weights())
    x = np.random.default_rng(0).random((2, 68, 68, 1), np.float32)
    assert_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), "network", terms=32 * 9)
