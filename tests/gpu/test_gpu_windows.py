"""Convolution, products of matrices, pooling and normalisation on the gpu backend against their definitions.

On the stand-in a few geometries: the kernels' own tests (tests/test_kernels_gpu_*.py) run all of them on the
processor. On a device (CYCONV_TEST_DEVICE) all geometries of the C kernels' tests.
"""

from math import prod

import pytest
import test_kernels_batch_norm as normalisation
import test_kernels_convolution as convolutions
import test_kernels_matmul as products
import test_kernels_pooling as pooling
from across import checker
from conftest import ON_DEVICE
from kernels import normal


def chosen(everything, some):
    return everything if ON_DEVICE else some


FEW = ["3x3 odd channels", "1-D", "transposed 2x2"]


@pytest.mark.parametrize("name", chosen(list(convolutions.GRID), FEW))
def test_convolutions(name, door):
    case = convolutions.GRID[name]
    C, K = case["channels"]
    x = normal((case["N"], *case["sizes"], C), 1)
    kernel = normal((*case["window"], C // case["groups"], K), 2)
    dy = normal((case["N"], *convolutions.sizes_out(case), K), 4)
    longest = max(prod(kernel.shape[:-1]), prod(dy.shape[:-1]), prod(case["window"]) * K)
    checker(door)(convolutions.run_all(case), x, kernel, normal((K,), 3), dy, terms=longest)


@pytest.mark.parametrize("sizes", chosen([(1, 1, 1), (13, 10, 33), (64, 16, 40), (100, 49, 3), (1, 70, 90)],
                                         [(13, 10, 33)]), ids=str)  # fmt: skip
def test_products(sizes, cases):
    for flags in products.FLAGS:
        cases(products.test_matmul, sizes, flags)


@pytest.mark.parametrize("case", chosen(pooling.CASES, pooling.CASES[1:3]), ids=str)
def test_pooling(case, cases):
    cases(pooling.test_pooling_and_gradients, case)


@pytest.mark.parametrize("shape", chosen(normalisation.SHAPES, [(17, 1), (33, 16)]), ids=str)
def test_batch_normalisation(shape, cases):
    for affine in (True, False):
        cases(normalisation.test_batch_norm_and_gradient, shape, affine)
    for activation in ("linear", "relu"):
        cases(normalisation.test_with_residual_and_relu, shape, True, activation)
