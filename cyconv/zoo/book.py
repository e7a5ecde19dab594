"""The three architectures of figure 9.11 in Goodfellow, Bengio, Courville, "Deep Learning" (2016).

All three begin alike: convolution and ReLU, pooling with stride 4, convolution and ReLU. They differ in how
they come from a map to one vector of class probabilities. The figure leaves the kernel's size open; 3x3 here.
"""

from .. import layers
from ..models import Sequential


def _trunk(input_shape, filters):
    return [
        layers.Input(input_shape),
        layers.Conv2D(filters, 3, padding="same", activation="relu", name="conv1"),
        layers.MaxPooling2D(4, name="pool1"),
        layers.Conv2D(filters, 3, padding="same", activation="relu", name="conv2"),
    ]


def fixed_size(input_shape=(256, 256, 3), classes=1000, filters=64, name="fixed_size"):
    """Left: images of one size; pooled with stride 4, the map is read as one vector, then a dense layer."""
    return Sequential([
        *_trunk(input_shape, filters),
        layers.MaxPooling2D(4, name="pool2"),
        layers.Flatten(name="flatten"),
        layers.Dense(classes, activation="softmax", name="output"),
    ], name=name)  # fmt: skip


def variable_size(input_shape=(None, None, 3), classes=1000, filters=64, grid=3, name="variable_size"):
    """Middle: images of any size; pooled to a fixed grid (3x3), so that a dense layer may follow."""
    return Sequential([
        *_trunk(input_shape, filters),
        layers.AdaptiveMaxPooling2D(grid, name="pool2"),
        layers.Flatten(name="flatten"),
        layers.Dense(classes, activation="softmax", name="output"),
    ], name=name)  # fmt: skip


def fully_convolutional(input_shape=(None, None, 3), classes=1000, filters=64, name="fully_convolutional"):
    """Right: images of any size and no dense layer; one map a class, averaged over the whole image."""
    return Sequential([
        *_trunk(input_shape, filters),
        layers.MaxPooling2D(4, name="pool2"),
        layers.Conv2D(classes, 3, padding="same", name="conv3"),
        layers.GlobalAveragePooling2D(name="average"),
        layers.Softmax(name="output"),
    ], name=name)  # fmt: skip
