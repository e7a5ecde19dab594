"""The CUDA kernels of pooling, run on a processor, against the definition."""

from math import prod

import numpy as np
import pytest
from gpu_kernels import check, normal

from cyconv import shapes

CASES = {  # sizes, window, strides, padding, dilation, C
    "2x2": ((6, 8), (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1), 8),
    "overlapping, odd channels": ((7, 6), (3, 3), (2, 2), ((1, 1), (0, 1)), (1, 1), 5),
    "gaps": ((9, 8), (2, 2), (3, 4), ((0, 0), (1, 1)), (1, 1), 4),
    "dilated": ((8, 9), (2, 3), (1, 2), ((1, 0), (2, 2)), (2, 2), 4),
    "1-D": ((11,), (3,), (2,), ((1, 1),), (1,), 3),
    "3-D": ((4, 5, 3), (2, 2, 2), (1, 2, 1), ((0, 1), (1, 0), (0, 0)), (1, 1, 1), 4),
}


def arrays_of(name):
    sizes, window, strides, padding, dilation, C = CASES[name]
    generator = np.random.default_rng(5)
    out = shapes.window_output(sizes, window, strides, dilation, padding)
    return normal(generator, 2, *sizes, C), normal(generator, 2, *out, C)


@pytest.mark.parametrize("name", CASES)
def test_largest_values_and_where_they_were(name):
    _, window, strides, padding, dilation, _ = CASES[name]
    geometry = dict(window=window, strides=strides, padding=padding, dilation=dilation)

    def run(door, x, dy):
        x[0, ..., 0].flat[:4] = np.nan, 2, 1, np.nan  # the first NaN wins
        x[1] = np.round(x[1])  # ties
        y, switches = door.max_pool(x, **geometry)
        dx = door.max_pool_gradient(dy, switches, input_shape=x.shape, **geometry)
        return [y, switches.astype(np.float64), dx]

    check(run, arrays_of(name), prod(window))


@pytest.mark.parametrize("count_padding", [False, True])
@pytest.mark.parametrize("name", [name for name in CASES if name != "dilated"])
def test_means(name, count_padding):
    _, window, strides, padding, _, _ = CASES[name]
    geometry = dict(window=window, strides=strides, padding=padding, count_padding=count_padding)

    def run(door, x, dy):
        y = door.average_pool(x, **geometry)
        return [y, door.average_pool_gradient(dy, input_shape=x.shape, **geometry)]

    check(run, arrays_of(name), prod(window))


def test_doubles_for_gradient_checks():
    def run(door, x, dy):
        y, switches = door.max_pool(x, window=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)))
        return [y, door.max_pool_gradient(dy, switches, input_shape=x.shape, window=(2, 2), strides=(2, 2),
                                          padding=((0, 0), (0, 0)))]  # fmt: skip

    check(run, arrays_of("2x2"), 4, dtype="float64")
