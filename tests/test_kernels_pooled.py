"""Convolutions that pool what they make: the definition, and the very bytes of two operations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels import FAST, LEVELS, at, check, check_all, draws, normal

from cyconv import backends
from cyconv.testing import assert_close

TWOS = dict(window=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)))


def same_bytes(x, kernel, bias, level, threads, **options):
    with at(level, threads) as door:
        y, switches = door.convolution(x, kernel, bias, pool=True, **options)
        wanted, places = door.max_pool(door.convolution(x, kernel, bias, **options), **TWOS)
    np.testing.assert_array_equal(switches, places)
    assert y.tobytes() == wanted.tobytes()


@draws
@given(st.data())
def test_random_shapes(data):
    def number(low, high):
        return data.draw(st.integers(low, high))

    activation = data.draw(st.sampled_from(["linear", "relu", "tanh", "leaky_relu"]))
    winograd = data.draw(st.booleans())
    stride, dilation = (1, 1) if winograd else data.draw(st.sampled_from([(1, 1), (2, 1), (1, 2)]))
    window = (3, 3) if winograd else (number(1, 5), number(1, 5))
    padding = tuple((number(0, 2), number(0, 2)) for _ in range(2))
    sizes = [(k - 1) * dilation + stride + number(1, 45) for k in window]  # at least two rows and columns
    N, groups = number(1, 3), data.draw(st.sampled_from([1, 1, 3])) if not winograd else 1
    C, K = groups * number(1, 12), groups * number(1, 40)
    options = dict(strides=(stride,) * 2, padding=padding, dilation=(dilation,) * 2,
                   groups=groups, activation=activation, alpha=0.3,
                   algorithm="winograd" if winograd else "direct")  # fmt: skip
    level, threads = data.draw(st.sampled_from(FAST)), number(1, 3)
    x, kernel = normal((N, *sizes, C), 1), normal((*window, C // groups, K), 2)
    bias = normal((K,), 3) if number(0, 1) else None
    if not (winograd and activation == "tanh"):  # whose errors are those of its sums, larger than itself
        check(lambda door, *a: [door.convolution(*a, pool=True, **options)[0]], [x, kernel, bias], level,
              np.prod(window) * C, "winograd" if winograd else "sum", threads=(threads,))  # fmt: skip
    x, kernel, bias = (None if a is None else a.astype("f4") for a in (x, kernel, bias))
    same_bytes(x, kernel, bias, level, threads, **options)


@pytest.mark.parametrize("shape, window, groups", [
    ((2, 9, 7, 3), (3, 3), 1), ((1, 4, 6, 6), (1, 1), 6), ((3, 5, 5, 4), (2, 2), 2),
    ((1, 30, 400, 1), (5, 5), 1),
])  # fmt: skip
def test_every_level_and_type(shape, window, groups):
    C, K = shape[-1], 6
    options = dict(strides=(1, 1), padding=((1, 0), (0, 1)), dilation=(1, 1), groups=groups,
                   activation="relu")  # fmt: skip
    arrays = [normal(shape, 1), normal((*window, C // groups, K), 2), normal((K,), 3)]
    check_all(lambda door, *a: door.convolution(*a, pool=True, algorithm="direct", **options)[0], *arrays,
              terms=25 * C)  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
def test_of_equals_the_first_wins_and_nan_over_all(level, algorithm):
    x = np.zeros((1, 4, 4, 1), np.float32)
    x[0, 1, 2] = np.nan
    kernel = np.zeros((3, 3, 1, 2), np.float32)
    kernel[1, 1] = 1.0
    if algorithm == "winograd":  # spreads a NaN over its tile
        x[0, 1, 2] = 5.0
    with at(level) as door:
        y, switches = door.convolution(x, kernel, strides=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1),
                                       algorithm=algorithm, pool=True)  # fmt: skip
    largest = x[0, 1, 2, 0]
    if algorithm == "direct":  # a product with 0 is NaN too: everything that sees the pixel
        assert np.isnan(y[0, 0]).all() and switches[0, 0, :, 0].tolist() == [1, 2]
    else:
        assert_close(y[0, :, :, 0], np.array([[0, largest], [0, 0]]), "winograd", 9)
        assert switches[0, 0, 1].tolist() == [6, 6]


def test_what_cannot_be_pooled_is_refused():
    door, kernel = backends.get("cpu"), np.ones((1, 3, 3, 2, 2), np.float32)
    volume = np.ones((1, 2, 5, 5, 2), np.float32)
    with pytest.raises(ValueError, match="`pool` is for two spatial axes, without residual and moments"):
        door.convolution(volume, kernel, strides=(1,) * 3, padding=((0, 0),) * 3, dilation=(1,) * 3,
                         pool=True)  # fmt: skip
    with pytest.raises(ValueError, match="without residual"):
        door.convolution(volume[:, 0], kernel[0], None, np.ones((1, 3, 3, 2), np.float32), strides=(1, 1),
                         padding=((0, 0),) * 2, dilation=(1, 1), pool=True)  # fmt: skip
