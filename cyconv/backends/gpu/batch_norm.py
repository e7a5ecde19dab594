"""Batch normalisation and its gradient as launches."""

from typing import NamedTuple

from ..lowering import rows
from .kernels import source
from .launch import Launch, ceil_div
from .tiles import numbers, quads

BLOCK = 256
WANTED_BLOCKS = 528  # four for each processor of an H100
LEAST_ROWS = 8  # that a thread adds up; fewer do not pay for joining the parts


class Layout(NamedTuple):
    """How rows and channels are shared out; see batch_norm.cu. tiles: of the channels; rows: of a part."""

    width: int
    block: tuple
    tiles: int
    rows: int
    parts: int

    @property
    def grid(self):
        return (self.parts, self.tiles)


def _layout(M, C, width, parts=WANTED_BLOCKS):
    x = min(32, 1 << max(C // width - 1, 0).bit_length())
    y = BLOCK // x
    tiles = ceil_div(C, x * width)
    wanted = max(parts // tiles, 1)
    each = max(ceil_div(M, wanted), y * LEAST_ROWS)
    return Layout(width, (x, y), tiles, each, ceil_div(M, each))


def _width(C, *arrays):
    return 4 if quads(C, *arrays) else 1


def batch_norm(
    x, gamma, beta, residual, moving_mean, moving_variance, y, mean, inv_std, moments, *, momentum, epsilon,
    activation, work=None,
):  # fmt: skip
    M, C = rows(x)
    if M == 0:
        return []
    way = _layout(M, C, _width(C, x, y, residual))
    text = source("batch_norm", WIDTH=way.width)
    means = numbers(work, 2 * way.parts * C, x.dtype)
    means, squares = means[: way.parts * C], means[way.parts * C :]
    return [
        Launch(text, "batch_moments", way.grid, way.block, (x, means, squares, M, C, way.rows)),
        Launch(text, "batch_statistics", (ceil_div(C, 32),), (32, 8),
               (means, squares, moving_mean, moving_variance, mean, inv_std, M, C, way.parts, way.rows,
                float(momentum), float(epsilon))),
        _normalise(text, way, x, gamma, beta, residual, mean, None, inv_std, y, activation, epsilon),
    ]  # fmt: skip


def batch_norm_inference(
    x, gamma, beta, residual, moving_mean, moving_variance, y, inv_std, *, epsilon, activation
):
    M, C = rows(x)
    way = _layout(max(M, 1), C, _width(C, x, y, residual))
    text = source("batch_norm", WIDTH=way.width)
    moving = moving_mean, moving_variance
    return [_normalise(text, way, x, gamma, beta, residual, *moving, inv_std, y, activation, epsilon)]


def _normalise(text, way, x, gamma, beta, residual, mean, variance, inv_std, y, activation, epsilon):
    M, C = rows(x)
    arrays = (x, gamma, beta, residual, mean, variance, inv_std, y)
    args = (*arrays, M, C, way.rows, activation == "relu", float(epsilon))
    return Launch(text, "normalise", way.grid, way.block, args)


def batch_norm_gradient(
    x, dy, y, gamma, mean, inv_std, dx, dz, dgamma, dbeta, beta, *, training, relu, work=None
):
    M, C = rows(x)
    if M == 0:
        return []
    way = _layout(M, C, _width(C, x, dy, y, dx, dz))
    text = source("batch_norm", WIDTH=way.width)
    launches, totals = [], None
    gate = 1 if y is not None else 2 if relu else 0  # as in batch_norm.cu
    if training or dgamma is not None or dbeta is not None:
        sums = numbers(work, 2 * (way.parts + 1) * C, x.dtype)
        sums, totals = sums[: 2 * way.parts * C], sums[2 * way.parts * C :]
        args = (x, dy, y, gamma, beta, mean, inv_std, sums, M, C, way.rows, gate)
        launches.append(Launch(text, "gradient_sums", way.grid, way.block, args))
        args = (sums, totals, dgamma, dbeta, C, way.parts)
        launches.append(Launch(text, "gradient_totals", (ceil_div(2 * C, 32),), (32, 8), args))
    args = (x, dy, y, gamma, beta, mean, inv_std, totals if training else None, dx, dz, M, C, way.rows, gate)
    return [*launches, Launch(text, "normalise_gradient", way.grid, way.block, args)]


def _scratch(operands, attributes):
    """Two numbers a channel and part, and two a channel; for the width that has the most parts."""
    x = operands[0]
    M, C = rows(x)
    parts = max((_layout(M, C, width).parts for width in (1, 4)), default=0)
    return 2 * (parts + 1) * C * x.dtype.itemsize


SCRATCH = {"batch_norm": _scratch, "batch_norm_gradient": _scratch}
