"""Layers that join several inputs: sums, products, extremes, concatenation."""

from math import prod

import numpy as np

from ..graph import SymbolicTensor
from .base import Layer


class _Merge(Layer):
    """Takes a list of at least two tensors of one shape."""

    takes_list = True

    def check_input(self, input_shape):
        if not isinstance(input_shape, list) or len(input_shape) < 2:
            raise ValueError("expected a list of at least two inputs: layer([a, b])")

    def compute_output_shape(self, input_shape):
        first = input_shape[0]
        for other in input_shape[1:]:
            if len(other) != len(first) or any(
                a != b and None not in (a, b) for a, b in zip(first, other, strict=True)
            ):
                raise ValueError(f"all inputs must have one shape; {tuple(first)} and {tuple(other)} differ")
        return tuple(
            next((s for s in sizes if s is not None), None) for sizes in zip(*input_shape, strict=True)
        )


class Add(_Merge):
    """a + b + ...: the sum at the end of a residual block (He et al. 2016)."""

    def forward(self, ops, x, training):
        y = ops.binary(x[0], x[1], "add")
        for other in x[2:]:
            y = ops.binary(y, other, "add")
        return y, len(x)

    def backward(self, ops, dy, count, needs_dx):
        return [dy] * count if needs_dx else None


class Subtract(_Merge):
    """a - b."""

    def check_input(self, input_shape):
        super().check_input(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f"expected exactly two inputs. Received: {len(input_shape)}")

    def forward(self, ops, x, training):
        return ops.binary(x[0], x[1], "subtract"), None

    def backward(self, ops, dy, saved, needs_dx):
        if not needs_dx:
            return None
        zero = ops.fill(ops.empty(dy.shape, dy.dtype), 0.0)
        return [dy, ops.binary(zero, dy, "subtract")]


class Multiply(_Merge):
    """a * b * ..., element by element."""

    def forward(self, ops, x, training):
        y = ops.binary(x[0], x[1], "multiply")
        for other in x[2:]:
            y = ops.binary(y, other, "multiply")
        return y, x

    def backward(self, ops, dy, x, needs_dx):
        if not needs_dx:
            return None
        gradients = []
        for i in range(len(x)):
            dx = dy
            for j, other in enumerate(x):
                if j != i:
                    dx = ops.binary(dx, other, "multiply")
            gradients.append(dx)
        return gradients


class Concatenate(Layer):
    """The inputs one behind the other along `axis` (never the batch axis): the skip of a U-Net."""

    takes_list = True

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(axis, (int, np.integer)):
            raise ValueError(f"`axis` must be an integer. Received: {axis!r}")
        self.axis = axis

    def check_input(self, input_shape):
        if not isinstance(input_shape, list) or not input_shape:
            raise ValueError("expected a list of inputs: layer([a, b])")
        rank = len(input_shape[0])
        if not (-rank < self.axis < rank and self.axis % rank):
            raise ValueError(f"axis must lie in 1..{rank - 1} (or be negative). Received: {self.axis}")
        axis = self.axis % rank
        first = input_shape[0]
        for other in input_shape[1:]:
            same = len(other) == rank and all(
                i == axis or a == b or None in (a, b)
                for i, (a, b) in enumerate(zip(first, other, strict=True))
            )
            if not same:
                raise ValueError(
                    f"all inputs must agree in every axis but {axis}; {tuple(first)} and {tuple(other)} do "
                    "not. "
                    "In a U-Net: choose sizes that divide by 2 at every level, pad, or crop the larger one"
                )

    def compute_output_shape(self, input_shape):
        axis = self.axis % len(input_shape[0])
        sizes = [shape[axis] for shape in input_shape]
        first = list(input_shape[0])
        first[axis] = None if None in sizes else sum(sizes)
        return tuple(first)

    def _blocks(self, shapes):
        """For each input what `copy` needs to put it in its place: (shape, strides, wide strides, offset)."""
        axis = self.axis % len(shapes[0])
        outer, inners, offset = prod(shapes[0][:axis]), [prod(s[axis:]) for s in shapes], 0
        for inner in inners:
            yield (outer, inner), (inner, 1), (sum(inners), 1), offset
            offset += inner

    def forward(self, ops, x, training):
        shapes = [tuple(a.shape) for a in x]
        y = ops.empty(self.compute_output_shape(shapes), x[0].dtype)
        for part, (shape, strides, wide, offset) in zip(x, self._blocks(shapes), strict=True):
            ops.copy(part, y, shape=shape, x_strides=strides, y_strides=wide, y_offset=offset)
        return y, shapes

    def backward(self, ops, dy, shapes, needs_dx):
        if not needs_dx:
            return None
        gradients = []
        for full, (shape, strides, wide, offset) in zip(shapes, self._blocks(shapes), strict=True):
            dx = ops.empty(full, dy.dtype)
            ops.copy(dy, dx, shape=shape, x_strides=wide, x_offset=offset, y_strides=strides)
            gradients.append(dx)
        return gradients


def add(inputs, **kwargs):
    """Add()(inputs)."""
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """Subtract()(inputs)."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """Multiply()(inputs)."""
    return Multiply(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """Concatenate(axis)(inputs)."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def _operator(layer):
    def combine(a, b):
        if not isinstance(b, SymbolicTensor):
            raise TypeError(f"a symbolic tensor combines with another one only. Received: {type(b).__name__}")
        return layer()([a, b])

    return combine


# x + y, x - y, x * y on symbolic tensors are the layers of this file.
SymbolicTensor.__add__ = _operator(Add)
SymbolicTensor.__sub__ = _operator(Subtract)
SymbolicTensor.__mul__ = _operator(Multiply)
