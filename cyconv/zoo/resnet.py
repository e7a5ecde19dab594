"""Residual networks (He, Zhang, Ren, Sun 2016, "Deep residual learning for image recognition").

Convolutions have no bias, since batch normalisation follows each; weights start as "he_normal".
"""

from .. import layers
from ..models import Sequential


def _convolution(filters, kernel_size, strides=1):
    """A convolution that keeps the size but for its strides, and its batch normalisation."""
    return [
        layers.Conv2D(filters, kernel_size, strides, padding=kernel_size // 2, use_bias=False,
                      kernel_initializer="he_normal"),
        layers.BatchNormalization(momentum=0.9, epsilon=1e-5),
    ]  # fmt: skip


def _basic(filters, strides):
    """Two 3x3 convolutions: the branch of figure 5, left."""
    return [*_convolution(filters, 3, strides), layers.ReLU(), *_convolution(filters, 3)]


def _bottleneck(filters, strides):
    """1x1 to fewer channels (with the strides, as in the paper), 3x3, 1x1 to four times as many: figure 5."""
    return [*_convolution(filters, 1, strides), layers.ReLU(), *_convolution(filters, 3), layers.ReLU(),
            *_convolution(4 * filters, 1)]  # fmt: skip


def _projection(filters, strides):
    """Option B: a 1x1 convolution where size or channels change."""
    return _convolution(filters, 1, strides)


def _padded_identity(filters, strides):
    """Option A: every strides-th pixel, zeros for the additional channels; no parameters."""
    return [layers.AveragePooling2D(1, strides), layers.PadChannels(filters)]


def _stages(branch, widths, counts, expansion, shortcut, residual, first_changes):
    """Blocks, a ReLU after each; from the second stage on the first block halves the size."""
    row = []
    for stage, (width, count) in enumerate(zip(widths, counts, strict=True), start=1):
        for block in range(count):
            strides = 2 if stage > 1 and block == 0 else 1
            changes = block == 0 and (stage > 1 or first_changes)
            way = shortcut(expansion * width, strides) if changes else None
            if residual:
                name = f"stage{stage}_block{block + 1}"
                row.append(layers.Residual(branch(width, strides), way, name=name))
            else:
                row.extend(branch(width, strides))
            row.append(layers.ReLU(name=f"stage{stage}_relu{block + 1}"))
    return row


def _cifar(depth, input_shape, classes, shortcut, residual, name):
    """Section 4.2: 6n + 2 layers, three stages of n blocks with 16, 32, 64 channels."""
    if shortcut not in ("A", "B"):
        raise ValueError(f'`shortcut` is "A" (no parameters) or "B" (projections). Received: {shortcut!r}')
    ways = {"A": _padded_identity, "B": _projection}
    n = (depth - 2) // 6
    return Sequential([
        layers.Input(input_shape),
        *_convolution(16, 3),
        layers.ReLU(name="stem_relu"),
        *_stages(_basic, (16, 32, 64), (n, n, n), 1, ways[shortcut], residual, first_changes=False),
        layers.GlobalAveragePooling2D(name="average"),
        layers.Dense(classes, activation="softmax", kernel_initializer="he_normal", name="output"),
    ], name=name or f"{'resnet' if residual else 'plain'}{depth}")  # fmt: skip


def resnet20(input_shape=(32, 32, 3), classes=10, shortcut="A", residual=True, name=None):
    """ResNet-20 for CIFAR-10: 269,722 trained parameters; the paper's test error is 8.75 %.

    shortcut: where a stage begins, "A" (subsampling and zeros, no parameters) or "B" (1x1 convolutions).
    residual=False gives the plain network that the paper compares with.
    """
    return _cifar(20, input_shape, classes, shortcut, residual, name)


def resnet32(input_shape=(32, 32, 3), classes=10, shortcut="A", residual=True, name=None):
    """ResNet-32 for CIFAR-10: 464,154 trained parameters; arguments as `resnet20`."""
    return _cifar(32, input_shape, classes, shortcut, residual, name)


def resnet44(input_shape=(32, 32, 3), classes=10, shortcut="A", residual=True, name=None):
    """ResNet-44 for CIFAR-10: 658,586 trained parameters; arguments as `resnet20`."""
    return _cifar(44, input_shape, classes, shortcut, residual, name)


def resnet56(input_shape=(32, 32, 3), classes=10, shortcut="A", residual=True, name=None):
    """ResNet-56 for CIFAR-10: 853,018 trained parameters; arguments as `resnet20`."""
    return _cifar(56, input_shape, classes, shortcut, residual, name)


def resnet110(input_shape=(32, 32, 3), classes=10, shortcut="A", residual=True, name=None):
    """ResNet-110 for CIFAR-10: 1,727,962 trained parameters; arguments as `resnet20`."""
    return _cifar(110, input_shape, classes, shortcut, residual, name)


def _imagenet(branch, counts, expansion, input_shape, classes, name):
    """Table 1: 7x7 convolution and pooling, then four stages of 64, 128, 256, 512 channels."""
    return Sequential([
        layers.Input(input_shape),
        *_convolution(64, 7, 2),
        layers.ReLU(name="stem_relu"),
        layers.MaxPooling2D(3, 2, padding=1, name="stem_pool"),
        *_stages(branch, (64, 128, 256, 512), counts, expansion, _projection, True, expansion > 1),
        layers.GlobalAveragePooling2D(name="average"),
        layers.Dense(classes, activation="softmax", name="output"),
    ], name=name)  # fmt: skip


def resnet18(input_shape=(224, 224, 3), classes=1000, name="resnet18"):
    """ResNet-18 for ImageNet: 11,689,512 trained parameters."""
    return _imagenet(_basic, (2, 2, 2, 2), 1, input_shape, classes, name)


def resnet34(input_shape=(224, 224, 3), classes=1000, name="resnet34"):
    """ResNet-34 for ImageNet: 21,797,672 trained parameters."""
    return _imagenet(_basic, (3, 4, 6, 3), 1, input_shape, classes, name)


def resnet50(input_shape=(224, 224, 3), classes=1000, name="resnet50"):
    """ResNet-50 for ImageNet, with bottleneck blocks: 25,557,032 trained parameters."""
    return _imagenet(_bottleneck, (3, 4, 6, 3), 4, input_shape, classes, name)
