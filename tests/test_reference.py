"""The definitions against numbers worked by hand: the lecture's, and those observed in Keras 3."""

import numpy as np
import pytest

from cyconv import backends, layers, ops
from cyconv.testing import assert_close

BACKENDS = ["reference", "cpu"]


@pytest.fixture(params=BACKENDS, autouse=True)
def backend(request):
    with backends.use(request.param):
        yield request.param


def line(*values):
    """One sample, one spatial axis, one channel."""
    return np.array(values, np.float32)[None, :, None]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [5, 8, 7, 12, 7]),
        ({"strides": 2}, [5, 7, 7]),
        ({"padding": 1}, [2, 5, 8, 7, 12, 7, 1]),
        ({"padding": "same"}, [5, 8, 7, 12, 7, 1]),
        ({"padding": "causal"}, [2, 5, 8, 7, 12, 7]),
        ({"dilation_rate": 2}, [7, 6, 13, 4]),
        ({"padding": ((2, 0),)}, [0, 2, 5, 8, 7, 12, 7]),
    ],
)
def test_the_lectures_convolution(options, expected):
    """x = 1 2 3 2 5 1, f = 1 2."""
    y = ops.conv(line(1, 2, 3, 2, 5, 1), np.array([1.0, 2.0])[:, None, None], **options)
    np.testing.assert_array_equal(y.ravel(), expected)


def test_strided_same_convolution_pads_behind_first():
    y = ops.conv(np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 1)), strides=2, padding="same")
    np.testing.assert_array_equal(y[0, :, :, 0], [[9, 6], [6, 4]])


def test_transposed_convolution():
    x, k = np.ones((1, 2, 2, 1)), np.ones((3, 3, 1, 1))
    y = ops.conv_transpose(x, k, strides=2, padding="same")
    np.testing.assert_array_equal(y[0, :, :, 0], [[1, 1, 2, 1], [1, 1, 2, 1], [2, 2, 4, 2], [1, 1, 2, 1]])
    assert ops.conv_transpose(x, k, strides=2).shape == (1, 5, 5, 1)


def test_groups_keep_channels_apart():
    """Two groups: the first filter sees channel 0 only, the second channel 1 only."""
    x = np.array([[[1, 10], [2, 20], [3, 30]]], np.float32)
    kernel = np.array([[[1, 2]], [[1, 2]]], np.float32)  # window 2, one channel a group, two filters
    np.testing.assert_array_equal(ops.conv(x, kernel)[0], [[3, 60], [5, 100]])


def test_three_axes_sum_over_the_whole_window():
    x = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2, 1)
    y = ops.conv(x, np.ones((2, 2, 2, 1, 1)), bias=[0.5])
    np.testing.assert_array_equal(y.ravel(), [28.5])


def test_max_pooling_ignores_padding_and_remembers_the_winner():
    x = line(-3, -1, -2, -5)
    np.testing.assert_array_equal(ops.max_pool(x, 3, 2, "same").ravel(), [-1, -2])
    _, switches = backends.active().max_pool(x, window=(3,), strides=(2,), padding=((0, 1),))
    np.testing.assert_array_equal(np.asarray(switches).ravel(), [1, 2])


def test_average_pooling_divides_by_the_positions_inside():
    pooled = ops.average_pool(np.ones((1, 3, 3, 1)), 2, 2, "same")
    np.testing.assert_array_equal(pooled, np.ones((1, 2, 2, 1)))
    counted = ops.average_pool(np.ones((1, 3, 3, 1)), 2, 2, "same", count_padding=True)
    np.testing.assert_array_equal(counted[0, :, :, 0], [[1, 0.5], [0.5, 0.25]])


def test_pooling_of_the_books_figure_9_8():
    """Figure 9.8: detector values shifted by one; every input changes, half of the pooled outputs do."""
    before, after = line(0.1, 1.0, 0.2, 0.1), line(0.3, 0.1, 1.0, 0.2)
    pooled = [ops.max_pool(v, 3, 1, "same").ravel() for v in (before, after)]
    np.testing.assert_allclose(pooled[0], np.float32([1.0, 1.0, 1.0, 0.2]))
    np.testing.assert_allclose(pooled[1], np.float32([0.3, 1.0, 1.0, 1.0]))
    assert (before != after).all() and (pooled[0] == pooled[1]).mean() == 0.5


def test_batch_normalisation_uses_the_population_variance():
    """Batch [1, 3]: mean 2, variance 1 (not 2); with momentum 0 they become the moving statistics."""
    layer = layers.BatchNormalization(momentum=0.0, epsilon=1e-12)
    y = layer(np.array([[1.0], [3.0]]), training=True)
    np.testing.assert_array_equal(y, [[-1], [1]])
    np.testing.assert_array_equal(layer.moving_mean.numpy(), [2])
    np.testing.assert_array_equal(layer.moving_variance.numpy(), [1])


def test_batch_normalisation_momentum_is_kerass():
    layer = layers.BatchNormalization(momentum=0.9)
    layer(np.array([[1.0], [3.0]]), training=True)
    assert_close(layer.moving_mean.numpy(), np.array([0.2]), "elementwise")
    assert_close(layer.moving_variance.numpy(), np.array([0.9 * 1 + 0.1 * 1]), "elementwise")


def test_frozen_batch_normalisation_stays_in_inference_mode():
    layer = layers.BatchNormalization(trainable=False, epsilon=1e-12)
    np.testing.assert_array_equal(layer(np.array([[1.0], [3.0]]), training=True), [[1], [3]])


def test_softmax_and_activations_at_known_points():
    assert_close(ops.softmax(np.array([[0.0, np.log(3.0)]])), np.array([[0.25, 0.75]]), "elementwise")
    x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    np.testing.assert_array_equal(ops.relu(x), [0, 0, 0, 0.5, 2])
    np.testing.assert_array_equal(ops.leaky_relu(x), [-0.4, -0.1, 0, 0.5, 2])
    assert_close(ops.sigmoid(np.array([0.0, np.log(3.0)])), np.array([0.5, 0.75]), "elementwise")
    assert_close(ops.tanh(np.array([np.log(2.0)])), np.array([0.6]), "elementwise")
    assert_close(ops.softplus(np.array([0.0])), np.array([np.log(2.0)]), "elementwise")
    assert_close(ops.hard_sigmoid(np.array([-4.0, 0.0, 1.5])), np.array([0, 0.5, 0.75]), "elementwise")
    assert_close(ops.elu(np.array([-np.log(2.0)])), np.array([-0.5]), "elementwise")
