"""Winograd's form of the three passes against the definition in float64, and the choice of "auto"."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels import FAST, as_type, at, check, draw, draws, normal

from cyconv import backends, layers
from cyconv.backends import algorithms
from cyconv.backends.interface import Pair
from cyconv.testing import assert_close


def passes(padding, activation="linear", algorithm="winograd"):
    """The three passes as one function of (door, x, kernel, bias, dy)."""
    geometry = dict(strides=(1, 1), padding=padding, dilation=(1, 1), algorithm=algorithm)

    def run(door, x, kernel, bias, dy):
        dkernel, dbias = np.ones_like(kernel), np.ones_like(bias)
        door.convolution_kernel_gradient(x, dy, dkernel, dbias, **geometry)
        return [
            door.convolution(x, kernel, bias, activation=activation, alpha=0.3, **geometry),
            door.convolution(x, kernel, None, dy, **geometry),
            door.convolution_input_gradient(dy, kernel, input_shape=x.shape, **geometry),
            door.convolution_input_gradient(dy, kernel, input_shape=x.shape, accumulate=True, out=x.copy(),
                                            **geometry),
            dkernel, dbias,
        ]  # fmt: skip

    return run


def arrays(N, H, W, C, K, padding):
    (top, bottom), (left, right) = padding
    out = (N, H + top + bottom - 2, W + left + right - 2, K)
    return [normal((N, H, W, C), 1), normal((3, 3, C, K), 2), normal((K,), 3), normal(out, 4)]


SAME, VALID = ((1, 1), (1, 1)), ((0, 0), (0, 0))
SHAPES = [  # N, H, W, C, K, padding: whole tiles, parts of tiles, one pixel, odd channels, many blocks
    (2, 8, 8, 16, 16, SAME), (1, 11, 7, 5, 9, VALID), (1, 1, 1, 3, 3, SAME), (1, 3, 3, 1, 1, VALID),
    (3, 13, 13, 32, 64, VALID), (1, 4, 5, 70, 40, SAME), (1, 5, 33, 17, 33, ((2, 1), (0, 3))),
    (2, 32, 32, 16, 32, SAME), (9, 32, 32, 3, 2, SAME), (2, 9, 8, 100, 130, SAME), (1, 2, 3, 64, 64, SAME),
    (1, 15, 38, 70, 64, VALID),
]  # fmt: skip


@pytest.mark.parametrize("level", FAST)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_three_passes(level, shape):
    *sizes, padding = shape
    terms = max(9 * max(sizes[3:]), sizes[0] * sizes[1] * sizes[2])
    check(passes(padding), arrays(*sizes, padding), level, terms, "winograd")


@pytest.mark.parametrize("shape", [(4, 16, 16, 904, 16), (1, 70, 70, 160, 96)], ids=str)
def test_position_by_position_in_batches(shape):
    """Many channels: the kernel gradient of both shapes has two batches of tiles."""
    N, H, W, C, _ = shape
    check(passes(SAME), arrays(*shape, SAME), FAST[-1], max(9 * C, N * H * W), "winograd", threads=(1, 3))


@draws
@given(st.data())
def test_random_shapes(data):
    N, C, K = (data.draw(st.integers(1, n)) for n in (3, 40, 40))
    padding = tuple((data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))) for _ in range(2))
    H, W = (data.draw(st.integers(max(3 - sum(p), 1), 14)) for p in padding)
    activation = data.draw(st.sampled_from(["linear", "relu", "softplus", "leaky_relu"]))
    level = data.draw(st.sampled_from(FAST))
    terms = max(9 * max(C, K), N * H * W)
    drawn = arrays(N, H, W, C, K, padding)
    check(passes(padding, activation), drawn, level, terms, "winograd", threads=(1, 2))


PAIRS = [(2, 8, 8, 16, 16, 16), (1, 11, 7, 32, 5, 9), (3, 13, 13, 16, 33, 40), (1, 2, 3, 48, 1, 17)]


@pytest.mark.parametrize("level", FAST)
@pytest.mark.parametrize("shape", PAIRS, ids=str)
def test_two_images_as_one(level, shape):
    """x and dx in two arrays: the definition's values, and the bytes of the same in one array."""
    N, H, W, split, rest, K = shape
    geometry = dict(strides=(1, 1), padding=SAME, dilation=(1, 1), algorithm="winograd")

    def run(door, x, kernel, bias, dy, pair=True):
        given = Pair(x[..., :split].copy(), x[..., split:].copy()) if pair else x
        if pair:
            assert door.takes_pair(given, kernel, **geometry)
        dkernel, dbias = np.ones_like(kernel), np.ones_like(bias)
        door.convolution_kernel_gradient(given, dy, dkernel, dbias, **geometry)
        dx = door.convolution_input_gradient(dy, kernel, input_shape=x.shape, split=split if pair else None,
                                             **geometry)  # fmt: skip
        return [door.convolution(given, kernel, bias, activation="relu", **geometry), dkernel, dbias,
                np.concatenate(dx, -1) if pair else dx]  # fmt: skip

    x, kernel, bias, dy = given = arrays(N, H, W, split + rest, K, SAME)
    check(run, given, level, max(9 * (split + rest), 9 * K, N * H * W), "winograd")
    with at(level) as door:
        single = as_type(given, np.float32)
        for one, two in zip(run(door, *single, pair=False), run(door, *single), strict=True):
            np.testing.assert_array_equal(one, two)


def test_two_images_are_refused_where_they_are_not_read():
    door, kernel = backends.get("cpu"), draw(3, 3, 40, 8)
    geometry = dict(strides=(1, 1), padding=SAME, dilation=(1, 1))
    odd, even = Pair(draw(1, 9, 9, 20), draw(1, 9, 9, 20)), Pair(draw(1, 9, 9, 16), draw(1, 9, 9, 24))
    assert not door.takes_pair(odd, kernel, algorithm="winograd", **geometry)
    assert not door.takes_pair(even, kernel, algorithm="direct", **geometry)
    with pytest.raises(ValueError, match="two images as one, and moments, are for Winograd"):
        door.convolution(even, kernel, algorithm="direct", **geometry)
    for more in ({"activation": "tanh"}, {"accumulate": True, "out": even.first}):
        with pytest.raises(ValueError, match="`split` goes without activation"):
            door.convolution_input_gradient(draw(1, 9, 9, 8), kernel, input_shape=even.shape, split=16,
                                            **more, **geometry)  # fmt: skip


def test_padding_before_planes_is_not_for_tiles():
    """Planes of zeros are planes that Winograd's images do not have: "auto" takes another form."""
    x, kernel = draw(2, 3, 6, 7, 16), draw(1, 3, 3, 16, 16)
    for depth in ((1, 1), (0, 2)):
        geometry = dict(strides=(1,) * 3, padding=(depth, (1, 1), (1, 1)), dilation=(1,) * 3)
        expected = backends.get("reference").convolution(x.astype("f8"), kernel.astype("f8"), **geometry)
        door = backends.get("cpu")
        assert_close(door.convolution(x, kernel, **geometry), expected, terms=144)
        dx = door.convolution_input_gradient(expected.astype("f4"), kernel, input_shape=x.shape, **geometry)
        assert_close(dx, backends.get("reference").convolution_input_gradient(
            expected, kernel.astype("f8"), input_shape=x.shape, **geometry), terms=144)  # fmt: skip
        assert door.moments_shape(x, kernel, **geometry) is None
        with pytest.raises(ValueError, match="padded around planes alone"):
            door.convolution(x, kernel, algorithm="winograd", **geometry)


def test_one_dimension_more_is_more_images():
    x, kernel = draw(2, 3, 6, 7, 4), draw(1, 3, 3, 4, 5)
    geometry = dict(strides=(1,) * 3, padding=((0, 0), (1, 1), (1, 1)), dilation=(1,) * 3)
    expected = backends.get("reference").convolution(x.astype("f8"), kernel.astype("f8"), **geometry)
    actual = backends.get("cpu").convolution(x, kernel, algorithm="winograd", **geometry)
    assert_close(actual, expected, "winograd", 36)


def test_by_hand():
    """A kernel of ones over an image of ones: the number of neighbours."""
    x, kernel = np.ones((1, 5, 5, 1), np.float32), np.ones((3, 3, 1, 1), np.float32)
    y = backends.get("cpu").convolution(
        x, kernel, strides=(1, 1), padding=SAME, dilation=(1, 1), algorithm="winograd"
    )
    expected = [[4, 6, 6, 6, 4], [6, 9, 9, 9, 6], [6, 9, 9, 9, 6], [6, 9, 9, 9, 6], [4, 6, 6, 6, 4]]
    assert_close(y[0, :, :, 0], np.float64(expected), "winograd", 9)


@pytest.mark.parametrize(
    "options", [dict(strides=2), dict(kernel_size=5), dict(dilation_rate=2), dict(groups=2)], ids=str
)
def test_it_is_refused_where_it_does_not_exist(options):
    layer = layers.Conv2D(4, **{"kernel_size": 3, "algorithm": "winograd", **options})
    with pytest.raises(ValueError, match="3x3 windows with strides, dilation and groups of 1.*'auto'"):
        layer(np.zeros((1, 9, 9, 4), np.float32))


def choice(batch, out, C, K, window=(3, 3), strides=(1, 1), groups=1):
    return algorithms.choose("auto", batch, out, C, K, window, strides, SAME, (1, 1), groups)


def test_auto_takes_winograd_where_it_pays():
    assert choice(32, (32, 32), 16, 16) == choice(2, (64, 64), 64, 64) == "winograd"
    assert choice(32, (32, 32), 3, 16) == "direct"  # few channels: nothing but transforms
    assert choice(32, (1, 1), 64, 64) == "direct"  # one pixel fills a sixteenth of a tile
    assert choice(32, (32, 32), 64, 64, strides=(2, 2)) == choice(32, (32, 32), 64, 64, (1, 1)) == "direct"
    assert choice(32, (32, 32), 64, 64, groups=2) == "direct"
