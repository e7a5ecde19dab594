"""The convolution and its two gradients as launches: products of matrices that are gathered from images.

`beside`, the rest of a Pair's channels, `moments` and `switches` are never there: the door says no to all.
"""

from math import gcd, prod

from ..lowering import geometry
from . import depthwise
from .kernels import source
from .launch import Launch, ceil_div
from .tiles import code, cut, numbers, parts_of, quads, scratch, sum_parts

BIAS_ROWS = 256  # rows of dy that a part of a bias's gradient adds up, at least
BIAS_PARTS = 256


def convolution(
    x, kernel, bias, residual, y, beside, moments, switches, *, strides, padding, dilation, groups,
    activation, alpha, algorithm, pool, work=None, tf32=False,
):  # fmt: skip
    window = (groups, kernel.shape[:-2], strides, padding, dilation)
    if depthwise.is_depthwise(x.shape[-1], groups):
        return depthwise.forward(x, kernel, bias, residual, y, window, activation, alpha)
    sizes = geometry(x, y.shape[1:-1], kernel.shape[-1], *window)
    (tile, parts, steps), blocks = _forward(kernel, y, groups)
    wide = quads(kernel.shape[-1] // groups, kernel, bias, residual, y)
    vectors = (quads(kernel.shape[-2], x), wide, wide)
    grid = (blocks, 1, groups * parts)
    if parts == 1:
        text = code("convolution", tile, vectors, activation, tf32)
        args = (x, kernel, bias, residual, y, *sizes, 1, steps, float(alpha))
        return [Launch(text, "convolution", grid, (tile.threads,), args)]
    sums = parts_of(work, y, parts)
    args = (x, kernel, None, None, sums, *sizes, parts, steps, 0.0)
    return [
        Launch(code("convolution", tile, vectors, tf32=tf32), "convolution", grid, (tile.threads,), args),
        sum_parts(parts, sums, y, bias=bias, residual=residual, activation=activation, alpha=alpha),
    ]


def _forward(kernel, y, groups):
    """(the Cut, blocks of one part of one group) of the forward pass."""
    M, N = prod(y.shape[:-1]), y.shape[-1] // groups
    chosen = cut(M, N, prod(kernel.shape[:-1]), groups, y.dtype)
    return chosen, ceil_div(M, chosen.tile.m) * ceil_div(N, chosen.tile.n)


def _forward_scratch(operands, attributes):
    x, kernel, _, _, y, *_ = operands
    if depthwise.is_depthwise(x.shape[-1], attributes["groups"]):
        return 0
    parts = _forward(kernel, y, attributes["groups"])[0].parts
    return scratch(parts, y) if parts > 1 else 0


def convolution_input_gradient(
    dy, kernel, bias, dx, beside, *, strides, padding, dilation, groups, activation, alpha, algorithm,
    accumulate, work=None, tf32=False,
):  # fmt: skip
    window = (groups, kernel.shape[:-2], strides, padding, dilation)
    if depthwise.is_depthwise(dx.shape[-1], groups):
        return depthwise.input_gradient(dy, kernel, bias, dx, window, activation, alpha)
    sizes = geometry(dx, dy.shape[1:-1], kernel.shape[-1], *window)
    (tile, parts, steps), blocks = _backward(kernel, dx, strides, dilation, groups)
    deep = quads(kernel.shape[-1] // groups, dy, kernel)
    vectors = (deep, deep, quads(kernel.shape[-2], dx, bias))
    grid = (blocks, prod(strides), groups * parts)
    name = "convolution_input_gradient"
    if parts == 1:
        text = code("input_gradient", tile, vectors, activation, tf32)
        args = (dy, kernel, bias, dx, *sizes, 1, steps, float(alpha))
        return [Launch(text, name, grid, (tile.threads,), args)]
    sums = parts_of(work, dx, parts)
    args = (dy, kernel, None, sums, *sizes, parts, steps, 0.0)
    return [
        Launch(code("input_gradient", tile, vectors, tf32=tf32), name, grid, (tile.threads,), args),
        sum_parts(parts, sums, dx, bias=bias, activation=activation, alpha=alpha),
    ]


def _backward(kernel, dx, strides, dilation, groups):
    """(the Cut, blocks of one part of one group) for the largest class of inputs; see input_gradient.cu."""
    M = dx.shape[0] * prod(ceil_div(n, s) for n, s in zip(dx.shape[1:-1], strides, strict=True))
    steps = [s // gcd(s, d) for s, d in zip(strides, dilation, strict=True)]
    taps = prod(ceil_div(n, step) for n, step in zip(kernel.shape[:-2], steps, strict=True))
    N = dx.shape[-1] // groups
    chosen = cut(M, N, taps * kernel.shape[-1] // groups, groups * prod(strides), dx.dtype)
    return chosen, ceil_div(M, chosen.tile.m) * ceil_div(N, chosen.tile.n)


def _backward_scratch(operands, attributes):
    _, kernel, _, dx, _ = operands
    if depthwise.is_depthwise(dx.shape[-1], attributes["groups"]):
        return 0
    (_, parts, _), _ = _backward(kernel, dx, *(attributes[n] for n in ("strides", "dilation", "groups")))
    return scratch(parts, dx) if parts > 1 else 0


def convolution_kernel_gradient(
    x, dy, dkernel, dbias, beside, *, strides, padding, dilation, groups, algorithm, work=None, tf32=False
):
    window = (groups, dkernel.shape[:-2], strides, padding, dilation)
    if depthwise.is_depthwise(x.shape[-1], groups):
        launches = depthwise.kernel_gradient(x, dy, dkernel, window, work)
    else:
        launches = _kernel_gradient(x, dy, dkernel, window, work, tf32)
    return launches if dbias is None else launches + bias_gradient(dy, dbias, work)


def _kernel_gradient(x, dy, dkernel, window, work, tf32):
    sizes = geometry(x, dy.shape[1:-1], dkernel.shape[-1], *window)
    groups = window[0]
    (tile, parts, steps), blocks = _weights(dy, dkernel, groups)
    wide = quads(dkernel.shape[-1] // groups, dy, dkernel)
    text = code("kernel_gradient", tile, (quads(dkernel.shape[-2], x), wide, wide), tf32=tf32)
    sums = parts_of(work, dkernel, parts)
    grid = (blocks, parts, groups)
    args = (x, dy, sums, *sizes, steps, parts == 1)
    launches = [Launch(text, "convolution_kernel_gradient", grid, (tile.threads,), args)]
    return launches if parts == 1 else [*launches, sum_parts(parts, sums, dkernel, accumulate=True)]


def bias_gradient(dy, dbias, work):
    """The launches of dbias += sums of dy; work: `bias_scratch` bytes."""
    M, K, (rows, parts) = prod(dy.shape[:-1]), dbias.shape[0], _bias(dy)
    sums = numbers(work, parts * K, dbias.dtype)
    return [
        Launch(source("parts"), "column_sums", (ceil_div(K, 32), parts), (32, 8), (dy, sums, M, K, rows)),
        sum_parts(parts, sums, dbias, accumulate=True),
    ]


def _weights(dy, dkernel, groups):
    """(the Cut, blocks of one part of one group) of the kernel's gradient."""
    M, N = prod(dkernel.shape[:-1]), dkernel.shape[-1] // groups
    chosen = cut(M, N, prod(dy.shape[:-1]), groups, dy.dtype)
    return chosen, ceil_div(M, chosen.tile.m) * ceil_div(N, chosen.tile.n)


def bias_scratch(dy, dbias):
    """Bytes of scratch for a bias's gradient."""
    return scratch(_bias(dy)[1], dbias)


def _bias(dy):
    """(rows of a part, parts) of a bias's gradient."""
    M = prod(dy.shape[:-1])
    rows = max(ceil_div(M, BIAS_PARTS), BIAS_ROWS)
    return rows, ceil_div(M, rows)


def _weights_scratch(operands, attributes):
    x, dy, dkernel, dbias, _ = operands
    if depthwise.is_depthwise(x.shape[-1], attributes["groups"]):
        kernels = depthwise.kernel_gradient_scratch(dy, dkernel)
    else:
        parts = _weights(dy, dkernel, attributes["groups"])[0].parts
        kernels = scratch(parts, dkernel) if parts > 1 else 0
    # The bias's parts come after the kernel's are added up, in the same place.
    return max(kernels, 0 if dbias is None else bias_scratch(dy, dbias))


SCRATCH = {
    "convolution": _forward_scratch,
    "convolution_input_gradient": _backward_scratch,
    "convolution_kernel_gradient": _weights_scratch,
}
