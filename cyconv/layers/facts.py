"""What a layer costs and sees, for a given shape: multiply-adds, and the part of its input behind an output.

One small function for each family of layers; `singledispatch` chooses by the layer's class. A layer that is
not named here multiplies nothing by a weight, and where it keeps the size it keeps every position in its place.
"""

from functools import partial, singledispatch
from math import prod

from .. import shapes
from .adaptive import _Adaptive
from .convolution import Conv
from .core import Dense
from .matching import CropToMatch
from .pooling import _Global, _Pooling

ALL = None  # an output position sees the whole input
UNUSED = ()  # of an input only the shape is used


@singledispatch
def reach(layer, given, out):
    """For each input: one function (low, high) -> (low, high) a spatial axis, or ALL, or UNUSED.

    given: the list of input shapes; out: the output's shape; batch and channels included.
    """
    return [[_still] * (len(out) - 2) if shape[1:-1] == out[1:-1] else ALL for shape in given]


def _still(low, high):
    return low, high


@singledispatch
def enlargement(layer):
    """By which factor a layer enlarges its input, an int or one for each spatial axis."""
    return 1


@singledispatch
def multiply_adds(layer, given, out):
    """Multiplications by a weight (and additions) for one image; None where a size is not known.

    The count of the papers: convolutions and dense layers; adding, normalising and pooling are left out.
    """
    return 0


def _product(*sizes):
    return None if None in sizes else prod(sizes)


# Windows -----------------------------------------------------------------------------------------------------


@reach.register
def _(layer: Conv, given, out):
    pads = layer._padding_for(given[0][1:-1])
    spans = map(shapes.extent, layer.kernel_size, layer.dilation_rate)
    return [_windows(spans, layer.strides, pads)]


@reach.register
def _(layer: _Pooling, given, out):
    return [_windows(layer.pool_size, layer.strides, layer._window(given[0][1:-1])["padding"])]


def _windows(spans, strides, pads):
    return [
        partial(shapes.window_field, span=span, stride=stride, before=before)
        for span, stride, (before, _) in zip(spans, strides, pads, strict=True)
    ]


@reach.register
def _(layer: _Adaptive, given, out):
    sizes = given[0][1:-1]
    if None in sizes:
        return [ALL]
    return [[partial(shapes.adaptive_field, size=n, out=m)
             for n, m in zip(sizes, layer.output_size, strict=True)]]  # fmt: skip


@reach.register
def _(layer: _Global, given, out):
    return [ALL]


@reach.register
def _(layer: CropToMatch, given, out):
    cuts = [(n - m) // 2 if None not in (n, m) else 0 for n, m in zip(given[0], out, strict=True)][1:-1]
    return [_windows([1] * len(cuts), [1] * len(cuts), [(-cut, 0) for cut in cuts]), UNUSED]


# Weights -----------------------------------------------------------------------------------------------------


@multiply_adds.register
def _(layer: Conv, given, out):
    return _product(*out[1:-1], layer.kernel.size)


@multiply_adds.register
def _(layer: Dense, given, out):
    return _product(*out[1:-1], layer.kernel.size)
