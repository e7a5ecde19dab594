"""Zeros around an image, and images cut at their edges."""

import operator

from ..shapes import strides_of
from .base import Layer
from .convolution import channels_last


def pad(ops, x, pairs):
    """x with zeros around its spatial axes; pairs: ((before, after), ...)."""
    shape = _resized(x.shape, pairs, 1)
    y, strides = ops.fill(ops.empty(shape, x.dtype)), strides_of(shape)
    ops.copy(x, y, shape=x.shape, x_strides=strides_of(x.shape), y_strides=strides,
             y_offset=_corner(strides, pairs))  # fmt: skip
    return y


def crop(ops, x, pairs):
    """x without `before` positions at the beginning and `after` at the end of each spatial axis."""
    shape = _resized(x.shape, pairs, -1)
    y, strides = ops.empty(shape, x.dtype), strides_of(x.shape)
    ops.copy(x, y, shape=shape, x_strides=strides, y_strides=strides_of(shape),
             x_offset=_corner(strides, pairs))  # fmt: skip
    return y


def _resized(shape, pairs, sign):
    sizes = (
        None if n is None else n + sign * (a + b) for n, (a, b) in zip(shape[1:-1], pairs, strict=True)
    )
    return (shape[0], *sizes, shape[-1])


def _corner(strides, pairs):
    """Where the inside begins."""
    return sum(before * stride for (before, _), stride in zip(pairs, strides[1:-1], strict=True))


def _as_pairs(value, rank, name):
    """((before, after), ...): from one int, one int an axis, or one pair an axis (1-D: also a pair alone)."""
    given = value if isinstance(value, (tuple, list)) else (value,) * rank
    if rank == 1 and len(given) == 2:
        given = (given,)
    pairs = [tuple(p) if isinstance(p, (tuple, list)) else (p, p) for p in given]
    try:
        pairs = tuple((operator.index(before), operator.index(after)) for before, after in pairs)
    except (TypeError, ValueError):
        pairs = ()
    if len(pairs) != rank or any(p < 0 for pair in pairs for p in pair):
        each = "" if rank == 1 else f", {rank} integers or {rank} (before, after) pairs"
        raise ValueError(
            f"`{name}` must be an integer{each or ' or (before, after)'}, none negative. Received: {value!r}"
        )
    return pairs


class _Edges(Layer):
    """What padding and cropping share: pairs for each spatial axis; each is the other's gradient."""

    rank = None

    def _edges(self, value, name, data_format=None):
        channels_last(data_format, self.rank)
        self.pairs, self.input_rank = _as_pairs(value, self.rank, name), self.rank + 2
        setattr(self, name, self.pairs if self.rank > 1 else self.pairs[0])


class _ZeroPadding(_Edges):
    """Zeros before and behind each spatial axis.

    padding: an int, one int an axis, or a (before, after) pair an axis.
    Input (N, spatial..., C) -> (N, spatial + before + after..., C).
    """

    def compute_output_shape(self, input_shape):
        return _resized(input_shape, self.pairs, 1)

    def forward(self, ops, x, training):
        return pad(ops, x, self.pairs), None

    def backward(self, ops, dy, saved, needs_dx):
        return crop(ops, dy, self.pairs) if needs_dx else None


class _Cropping(_Edges):
    """Cuts positions off both ends of each spatial axis: the skip of the original U-Net.

    cropping: an int, one int an axis, or a (before, after) pair an axis.
    Input (N, spatial..., C) -> (N, spatial - before - after..., C).
    """

    def check_input(self, input_shape):
        super().check_input(input_shape)
        for axis, (size, (before, after)) in enumerate(zip(input_shape[1:-1], self.pairs, strict=True)):
            if size is not None and before + after >= size:
                raise ValueError(
                    f"`cropping` leaves nothing of spatial axis {axis}: {size} - {before} - {after}; at most "
                    f"{size - 1} may go"
                )

    def compute_output_shape(self, input_shape):
        return _resized(input_shape, self.pairs, -1)

    def forward(self, ops, x, training):
        return crop(ops, x, self.pairs), None

    def backward(self, ops, dy, saved, needs_dx):
        return pad(ops, dy, self.pairs) if needs_dx else None


class ZeroPadding1D(_ZeroPadding):
    __doc__, rank = _ZeroPadding.__doc__, 1

    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._edges(padding, "padding", data_format)


class ZeroPadding2D(_ZeroPadding):
    __doc__, rank = _ZeroPadding.__doc__, 2

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._edges(padding, "padding", data_format)


class ZeroPadding3D(_ZeroPadding):
    __doc__, rank = _ZeroPadding.__doc__, 3

    def __init__(self, padding=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._edges(padding, "padding", data_format)


class Cropping1D(_Cropping):
    __doc__, rank = _Cropping.__doc__, 1

    def __init__(self, cropping=(1, 1), **kwargs):
        super().__init__(**kwargs)
        self._edges(cropping, "cropping")


class Cropping2D(_Cropping):
    __doc__, rank = _Cropping.__doc__, 2

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._edges(cropping, "cropping", data_format)


class Cropping3D(_Cropping):
    __doc__, rank = _Cropping.__doc__, 3

    def __init__(self, cropping=((1, 1), (1, 1), (1, 1)), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._edges(cropping, "cropping", data_format)
