"""The lines of docs/derivations.md, as they stand there, against the layers' own backward passes."""

import re
from pathlib import Path

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers
from cyconv.testing import assert_close

PAGE = (Path(__file__).parent.parent / "docs" / "derivations.md").read_text()
DERIVED = {"np": np}
exec("\n\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), DERIVED)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def there_and_back(layer, x, dy):
    """(y, dx, the gradients of the trained weights) of a layer in float64."""
    layer(x)
    for k, variable in enumerate(layer.trainable_weights):
        variable.assign(random(*variable.shape, seed=k + 7))
        variable.gradient = np.zeros(variable.shape)
    ops = backends.active()
    y, saved = layer.forward(ops, x, training=True)
    return y, layer.backward(ops, dy, saved, True), [v.gradient for v in layer.trainable_weights]


def compare(found, derived):
    for a, b in zip(found, derived, strict=True):
        assert_close(a, b, "network", b.size)


@pytest.fixture(autouse=True)
def reference():
    with backends.use("reference"):
        yield


def test_dense():
    x, dy = random(5, 4), random(5, 3, seed=1)
    layer = layers.Dense(3, dtype="float64")
    _, dx, weights = there_and_back(layer, x, dy)
    compare([dx, *weights], DERIVED["dense"](x, layer.get_weights()[0], dy))


def test_convolution():
    x, dy = random(2, 9, 3), random(2, 7, 4, seed=1)
    layer = layers.Conv1D(4, 3, dtype="float64")
    _, dx, weights = there_and_back(layer, x, dy)
    compare([dx, *weights], DERIVED["convolution"](x, layer.get_weights()[0], dy))


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_activations(name):
    x, dy = random(4, 6), random(4, 6, seed=1)
    y, dx, _ = there_and_back(layers.Activation(name, dtype="float64"), x, dy)
    compare([dx], [DERIVED[name](np.asarray(y), dy)])


@pytest.mark.parametrize("size, stride", [(2, 2), (3, 1), (3, 2)])
def test_max_pooling(size, stride):
    x, dy = random(2, 9, 3), random(2, (9 - size) // stride + 1, 3, seed=1)
    _, dx, _ = there_and_back(layers.MaxPooling1D(size, stride, dtype="float64"), x, dy)
    compare([dx], [DERIVED["max_pooling"](x, dy, size, stride)])


def test_batch_normalisation():
    x, dy = random(4, 5, 3), random(4, 5, 3, seed=1)
    layer = layers.BatchNormalization(epsilon=0.1, dtype="float64")
    _, dx, weights = there_and_back(layer, x, dy)
    compare([dx, *weights], DERIVED["batch_normalisation"](x, layer.get_weights()[0], dy, 0.1))


def test_softmax_and_cross_entropy():
    z, labels = random(5, 4), np.array([0, 3, 1, 1, 2])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    _, gradient = loss.record(backends.active(), labels, z)
    compare([gradient], [DERIVED["softmax_cross_entropy"](z, labels)])


def test_residual_connection():
    x, dy = random(5, 4), random(5, 4, seed=1)
    inner = layers.Dense(4, dtype="float64")
    _, dx, _ = there_and_back(layers.Residual(inner, dtype="float64"), x, dy)
    compare([dx], [DERIVED["dense"](x, inner.get_weights()[0], dy)[0] + dy])
