"""Adaptive pooling: any image size in, a fixed grid out."""

from math import prod

from .. import shapes
from .base import Layer
from .convolution import channels_last
from .pooling import ranked


class _Adaptive(Layer):
    """The spatial axes are pooled one after the other: a mean of means over a grid is its mean, and so is a
    maximum. Along an axis each window is cut out, pooled, and put in its place.
    """

    rank = None

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(**kwargs)
        channels_last(data_format, self.rank)
        self.output_size = shapes.as_tuple(output_size, self.rank, "output_size")
        self.input_rank = self.rank + 2

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.output_size, input_shape[-1])

    def _even(self, sizes):
        """The window's size where every axis divides into equal windows: then it is ordinary pooling."""
        pairs = list(zip(sizes, self.output_size, strict=True))
        return None if any(n % m for n, m in pairs) else tuple(n // m for n, m in pairs)

    def forward(self, ops, x, training):
        given, kept = tuple(x.shape), []
        if self._even(given[1:-1]):
            y, saved = self.pool(ops, x, self._even(given[1:-1]))
            return y, (given, saved)
        for axis, out in enumerate(self.output_size, start=1):
            shape = tuple(x.shape)
            outer, n, inner = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
            y = ops.empty((*shape[:axis], out, *shape[axis + 1 :]), x.dtype)
            for i, (start, stop) in enumerate(shapes.adaptive_windows(n, out)):
                window = ops.empty((outer, stop - start, inner), x.dtype)
                row = (stop - start) * inner
                ops.copy(x, window, shape=(outer, row), x_strides=(n * inner, 1), x_offset=start * inner,
                         y_strides=(row, 1))  # fmt: skip
                value, saved = self.pool(ops, window, (stop - start,))
                ops.copy(value, y, shape=(outer, inner), x_strides=(inner, 1), y_strides=(out * inner, 1),
                         y_offset=i * inner)  # fmt: skip
                kept.append(saved)
            x = y
        return x, (given, kept)

    def backward(self, ops, dy, saved, needs_dx):
        if not needs_dx:
            return None
        given, kept = saved
        if self._even(given[1:-1]):
            return self.pool_gradient(ops, dy, kept, given, self._even(given[1:-1]))
        for axis in reversed(range(1, self.rank + 1)):
            shape = tuple(dy.shape)
            outer, n, out, inner = prod(shape[:axis]), given[axis], shape[axis], prod(shape[axis + 1 :])
            dx = ops.fill(ops.empty((*shape[:axis], n, *shape[axis + 1 :]), dy.dtype), 0.0)
            windows = list(enumerate(shapes.adaptive_windows(n, out)))
            for (i, (start, stop)), switches in zip(windows, kept[-out:], strict=True):
                value = ops.empty((outer, 1, inner), dy.dtype)
                ops.copy(dy, value, shape=(outer, inner), x_strides=(out * inner, 1), x_offset=i * inner,
                         y_strides=(inner, 1))  # fmt: skip
                part, size = (outer, stop - start, inner), (stop - start,)
                window = self.pool_gradient(ops, value, switches, part, size)
                row = (stop - start) * inner
                ops.copy(window, dx, shape=(outer, row), x_strides=(row, 1), y_strides=(n * inner, 1),
                         y_offset=start * inner, accumulate=True)  # fmt: skip
            kept, dy = kept[:-out], dx
        return dy

    def pool(self, ops, x, window):
        """(x pooled in windows that lie side by side, what the gradient needs)."""
        raise NotImplementedError

    def pool_gradient(self, ops, dy, saved, shape, window):
        """The gradient of an x of this shape."""
        raise NotImplementedError


def _side_by_side(window):
    return dict(window=window, strides=window, padding=((0, 0),) * len(window))


class _AdaptiveAveragePooling(_Adaptive):
    """The mean of each cell of a fixed grid, whatever the image's size (as PyTorch defines it).

    output_size: the grid, an int or one per spatial axis. Window i of an axis of size n runs from
    floor(i * n / out) to ceil((i + 1) * n / out): neighbours overlap where out does not divide n.
    Input (N, spatial..., C) -> (N, output_size..., C).
    """

    def pool(self, ops, x, window):
        return ops.average_pool(x, **_side_by_side(window)), None

    def pool_gradient(self, ops, dy, saved, shape, window):
        return ops.average_pool_gradient(dy, input_shape=shape, **_side_by_side(window))


class _AdaptiveMaxPooling(_Adaptive):
    """The largest value of each cell of a fixed grid, whatever the image's size (as PyTorch defines it).

    output_size: the grid, an int or one per spatial axis. Window i of an axis of size n runs from
    floor(i * n / out) to ceil((i + 1) * n / out): neighbours overlap where out does not divide n.
    Input (N, spatial..., C) -> (N, output_size..., C).
    """

    def pool(self, ops, x, window):
        return ops.max_pool(x, **_side_by_side(window))

    def pool_gradient(self, ops, dy, switches, shape, window):
        return ops.max_pool_gradient(dy, switches, input_shape=shape, **_side_by_side(window))


AdaptiveAveragePooling1D, AdaptiveAveragePooling2D, AdaptiveAveragePooling3D = (
    ranked(_AdaptiveAveragePooling, f"AdaptiveAveragePooling{r}D", r) for r in (1, 2, 3)
)
AdaptiveMaxPooling1D, AdaptiveMaxPooling2D, AdaptiveMaxPooling3D = (
    ranked(_AdaptiveMaxPooling, f"AdaptiveMaxPooling{r}D", r) for r in (1, 2, 3)
)
