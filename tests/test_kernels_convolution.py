"""Convolution and both gradients: every level and type against the definition, on a grid and random draws."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import FAST, LEVELS, check, normal

from cyconv import shapes


def sizes_out(case):
    return shapes.window_output(
        case["sizes"], case["window"], case["strides"], case["dilation"], case["padding"]
    )


def run_all(case, algorithm="direct"):
    """The three passes of one geometry, as a function of (door, x, kernel, bias, dy)."""
    geometry = {k: case[k] for k in ("strides", "padding", "dilation", "groups")} | {"algorithm": algorithm}

    def run(door, x, kernel, bias, dy):
        fused = dict(activation=case["activation"], alpha=0.2)
        y = door.convolution(x, kernel, bias, **fused, **geometry)
        added = door.convolution(x, kernel, bias, dy, **fused, **geometry)
        dx = door.convolution_input_gradient(dy, kernel, None, input_shape=x.shape, **geometry)
        spread = door.convolution_input_gradient(
            dy, kernel, x[(0,) * (x.ndim - 1)].copy(), input_shape=x.shape, activation="relu", **geometry
        )
        dkernel, dbias = np.full_like(kernel, 0.5), np.full_like(bias, -0.5)  # gradients are added
        door.convolution_kernel_gradient(x, dy, dkernel, dbias, **geometry)
        return [y, added, dx, spread, dkernel, dbias]

    return run


def verify(case, level, dtype="float32", threads=(1, 2, 3)):
    C, K = case["channels"]
    x = normal((case["N"], *case["sizes"], C), 1)
    kernel = normal((*case["window"], C // case["groups"], K), 2)
    dy = normal((case["N"], *sizes_out(case), K), 4)
    longest = max(prod(kernel.shape[:-1]), prod(dy.shape[:-1]), prod(case["window"]) * K)
    check(run_all(case), [x, kernel, normal((K,), 3), dy], level, longest, dtype=dtype, threads=threads)


def case(sizes, window, channels, N=2, strides=1, padding=0, dilation=1, groups=1, activation="linear"):
    rank = len(sizes)

    def each(v):
        return (v,) * rank if isinstance(v, int) else v

    pairs = tuple((p, p) if isinstance(p, int) else p for p in each(padding))
    return dict(sizes=sizes, window=each(window), channels=channels, N=N, strides=each(strides),
                padding=pairs, dilation=each(dilation), groups=groups, activation=activation)  # fmt: skip


GRID = {
    "first layer": case((28, 28), 3, (1, 32), activation="relu"),
    "rgb": case((17, 19), 3, (3, 16), padding=1),
    "5x5": case((14, 14), 5, (6, 16), activation="tanh"),
    "5x5, few filters": case((28, 28), 5, (1, 6), padding=2, activation="tanh"),
    "few filters of many channels": case((12, 41), 3, (17, 3), padding=1, activation="relu"),
    "one filter, a long row": case((5, 400), 5, (3, 1), padding=2, activation="elu"),
    "few filters, stride": case((13, 23), 3, (9, 4), strides=(2, 1), dilation=(1, 3), padding=(1, 2)),
    "few filters, 3-D": case((4, 6, 19), (2, 3, 3), (5, 2), padding=1),
    "few filters, 1-D": case((70,), 9, (20, 7), padding=((3, 5),)),
    "few channels behind a stride": case((17, 21), 5, (4, 24), strides=2, padding=2),
    "3x3 same": case((16, 16), 3, (16, 16), padding=1, N=4),
    "3x3 wide": case((8, 8), 3, (64, 64), padding=1, activation="relu"),
    "3x3 odd channels": case((9, 7), 3, (33, 35), padding=1),
    "1x1": case((8, 8), 1, (48, 40)),
    "1x1 stride 2": case((9, 9), 1, (16, 32), strides=2),
    "stride 2": case((16, 15), 3, (16, 32), strides=2, padding=((0, 1), (1, 0))),
    "stride past the window": case((13, 11), 2, (5, 7), strides=3),
    "dilated": case((15, 15), 3, (8, 8), padding=2, dilation=2),
    "dilated and strided": case((17, 15), 3, (8, 9), padding=3, dilation=(2, 3), strides=(3, 2)),
    "groups": case((9, 9), 3, (12, 18), groups=3, padding=1),
    "depthwise": case((12, 12), 3, (37, 37), groups=37, padding=1, activation="relu"),
    "depthwise stride 2": case((12, 11), 3, (16, 16), groups=16, strides=2, padding=1),
    "depthwise multiplier": case((9, 9), 3, (8, 24), groups=8),
    "small map": case((4, 4), 3, (32, 32), padding=1, N=5),
    "one pixel": case((1, 1), 1, (1, 1), N=1),
    "window as large as the image": case((5, 6), (5, 6), (7, 9)),
    "more padding than image": case((2, 3), 3, (4, 5), padding=3),
    "1-D": case((50,), 5, (4, 20), strides=2, padding=((4, 0),)),
    "1-D long": case((700,), 3, (2, 3), dilation=8),
    "3-D": case((6, 7, 8), 3, (5, 18), padding=1, activation="relu"),
    "3-D strided": case((7, 6, 5), (3, 2, 1), (4, 6), strides=(2, 1, 3), padding=((0, 2), (1, 0), (0, 0))),
    "transposed 2x2": case((12, 12), 2, (16, 32), strides=2),
    "a large image": case((96, 80), 3, (16, 16), padding=1, N=1),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", GRID)
def test_grid(name, level):
    verify(GRID[name], level)


@pytest.mark.parametrize("name", [n for n in GRID if "large" not in n])
def test_the_textbook_loops_in_float64(name):
    verify(GRID[name], "naive", "float64", threads=(1,))


@st.composite
def cases(draw):
    """Any geometry that has an output: 1 to 3 axes, stride, uneven padding, dilation, groups."""
    rank = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    per_group, filters = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    if draw(st.booleans()) and groups > 1:
        groups, per_group, filters = draw(st.integers(2, 40)), 1, 1  # depthwise

    def axes(strategy):
        return tuple(draw(st.tuples(*[strategy] * rank)))

    window, dilation = axes(st.integers(1, 4)), axes(st.integers(1, 3))
    padding = axes(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    smallest = [
        max(1, shapes.extent(k, d) - b - a) for k, d, (b, a) in zip(window, dilation, padding, strict=True)
    ]
    sizes = tuple(n + draw(st.integers(0, 9)) for n in smallest)
    return dict(N=draw(st.integers(1, 3)), sizes=sizes, window=window, dilation=dilation, padding=padding,
                strides=axes(st.integers(1, 4)), groups=groups,
                channels=(groups * per_group, groups * filters),
                activation=draw(st.sampled_from(["linear", "relu", "leaky_relu", "sigmoid"])))  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(drawn=cases())
def test_random_geometries(level, drawn):
    verify(drawn, level, threads=(1, 3))


@pytest.mark.parametrize("level", FAST)
def test_long_sums_keep_their_digits(level):
    """Half a million equal terms: one float32 that adds them all up is off by a thousandth."""
    x, dy = np.ones((8, 260, 260, 1)), np.full((8, 256, 256, 1), 0.061403509229421616)

    def run(door, x, dy):
        dkernel, dbias = np.zeros((5, 5, 1, 1), x.dtype), np.zeros(1, x.dtype)
        door.convolution_kernel_gradient(x, dy, dkernel, dbias, strides=(1, 1), padding=((0, 0),) * 2,
                                         dilation=(1, 1), algorithm="direct")  # fmt: skip
        return [dkernel, dbias]

    check(run, [x, dy], level, terms=4096, threads=(1,))
