"""What makes two tensors fit before they are joined: cropping to the other's size, padding of channels."""

from math import prod

from .. import shapes
from .base import Layer
from .padding import crop, pad


class CropToMatch(Layer):
    """The middle of x in the size of `like`: layer([x, like]); an odd row is cut at the end.

    Input [(N, spatial..., C), (N, smaller spatial..., any)] -> (N, smaller spatial..., C). In a U-Net without
    padding the contracting path is cut to the expanding path so (Ronneberger et al. 2015).
    """

    takes_list = True

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
        edges = _edges(x.shape, like.shape)
        return crop(ops, x, edges), edges

    def backward(self, ops, dy, edges, needs_dx):
        # Of the second input only the size was used.
        return [pad(ops, dy, edges), None] if needs_dx else None


def _edges(large, small):
    """What to cut off the spatial axes of an array of shape `large`, so that the middle is left."""
    differences = [n - m for n, m in zip(large[1:-1], small[1:-1], strict=True)]
    return tuple((d // 2, d - d // 2) for d in differences)


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
        given = tuple(x.shape)
        y = ops.fill(ops.empty(self.compute_output_shape(given), x.dtype), 0.0)
        ops.copy(x, y, **self._rows(given), x_strides=(given[-1], 1), y_strides=(self.channels, 1))
        return y, given

    def backward(self, ops, dy, given, needs_dx):
        if not needs_dx:
            return None
        dx = ops.empty(given, dy.dtype)
        ops.copy(dy, dx, **self._rows(given), x_strides=(self.channels, 1), y_strides=(given[-1], 1))
        return dx

    def _rows(self, given):
        return dict(shape=(prod(given[:-1]), given[-1]))
