"""Batch normalisation and the sum over rows: every level, both dtypes, against the reference."""

import numpy as np
import pytest
from kernels import FAST, at, check_all, check_threads, draw

from cyconv import backends
from cyconv.testing import assert_close

# Fewer rows than a block, several blocks and a rest; channels beside every vector width.
SHAPES = [(17, 1), (64, 3), (33, 16), (6, 7, 9, 17), (700, 32), (40, 100), (5000, 5), (1037, 64)]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batch_norm_and_gradient(shape, affine):
    C, M = shape[-1], int(np.prod(shape[:-1]))
    x, dy = draw(*shape), draw(*shape, seed=1)
    gamma, beta = (draw(C, seed=2), draw(C, seed=3)) if affine else (None, None)
    mean, variance = draw(C, seed=4), draw(C, seed=5)

    def train(ops, x, gamma, beta, moving_mean, moving_variance):
        y, mean, inv_std = ops.batch_norm(
            x, gamma, beta, moving_mean, moving_variance, momentum=0.9, epsilon=1e-3
        )
        return y, mean, inv_std, moving_mean, moving_variance

    def infer(ops, x, gamma, beta, moving_mean, moving_variance):
        return ops.batch_norm_inference(x, gamma, beta, moving_mean, moving_variance, epsilon=1e-3)

    check_all(train, x, gamma, beta, mean, variance, terms=M)
    check_all(infer, x, gamma, beta, mean, variance, terms=4)

    inv_std = 1 / np.sqrt(variance)
    for training in (True, False):

        def back(ops, x, dy, gamma, mean, inv_std, dgamma, dbeta, training=training):
            dx = ops.batch_norm_gradient(x, dy, gamma, mean, inv_std, dgamma, dbeta, training=training)
            return tuple(result for result in (dx, dgamma, dbeta) if result is not None)

        check_all(back, x, dy, gamma, mean, inv_std, gamma, beta, terms=M)


@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("with_residual", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_with_residual_and_relu(shape, with_residual, activation):
    C, M = shape[-1], int(np.prod(shape[:-1]))
    x, dy, gamma, beta = draw(*shape), draw(*shape, seed=1, low=-1), draw(C, seed=2), draw(C, seed=3)
    residual = draw(*shape, seed=4, low=-3) if with_residual else None
    moving = draw(C, seed=5), draw(C, seed=6)

    def both_ways(ops, x, dy, gamma, beta, residual, *moving):
        options = dict(epsilon=1e-3, activation=activation)
        y, mean, inv_std = ops.batch_norm(x, gamma, beta, *moving, residual, momentum=0.9, **options)
        fixed, _ = ops.batch_norm_inference(x, gamma, beta, *moving, residual, **options)
        dgamma, dbeta = gamma.copy(), beta.copy()
        slopes = ops.batch_norm_gradient(
            x, dy, gamma, mean, inv_std, dgamma, dbeta, y=y if activation == "relu" else None,
            residual=with_residual,
        )  # fmt: skip
        return (y, fixed, dgamma, dbeta, *(slopes if with_residual else [slopes]))

    check_all(both_ways, x, dy, gamma, beta, residual, *moving, terms=M)


@pytest.mark.parametrize("scaled, shifted", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_relu_s_gradient_without_its_output(shape, scaled, shifted):
    """Made again from x: what it is with the output at hand, in statistics of the batch and in fixed ones."""
    C, M = shape[-1], int(np.prod(shape[:-1]))
    x, dy = draw(*shape), draw(*shape, seed=1, low=-1)
    gamma = draw(C, seed=2, low=-1) if scaled else None
    beta = draw(C, seed=3, low=-1) if shifted else None
    moving = draw(C, seed=5), draw(C, seed=6)

    def back(ops, x, dy, gamma, beta, *moving):
        y, *batch = ops.batch_norm(x, gamma, beta, *moving, momentum=0.9, epsilon=1e-3, activation="relu")
        fixed, inv_std = ops.batch_norm_inference(x, gamma, beta, *moving, epsilon=1e-3, activation="relu")
        results = []
        for training, out, statistics in ((True, y, batch), (False, fixed, (moving[0], inv_std))):
            for how in (dict(y=out), dict(relu=True, beta=beta)):
                dgamma, dbeta = np.zeros_like(moving[0]), np.zeros_like(moving[0])
                how["training"] = training
                dx = ops.batch_norm_gradient(x, dy, gamma, *statistics, dgamma, dbeta, **how)
                results += [dx, dgamma, dbeta]
        for given, made in zip(results[:3] + results[6:9], results[3:6] + results[9:], strict=True):
            np.testing.assert_array_equal(given, made)
        return tuple(results)

    check_all(back, x, dy, gamma, beta, *moving, terms=M)


@pytest.mark.parametrize("level", FAST)
def test_a_large_mean_does_not_swallow_the_variance(level):
    """Values 1000 +- 1: the mean of squares less the square of the mean would lose all but a digit."""
    x = (1000 + np.random.default_rng(0).standard_normal((4000, 20))).astype(np.float32)
    x[0] = 0  # and a first row that is like no other
    zeros, ones = np.zeros(20, np.float32), np.ones(20, np.float32)
    with at(level) as ops:
        _, mean, inv_std = ops.batch_norm(x, None, None, zeros, ones, momentum=0.0, epsilon=0.0)
    exact = x.astype(np.float64)
    assert_close(mean, exact.mean(0), what="mean")
    assert_close(inv_std, 1 / exact.std(0), terms=len(x), what="inv_std")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sum_rows(shape):
    def sum_rows(ops, x, y):
        return ops.reduce(x, axes=tuple(range(x.ndim - 1)), accumulate=True, out=y)

    check_all(sum_rows, draw(*shape), draw(shape[-1]), terms=int(np.prod(shape[:-1])))


@pytest.mark.parametrize("shape", [(9000, 24), (700, 300)], ids=str)
def test_any_number_of_threads_gives_the_same_bytes(shape):
    x, dy, gamma = draw(*shape), draw(*shape, seed=1), draw(shape[-1])

    def all_of_it(ops, x, dy, gamma):
        moving_mean, moving_variance, dgamma, dbeta, sums = (np.zeros_like(gamma) for _ in range(5))
        y, mean, inv_std = ops.batch_norm(
            x, gamma, gamma, moving_mean, moving_variance, momentum=0.5, epsilon=1e-3
        )
        dx = ops.batch_norm_gradient(x, dy, gamma, mean, inv_std, dgamma, dbeta)
        ops.reduce(x, axes=(0,), accumulate=True, out=sums)
        return y, mean, inv_std, moving_mean, moving_variance, dx, dgamma, dbeta, sums

    check_threads(all_of_it, x, dy, gamma)


MEASURED = [(2, 8, 8, 16, 16), (3, 13, 11, 16, 33), (1, 4, 5, 32, 5), (5, 30, 30, 4, 16), (2, 2, 1, 3, 3),
            (2, 15, 17, 72, 64)]


@pytest.mark.parametrize("level", FAST)
@pytest.mark.parametrize("shape", MEASURED, ids=str)
@pytest.mark.parametrize("bias", [0.0, 1000.0])
def test_statistics_that_a_convolution_takes(level, shape, bias):
    """What batch norm makes of a convolution's moments is what it makes of reading y, also far from 0, in the
    same bytes for any number of threads."""
    N, H, W, C, K = shape
    options = dict(strides=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1), algorithm="winograd")
    x, kernel = draw(N, H, W, C, low=-1), draw(3, 3, C, K, seed=1, low=-1)
    shift = draw(K, seed=2) + np.float32(bias)
    gamma, beta, given = draw(K, seed=3), draw(K, seed=4), []

    def normalised(door, x, kernel, shift, measured):
        shape = door.moments_shape(x, kernel, **options)
        moments = np.full(shape, np.nan, np.float32) if measured else None
        y = door.convolution(x, kernel, shift, moments=moments, **options)
        moving = np.zeros(K, y.dtype), np.ones(K, y.dtype)
        how = dict(momentum=0.5, epsilon=1e-3, moments=moments)
        return y, door.batch_norm(y, gamma, beta, *moving, **how), moving

    for threads in (1, 2, 3, 5):
        with at(level, threads) as door:
            y, (normal, mean, inv_std), moving = normalised(door, x, kernel, shift, True)
            given.append([a.copy() for a in (normal, mean, inv_std, *moving)])
            _, (other, *statistics), _ = normalised(door, x, kernel, shift, False)
    for results in given[1:]:
        for a, b in zip(given[0], results, strict=True):
            np.testing.assert_array_equal(a, b)
    exact = y.astype(np.float64).reshape(-1, K)
    assert_close(mean, exact.mean(0), terms=N * H * W)
    # One pass, of distances from a first value: a few roundings more than two passes have.
    assert_close(inv_std, 1 / np.sqrt(exact.var(0) + 1e-3), "winograd", N * H * W)
    assert_close(normal, other, "winograd", N * H * W)
    for a, b in zip((mean, inv_std), statistics, strict=True):
        assert_close(a, b, "winograd", N * H * W)


@pytest.mark.parametrize("level", FAST)
@pytest.mark.parametrize("where", [(0, 0, 0), (0, 9, 9), (1, 17, 3)])
def test_a_value_far_from_the_others_costs_no_digits(level, where):
    """A convolution that copies its image: the variance of what is 0.1 but for one pixel of 1000."""
    x = (0.1 + 0.01 * np.random.default_rng(0).standard_normal((2, 18, 18, 16))).astype(np.float32)
    x[where] = 1000
    kernel, zeros = np.zeros((3, 3, 16, 16), np.float32), np.zeros(16, np.float32)
    kernel[1, 1] = np.eye(16)
    options = dict(strides=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1), algorithm="winograd")
    with at(level) as door:
        moments = np.zeros(door.moments_shape(x, kernel, **options), np.float32)
        y = door.convolution(x, kernel, moments=moments, **options)
        how = dict(momentum=0.0, epsilon=0.0, moments=moments)
        _, mean, inv_std = door.batch_norm(y, None, None, zeros.copy(), zeros.copy(), **how)
    exact = y.astype(np.float64).reshape(-1, 16)
    assert_close(mean, exact.mean(0), terms=y.size // 16)
    assert_close(inv_std, 1 / exact.std(0), terms=16)


@pytest.mark.parametrize("size, C", [(30, 16), (14, 64)])
def test_few_rows_of_moments_are_enough(size, C):
    """Blocks of tiles are as many as there are rows for: nothing is written behind them."""
    x, kernel = draw(4, size, size, C, low=-1), draw(3, 3, C, C, seed=1, low=-1)
    options = dict(strides=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1), algorithm="winograd")
    door, ones = backends.get("cpu"), np.ones(C, np.float32)
    for rows in (1, 2, 5):
        room = np.full((rows + 1, 3, C), 7, np.float32)
        y = door.convolution(x, kernel, moments=room[:rows], **options)
        np.testing.assert_array_equal(room[rows], 7)
        how = dict(momentum=0.5, epsilon=1e-3)
        given = door.batch_norm(y, ones, ones, ones.copy(), ones.copy(), moments=room[:rows], **how)
        for a, b in zip(given, door.batch_norm(y, ones, ones, ones.copy(), ones.copy(), **how), strict=True):
            assert_close(a, b, terms=y.size // C)


def test_moments_are_refused_where_they_are_not_taken():
    door, x, kernel = backends.get("cpu"), draw(1, 9, 9, 16), draw(3, 3, 16, 8)
    options = dict(strides=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1))
    assert door.moments_shape(x, kernel, algorithm="direct", **options) is None
    assert door.moments_shape(x.astype("f8"), kernel.astype("f8"), algorithm="winograd", **options) is None
    moments = np.zeros(door.moments_shape(x, kernel, algorithm="winograd", **options), np.float32)
    with pytest.raises(ValueError, match="two images as one, and moments, are for Winograd"):
        door.convolution(x, kernel, moments=moments, algorithm="direct", **options)
