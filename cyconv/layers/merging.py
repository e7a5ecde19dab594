"""Layers that join several inputs: sums, products, means, extremes, concatenation, scalar products."""

from functools import reduce
from math import prod

import numpy as np

from .axes import inverse, last, sum_to, transpose
from .base import Layer


class _Merge(Layer):
    """Takes a list of tensors, repeated along axes of size 1 (and missing axes behind the batch axis) until
    their shapes agree. `combine` is the formula of the inputs; `spread` that of all their gradients.
    """

    takes_list = True
    count = None  # how many inputs there must be; None: any number

    def check_input(self, input_shape):
        if not isinstance(input_shape, list) or not input_shape:
            raise ValueError("expected a list of inputs: layer([a, b])")
        if self.count and len(input_shape) != self.count:
            raise ValueError(f"expected exactly {self.count} inputs. Received: {len(input_shape)}")

    def compute_output_shape(self, input_shape):
        sizes = []
        for axis in zip(*aligned(input_shape), strict=True):
            known = {n for n in axis if n not in (None, 1)}
            if len(known) > 1:
                raise ValueError(
                    "the inputs must have one shape, or 1 along axes where they repeat; "
                    f"{' and '.join(str(tuple(s)) for s in input_shape)} differ"
                )
            sizes.append(known.pop() if known else None if None in axis else 1)
        return tuple(sizes)

    def forward(self, ops, x, training):
        shapes = [tuple(a.shape) for a in x]
        x = [ops.reshape(a, s) for a, s in zip(x, aligned(shapes), strict=True)]
        return ops.map(type(self).combine, *x), (x, shapes)

    def backward(self, ops, dy, saved, needs_dx):
        if not needs_dx:
            return None
        x, shapes = saved
        return [
            ops.reshape(sum_to(ops, dx, a.shape), shape)
            for dx, a, shape in zip(self.gradients(ops, dy, x), x, shapes, strict=True)
        ]

    def gradients(self, ops, dy, x):
        """The gradient of each input, before it is summed over the axes along which the input repeats."""
        return ops.map(type(self).spread, dy, *x)


def aligned(shapes):
    """The shapes with axes of size 1 behind the batch axis, so that all have the same number of axes."""
    rank = max(len(s) for s in shapes)
    return [(s[0], *(1,) * (rank - len(s)), *s[1:]) for s in map(tuple, shapes)]


class Add(_Merge):
    """a + b + ...: the sum at the end of a residual block (He et al. 2016)."""

    @staticmethod
    def combine(*x):
        return reduce(np.add, x)

    def gradients(self, ops, dy, x):
        return [dy] * len(x)


class Subtract(_Merge):
    """a - b."""

    count = 2

    @staticmethod
    def combine(a, b):
        return a - b

    def gradients(self, ops, dy, x):
        return [dy, ops.map(np.negative, dy)]


class Multiply(_Merge):
    """a * b * ..., element by element."""

    @staticmethod
    def combine(*x):
        return reduce(np.multiply, x)

    @staticmethod
    def spread(dy, *x):
        return tuple(reduce(np.multiply, [dy, *x[:i], *x[i + 1 :]]) for i in range(len(x)))


class Average(_Merge):
    """(a + b + ...) / their number."""

    @staticmethod
    def combine(*x):
        return reduce(np.add, x) / len(x)

    @staticmethod
    def spread(dy, *x):
        return (dy / len(x),) * len(x)


def _extreme(choose, wins):
    """`combine` and `spread` of a running maximum or minimum. Of two equal elements each gets one half."""

    def combine(*x):
        return reduce(choose, x)

    def spread(dy, *x):
        running = [x[0]]
        for other in x[1:]:
            running.append(choose(running[-1], other))
        gradients = []
        for other, before in zip(reversed(x[1:]), reversed(running[:-1]), strict=True):
            share = np.where(other == before, 0.5, np.where(wins(other, before), 1.0, 0.0))
            gradients.insert(0, dy * share)
            dy = dy * (1 - share)
        return (dy, *gradients)

    return staticmethod(combine), staticmethod(spread)


class Maximum(_Merge):
    """The largest of the inputs, element by element (Goodfellow et al. 2013, "Maxout networks")."""

    combine, spread = _extreme(np.maximum, np.greater)


class Minimum(_Merge):
    """The smallest of the inputs, element by element."""

    combine, spread = _extreme(np.minimum, np.less)


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


def product_gradients(dy, a, b):
    """Of a * b."""
    return dy * b, dy * a


def unit_scale(squares):
    """1 / length, from the sum of squares."""
    return 1 / np.sqrt(np.maximum(squares, 1e-12))


def unit_gradient(dy, y, scale, along):
    """Of y = x * scale(x): what points along y does not change y. along: the sum of dy * y."""
    return (dy - y * along) * scale


def unit(ops, x):
    """(x with each row of its last axis scaled to length 1, the scales)."""
    squares = ops.reduce(ops.map(np.square, x), axes=(-1,))
    scale = ops.map(unit_scale, ops.reshape(squares, (*x.shape[:-1], 1)))
    return ops.map(np.multiply, x, scale), scale


def unit_backward(ops, dy, y, scale):
    """dx of `unit`."""
    along = ops.reduce(ops.map(np.multiply, dy, y), axes=(-1,))
    return ops.map(unit_gradient, dy, y, scale, ops.reshape(along, scale.shape))


class Dot(Layer):
    """The scalar product of two tensors, image by image, over one axis of each.

    axes: an int, or one for each input (never the batch axis). normalize: rows are scaled to length 1 first,
    which gives the cosine. Inputs (N, A..., K) and (N, B..., K) -> (N, A..., B...), at least (N, 1).
    """

    takes_list = True

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        pair = tuple(axes) if isinstance(axes, (list, tuple)) else (axes, axes)
        if len(pair) != 2 or not all(isinstance(a, int) and a for a in pair):
            raise ValueError(f"`axes` is one axis or a pair of them, not 0. Received: {axes!r}")
        self.axes, self.normalize = pair, normalize

    def get_config(self):
        axes = self._arguments["axes"]
        return {**super().get_config(), "axes": axes if isinstance(axes, int) else list(axes)}

    def check_input(self, input_shape):
        if not isinstance(input_shape, list) or len(input_shape) != 2:
            raise ValueError("expected a list of two inputs: layer([a, b])")
        for shape, axis in zip(input_shape, self.axes, strict=True):
            if len(shape) < 2 or not -len(shape) < axis < len(shape):
                raise ValueError(f"there is no axis {axis} to multiply over in shape {tuple(shape)}")
        a, b = (shape[axis] for shape, axis in zip(input_shape, self.axes, strict=True))
        if a != b and None not in (a, b):
            raise ValueError(f"the axes must have one size; axis {self.axes[0]} has {a}, {self.axes[1]} {b}")

    def compute_output_shape(self, input_shape):
        a, b = (
            [n for i, n in enumerate(shape) if i != axis % len(shape)]
            for shape, axis in zip(input_shape, self.axes, strict=True)
        )
        rest = (*a[1:], *b[1:])
        return (a[0], *rest) if rest else (a[0], 1)

    def forward(self, ops, x, training):
        orders = [last(len(a.shape), [axis]) for a, axis in zip(x, self.axes, strict=True)]
        rows = [transpose(ops, a, order) for a, order in zip(x, orders, strict=True)]
        scaled = [unit(ops, a) if self.normalize else (a, None) for a in rows]
        (N, *_, K), count = rows[0].shape, [prod(a.shape[1:-1]) for a in rows]
        a = ops.reshape(scaled[0][0], (N, count[0], 1, K))
        b = ops.reshape(scaled[1][0], (N, 1, count[1], K))
        y = ops.reduce(ops.map(np.multiply, a, b), axes=(3,))
        y = ops.reshape(y, self.compute_output_shape([tuple(v.shape) for v in x]))
        return y, (a, b, scaled, orders)

    def backward(self, ops, dy, saved, needs_dx):
        if not needs_dx:
            return None
        a, b, scaled, orders = saved
        dy = ops.reshape(dy, (a.shape[0], a.shape[1], b.shape[2], 1))
        products, gradients = ops.map(product_gradients, dy, a, b), []
        for dx, shape, (y, scale), order in zip(products, (a.shape, b.shape), scaled, orders, strict=True):
            dx = ops.reshape(sum_to(ops, dx, shape), y.shape)
            if self.normalize:
                dx = unit_backward(ops, dx, y, scale)
            gradients.append(transpose(ops, dx, inverse(order)))
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


def average(inputs, **kwargs):
    """Average()(inputs)."""
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """Maximum()(inputs)."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """Minimum()(inputs)."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """Concatenate(axis)(inputs)."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes=-1, **kwargs):
    """Dot(axes)(inputs)."""
    return Dot(axes=axes, **kwargs)(inputs)
