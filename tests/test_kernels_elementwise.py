"""Activations, arithmetic, copies, dropout, sums, optimisers: all levels and dtypes against the reference."""

import numpy as np
import pytest
from kernels import FAST, LEVELS, at, check_all, check_threads, draw

from cyconv import backends
from cyconv._native import engine
from cyconv.backends import reference
from cyconv.testing import assert_close

SIZES = [1, 3, 15, 16, 17, 70, 1003]
LARGE = 300_007  # several threads, and a rest
SPECIAL = np.array([np.nan, 0.0, -0.0, 1e-6, -1e-6, 60, -60, 200, -200, 1e-30, 3, -3, 6, 1, -1], np.float32)


def inputs(size, seed=0):
    """Values of all magnitudes, the special ones first."""
    x = draw(size, seed=seed, low=-4, high=4) * np.resize(np.float32([0.01, 1, 8]), size)
    x[: len(SPECIAL)] = SPECIAL[:size]
    return x


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", engine.ACTIVATIONS)
def test_activation(name, size):
    x = inputs(size)
    if name == "exponential":
        x = np.minimum(x, 60) / 20  # values of one magnitude, which one scale fits
    check_all(lambda ops, x: ops.activation(x, name, 0.3), x, kind="elementwise")
    check_all(lambda ops, x: ops.activation(x, name, 0.3, out=x), x, kind="elementwise")


@pytest.mark.parametrize("name", ["tanh", "elu", "selu", "softsign", "gelu", "exponential", "softplus"])
@pytest.mark.parametrize("level", LEVELS)
def test_activation_keeps_its_digits_near_zero_and_far_out(name, level):
    """The error relative to each value, not to the largest."""
    x = np.concatenate([np.logspace(-6, 0, 50), np.linspace(1, 30, 40)]).astype(np.float32)
    x = np.concatenate([x, -x[x < 1]])
    with at(level) as ops:
        y = ops.activation(x, name, 1.0)
    expected = backends.get("reference").activation(x.astype(np.float64), name, 1.0)
    size = np.abs(expected) + np.finfo(np.float32).tiny
    assert_close((y / size).astype(np.float32), expected / size, "elementwise", terms=4, what=name)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", engine.ACTIVATIONS)
def test_activation_gradient(name, size):
    x = np.nan_to_num(inputs(size))
    if name == "exponential":
        x = np.minimum(x, 60) / 20
    y = np.asarray(reference.ACTIVATIONS[name][0](x.astype(np.float64), 0.3)).astype(np.float32)
    x, y = (x, None) if name in engine.NEEDS_INPUT else (None, y)
    dy = draw(size, low=-2, high=2)
    rule = dict(kind="elementwise", terms=4)  # a sum of products of such functions
    check_all(lambda ops, dy, x, y: ops.activation_gradient(dy, x, y, name, 0.3), dy, x, y, **rule)
    check_all(lambda ops, dy, x, y: ops.activation_gradient(dy, x, y, name, 0.3, out=dy), dy, x, y, **rule)


@pytest.mark.parametrize(
    "a_shape, b_shape", [((70,), (70,)), ((7, 33), (33,)), ((90, 1), (1,)), ((5, 3, 2), (3, 2))]
)
@pytest.mark.parametrize("name", engine.BINARIES)
def test_binary(name, a_shape, b_shape):
    a, b = draw(*a_shape, low=-2), draw(*b_shape, seed=1, low=-2)
    a.flat[2] = b.flat[-1] = np.nan
    check_all(lambda ops, a, b: ops.binary(a, b, name), a, b, kind="elementwise")
    check_all(lambda ops, a, b: ops.binary(a, b, name, out=a), a, b, kind="elementwise")


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("outer, inner", [(1, 1), (5, 3), (3, 40), (1, 200), (9, 16)])
def test_copy(outer, inner, accumulate):
    options = dict(
        shape=(outer, inner), x_offset=2, x_strides=(inner + 1, 1), y_offset=3, y_strides=(inner + 4, 1),
        accumulate=accumulate,
    )  # fmt: skip

    def copy(ops, x, y):
        ops.copy(x, y, **options)
        return y

    x, y = draw(2 + outer * (inner + 1)), draw(3 + outer * (inner + 4), seed=1)
    check_all(copy, x, y, kind="elementwise")


@pytest.mark.parametrize("size", [*SIZES, LARGE])
def test_fill_and_sum(size):
    check_all(lambda ops, y: ops.fill(y, 2.5), draw(size), kind="exact")
    check_all(lambda ops, x: ops.reduce(x, scale=0.5), draw(size), terms=size)


@pytest.mark.parametrize("size", [1, 4, 7, 63, 64, 65, 1003])
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9])
def test_dropout(rate, size):
    x = draw(size)
    x[0] = np.nan  # a dropped NaN is 0
    for seed, stream, step in ((0, 0, 0), (2**63 + 12345, 7, 2**32 + 5)):
        state = np.array([step], np.uint64)
        check_all(
            lambda ops, x, s=state, seed=seed, stream=stream: ops.dropout(
                x, s, rate=rate, seed=seed, stream=stream
            ),
            x, kind="elementwise",
        )  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["plain", "momentum", "nesterov"])
def test_sgd(kind, size):
    def sgd(ops, gradient, hyper, w, momentum):
        ops.sgd(gradient, hyper, w, momentum, nesterov=kind == "nesterov")
        return (w,) if momentum is None else (w, momentum)

    momentum = None if kind == "plain" else draw(size, seed=2)
    hyper = np.array([0.1, 0.9], np.float32)
    check_all(sgd, draw(size), hyper, draw(size, seed=1, low=1.0), momentum, kind="elementwise", terms=4)


@pytest.mark.parametrize("size", SIZES)
def test_adam(size):
    def adam(ops, gradient, hyper, w, m, v):
        ops.adam(gradient, hyper, w, m, v)
        return w, m, v

    hyper = np.array([0.01, 0.9, 0.99, 1e-7], np.float32)
    arrays = [draw(size, seed=seed) for seed in range(4)]
    check_all(adam, arrays[0], hyper, *arrays[1:], kind="elementwise", terms=4)
    tiny = np.resize(np.float32([0, 1e-8, 1e-7, -1e-6]), size)  # what epsilon is for
    check_all(adam, tiny, hyper, *(np.zeros(size, np.float32) for _ in range(3)), kind="elementwise", terms=4)


def test_any_number_of_threads_gives_the_same_bytes():
    state, hyper = np.zeros(1, np.uint64), np.array([0.01, 0.9, 0.99, 1e-7], np.float32)

    def all_of_them(ops, x, b, hyper):
        w, m, v = x.copy(), x.copy(), np.abs(x)
        ops.adam(x, hyper, w, m, v)
        u = x.copy()
        ops.sgd(x, hyper[:2].copy(), u, m)
        z = x.copy()
        ops.copy(x, z, shape=(3, 1000), x_strides=(2000, 1), y_strides=(1500, 1), accumulate=True)
        return (
            ops.activation(x, "tanh"), ops.activation_gradient(x, None, x, "tanh"), ops.binary(x, x, "add"),
            ops.binary(x.reshape(-1, len(b)), b, "multiply"), ops.reduce(x),
            ops.binary(x.reshape(-1, 1), b[:1].copy(), "subtract"),
            ops.dropout(x, state, rate=0.3, seed=1, stream=2), ops.fill(np.empty_like(x), 3.0), w, u, z,
        )  # fmt: skip

    check_threads(all_of_them, draw(LARGE - 7, low=-1, high=1), draw(100), hyper)


@pytest.mark.parametrize("level", FAST)
def test_large_arrays_are_done_to_the_end(level):
    x = draw(LARGE)
    with at(level) as ops:
        np.testing.assert_array_equal(ops.binary(x, x, "add"), x + x)
        np.testing.assert_array_equal(ops.fill(np.empty_like(x), 3.0), np.full_like(x, 3.0))
