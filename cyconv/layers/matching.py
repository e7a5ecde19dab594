"""What makes two tensors fit before they are joined: cropping to the other's size, padding of channels."""

from math import prod

from .. import shapes
from .base import Layer


class CropToMatch(Layer):
    """The middle of x in the size of `like`: layer([x, like]); an odd row is cut at the end.

    Input [(N, spatial..., C), (N, smaller spatial..., any)] -> (N, smaller spatial..., C). In a U-Net without
    padding the contracting path is cut to the expanding path so (Ronneberger et al. 2015).
    """

    def check_input(self, input_shape):
        if not isinstance(input_shape, list) or len(input_shape) != 2:
            raise ValueError("expected two inputs: layer([x, like])")
        x, like = input_shape
        if len(x) != len(like) or any(
            n < m for n, m in zip(x[1:-1], like[1:-1], strict=True) if None not in (n, m)
        ):
            raise ValueError(f"{tuple(x)} is too small to be cropped to the size of {tuple(like)}")

    def compute_output_shape(self, input_shape):
        x, like = input_shape
        return (x[0], *like[1:-1], x[-1])

    def forward(self, ops, x, training):
        x, like = x
        given = tuple(x.shape)
        for axis in range(1, x.ndim - 1):
            if like.shape[axis] != x.shape[axis]:
                large = tuple(x.shape)
                y = ops.empty((*large[:axis], like.shape[axis], *large[axis + 1 :]), x.dtype)
                outer, inner, start, stride = _middle(large, axis, like.shape[axis])
                ops.copy_block(
                    x, y, outer=outer, inner=inner, x_offset=start, x_stride=stride, y_stride=inner
                )
                x = y
        return x, given

    def backward(self, ops, dy, given, needs_dx):
        if not needs_dx:
            return None
        for axis in reversed(range(1, dy.ndim - 1)):
            if given[axis] != dy.shape[axis]:
                large = (*dy.shape[:axis], given[axis], *dy.shape[axis + 1 :])
                dx = ops.fill(ops.empty(large, dy.dtype), 0.0)
                outer, inner, start, stride = _middle(large, axis, dy.shape[axis])
                to = dict(y_offset=start, y_stride=stride)
                ops.copy_block(dy, dx, outer=outer, inner=inner, x_stride=inner, **to)
                dy = dx
        return [dy, None]


def _middle(large, axis, size):
    """(outer, inner, start, stride) of the block that is the middle `size` positions of an axis."""
    below = prod(large[axis + 1 :])
    start = (large[axis] - size) // 2 * below
    return prod(large[:axis]), size * below, start, large[axis] * below


class PadChannels(Layer):
    """Zeros behind the channels: (N, ..., C) -> (N, ..., channels), no weights.

    After subsampling this is the parameter-free shortcut of He et al. 2016 (option A) where a stage of a
    ResNet has more channels than the one before.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = shapes.as_tuple(channels, 1, "channels")[0]

    def check_input(self, input_shape):
        if input_shape[-1] is None or input_shape[-1] > self.channels:
            raise ValueError(f"it pads to {self.channels} channels. Received: {input_shape[-1]}")

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.channels)

    def forward(self, ops, x, training):
        shape, C = tuple(x.shape), x.shape[-1]
        y = ops.fill(ops.empty(self.compute_output_shape(shape), x.dtype), 0.0)
        ops.copy_block(x, y, outer=prod(shape[:-1]), inner=C, x_stride=C, y_stride=self.channels)
        return y, shape

    def backward(self, ops, dy, shape, needs_dx):
        if not needs_dx:
            return None
        dx, C = ops.empty(shape, dy.dtype), shape[-1]
        ops.copy_block(dy, dx, outer=prod(shape[:-1]), inner=C, x_stride=self.channels, y_stride=C)
        return dx
