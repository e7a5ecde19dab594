"""The CUDA kernels of convolution and its gradients, run on a processor, against the definition."""

from math import prod

import numpy as np
import pytest
from gpu_kernels import check, fails_without_barriers, normal, tf32

from cyconv import shapes
from cyconv.backends.gpu import tiles


def case(sizes, window, C, K, N=2, strides=1, padding=0, dilation=1, groups=1, activation="linear"):
    rank = len(sizes)

    def each(v):
        return (v,) * rank if isinstance(v, int) else v

    pairs = tuple((p, p) if isinstance(p, int) else p for p in each(padding))
    return dict(sizes=sizes, window=each(window), C=C, K=K, N=N, strides=each(strides), padding=pairs,
                dilation=each(dilation), groups=groups, activation=activation)  # fmt: skip


CASES = {
    "3x3 same": case((5, 6), 3, 4, 8, padding=1),
    "odd channels": case((5, 6), 3, 3, 5, padding=1, activation="relu"),
    "1x1, a long sum": case((6, 6), 1, 264, 16),
    "strided": case((7, 8), 3, 8, 4, padding=1, strides=2, activation="leaky_relu"),
    "stride beyond the window": case((9, 8), 2, 2, 3, strides=(3, 4)),
    "stride and dilation share a factor": case((9, 12), 3, 4, 4, strides=(2, 4), dilation=(2, 2), padding=2),
    "uneven": case((9, 8), 3, 4, 6, strides=(2, 3), dilation=(2, 1), padding=((1, 2), (0, 1)), groups=2),
    "groups of quads": case((4, 5), 3, 8, 16, padding=1, groups=2),
    "1-D": case((13,), 4, 3, 2, strides=2, padding=2, dilation=3),
    "3-D": case((3, 4, 5), (2, 3, 2), 4, 4, padding=1, strides=(1, 2, 1)),
    "depthwise": case((7, 8), 3, 8, 8, padding=1, strides=(2, 1), groups=8, activation="relu"),
    "depthwise, two of each": case((6, 5), (3, 2), 3, 6, padding=1, dilation=(2, 1), groups=3),
    "depthwise, many pixels": case((9, 10), 2, 5, 5, N=6, groups=5),
    "many pixels": case((9, 8), 3, 8, 8, N=5, padding=1),
    "one pixel": case((1, 1), 1, 4, 4, N=1),
}


def run_all(case):
    """The three passes of one geometry, as a function of (door, x, kernel, bias, dy, bias of x)."""
    geometry = {k: case[k] for k in ("strides", "padding", "dilation", "groups")} | {"algorithm": "direct"}

    def run(door, x, kernel, bias, dy, x_bias):
        fused = dict(activation=case["activation"], alpha=0.2)
        y = door.convolution(x, kernel, **fused, **geometry)
        added = door.convolution(x, kernel, bias, dy, **fused, **geometry)
        dx = door.convolution_input_gradient(dy, kernel, None, input_shape=x.shape, **geometry)
        spread = door.convolution_input_gradient(dy, kernel, x_bias, input_shape=x.shape, **fused, **geometry)
        dkernel, dbias = np.full_like(kernel, 0.5), np.full_like(bias, -0.5)  # gradients are added
        door.convolution_kernel_gradient(x, dy, dkernel, dbias, **geometry)
        return [y, added, dx, spread, dkernel, dbias]

    return run


def verify(case, rounded=lambda a: a, **options):
    sizes, window, C, K, N = (case[name] for name in ("sizes", "window", "C", "K", "N"))
    out = shapes.window_output(sizes, window, case["strides"], case["dilation"], case["padding"])
    every = (N, *sizes, C), (*window, C // case["groups"], K), (K,), (N, *out, K), (C,)
    generator = np.random.default_rng(3)
    arrays = [normal(generator, *shape, rounded=rounded) for shape in every]
    longest = max(prod(window) * C // case["groups"], prod(out) * N, prod(window) * K)
    return check(run_all(case), arrays, longest, **options)


@pytest.mark.parametrize("name", CASES)
def test_every_pass_is_the_definition_in_any_order_of_threads(name):
    verify(CASES[name])


def test_sums_are_cut_into_parts_where_there_are_few_outputs():
    def cut(passes, launched):
        return (f"convolution{passes}", "sum_parts") in zip(launched, launched[1:], strict=False)

    assert cut("", verify(CASES["1x1, a long sum"]))
    assert cut("_input_gradient", verify(case((3, 4), 1, 16, 264)))
    assert cut("_kernel_gradient", verify(case((16, 16), 1, 4, 4, N=4)))
    assert "sum_parts" not in verify(CASES["3x3 same"])[:3]


def test_doubles_for_gradient_checks():
    verify(CASES["uneven"], dtype="float64")
    verify(CASES["depthwise"], dtype="float64")


TILE_CASES = [case((9, 8), 3, 8, 12, N=3, padding=1), case((9, 8), 3, 3, 7, N=3, strides=2)]


@pytest.mark.parametrize("tile", tiles.TILES, ids=lambda tile: f"{tile.m}x{tile.n}")
def test_every_tile(tile, monkeypatch):
    monkeypatch.setattr(tiles, "TILES", (tile,))
    verify(TILE_CASES[0])
    if tile.m in (64, 256):  # one where quads are not whole
        verify(TILE_CASES[1])


@pytest.mark.parametrize("tile", [tiles.TILES[i] for i in (0, 2, 4)], ids=lambda tile: f"{tile.m}x{tile.n}")
def test_tensor_cores_on_numbers_that_they_hold_exactly(tile, monkeypatch):
    """Products of two numbers of 11 bits are exact in float32, so the tolerance is float32's own."""
    monkeypatch.setattr(tiles, "TILES", (tile,))
    verify(TILE_CASES[0], tf32, tf32=True)


@pytest.mark.parametrize("kernel", ["", "_input_gradient", "_kernel_gradient"])
def test_tiles_without_their_barrier_fail(kernel):
    def run(change):
        verify(CASES["many pixels"], orders=(0, 1), change=change)

    fails_without_barriers(run, f"convolution{kernel}", "multiply")


@pytest.mark.parametrize("kernel", ["sum_parts", "column_sums"])
def test_sums_without_their_barrier_fail(kernel):
    def run(change):
        verify(CASES["1x1, a long sum"], orders=(0, 1), change=change)

    fails_without_barriers(run, kernel, "sum_of_eight")


def test_depthwise_sums_without_their_barrier_fail():
    def run(change):
        verify(CASES["depthwise, many pixels"], orders=(0, 1), change=change)

    fails_without_barriers(run, "depthwise_kernel_gradient")
