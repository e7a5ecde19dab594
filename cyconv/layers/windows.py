"""Which inputs each output of a layer sees, and with which weight: the layer as a matrix, taken apart.

Along each spatial axis it is a list of triples (output, input, place in the window); across channels a list
of pairs (from, to), with a weight for each pair at each place of the window. The matrix is all combinations.
"""

from functools import singledispatch
from math import prod
from typing import NamedTuple

import numpy as np

from .. import shapes
from .adaptive import _Adaptive, _AdaptiveAveragePooling
from .convolution import Conv
from .core import Dense
from .depthwise import _Depthwise, _Separable
from .pooling import _AveragePooling, _Global, _GlobalAveragePooling, _Pooling
from .transposed import _ConvTranspose

MOST_ENTRIES = 10**8  # their places and values are some 3 GB

AVERAGES = (_AveragePooling, _GlobalAveragePooling, _AdaptiveAveragePooling)


class Windows(NamedTuple):
    """triples: for each spatial axis the arrays (output, input, place in the window), padding left out.
    window: its size. inputs, outputs: the shapes without the batch axis. pairs: (from, to), the channels of
    each pair. weights: (places of the window, pairs); None where channels stay apart and nothing is weighed.
    """

    triples: list
    window: tuple
    inputs: tuple
    outputs: tuple
    pairs: tuple
    weights: np.ndarray | None


@singledispatch
def windows(layer, given, out):
    """The Windows of a layer for the shapes `given` and `out`, batch axis included.

    Errors: TypeError for a layer that slides no window, ValueError where a size is not known.
    """
    inside = "; get_layer(name) gives one of its layers" if hasattr(layer, "nodes") else ""
    raise TypeError(
        f"{layer}: only convolutions, pooling and Dense look at their input through known windows{inside}"
    )


def _sizes(layer, given):
    if None in given[1:]:
        raise ValueError(f"{layer}: every size must be known but the batch's. Received: shape {tuple(given)}")
    return given[1:-1]


def slid(size, out, window, stride, dilation, before):
    """The triples of an axis along which a window slides."""
    o, k = np.indices((out, window)).reshape(2, -1)
    i = o * stride - before + k * dilation
    inside = (i >= 0) & (i < size)
    return o[inside], i[inside], k[inside]


def spread(size, out, window, stride, dilation, before):
    """The triples of an axis along which each input adds a window to the output: input and output swapped."""
    i, o, k = slid(out, size, window, stride, dilation, before)
    order = np.lexsort((k, o))
    return o[order], i[order], k[order]


def cells(size, out):
    """The triples of an axis that adaptive pooling cuts into `out` windows."""
    triples = [(o, i, i - start) for o, (start, stop) in enumerate(shapes.adaptive_windows(size, out))
               for i in range(start, stop)]  # fmt: skip
    return tuple(np.array(triples).T)


def _slid(layer, given, out, window, dilation, pads, along=slid):
    axes = zip(_sizes(layer, given), out[1:-1], window, layer.strides, dilation, [b for b, _ in pads])
    return [along(*axis) for axis in axes]


def _convolution(layer, given, out, kernel, pairs, along=slid):
    """kernel: (window..., pairs...); `pairs`: the channel where each begins and where it ends."""
    pads = layer.padding_for(_sizes(layer, given))
    triples = _slid(layer, given, out, layer.kernel_size, layer.dilation_rate, pads, along)
    weights = kernel.reshape(prod(layer.kernel_size), -1)
    pairs = tuple(np.broadcast_to(p, kernel.shape[-2:]).ravel() for p in pairs)
    return Windows(triples, layer.kernel_size, given[1:], out[1:], pairs, weights)


@windows.register
def _(layer: Conv, given, out):
    kernel = layer.kernel.numpy()
    each, K = kernel.shape[-2:]  # input channels of a group, output channels
    j, k = np.ogrid[:each, :K]
    return _convolution(layer, given, out, kernel, (k // (K // layer.groups) * each + j, k))


@windows.register
def _(layer: _Depthwise, given, out):
    kernel = layer.kernel.numpy()
    c, m = np.ogrid[: kernel.shape[-2], : kernel.shape[-1]]
    return _convolution(layer, given, out, kernel, (c, c * kernel.shape[-1] + m))


@windows.register
def _(layer: _Separable, given, out):
    """Both steps are linear, so together they are one convolution; its kernel is the product of theirs."""
    each = layer.depthwise_kernel.numpy()
    mixed = layer.pointwise_kernel.numpy().reshape(*each.shape[-2:], layer.filters)
    c, k = np.ogrid[: each.shape[-2], : layer.filters]
    return _convolution(layer, given, out, np.einsum("...cm,cmk->...ck", each, mixed), (c, k))


@windows.register
def _(layer: _ConvTranspose, given, out):
    kernel = layer.kernel.numpy()
    k, c = np.ogrid[: layer.filters, : kernel.shape[-1]]
    return _convolution(layer, given, out, kernel, (c, k), spread)


@windows.register
def _(layer: Dense, given, out):
    """A window of one position: the leading axes stay as they are."""
    kernel = layer.kernel.numpy()
    triples = [slid(n, n, 1, 1, 1, 0) for n in _sizes(layer, given)]
    pairs = tuple(p.ravel() for p in np.indices(kernel.shape))
    return Windows(triples, (1,) * len(triples), given[1:], out[1:], pairs, kernel.reshape(1, -1))


def _pooling(given, out, triples, window):
    channels = np.arange(given[-1])
    return Windows(triples, tuple(window), given[1:], out[1:], (channels, channels), None)


@windows.register
def _(layer: _Pooling, given, out):
    pads = layer._window(_sizes(layer, given))["padding"]
    ones = (1,) * layer.rank
    return _pooling(given, out, _slid(layer, given, out, layer.pool_size, ones, pads), layer.pool_size)


@windows.register
def _(layer: _Global, given, out):
    sizes = _sizes(layer, given)
    out = (None, *(1,) * layer.rank, given[-1])  # with or without keepdims it is the same channels
    return _pooling(given, out, [cells(n, 1) for n in sizes], sizes)


@windows.register
def _(layer: _Adaptive, given, out):
    triples = [cells(n, m) for n, m in zip(_sizes(layer, given), layer.output_size)]
    return _pooling(given, out, triples, [int(k.max()) + 1 for _, _, k in triples])


# The layer as a matrix ------------------------------------------------------------------------------------


class Connections(NamedTuple):
    """One entry for each line between an input and an output, as one would draw it.

    outputs, inputs: their places in the flattened output and input of one image. weights: which number of
    the flattened kernel it carries (-1: none, in pooling). values: that number, or 1 / (size of the window).
    shape: (outputs, inputs) of the whole.
    """

    outputs: np.ndarray
    inputs: np.ndarray
    weights: np.ndarray
    values: np.ndarray
    shape: tuple


def linear(layer, given, out):
    """The Windows of a layer that is a matrix. Errors: TypeError for max pooling too."""
    seen = windows(layer, given, out)
    if seen.weights is None and not isinstance(layer, AVERAGES):
        raise TypeError(f"{layer}: the largest value of a window is no sum of weighted values, so no matrix")
    return seen


def connections(layer, given, out):
    """The Connections of a linear layer. Errors: ValueError for more entries than memory will hold."""
    seen = linear(layer, given, out)
    count = prod(len(o) for o, _, _ in seen.triples) * len(seen.pairs[0])
    if count > MOST_ENTRIES:
        raise ValueError(
            f"{layer}: the matrix would have {count:,} entries besides zeros, more than {MOST_ENTRIES:,}; "
            "take a smaller input_shape"
        )
    o = i = k = np.zeros(1, int)
    share = np.ones(1)
    for (outs, ins, places), n, m, w in zip(seen.triples, seen.inputs, seen.outputs, seen.window):
        o = np.add.outer(o * m, outs).ravel()
        i = np.add.outer(i * n, ins).ravel()
        k = np.add.outer(k * w, places).ravel()
        share = np.multiply.outer(share, 1 / np.bincount(outs, minlength=m)[outs]).ravel()
    first, last = seen.pairs
    outputs = np.add.outer(o * seen.outputs[-1], last).ravel()
    inputs = np.add.outer(i * seen.inputs[-1], first).ravel()
    shape = (prod(seen.outputs), prod(seen.inputs))
    if seen.weights is None:
        values = share.repeat(len(last)).astype(layer.dtype)
        return Connections(outputs, inputs, np.full(len(outputs), -1), values, shape)
    numbers = np.add.outer(k * len(last), np.arange(len(last))).ravel()
    return Connections(outputs, inputs, numbers, seen.weights.ravel()[numbers], shape)
