"""Enlarging by whole factors: the way up of many U-Nets."""

from .. import shapes
from .base import Layer
from .convolution import channels_last

INTERPOLATIONS = {"nearest": "nearest", "bilinear": "linear"}


class _UpSampling(Layer):
    """Enlarges each spatial axis by a whole factor.

    size: the factor, an int or one per spatial axis. interpolation (2-D): "nearest" repeats, "bilinear"
    interpolates between half-pixel centres. Input (N, spatial..., C) -> (N, spatial * size..., C).
    """

    rank = None

    def __init__(self, size=2, data_format=None, **kwargs):
        super().__init__(**kwargs)
        channels_last(data_format, self.rank)
        self.size = shapes.as_tuple(size, self.rank, "size")
        self.interpolation, self.input_rank = "nearest", self.rank + 2

    def compute_output_shape(self, input_shape):
        sizes = (None if n is None else n * s for n, s in zip(input_shape[1:-1], self.size, strict=True))
        return (input_shape[0], *sizes, input_shape[-1])

    def forward(self, ops, x, training):
        return ops.upsample(x, size=self.size, interpolation=INTERPOLATIONS[self.interpolation]), None

    def backward(self, ops, dy, saved, needs_dx):
        if not needs_dx:
            return None
        return ops.upsample_gradient(dy, size=self.size, interpolation=INTERPOLATIONS[self.interpolation])


class UpSampling1D(_UpSampling):
    __doc__, rank = _UpSampling.__doc__, 1

    def __init__(self, size=2, **kwargs):
        super().__init__(size, **kwargs)

    def get_config(self):
        return {**super().get_config(), "size": self.size[0]}


class UpSampling2D(_UpSampling):
    __doc__, rank = _UpSampling.__doc__, 2

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(size, data_format, **kwargs)
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                '`interpolation` must be "nearest" or "bilinear"; a learned enlargement is Conv2DTranspose. '
                f"Received: {interpolation!r}"
            )
        self.interpolation = interpolation


class UpSampling3D(_UpSampling):
    __doc__, rank = _UpSampling.__doc__, 3
