"""Pooling and its gradients: every level, both dtypes, against the reference."""

from math import prod

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kernels import check_all, check_threads, draw, draws

from cyconv import backends, shapes


@st.composite
def geometries(draw_):
    """x's shape, window, strides, padding, dilation."""

    def integer(low, high):
        return draw_(st.integers(low, high))

    rank = integer(1, 3)
    sizes, window, strides, padding, dilation = [], [], [], [], []
    for _ in range(rank):
        k, d = integer(1, 4), integer(1, 2)
        reach = shapes.extent(k, d)
        before, after = integer(0, reach - 1), integer(0, reach - 1)
        size = max(integer(1, (0, 30, 9, 5)[rank]), reach - before - after)
        sizes.append(size), window.append(k), strides.append(integer(1, 4))
        padding.append((before, after)), dilation.append(d)
    shape = (integer(1, 3), *sizes, draw_(st.sampled_from([1, 2, 5, 8, 16, 17, 33])))
    options = dict(
        window=tuple(window), strides=tuple(strides), padding=tuple(padding), dilation=tuple(dilation)
    )
    # A dilated window may step over all of a small image; that has no maximum.
    _, switches = backends.get("reference").max_pool(tied_values(shape), **options)
    assume((switches >= 0).all())
    return shape, *options.values()


def tied_values(shape):
    """Positive values with ties; the maximum must be the first of equal ones."""
    return np.ceil(draw(*shape, low=0.1, high=6.0))


def check_pooling(shape, window, strides, padding, dilation):
    options = dict(window=window, strides=strides, padding=padding)
    terms = prod(window)

    def max_pool(ops, x):
        return ops.max_pool(x, dilation=dilation, **options)

    def max_pool_and_back(ops, x, dy):
        _, switches = max_pool(ops, x)
        return ops.max_pool_gradient(dy, switches, input_shape=shape, dilation=dilation, **options)

    def max_pool_and_added(ops, x, dy):
        if not ops.adds_gradients:
            return ops.binary(x, max_pool_and_back(ops, x, dy), "add")
        _, switches = max_pool(ops, x)
        return ops.max_pool_gradient(dy, switches, input_shape=shape, dilation=dilation, accumulate=True,
                                     out=x.copy(), **options)  # fmt: skip

    x = tied_values(shape)
    out = shapes.window_output(shape[1:-1], window, strides, dilation, padding)
    dy = draw(shape[0], *out, shape[-1])
    check_all(max_pool, x, kind="exact")
    check_all(max_pool_and_back, x, dy, terms=terms)
    check_all(max_pool_and_added, x, dy, terms=terms)
    if set(dilation) != {1}:
        return
    for counted in (False, True):
        check_all(lambda ops, x, c=counted: ops.average_pool(x, count_padding=c, **options), x, terms=terms)
        check_all(
            lambda ops, dy, c=counted: ops.average_pool_gradient(
                dy, input_shape=shape, count_padding=c, **options
            ),
            dy,
            terms=terms,
        )


CASES = [
    ((3, 8, 8, 32), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    ((2, 9, 7, 6), (2, 2), (2, 2), ((0, 1), (0, 1)), (1, 1)),
    ((2, 11, 10, 20), (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)),
    ((2, 12, 12, 1), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    ((2, 8, 8, 40), (8, 8), (8, 8), ((0, 0), (0, 0)), (1, 1)),  # global
    ((2, 8, 8, 40), (8, 8), (1, 1), ((0, 0), (0, 0)), (1, 1)),  # the same
    ((3, 9, 10, 5), (8, 8), (3, 3), ((0, 0), (0, 0)), (1, 1)),  # one window, not over all
    ((3, 9, 17, 5), (8, 8), (3, 8), ((0, 0), (0, 0)), (1, 1)),  # two
    ((2, 9, 9, 3), (2, 2), (3, 3), ((0, 0), (0, 0)), (1, 1)),  # inputs that no window sees
    ((2, 9, 9, 17), (3, 2), (1, 2), ((2, 1), (1, 2)), (2, 3)),
    ((2, 4, 5, 6, 5), (2, 3, 2), (2, 1, 2), ((1, 0), (1, 1), (0, 1)), (1, 1, 1)),
    ((2, 3, 7, 6, 32), (1, 2, 2), (1, 2, 2), ((0, 0), (0, 0), (0, 0)), (1, 1, 1)),  # 2x2 in several planes
    ((2, 3, 7, 6, 6), (1, 2, 2), (1, 2, 2), ((0, 0), (0, 0), (0, 0)), (1, 1, 1)),
    ((2, 5, 7, 6, 6), (2, 2, 2), (2, 2, 2), ((0, 0), (0, 0), (0, 0)), (1, 1, 1)),  # a plane beside windows
    ((2, 9, 9, 32), (2, 2), (1, 3), ((1, 1), (0, 1)), (1, 1)),  # 2x2, but not side by side
    ((1, 33, 9), (3,), (2,), ((1, 1),), (1,)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pooling_and_gradients(case):
    check_pooling(*case)


@draws
@given(geometries())
def test_pooling_and_gradients_on_drawn_geometries(case):
    check_pooling(*case)


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf])
def test_what_is_not_finite(value):
    """The first NaN of a window wins; an infinity is a number like others."""
    x = tied_values((2, 7, 9, 21))
    x[np.random.default_rng(1).random(x.shape) < 0.3] = value
    for padding in (((0, 0), (0, 0)), ((1, 1), (1, 1))):
        options = dict(window=(3, 3), strides=(2, 2), padding=padding)
        check_all(lambda ops, x, options=options: ops.max_pool(x, **options), x, kind="exact")
    x[0, :, :, 3] = value  # windows with nothing else
    check_all(
        lambda ops, x: ops.max_pool(x, window=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0))),
        x, kind="exact",
    )  # fmt: skip


def test_any_number_of_threads_gives_the_same_bytes():
    options = dict(window=(3, 3), strides=(2, 2), padding=((1, 1), (1, 1)))
    x = tied_values((8, 31, 31, 40))

    def all_four(ops, x):
        y, switches = ops.max_pool(x, **options)
        return (
            y,
            switches,
            ops.max_pool_gradient(y, switches, input_shape=x.shape, **options),
            ops.average_pool(x, **options),
            ops.average_pool_gradient(y, input_shape=x.shape, **options),
        )

    check_threads(all_four, x)
    check_all(all_four, x, terms=9)
