"""Penalties on activities; noise in training, drawn anew for each step from (seed, place, step)."""

import numpy as np

from .. import random, regularizers
from .base import Layer
from .regularization import Dropout
from .reshaping import Identity


class _Noise(Layer):
    """Normal numbers (mean 0, variance 1) of the input's shape, the same in both passes."""

    def __init__(self, seed, **kwargs):
        super().__init__(**kwargs)
        self.seed = random.next_seed() if seed is None else int(seed)

    def _normal(self, ops, x, stream):
        return ops.random(ops.random_state, x.shape, x.dtype, distribution="normal", seed=self.seed,
                          stream=stream)  # fmt: skip


class GaussianNoise(_Noise):
    """x + stddev * n, n normal: a mild form of data augmentation (Bishop 1995)."""

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if not 0 <= stddev:
            raise ValueError(f"`stddev` must not be negative. Received: {stddev}")
        self.stddev = float(stddev)

    def forward(self, ops, x, training):
        if not training or self.stddev == 0:
            return x, None
        stddev = self.stddev
        return ops.map(lambda x, n: x + stddev * n, x, self._normal(ops, x, ops.node)), None

    def backward(self, ops, dy, saved, needs_dx):
        return dy


class GaussianDropout(_Noise):
    """x * (1 + sqrt(rate / (1 - rate)) * n), n normal: the variance of dropout, no zeros (Srivastava et al.
    2014, section 10).
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"`rate` is a fraction, between 0 and 1. Received: {rate}")
        self.rate = float(rate)

    def forward(self, ops, x, training):
        if not training or self.rate in (0, 1):  # as in Keras, 1 is no noise
            return x, None
        stream = ops.node
        return self._scaled(ops, x, stream), stream

    def backward(self, ops, dy, stream, needs_dx):
        return dy if stream is None else self._scaled(ops, dy, stream)

    def _scaled(self, ops, x, stream):
        spread = (self.rate / (1 - self.rate)) ** 0.5
        return ops.map(lambda x, n: x * (1 + spread * n), x, self._normal(ops, x, stream))


class ActivityRegularization(Identity):
    """y = x; l1 * sum |y| + l2 * sum y**2, for each image, is part of the loss."""

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)


class AlphaDropout(Dropout):
    """Dropout for selu networks: dropped elements become selu's lowest value, and a * x + b keeps mean 0 and
    variance 1 (Klambauer et al. 2017).
    """

    LOWEST = -1.6732632423543772 * 1.0507009873554805

    def _drop(self, ops, x, stream, backward=False):
        rate, lowest = self.rate, self.LOWEST
        a = ((1 - rate) * (1 + rate * lowest**2)) ** -0.5 if rate < 1 else 0.0
        b = 0.0 if backward else -a * lowest * rate
        dropped = 0.0 if backward else lowest
        drawn = ops.random(ops.random_state, self._mask_shape(x.shape), x.dtype, distribution="uniform",
                           seed=self.seed, stream=stream)  # fmt: skip
        return ops.map(lambda x, drawn: a * np.where(drawn >= rate, x, dropped) + b, x, drawn)

    def backward(self, ops, dy, stream, needs_dx):
        if not needs_dx:
            return None
        return dy if stream is None else self._drop(ops, dy, stream, backward=True)
