"""Dropout."""

import numpy as np

from .. import random
from .base import Layer


class Dropout(Layer):
    """In training each element is 0 with probability `rate`, the others are divided by 1 - rate
    (Srivastava et al. 2014); in inference nothing happens.

    seed: an integer for a mask sequence of one's own; by default the next sub-seed of the process.
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(rate, (int, float, np.number)) or not 0 <= rate <= 1:
            raise ValueError(f"`rate` is the fraction to drop, between 0 and 1. Received: {rate!r}")
        if noise_shape is not None:
            raise NotImplementedError(f"`noise_shape` is not supported yet. Received: {noise_shape}")
        self.rate = float(rate)
        self.seed = random.next_seed() if seed is None else int(seed)

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
        if self.rate == 1:
            return ops.fill(ops.empty(x.shape, x.dtype), 0.0)
        return ops.dropout(x, ops.random_state, rate=self.rate, seed=self.seed, stream=stream)
