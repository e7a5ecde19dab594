"""Depthwise convolutions as launches: as many groups as channels, so no sum over channels and no TF32."""

from math import prod

from ..lowering import geometry
from .kernels import source
from .launch import Launch, ceil_div
from .tiles import numbers, quads, scratch, sum_parts

BLOCK = 256
WANTED_BLOCKS = 1056
LEAST_PIXELS = 64  # of a part of a kernel's gradient


def is_depthwise(channels, groups):
    return groups == channels > 1


def forward(x, kernel, bias, residual, y, window, activation, alpha):
    sizes = geometry(x, y.shape[1:-1], y.shape[-1], *window)
    width = 4 if x.shape[-1] == y.shape[-1] and quads(y.shape[-1], x, kernel, y) else 1
    text = source("depthwise", WIDTH=width, ACTIVATION=f"ACT_{activation}")
    grid = (ceil_div(prod(y.shape) // width, BLOCK),)
    return [Launch(text, "depthwise", grid, (BLOCK,), (x, kernel, bias, residual, y, *sizes, float(alpha)))]


def input_gradient(dy, kernel, bias, dx, window, activation, alpha):
    sizes = geometry(dx, dy.shape[1:-1], dy.shape[-1], *window)
    width = 4 if dx.shape[-1] == dy.shape[-1] and quads(dx.shape[-1], dy, kernel, dx) else 1
    text = source("depthwise", WIDTH=width, ACTIVATION=f"ACT_{activation}")
    grid = (ceil_div(prod(dx.shape) // width, BLOCK),)
    args = (dy, kernel, bias, dx, *sizes, float(alpha))
    return [Launch(text, "depthwise_input_gradient", grid, (BLOCK,), args)]


def kernel_gradient(x, dy, dkernel, window, work):
    sizes = geometry(x, dy.shape[1:-1], dkernel.shape[-1], *window)
    *taps, _, K = dkernel.shape
    pixels, parts = _parts(dy, dkernel)
    sums = numbers(work, parts * prod(dkernel.shape), dkernel.dtype)
    grid = (ceil_div(K, 32), parts, prod(taps))
    args = (x, dy, sums, *sizes, pixels)
    return [
        Launch(source("depthwise"), "depthwise_kernel_gradient", grid, (32, 8), args),
        sum_parts(parts, sums, dkernel, accumulate=True),
    ]


def kernel_gradient_scratch(dy, dkernel):
    return scratch(_parts(dy, dkernel)[1], dkernel)


def _parts(dy, dkernel):
    """(pixels of a part, parts) of the kernel's gradient."""
    pixels = prod(dy.shape[:-1])
    tiles = ceil_div(dkernel.shape[-1], 32) * prod(dkernel.shape[:-2])
    each = max(ceil_div(pixels, ceil_div(WANTED_BLOCKS, tiles)), LEAST_PIXELS)
    return each, ceil_div(pixels, each)
