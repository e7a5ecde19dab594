"""The CUDA kernels of batch normalisation, run on a processor, against the definition."""

import numpy as np
import pytest
from gpu_kernels import check, fails_without_barriers, normal

SHAPES = {"one row": (1, 3), "odd": (3, 5, 7), "quads": (2, 9, 8, 16), "tall": (2100, 4), "wide": (30, 300)}


def arrays_of(shape, mean=3.0):
    generator, C = np.random.default_rng(7), shape[-1]
    x = (normal(generator, *shape) + mean).astype(np.float32).astype(np.float64)
    variance = np.abs(normal(generator, C)) + 0.5
    vectors = normal(generator, C), normal(generator, C), normal(generator, C), variance.astype(np.float32)
    return [x, normal(generator, *shape), normal(generator, *shape), *vectors]


def run(door, x, residual, dy, gamma, beta, moving_mean, moving_variance):
    moving = moving_mean.copy(), moving_variance.copy()
    y, mean, inv_std = door.batch_norm(x, gamma, beta, *moving, residual, momentum=0.9, epsilon=1e-3,
                                       activation="relu")  # fmt: skip
    dgamma, dbeta = np.ones_like(gamma), np.ones_like(beta)
    dx, dz = door.batch_norm_gradient(x, dy, gamma, mean, inv_std, dgamma, dbeta, y=y, residual=True)
    return [y, mean, inv_std, *moving, dx, dz, dgamma, dbeta]


def run_plain(door, x, residual, dy, gamma, beta, moving_mean, moving_variance):
    moving = moving_mean.copy(), moving_variance.copy()
    y, mean, inv_std = door.batch_norm(x, None, None, *moving, momentum=0.5, epsilon=1e-3)
    plain, used = door.batch_norm_inference(x, gamma, beta, *moving, epsilon=1e-3)
    added, _ = door.batch_norm_inference(x, None, None, *moving, residual, epsilon=1e-3, activation="relu")
    dgamma, dbeta = np.ones_like(gamma), np.ones_like(beta)
    fixed = door.batch_norm_gradient(x, dy, gamma, mean, inv_std, dgamma, dbeta, training=False)
    again = [door.batch_norm_gradient(x, dy, scale, mean, inv_std, dgamma, dbeta, relu=True, beta=shift)
             for scale, shift in ((gamma, beta), (None, None))]  # fmt: skip
    return [y, mean, plain, used, added, fixed, dgamma, dbeta, *again,
            door.batch_norm_gradient(x, dy, None, mean, inv_std, training=False),
            door.batch_norm_gradient(x, dy, None, mean, inv_std)]  # fmt: skip


def rows(shape):
    return int(np.prod(shape[:-1]))


@pytest.mark.parametrize("name", SHAPES)
def test_statistics_normalisation_and_gradient(name):
    check(run, arrays_of(SHAPES[name]), 8 * rows(SHAPES[name]))


@pytest.mark.parametrize("name", ["odd", "quads"])
def test_without_scale_and_in_inference(name):
    check(run_plain, arrays_of(SHAPES[name]), 8 * rows(SHAPES[name]))


def test_a_mean_far_from_zero_costs_no_digits():
    """mean 1000, spread 1: the mean of squares less the square of the mean would keep one digit."""
    x, *others = arrays_of((40, 30, 4), 1000)

    def variance(door, x, *others):
        return [run(door, x, *others)[2]]

    check(variance, [x, *others], 1200)


def test_doubles_for_gradient_checks():
    check(run, arrays_of(SHAPES["odd"]), 15, dtype="float64")


@pytest.mark.parametrize("kernel", ["batch_moments", "batch_statistics", "gradient_sums", "gradient_totals"])
def test_a_kernel_without_its_barrier_fails(kernel):
    def once(change):
        check(run, arrays_of(SHAPES["tall"]), 2100, orders=(0, 1), change=change)

    fails_without_barriers(once, kernel)
