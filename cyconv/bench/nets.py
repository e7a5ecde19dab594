"""The five reference networks, as every framework is given them.

| net | input | parameters |
|---|---|---|
| tiny: conv16-3x3 same, relu, pool2, conv32, relu, pool2, dense10 | 64x8x8x1 | 6,090 |
| lenet: 6@5x5 same, tanh, avg2, 16@5x5, tanh, avg2, 120, 84, 10 | 64x28x28x1 | 61,706 |
| mnist: 32@3x3, pool2, 64@3x3, pool2, dropout .5, dense10 | 128x28x28x1 | 34,826 |
| resnet20: projection shortcuts, batch norm | 32x32x32x3 | 272,474 |
| unet: base 16, depth 4, batch norm, transposed 2x2 | 2x256x256x1 | 1,943,761 |
"""

import numpy as np

import cyconv as keras
from cyconv import layers


def tiny():
    return keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def lenet():
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10),
        ]
    )


def mnist(dropout=0.5):
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(dropout),
            layers.Dense(10),
        ]
    )


def _conv_norm(x, filters, size=3, stride=1, relu=True, bias=False):
    """Padding in numbers: the same on every framework, also with stride 2."""
    x = layers.Conv2D(filters, size, strides=stride, padding=size // 2, use_bias=bias)(x)
    x = layers.BatchNormalization()(x)
    return layers.Activation("relu")(x) if relu else x


def resnet20():
    inputs = keras.Input((32, 32, 3))
    x = _conv_norm(inputs, 16)
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            stride = 2 if stage and not block else 1
            y = _conv_norm(_conv_norm(x, filters, stride=stride), filters, relu=False)
            shortcut = _conv_norm(x, filters, 1, stride, relu=False) if stride == 2 else x
            x = layers.Activation("relu")(layers.add([y, shortcut]))
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def unet(base=16, depth=4):
    inputs = x = keras.Input((256, 256, 1))
    skips = []

    def twice(x, filters):
        return _conv_norm(_conv_norm(x, filters, bias=True), filters, bias=True)

    for level in range(depth):
        x = twice(x, base << level)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = twice(x, base << depth)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(base << level, 2, strides=2)(x)
        x = layers.concatenate([skips[level], x])
        x = twice(x, base << level)
    return keras.Model(inputs, layers.Conv2D(1, 1)(x))


# name: (builder, input shape with batch, classes or 0 for one logit a pixel, parameters)
NETS = {
    "tiny": (tiny, (64, 8, 8, 1), 10, 6_090),
    "lenet": (lenet, (64, 28, 28, 1), 10, 61_706),
    "mnist": (mnist, (128, 28, 28, 1), 10, 34_826),
    "resnet20": (resnet20, (32, 32, 32, 3), 10, 272_474),
    "unet": (unet, (2, 256, 256, 1), 0, 1_943_761),
}


def data(shape, classes):
    """Random images; labels are class numbers, or a mask of 0 and 1."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal(shape).astype(np.float32)
    if classes:
        return x, generator.integers(0, classes, shape[0]).astype(np.int32)
    return x, (generator.random((*shape[:-1], 1)) > 0.5).astype(np.float32)
