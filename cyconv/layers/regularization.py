"""Dropout, element by element or a whole feature map at once."""

import numpy as np

from .. import random
from .base import Layer
from .convolution import channels_last


class Dropout(Layer):
    """In training each element is 0 with probability `rate`, the others are divided by 1 - rate
    (Srivastava et al. 2014); in inference nothing happens.

    noise_shape: the shape of the mask, by which it repeats: 1 drops along a whole axis together, None is the
    input's size. seed: an integer for a mask sequence of one's own; by default the next sub-seed of the
    process.
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(rate, (int, float, np.number)) or not 0 <= rate <= 1:
            raise ValueError(f"`rate` is the fraction to drop, between 0 and 1. Received: {rate!r}")
        if not (noise_shape is None or isinstance(noise_shape, (list, tuple))):
            raise ValueError(f"`noise_shape` is a tuple of sizes, 1 or None. Received: {noise_shape!r}")
        self.rate, self.noise_shape = float(rate), noise_shape
        self.seed = random.next_seed() if seed is None else int(seed)

    def check_input(self, input_shape):
        super().check_input(input_shape)
        mask = self._mask_shape(input_shape)
        fits = len(mask) == len(input_shape) and all(
            m == 1 or m == n or None in (m, n) for m, n in zip(mask, input_shape, strict=True)
        )
        if not fits:
            raise ValueError(
                f"each entry of `noise_shape` must be 1, None or the input's size. Received: {mask}"
            )

    def _mask_shape(self, shape):
        if self.noise_shape is None:
            return tuple(shape)
        sizes = [*shape, *(None,) * (len(self.noise_shape) - len(shape))]
        return tuple(n if m is None else m for n, m in zip(sizes, self.noise_shape, strict=False))

    def forward(self, ops, x, training):
        if not training or self.rate == 0:
            return x, None
        stream = ops.node  # one mask sequence for each place in the model
        return self._drop(ops, x, stream), stream

    def backward(self, ops, dy, stream, needs_dx):
        if not needs_dx:
            return None
        return dy if stream is None else self._drop(ops, dy, stream)

    def _drop(self, ops, x, stream):
        """The same mask for x and, later, for dy: it is drawn again, not kept."""
        rate = self.rate
        if rate == 1:
            return ops.fill(ops.empty(x.shape, x.dtype), 0.0)
        draw = dict(seed=self.seed, stream=stream)
        mask = self._mask_shape(x.shape)
        if mask == tuple(x.shape):
            return ops.dropout(x, ops.random_state, rate=rate, **draw)
        drawn = ops.random(ops.random_state, mask, x.dtype, distribution="uniform", **draw)

        def drop(x, drawn):
            """0 where the drawn number lies below the rate."""
            return (drawn >= rate) * x / (1 - rate)

        return ops.map(drop, x, drawn)


class _SpatialDropout(Dropout):
    """Dropout of whole feature maps: one draw for each image and channel (Tompson et al. 2015)."""

    rank = None

    def __init__(self, rate, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.input_rank = self.rank + 2

    def get_config(self):
        """Without `trainable`, which Keras's class does not take."""
        return {k: v for k, v in super().get_config().items() if k != "trainable"}

    def _mask_shape(self, shape):
        return (shape[0], *(1,) * self.rank, shape[-1])


class SpatialDropout1D(_SpatialDropout):
    __doc__, rank = _SpatialDropout.__doc__, 1


class SpatialDropout2D(_SpatialDropout):
    __doc__, rank = _SpatialDropout.__doc__, 2

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed, name, dtype, **kwargs)
        channels_last(data_format, self.rank)


class SpatialDropout3D(_SpatialDropout):
    __doc__, rank = _SpatialDropout.__doc__, 3

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None, **kwargs):
        super().__init__(rate, seed, name, dtype, **kwargs)
        channels_last(data_format, self.rank)
