"""Pooling and its gradients as launches: a thread for each pixel and four channels of the result, or one."""

from math import prod

from ..lowering import geometry
from .kernels import source
from .launch import Launch, ceil_div
from .tiles import quads

BLOCK = 256


def _over(kernel, result, operands, sizes, *more):
    """The launch of a kernel whose threads make `result`."""
    width = 4 if quads(result.shape[-1], *operands) else 1
    count = prod(result.shape) // width
    text = source("pooling", WIDTH=width)
    return [Launch(text, kernel, (ceil_div(count, BLOCK),), (BLOCK,), (*operands, *sizes, *more))]


def max_pool(x, y, switches, *, window, strides, padding, dilation):
    sizes = geometry(x, y.shape[1:-1], x.shape[-1], 1, window, strides, padding, dilation)
    return _over("max_pool", y, (x, y, switches), sizes)


def max_pool_gradient(dy, switches, dx, *, window, strides, padding, dilation, accumulate):
    sizes = geometry(dx, dy.shape[1:-1], dx.shape[-1], 1, window, strides, padding, dilation)
    return _over("max_pool_gradient", dx, (dy, switches, dx), sizes)


def average_pool(x, y, *, window, strides, padding, count_padding):
    sizes = geometry(x, y.shape[1:-1], x.shape[-1], 1, window, strides, padding, (1,) * len(window))
    return _over("average_pool", y, (x, y), sizes, count_padding)


def average_pool_gradient(dy, dx, *, window, strides, padding, count_padding):
    sizes = geometry(dx, dy.shape[1:-1], dx.shape[-1], 1, window, strides, padding, (1,) * len(window))
    return _over("average_pool_gradient", dx, (dy, dx), sizes, count_padding)


SCRATCH = {}
