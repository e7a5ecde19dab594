"""The CUDA kernel of the product of matrices, run on a processor, against the definition."""

import numpy as np
import pytest
from gpu_kernels import check, fails_without_barriers, normal, tf32

SIZES = {"odd": (5, 7, 9), "in parts": (36, 68, 260)}


def verify(M, N, K, transpose_a=False, transpose_b=False, rounded=lambda a: a, **options):
    generator = np.random.default_rng(M)
    every = (K, M) if transpose_a else (M, K), (N, K) if transpose_b else (K, N), (N,), (M, N)
    arrays = [normal(generator, *shape, rounded=rounded) for shape in every]

    def run(door, a, b, bias, c):
        sides = dict(transpose_a=transpose_a, transpose_b=transpose_b)
        door.matmul(a, b, bias, accumulate=True, out=c, **sides)
        return [door.matmul(a, b, bias, activation="elu", alpha=0.3, **sides), c]

    return check(run, arrays, K, **options)


@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)], ids=str)
@pytest.mark.parametrize("sizes", SIZES)
def test_product(sizes, transposed):
    verify(*SIZES[sizes], *transposed)


def test_a_long_sum_of_few_outputs_is_cut_into_parts():
    assert verify(*SIZES["in parts"]) == ["matmul", "sum_parts"] * 2
    assert verify(*SIZES["odd"]) == ["matmul"] * 2


def test_doubles_for_gradient_checks():
    verify(*SIZES["in parts"], dtype="float64")


def test_tensor_cores_on_numbers_that_they_hold_exactly():
    verify(*SIZES["in parts"], rounded=tf32, tf32=True)
    verify(*SIZES["odd"], True, True, rounded=tf32, tf32=True)


def test_tensor_cores_round_to_the_nearest():
    """Others are rounded to 10 bits of fraction: by at most half of the last one, 2**-11 of themselves."""
    x = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    assert (np.abs(tf32(x) - x) <= np.abs(x) * 2.0**-11).all()

    def run(door, a, b):
        if a.dtype == np.float64:  # the definition sees rounded numbers, the kernel rounds them itself
            a, b = (tf32(v.astype(np.float32)).astype(np.float64) for v in (a, b))
        return [door.matmul(a, b)]

    generator = np.random.default_rng(1)
    check(run, [normal(generator, 20, 20), normal(generator, 20, 20)], 20, tf32=True)


def test_a_kernel_without_its_barrier_fails():
    def run(change):
        verify(*SIZES["in parts"], orders=(0, 1), change=change)

    fails_without_barriers(run, "matmul", "multiply")
    fails_without_barriers(run, "sum_parts", "sum_of_eight")
