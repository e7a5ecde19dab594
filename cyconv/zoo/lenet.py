"""LeNet-5, and the small network of Keras's MNIST example."""

from .. import layers
from ..models import Sequential


def lenet5(input_shape=(28, 28, 1), classes=10, activation="tanh", pooling="average", name="lenet5"):
    """LeNet-5 (LeCun et al. 1998, "Gradient-based learning applied to document recognition") as it is built
    today: every map of the third layer sees all maps below, plain pooling, softmax. 61,706 parameters.

    Images of 28x28 are padded to the 32x32 that the paper feeds; larger ones are taken as they are.
    pooling: "average", as in the paper, or "max".
    """
    if pooling not in ("average", "max"):
        raise ValueError(f'lenet5: `pooling` is "average" or "max". Received: {pooling!r}')
    pool = layers.AveragePooling2D if pooling == "average" else layers.MaxPooling2D
    return Sequential([
        layers.Input(input_shape),
        layers.Conv2D(6, 5, activation=activation, padding=2 if input_shape[0] == 28 else 0, name="C1"),
        pool(2, name="S2"),
        layers.Conv2D(16, 5, activation=activation, name="C3"),
        pool(2, name="S4"),
        layers.Flatten(name="flatten"),
        layers.Dense(120, activation=activation, name="C5"),
        layers.Dense(84, activation=activation, name="F6"),
        layers.Dense(classes, activation="softmax", name="output"),
    ], name=name)  # fmt: skip


def mnist_convnet(input_shape=(28, 28, 1), classes=10, name="mnist_convnet"):
    """The network of Keras's example "Simple MNIST convnet": 34,826 parameters, about 99 % on MNIST."""
    return Sequential([
        layers.Input(input_shape),
        layers.Conv2D(32, 3, activation="relu", name="conv1"),
        layers.MaxPooling2D(2, name="pool1"),
        layers.Conv2D(64, 3, activation="relu", name="conv2"),
        layers.MaxPooling2D(2, name="pool2"),
        layers.Flatten(name="flatten"),
        layers.Dropout(0.5, name="dropout"),
        layers.Dense(classes, activation="softmax", name="output"),
    ], name=name)  # fmt: skip
