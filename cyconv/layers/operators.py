"""Arithmetic on symbolic tensors: x + y, x * 2, x / 255, -x, x ** 2, x[..., :3] are layers too."""

import numpy as np

from ..graph import SymbolicTensor
from ..shapes import strides_of
from .base import Layer
from .merging import Add, Multiply, Subtract
from .preprocessing import Rescaling


class GetItem(Layer):
    """x[key]: slices of an array, as NumPy writes them.

    key: for each axis a slice with step 1 or more, an int (the axis goes), or Ellipsis; in a configuration
    [start, stop, step], an int, or "...". The batch axis is taken whole.
    """

    def __init__(self, key, **kwargs):
        super().__init__(**kwargs)
        entries = key if isinstance(key, (tuple, list)) else (key,)
        self.entries = tuple(_entry(k) for k in entries)
        self._arguments["key"] = [_described(k) for k in self.entries]

    def _ranges(self, shape):
        """For each axis (start, step, count or None where it goes)."""
        key = self.entries
        if Ellipsis not in key:
            key = (*key, Ellipsis)
        i = key.index(Ellipsis)
        free = len(shape) - len(key) + 1
        if free < 0:
            raise ValueError(f"{len(key) - 1} entries for {len(shape)} axes: {self.entries}")
        key = (*key[:i], *(slice(None),) * free, *key[i + 1 :])
        if key[0] != slice(None):
            raise ValueError(f"the batch axis is taken whole: x[:, ...]. Received: {key[0]}")
        return [(0, 1, shape[0]), *(_range(n, k) for n, k in zip(shape[1:], key[1:], strict=True))]

    def compute_output_shape(self, input_shape):
        return tuple(count for _, _, count in self._ranges(input_shape) if count != "gone")

    def _walk(self, shape):
        ranges, strides = self._ranges(shape), strides_of(shape)
        counts = [1 if count == "gone" else count for _, _, count in ranges]
        steps = [step * s for (_, step, _), s in zip(ranges, strides, strict=True)]
        return counts, steps, sum(start * s for (start, _, _), s in zip(ranges, strides, strict=True))

    def forward(self, ops, x, training):
        counts, steps, offset = self._walk(x.shape)
        y = ops.empty(self.compute_output_shape(x.shape), x.dtype)
        ops.copy(x, y, shape=counts, x_strides=steps, x_offset=offset, y_strides=strides_of(counts))
        return y, tuple(x.shape)

    def backward(self, ops, dy, shape, needs_dx):
        if not needs_dx:
            return None
        counts, steps, offset = self._walk(shape)
        dx = ops.fill(ops.empty(shape, dy.dtype))
        ops.copy(dy, dx, shape=counts, x_strides=strides_of(counts), y_strides=steps, y_offset=offset)
        return dx


def _entry(k):
    if k == "...":
        return Ellipsis
    if isinstance(k, (list, tuple)):
        return slice(*k)
    if isinstance(k, slice) or k is Ellipsis or (isinstance(k, (int, np.integer)) and k is not True):
        return k
    raise TypeError(f"a symbolic tensor takes slices, integers and `...` in brackets. Received: {k!r}")


def _described(k):
    return "..." if k is Ellipsis else [k.start, k.stop, k.step] if isinstance(k, slice) else int(k)


def _range(size, k):
    """(start, step, count) of one axis; "gone" for an integer."""
    if isinstance(k, slice):
        if size is None:
            if k == slice(None):
                return 0, 1, None
            raise ValueError("an axis of unknown size cannot be cut; give the Input's size")
        start, stop, step = k.indices(size)
        if step < 1:
            raise ValueError(f"the step of a slice must be 1 or more. Received: {k.step}")
        if stop <= start:
            raise ValueError(f"the slice [{k.start}:{k.stop}] of an axis of {size} positions is empty")
        return start, step, -(-(stop - start) // step)
    if size is None or not -size <= k < size:
        raise ValueError(f"there is no position {k} on an axis of {size}")
    return k % size, 1, "gone"


def _is_number(value):
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _operator(layer, scaled):
    """a (operator) b, where b is another symbolic tensor (`layer`) or a number (`scaled`: scale, offset)."""

    def combine(a, b):
        if isinstance(b, SymbolicTensor) and layer:
            return layer()([a, b])
        if _is_number(b):
            scale, offset = scaled(float(b))
            return Rescaling(scale, offset)(a)
        what = "another symbolic tensor or a number" if layer else "a number"
        raise TypeError(f"a symbolic tensor combines with {what} here. Received: {type(b).__name__}")

    return combine


def _power(a, exponent):
    if exponent not in (1, 2, 3, 4):
        raise TypeError(f"x ** n of a symbolic tensor: n is 1 to 4. Received: {exponent!r}")
    return a if exponent == 1 else Multiply()([a] * int(exponent))


SymbolicTensor.__add__ = SymbolicTensor.__radd__ = _operator(Add, lambda b: (1.0, b))
SymbolicTensor.__mul__ = SymbolicTensor.__rmul__ = _operator(Multiply, lambda b: (b, 0.0))
SymbolicTensor.__sub__ = _operator(Subtract, lambda b: (1.0, -b))
SymbolicTensor.__rsub__ = _operator(None, lambda b: (-1.0, b))
SymbolicTensor.__truediv__ = _operator(None, lambda b: (1 / b, 0.0))
SymbolicTensor.__neg__ = lambda a: Rescaling(-1.0)(a)
SymbolicTensor.__pow__ = _power
SymbolicTensor.__getitem__ = lambda a, key: GetItem(key)(a)
SymbolicTensor.__array_ufunc__ = None  # np.float32(2) * x is x * 2, not NumPy's business
SymbolicTensor.__iter__ = None  # brackets alone would make it look like a sequence
