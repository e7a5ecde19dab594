"""Every other kernel: each level and type against the definition, the same bytes for any threads."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import LEVELS, check, normal

from cyconv import activations, shapes
from cyconv._native import engine
from cyconv.testing import FACTORS

every_level = pytest.mark.parametrize("level", LEVELS)
both_types = pytest.mark.parametrize(
    ("level", "dtype"), [*((name, "float32") for name in LEVELS), ("naive", "float64")]
)


def pooled(window, strides, padding, x_shape):
    """Max and average pooling and their gradients, as a function of (door, x, dy)."""
    options = dict(window=window, strides=strides, padding=padding)

    def run(door, x, dy):
        y, switches = door.max_pool(x, **options)
        results = [y, switches, door.max_pool_gradient(dy, switches, input_shape=x_shape, **options)]
        for counted in (False, True):
            results.append(door.average_pool(x, count_padding=counted, **options))
            results.append(
                door.average_pool_gradient(dy, input_shape=x_shape, count_padding=counted, **options)
            )
        return results

    return run


def verify_pooling(level, dtype, N, sizes, C, window, strides, padding, threads=(1, 2, 3)):
    out = shapes.window_output(sizes, window, strides, (1,) * len(sizes), padding)
    shape = (N, *sizes, C)
    run = pooled(window, strides, padding, shape)
    covering = prod(-(-k // s) for k, s in zip(window, strides, strict=True))
    check(run, [normal(shape, 1), normal((N, *out, C), 2)], level, max(prod(window), covering), dtype=dtype,
          threads=threads)  # fmt: skip


@both_types
@pytest.mark.parametrize(
    ("N", "sizes", "C", "window", "strides", "padding"),
    [
        (3, (28, 28), 32, (2, 2), (2, 2), ((0, 0), (0, 0))),
        (2, (27, 25), 17, (2, 2), (2, 2), ((0, 1), (0, 1))),
        (2, (9, 9), 1, (3, 3), (1, 1), ((1, 1), (1, 1))),
        (2, (12, 11), 5, (3, 2), (2, 3), ((2, 0), (0, 1))),
        (2, (8, 8), 64, (8, 8), (1, 1), ((0, 0), (0, 0))),
        (2, (31,), 6, (4,), (2,), ((1, 2),)),
        (2, (5, 6, 7), 9, (2, 3, 2), (1, 2, 2), ((0, 0), (1, 1), (0, 1))),
        (1, (1, 1), 1, (1, 1), (1, 1), ((0, 0), (0, 0))),
    ],
)
def test_pooling(level, dtype, N, sizes, C, window, strides, padding):
    verify_pooling(level, dtype, N, sizes, C, window, strides, padding)


@st.composite
def poolings(draw):
    rank = draw(st.integers(1, 3))
    window = tuple(draw(st.integers(1, 4)) for _ in range(rank))
    padding = tuple((draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))) for k in window)
    sizes = tuple(k + draw(st.integers(0, 7)) for k in window)
    strides = tuple(draw(st.integers(1, 4)) for _ in range(rank))
    return draw(st.integers(1, 3)), sizes, draw(st.integers(1, 40)), window, strides, padding


@every_level
@settings(max_examples=40, deadline=None, derandomize=True)
@given(drawn=poolings())
def test_random_poolings(level, drawn):
    verify_pooling(level, "float32", *drawn, threads=(1, 3))


@every_level
def test_the_first_of_equal_maxima_wins_and_nan_wins_over_all(level):
    x = np.zeros((1, 4, 4, 20))
    x[0, 1, 1, 3] = np.nan
    x[0, 2:, 2:, 5] = 7.0

    def run(door, x):
        return list(door.max_pool(x, window=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0))))

    check(run, [x], level, kind="exact")


@both_types
@pytest.mark.parametrize("shape", [(4, 5), (64, 8, 8, 8), (2, 3, 33), (7, 1), (300, 64), (1, 17), (5000, 3)])
@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm(level, dtype, shape, affine):
    C, M = shape[-1], prod(shape[:-1])

    def run(door, x, dy, gamma, beta, mean, variance):
        gamma, beta = (gamma, beta) if affine else (None, None)
        mean, variance = mean.copy(), variance.copy()
        dgamma, dbeta = (np.full_like(mean, 0.5), np.full_like(mean, 0.25)) if affine else (None, None)
        y, batch_mean, inv_std = door.batch_norm(x, gamma, beta, mean, variance, momentum=0.9, epsilon=1e-3)
        dx = door.batch_norm_gradient(x, dy, gamma, batch_mean, inv_std, dgamma, dbeta)
        z, fixed = door.batch_norm_inference(x, gamma, beta, mean, variance, epsilon=1e-3)
        dz = door.batch_norm_gradient(x, dy, gamma, mean, fixed, training=False)
        results = [y, batch_mean, inv_std, mean, variance, dx, z, fixed, dz]
        return results + ([dgamma, dbeta] if affine else [])

    spread = [normal(shape, 1) * 2 + 3, normal(shape, 2), normal((C,), 3), normal((C,), 4), normal((C,), 5)]
    # One row has variance 0: inv_std is sqrt(1000), which multiplies the rounding of the mean.
    check(run, [*spread, normal((C,), 6) ** 2], level, M, "network", dtype)


@both_types
@pytest.mark.parametrize(
    ("M", "N", "K"), [(64, 10, 512), (1, 1, 1), (5, 33, 17), (128, 120, 400), (3, 64, 1)]
)
def test_matmul(level, dtype, M, N, K):
    def run(door, a, b, bias, c):
        results = [door.matmul(a, b, bias, activation="relu"), door.matmul(a, b, bias, activation="tanh")]
        for ta in (False, True):
            for tb in (False, True):
                left, right = (np.ascontiguousarray(m.T) if t else m for m, t in ((a, ta), (b, tb)))
                results.append(door.matmul(left, right, transpose_a=ta, transpose_b=tb))
                results.append(
                    door.matmul(left, right, transpose_a=ta, transpose_b=tb, accumulate=True, out=c.copy())
                )
        return results

    arrays = [normal((M, K), 1), normal((K, N), 2), normal((N,), 3), normal((M, N), 4)]
    check(run, arrays, level, K, dtype=dtype)


@both_types
@pytest.mark.parametrize("shape", [(7, 5), (1000, 3), (4, 6, 64), (1, 1)])
def test_sums(level, dtype, shape):
    def run(door, x):
        rows = np.full(shape[-1], 2.0, x.dtype)
        door.reduce(x, axes=tuple(range(x.ndim - 1)), accumulate=True, out=rows)
        return [rows, door.reduce(x, scale=0.5)]

    check(run, [normal(shape) + 1], level, prod(shape), dtype=dtype)


POINTS = np.concatenate([
    np.linspace(-12, 12, 999), [0.0, -0.0, 1e-30, -1e-30, 1e-4, -1e-4, 3, -3, 6, 88, -88, 1e4, -1e4],
]).astype(np.float32).astype(np.float64)  # fmt: skip


@both_types
@pytest.mark.parametrize("name", activations.NAMES)
def test_activations(level, dtype, name):
    points = POINTS if name not in ("exponential",) else POINTS[np.abs(POINTS) < 20]

    def run(door, x, dy):
        y = door.activation(x, name, 0.3)
        given = (x, None) if name in engine.NEEDS_INPUT else (None, y)
        in_place = x.copy()
        door.activation(in_place, name, 0.3, out=in_place)
        return [y, in_place, door.activation_gradient(dy, *given, name, 0.3)]

    check(run, [points, normal(points.shape)], level, kind="network", dtype=dtype)


@every_level
@pytest.mark.parametrize("name", activations.NAMES)
def test_activations_pass_nan_on(level, name):
    def run(door, x):
        return [np.isnan(door.activation(x, name, 0.3)).astype(np.int32)]

    x = np.array([np.nan] * 3 + [1.0] * 20 + [np.nan])
    check(run, [x], level, kind="exact")


@both_types
@pytest.mark.parametrize("shape", [(5, 10), (3, 1), (200, 3), (2, 3, 70), (1000, 10)])
def test_softmax(level, dtype, shape):
    def run(door, x, dy):
        y = door.softmax(x)
        return [y, door.softmax_gradient(dy, y), door.softmax(x * 50)]

    check(run, [normal(shape, 1), normal(shape, 2)], level, shape[-1], dtype=dtype)


@both_types
@pytest.mark.parametrize("name", engine.BINARIES)
def test_binary(level, dtype, name):
    def run(door, a, b, row):
        return [door.binary(a, b, name), door.binary(a, row, name), door.binary(a, b, name, out=a.copy())]

    check(run, [normal((30, 7, 33), 1), normal((30, 7, 33), 2), normal((33,), 3)], level, kind="elementwise",
          dtype=dtype)  # fmt: skip


@both_types
@pytest.mark.parametrize("size", [1, 5, 63, 4096, 100_001])
def test_dropout_and_fill(level, dtype, size):
    def run(door, x, state):
        results = [door.dropout(x, state, rate=r, seed=2**40 + 3, stream=7) for r in (0.1, 0.5)]
        return [*results, door.fill(np.empty_like(x), 0.25)]

    state = np.array([9], np.uint64)
    check(run, [normal((size,)), state], level, kind="elementwise", dtype=dtype)


@both_types
def test_copy(level, dtype):
    def run(door, x, y):
        results = []
        for options in (
            dict(shape=(6, 4), x_strides=(4, 1), y_offset=3, y_strides=(9, 1)),
            dict(shape=(24,), x_strides=(1,), y_strides=(1,), accumulate=True),
            dict(shape=(3, 2), x_offset=5, x_strides=(6, 1), y_offset=1, y_strides=(2, 1)),
        ):
            out = y.copy()
            door.copy(x, out, **options)
            results.append(out)
        return results

    check(run, [normal((24,), 1), normal((54,), 2)], level, kind="elementwise", dtype=dtype)


def probabilities(shape, seed=0):
    p = np.random.default_rng(seed).random(shape) + 0.05
    return (p / p.sum(-1, keepdims=True)).astype(np.float32).astype(np.float64)


@both_types
@pytest.mark.parametrize("shape", [(6, 10), (1, 2), (300, 3), (2, 5, 4, 33)])
@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize(
    ("kind", "smoothing"),
    [("categorical", 0.0), ("categorical", 0.1), ("binary", 0.0), ("binary", 0.1), ("sparse", 0.0)],
)
def test_cross_entropy(level, dtype, shape, kind, from_logits, smoothing):
    classes = shape[-1]
    labels = (np.arange(prod(shape[:-1])) % classes).reshape(shape[:-1]).astype(np.int32)
    target = labels if kind == "sparse" else probabilities(shape, 1)

    def run(door, p, target, weight):
        options = dict(kind=kind, from_logits=from_logits, label_smoothing=smoothing, scale=0.25)
        results = [*door.cross_entropy(p, target, **options)]
        results += door.cross_entropy(p, target, weight, **options)
        if kind == "sparse":
            results += door.cross_entropy(p, target, ignore_class=0, **options)
        return results

    p = normal(shape, 2) * 3 if from_logits else probabilities(shape, 2)
    check(run, [p, target, probabilities(shape[:-1], 3)], level, classes, "network", dtype)


@every_level
def test_labels_out_of_range_give_nan_and_touch_nothing_else(level):
    def run(door, p, target):
        loss, gradient = door.cross_entropy(p, target, kind="sparse", from_logits=False)
        return [np.isnan(loss).astype(np.int32), gradient[1:-1]]

    target = np.array([-1, 0, 2, 2**31 - 1], np.int32)
    check(run, [probabilities((4, 3)), target], level, 3, "network")


@both_types
@pytest.mark.parametrize("shape", [(6, 10), (1, 1), (300, 3), (2, 5, 4, 33)])
def test_accuracy(level, dtype, shape):
    labels = (np.arange(prod(shape[:-1])) % shape[-1]).reshape(shape[:-1]).astype(np.int32)
    bits = (normal(shape, 4) > 0).astype(np.float64)

    def run(door, p, t, bits, labels):
        return [
            door.accuracy(p, t, kind="categorical"),
            door.accuracy(p, labels, kind="sparse"),
            door.accuracy(p, bits, kind="binary", threshold=0.1),
        ]

    arrays = [normal(shape, 1), normal(shape, 2), bits, labels]
    check(run, arrays, level, shape[-1], dtype=dtype)


@both_types
@pytest.mark.parametrize("size", [1, 7, 1000, 70_001])
def test_optimisers(level, dtype, size):
    def run(door, g, w, m, v):
        hyper, results = np.array([0.1, 0.9], w.dtype), []
        for momentum, nesterov in ((False, False), (True, False), (True, True)):
            weight, slot = w.copy(), m.copy() if momentum else None
            door.sgd(g, hyper, weight, slot, nesterov=nesterov)
            results += [weight] + ([slot] if momentum else [])
        weight, first, second = w.copy(), m.copy(), v.copy()
        door.adam(g, np.array([0.01, 0.9, 0.999, 1e-7], w.dtype), weight, first, second)
        return [*results, weight, first, second]

    arrays = [normal((size,), 1), normal((size,), 2), normal((size,), 3), normal((size,), 4) ** 2 + 0.01]
    check(run, arrays, level, kind="elementwise", dtype=dtype)


def test_every_kind_of_rounding_has_its_place_in_the_table():
    assert set(FACTORS) == {"exact", "elementwise", "sum", "winograd", "network"}
