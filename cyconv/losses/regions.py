"""Losses of overlap between a predicted region and the true one, for segmentation."""

import numpy as np

from ..backends.interface import EPSILON
from .base import Loss


class _Overlap(Loss):
    """1 - overlap / size, from sums over `axis` (None: over everything, the batch too)."""

    def __init__(self, reduction, name, axis, dtype):
        super().__init__(name, reduction, dtype)
        self.axes = axis

    axis = None  # nothing is moved: the sums are taken where the axes are

    def overlap(self, shared, true, predicted):
        """(overlap, size) from the sums of t * p, t and p."""
        raise NotImplementedError

    def overlap_slopes(self, t):
        """The derivatives of overlap and size by one element of p."""
        raise NotImplementedError

    def _summed(self, ndim):
        if self.axes is None:
            return tuple(range(ndim))
        axes = self.axes if isinstance(self.axes, (list, tuple)) else [self.axes]
        return tuple(sorted(a % ndim for a in axes))

    def row_shape(self, target_shape):
        summed = self._summed(len(target_shape))
        if self.axes is None:
            return (target_shape[0],)  # one value, but a weight for each sample
        return tuple(n for i, n in enumerate(target_shape) if i not in summed)

    def count(self, target_shape, weight):
        return 1 if self.axes is None and weight is None else super().count(target_shape, weight)

    def record(self, ops, target, prediction, weight=None, share=1.0):
        if weight is not None and self.axes is not None and 0 in self._summed(target.ndim):
            raise ValueError(f"{type(self).__name__} over the batch axis cannot take weights of samples")
        return super().record(ops, target, prediction, weight, share)

    def rows(self, ops, target, prediction, weight, scale):
        axes, shape = self._summed(target.ndim), target.shape
        kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
        products = ops.map(np.multiply, target, prediction)
        sums = [ops.reduce(a, axes=axes) for a in (products, target, prediction)]

        def value(shared, true, predicted, weight=1.0):
            overlap, size = self.overlap(shared, true, predicted)
            return weight * (1 - overlap / size)

        def slope(t, shared, true, predicted, weight=1.0):
            overlap, size = self.overlap(shared, true, predicted)
            doverlap, dsize = self.overlap_slopes(t)
            return -scale * weight * (doverlap * size - overlap * dsize) / (size * size)

        weights = [] if weight is None else [weight]
        values = ops.map(value, *sums, *weights)
        if self.axes is None:  # the one value counts once for every weight, or for every sample
            weights = [ops.reduce(w) for w in weights]
        spread = [ops.reshape(a, kept) for a in (*sums, *weights)]
        return values, ops.map(slope, target, *spread)


class Dice(_Overlap):
    """1 - 2 * sum(t * p) / (sum(t) + sum(p) + 1e-7) (Dice 1945; Milletari et al. 2016)."""

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        super().__init__(reduction, name, axis, dtype)

    def overlap(self, shared, true, predicted):
        return 2 * shared, true + predicted + EPSILON

    def overlap_slopes(self, t):
        return 2 * t, 1.0


class Tversky(_Overlap):
    """1 - TP / (TP + alpha * missed + beta * false + 1e-7), with TP = sum(t * p), missed = sum(t * (1 - p)),
    false = sum((1 - t) * p). As Keras has it; in Salehi et al. 2017 alpha and beta change places.
    """

    def __init__(self, alpha=0.5, beta=0.5, reduction="sum_over_batch_size", name="tversky", axis=None,
                 dtype=None):  # fmt: skip
        super().__init__(reduction, name, axis, dtype)
        self.alpha, self.beta = alpha, beta

    def overlap(self, shared, true, predicted):
        wrong = self.alpha * (true - shared) + self.beta * (predicted - shared)
        return shared, shared + wrong + EPSILON

    def overlap_slopes(self, t):
        return t, t - self.alpha * t + self.beta * (1 - t)
