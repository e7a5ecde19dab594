"""What a layer costs and sees, for a given shape: multiply-adds, and the part of its input behind an output.

One small function for each family of layers; `singledispatch` chooses by the layer's class. A layer that is
not named here multiplies nothing by a weight, and keeps every position in its place if it keeps the size.
"""

from functools import partial, singledispatch
from math import prod

from .. import shapes
from .adaptive import _Adaptive
from .convolution import Convolution
from .core import Dense
from .depthwise import _Separable
from .matching import CropToMatch
from .merging import Dot
from .padding import _Cropping, _ZeroPadding
from .pooling import _Global, _Pooling
from .preprocessing import Resizing
from .reshaping import Permute, Reshape
from .standardization import GroupNormalization, LayerNormalization, UnitNormalization
from .transposed import _ConvTranspose
from .upsampling import _UpSampling

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


# Windows --------------------------------------------------------------------------------------------------


@reach.register
def _(layer: Convolution, given, out):
    pads = layer.padding_for(given[0][1:-1])
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
def _(layer: _ConvTranspose, given, out):
    pads = layer.padding_for(given[0][1:-1])
    spans = map(shapes.extent, layer.kernel_size, layer.dilation_rate)
    return [_enlarging(spans, layer.strides, [before for before, _ in pads])]


@reach.register
def _(layer: _UpSampling, given, out):
    if layer.interpolation == "nearest":
        return [_enlarging(layer.size, layer.size, [0] * layer.rank)]
    # Between half-pixel centres: the transpose of a convolution with triangles two factors wide.
    return [_enlarging([2 * f for f in layer.size], layer.size, [(f + 1) // 2 for f in layer.size])]


def _enlarging(spans, strides, befores):
    return [
        partial(shapes.transposed_field, span=span, stride=stride, before=before)
        for span, stride, before in zip(spans, strides, befores, strict=True)
    ]


@enlargement.register
def _(layer: _ConvTranspose):
    return layer.strides


@enlargement.register
def _(layer: _UpSampling):
    return layer.size


@reach.register
def _(layer: _ZeroPadding, given, out):
    return [_shifts([before for before, _ in layer.pairs])]


@reach.register
def _(layer: _Cropping, given, out):
    return [_shifts([-before for before, _ in layer.pairs])]


@reach.register
def _(layer: CropToMatch, given, out):
    cuts = [(n - m) // 2 if None not in (n, m) else 0 for n, m in zip(given[0], out, strict=True)]
    return [_shifts([-cut for cut in cuts[1:-1]]), UNUSED]


def _shifts(befores):
    """Windows of one position: an output is the input `before` positions earlier."""
    return [partial(shapes.window_field, span=1, stride=1, before=before) for before in befores]


@reach.register
def _(layer: _Adaptive, given, out):
    sizes = given[0][1:-1]
    if None in sizes:
        return [ALL]
    return [[partial(shapes.adaptive_field, size=n, out=m)
             for n, m in zip(sizes, layer.output_size, strict=True)]]  # fmt: skip


@reach.register(_Global)
@reach.register(Dot)
@reach.register(GroupNormalization)
@reach.register(Permute)
@reach.register(Resizing)
def _(layer, given, out):
    return [ALL] * len(given)


@reach.register(Reshape)
def _(layer, given, out):
    return [[_still] * (len(out) - 2) if given[0] == out else ALL]


@reach.register(LayerNormalization)
@reach.register(UnitNormalization)
def _(layer, given, out):
    axes = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    alone = all(axis % len(out) == len(out) - 1 for axis in axes)  # each position by itself
    return [[_still] * (len(out) - 2) if alone else ALL]


# Weights --------------------------------------------------------------------------------------------------


@multiply_adds.register
def _(layer: Convolution, given, out):
    return _product(*out[1:-1], layer.kernel.size)


@multiply_adds.register
def _(layer: _ConvTranspose, given, out):
    return _product(*given[0][1:-1], layer.kernel.size)


@multiply_adds.register
def _(layer: _Separable, given, out):
    return _product(*out[1:-1], layer.depthwise_kernel.size + layer.pointwise_kernel.size)


@multiply_adds.register
def _(layer: Dense, given, out):
    return _product(*out[1:-1], layer.kernel.size)
