"""Layers that move or repeat elements, or only look at them under another shape."""

import operator
from math import prod

from .. import shapes
from .axes import inverse, transpose
from .base import Layer


class Identity(Layer):
    """y = x."""

    def forward(self, ops, x, training):
        return x, None

    def backward(self, ops, dy, saved, needs_dx):
        return dy


class _View(Layer):
    """Same elements, same order, another shape."""

    def forward(self, ops, x, training):
        return ops.reshape(x, self.compute_output_shape(x.shape)), x.shape

    def backward(self, ops, dy, shape, needs_dx):
        return ops.reshape(dy, shape) if needs_dx else None


class Flatten(_View):
    """(N, ...) -> (N, product of the rest); (N,) -> (N, 1)."""

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        if data_format not in (None, "channels_last"):
            raise ValueError(f"data_format={data_format!r}: cyconv keeps channels last")

    def compute_output_shape(self, input_shape):
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else prod(rest))


class Reshape(_View):
    """(N, ...) -> (N, *target_shape); one entry may be -1: what is left over."""

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        try:
            self.target_shape = tuple(operator.index(t) for t in target_shape)
        except TypeError:
            raise ValueError(
                f"`target_shape` must be a tuple of integers. Received: {target_shape!r}"
            ) from None
        if self.target_shape.count(-1) > 1 or any(t == 0 or t < -1 for t in self.target_shape):
            raise ValueError(f"`target_shape`: positive sizes and at most one -1. Received: {target_shape}")

    def compute_output_shape(self, input_shape):
        known = prod(t for t in self.target_shape if t != -1)
        if None in input_shape[1:]:
            return (input_shape[0], *(None if t == -1 else t for t in self.target_shape))
        total = prod(input_shape[1:])
        if total % known or (-1 not in self.target_shape and total != known):
            raise ValueError(
                f"{total} elements ({' x '.join(map(str, input_shape[1:]))}) do not fill target_shape "
                f"{self.target_shape} ({known}{' times a whole number' if -1 in self.target_shape else ''})"
            )
        return (input_shape[0], *(total // known if t == -1 else t for t in self.target_shape))


class Permute(Layer):
    """The axes in another order: dims[i] is the number, from 1, of the input's axis that becomes axis i + 1.

    Permute((2, 1)): (N, A, B) -> (N, B, A). The batch axis stays.
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"`dims` holds each of 1..{len(self.dims)} once. Received: {dims}")
        self.input_rank, self.order = len(self.dims) + 1, (0, *self.dims)

    def check_input(self, input_shape):
        if len(input_shape) != self.input_rank:
            raise ValueError(
                f"`dims` {self.dims} needs an input of {self.input_rank} axes. Received: {tuple(input_shape)}"
            )

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[i] for i in self.order)

    def forward(self, ops, x, training):
        return transpose(ops, x, self.order), None

    def backward(self, ops, dy, saved, needs_dx):
        return transpose(ops, dy, inverse(self.order)) if needs_dx else None


class RepeatVector(Layer):
    """Each vector n times: (N, C) -> (N, n, C)."""

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        try:
            self.n = shapes.as_tuple(operator.index(n), 1, "n")[0]
        except TypeError:
            raise TypeError(f"`n` is an integer. Received: {n!r}") from None

    def check_input(self, input_shape):
        if len(input_shape) != 2:
            raise ValueError(f"expected an input of shape (batch, channels). Received: {tuple(input_shape)}")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.n, input_shape[1])

    def forward(self, ops, x, training):
        N, C = x.shape
        y = ops.empty((N, self.n, C), x.dtype)
        ops.copy(x, y, shape=y.shape, x_strides=(C, 0, 1), y_strides=(self.n * C, C, 1))
        return y, None

    def backward(self, ops, dy, saved, needs_dx):
        return ops.reduce(dy, axes=(1,)) if needs_dx else None
