"""Layers that only look at the same elements under another shape."""

import operator
from math import prod

from .base import Layer


class _View(Layer):
    """Same elements, same order, another shape."""

    def forward(self, ops, x, training):
        return ops.reshape(x, self.compute_output_shape(x.shape)), x.shape

    def backward(self, ops, dy, shape, needs_dx):
        return ops.reshape(dy, shape) if needs_dx else None


class Flatten(_View):
    """(N, ...) -> (N, product of the rest)."""

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
