"""Formulas, reductions, strided copies, random numbers, enlarging: every level against the definition."""

import numpy as np
import pytest
from kernels import FAST, LEVELS, at, check_all, check_threads, draw

from cyconv import backends
from cyconv.backends.formula import FUNCTIONS, trace
from cyconv.testing import assert_close, check_gradients

CPU = backends.get("cpu")


def huber(prediction, target, delta):
    error = np.abs(prediction - target)
    small = error <= delta
    loss = np.where(small, 0.5 * error**2, delta * error - 0.5 * delta**2)
    return loss, np.clip(prediction - target, -1, 1)


FORMULAS = {
    "arithmetic": lambda a, b: (a + b) * (a - 2) / b - -a,
    "whole powers": lambda a, b: a**2 + b**3 - a**4 / 7,
    "power": lambda a, b: np.power(a, 0.5 * b),
    "extremes": lambda a, b: np.maximum(a, b) - np.minimum(a, 0.7) + np.clip(b, 0.5, 1.5),
    "comparisons": lambda a, b: (a < b) + 2 * (a >= b) + 4 * (a == 1.0) + 8 * ((a > 1) & ~(b > 1)),
    "where": lambda a, b: np.where((a > 1) | (b <= 1), a, -b),
    "signs": lambda a, b: np.sign(a - b) * np.abs(a - b) + np.floor(3 * a),
    "roots": lambda a, b: np.sqrt(a) + np.square(b) + np.reciprocal(a),
    "exponentials": lambda a, b: np.exp(-a) + np.expm1(b) - np.log(a) + np.log1p(b),
    "circles": lambda a, b: np.sin(3 * a) * np.cos(b) + np.tanh(a),
    "constant": lambda a, b: 3.5,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_functions(name):
    for shape in ((5,), (63, 33), (2, 3, 4, 5)):
        check_all(
            lambda ops, a, b: ops.map(FORMULAS[name], a, b), draw(*shape), draw(*shape, seed=1),
            kind="elementwise", terms=4,
        )  # fmt: skip


def test_every_function_of_the_list_was_tried():
    used = {i[0] for f in FORMULAS.values() for i in trace(f, 2).instructions}
    assert set(FUNCTIONS) <= used


# Zeros, infinities, NaN; numbers without an exponent of their own; the ends of each function.
SPECIAL = np.array(
    [np.nan, 0, -0.0, np.inf, -np.inf, 1e-40, -1e-40, 1e-30, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 4.5, -4.5, 87,
     88.5, -87, -104, 120, 1e4, 9e3, -9e3, 1e30, -1e30, 3e38, 8388607.5, -1.0000001, -0.9999999], np.float32
)  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_by_its_own_size(name, level):
    """The error relative to each value, not to the largest; the ends as NumPy has them."""
    a, b = (x.ravel() for x in np.meshgrid(SPECIAL, SPECIAL))
    c = b[::-1].copy()
    arrays = (a, b, c)[: FUNCTIONS[name]]
    function = getattr(np, name)
    with np.errstate(all="ignore"):
        expected = function(*(x.astype(np.float64) for x in arrays)).astype(np.float64)
        expected = np.where(np.abs(expected) > np.finfo(np.float32).max, np.sign(expected) * np.inf, expected)
    with at(level) as ops:
        result = ops.map(lambda *x: function(*x), *arrays)
    size = np.where(np.isfinite(expected), np.abs(expected) + np.finfo(np.float32).tiny, 1)
    if name in ("sin", "cos"):
        size[:] = 1
    assert_close(result / size.astype(np.float32), expected / size, "elementwise", what=name)


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "sqrt"])
@pytest.mark.parametrize("level", FAST)
def test_functions_of_one_number_over_their_whole_range(name, level):
    x = np.geomspace(1e-8, 85 if name in ("exp", "expm1") else 8000, 20_001).astype(np.float32)
    x = np.concatenate([x, -x[x < (0 if name in ("log", "sqrt") else 0.999)]])
    function = getattr(np, name)
    with at(level) as ops:
        result = ops.map(lambda x: function(x), x)
    expected = function(x.astype(np.float64))
    size = 1 if name in ("sin", "cos") else np.abs(expected)
    assert_close((result / size).astype(np.float32), expected / size, "elementwise", what=name)


@pytest.mark.parametrize("level", FAST)
def test_powers_keep_their_digits_far_out(level):
    base = np.geomspace(1e-30, 1e30, 301).astype(np.float32)
    a, b = (x.ravel() for x in np.meshgrid(base, np.linspace(-1.26, 1.26, 64).astype(np.float32)))
    with at(level) as ops:
        result = ops.map(lambda a, b: np.power(a, b), a, b)
    expected = np.power(a.astype(np.float64), b)
    assert_close((result / expected).astype(np.float32), np.ones_like(a), "elementwise")


@pytest.mark.parametrize(
    "shapes",
    [((4, 5, 6), (6,), (1,)), ((4, 5, 6), (5, 1), (4, 1, 1)), ((3, 1, 7), (1, 5, 1), (1, 1, 7)), ((1,),) * 3,
     ((2, 300), (300,), (2, 1)), ((70, 3), (3,), (70, 1)), ((700, 1), (700, 1), (1,)),
     ((300, 3), (3,), (300, 1)), ((300, 10), (300, 1), (10,)), ((7, 41, 3), (7, 1, 3), (41, 1)),
     ((3, 5, 2, 7), (5, 1, 7), (3, 1, 2, 1)), ((2, 1, 700), (3, 1), (1, 1, 700)), ((5, 259), (259,), (5, 1))],
)  # fmt: skip
def test_inputs_repeat_as_numpy_broadcasts_them(shapes):
    arrays = [draw(*shape, seed=i) for i, shape in enumerate(shapes)]
    check_all(lambda ops, *a: tuple(ops.map(huber, *a)), *arrays, kind="elementwise")


def test_outputs_may_be_inputs():
    def swapped_and_added(ops, a, b):
        ops.map(lambda a, b: (b, a + b), a, b, out=(a, b))
        return a, b

    def rotated(ops, a, b):
        c = a + b
        ops.map(lambda a, b, c: (b * 2, c, a + b - c), a, b, c, out=(a, b, c))
        return a, b, c

    def swapped(ops, a, b):
        ops.map(lambda a, b: (b, a), a, b, out=(a, b))
        return a, b

    def updated(ops, a, b):
        ops.map(lambda a, b, rate: (a - rate * b, a * b), a, b, np.full(1, 0.5, a.dtype), out=(b, a))
        return a, b

    for size in (1, 16, 100, 1000, 1024):
        for in_place in (swapped_and_added, rotated, swapped, updated):
            check_all(in_place, draw(size), draw(size, seed=1), kind="elementwise")


def test_one_value_may_be_several_results():
    check_all(
        lambda ops, a: tuple(ops.map(lambda a: (s := a + 1, s, a, a, s * s, 2.0 + 0 * a), a)), draw(1000),
        kind="elementwise",
    )  # fmt: skip


def test_a_formula_must_be_element_by_element():
    x = draw(5)
    for formula, message in (
        (lambda a: np.add.reduce(a), "element by element"),
        (lambda a: np.sum(a), "cannot use np.sum"),
        (lambda a: np.sort(a), "cannot use np.sort"),
        (lambda a: a if a > 0 else -a, "np.where"),
    ):
        with pytest.raises(TypeError, match=message):
            CPU.map(formula, x)
    with pytest.raises(ValueError, match="values at a time"):
        CPU.map(product_of_many, x)


def product_of_many(a):
    """Forty values that all live until the end."""
    values = [np.exp(a * (1 + i)) for i in range(40)]
    total = values[-1]
    for value in values[::-1]:
        total = total * value
    return total


def test_huber_by_hand():
    loss, slope = CPU.map(huber, np.float32([0, 3]), np.float32([0.5, 0]), np.float32([1]))
    np.testing.assert_array_equal(loss, [0.125, 2.5])
    np.testing.assert_array_equal(slope, [-0.5, 1])


@pytest.mark.parametrize("axes", [None, (0,), (-1,), (0, 1, 2), (1, 2), (1, 3), (0, 2), (2, 3)])
@pytest.mark.parametrize("name", ["sum", "maximum", "minimum"])
def test_reduce(name, axes):
    x, start = draw(4, 5, 6, 7, low=-1), draw(1000, seed=1)

    def reductions(ops, x, start):
        first = ops.reduce(x, name, axes, scale=0.5)
        added = start[: first.size].reshape(first.shape).copy()
        return first, ops.reduce(x, name, axes, scale=2.0, accumulate=True, out=added)

    check_all(reductions, x, start, terms=x.size)
    expected = getattr(x.astype(np.float64), {"sum": "sum", "maximum": "max", "minimum": "min"}[name])(axes)
    assert_close(CPU.reduce(x, name, axes), np.atleast_1d(expected), terms=x.size)


# Rows and columns, narrow and wide, of one block of the fast form and of several, and with a rest.
@pytest.mark.parametrize("shape, axes", [
    ((1,), (0,)), ((20_011,), (0,)), ((5003, 3), (0,)), ((700, 19), (0,)), ((300, 40), (0,)),
    ((3, 1700), (0,)), ((37, 3), (1,)), ((37, 200), (1,)), ((3, 9001), (1,)), ((2, 1000, 5), (1,)),
    ((2, 300, 33), (1,)), ((3, 70, 4, 65), (1, 3)), ((3, 4, 70, 5), (0, 2)), ((2, 3, 4, 50, 18), (1, 3)),
])  # fmt: skip
@pytest.mark.parametrize("name", ["sum", "maximum", "minimum"])
def test_reduce_in_blocks(name, shape, axes):
    x = draw(*shape, low=-1 if name != "sum" else 0.1)
    check_all(lambda ops, x: ops.reduce(x, name, axes, scale=2.0), x, terms=x.size)
    x.flat[x.size // 2] = np.nan
    x.flat[-1] = np.inf
    check_all(lambda ops, x: ops.reduce(x, name, axes), x, terms=x.size)
    check_threads(lambda ops, x: [ops.reduce(x, name, axes)], np.concatenate([x] * 5))


@pytest.mark.parametrize("accumulate", [False, True])
def test_strided_copies(accumulate):
    x, y = draw(2, 3, 4, 5), draw(4000, seed=1)
    for options in (
        dict(shape=(5, 4, 3, 2), x_strides=(1, 5, 20, 60), y_strides=(24, 6, 2, 1)),  # transposed
        dict(shape=(2, 2, 3, 5), x_strides=(60, 20, 5, 1), x_offset=20, y_strides=(30, 15, 5, 1)),  # cropped
        dict(shape=(2, 3, 4, 5), x_strides=(60, 20, 5, 1), y_strides=(210, 42, 6, 1), y_offset=55),  # padded
        dict(shape=(6, 120), x_strides=(0, 1), y_strides=(120, 1)),  # repeated
        dict(shape=(24, 5), x_strides=(5, -1), x_offset=4, y_strides=(5, 1)),  # reversed
        dict(shape=(2, 3, 4, 5), x_strides=(60, -20, 5, -1), x_offset=44, y_strides=(60, 20, 5, 1)),  # turned
        dict(shape=(6, 20), x_strides=(20, 1), y_strides=(40, 1)),  # every second row
        dict(shape=(3, 0, 5), x_strides=(20, 5, 1), y_strides=(20, 5, 1)),  # nothing
        dict(shape=(), x_strides=(), x_offset=7, y_strides=(), y_offset=9),
    ):
        def copied(ops, x, y, options=options):
            ops.copy(x, y, accumulate=accumulate, **options)
            return y

        check_all(copied, x, y, kind="elementwise")
    out = np.zeros((5, 4, 3, 2), np.float32)
    CPU.copy(x, out, shape=(5, 4, 3, 2), x_strides=(1, 5, 20, 60), y_strides=(24, 6, 2, 1))
    np.testing.assert_array_equal(out, x.transpose(3, 2, 1, 0))
    with pytest.raises(ValueError, match="leaves `x`"):
        CPU.copy(x, y, shape=(2,), x_strides=(-1,), y_strides=(1,))


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (1003,)])
def test_random_numbers(distribution, shape):
    state = np.array([2**32 + 5], np.uint64)
    check_all(
        lambda ops, like: ops.random(
            state, shape, like.dtype, distribution=distribution, seed=2**63, stream=3
        ),
        draw(1), kind="elementwise", terms=16,
    )  # fmt: skip


def test_normal_numbers_are_normal():
    x = CPU.random(np.array([1], np.uint64), (200_000,), "float32", distribution="normal", seed=4, stream=0)
    moments = [float(np.mean(x.astype(np.float64) ** k)) for k in (1, 2, 3, 4)]
    assert np.abs(np.array(moments) - [0, 1, 0, 3]).max() < 8 / np.sqrt(200_000) * 3


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
@pytest.mark.parametrize("shape, size", [
    ((2, 5, 3), (3,)), ((2, 4, 5, 3), (2, 3)), ((1, 1, 1, 2), (2, 2)), ((2, 2, 3, 4, 5), (2, 1, 3)),
    ((1, 6, 5, 19), (2, 2)), ((2, 3, 4, 70), (4, 1)), ((1, 40, 3, 1), (1, 5)),
])  # fmt: skip
def test_upsample(shape, size, interpolation):
    options = dict(size=size, interpolation=interpolation)

    def both(ops, x):
        y = ops.upsample(x, **options)
        return y, ops.upsample_gradient(y, **options)

    check_all(both, draw(*shape), terms=8 * int(np.prod(size)))
    ops = backends.get("reference")
    x = draw(*shape).astype(np.float64)
    r = draw(*ops.upsample(x, **options).shape, seed=1).astype(np.float64)
    check_gradients(
        lambda x: float((ops.upsample(x, **options) * r).sum()), [x], [ops.upsample_gradient(r, **options)]
    )


def test_upsample_as_keras_does():
    x = np.array([[0, 1], [2, 3]], np.float32)[None, :, :, None]
    linear = CPU.upsample(x, size=(2, 2), interpolation="linear")[0, :, :, 0]
    expected = [[0, 0.25, 0.75, 1], [0.5, 0.75, 1.25, 1.5], [1.5, 1.75, 2.25, 2.5], [2, 2.25, 2.75, 3]]
    np.testing.assert_array_equal(linear, expected)
    nearest = CPU.upsample(x, size=(2, 2))[0, :, :, 0]
    np.testing.assert_array_equal(nearest, np.kron(x[0, :, :, 0], np.ones((2, 2))))


def test_any_number_of_threads_gives_the_same_bytes():
    def all_of_them(ops, x):
        state = np.array([3], np.uint64)
        image = x.reshape(4, 50, 50, 40)
        return (
            *ops.map(huber, x, x[:1].copy(), x[1:2].copy()), ops.reduce(image, axes=(1, 2)),
            ops.reduce(image, axes=(3,)), ops.reduce(image, "maximum", (0, 1, 2)),
            ops.upsample(image, size=(2, 2), interpolation="linear"),
            ops.upsample_gradient(image, size=(2, 2), interpolation="linear"),
            ops.random(state, x.shape, x.dtype, distribution="normal", seed=1, stream=2),
        )  # fmt: skip

    check_threads(all_of_them, draw(400_000))
