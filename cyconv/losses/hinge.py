"""Losses of margins: a prediction on the right side, far enough, costs nothing (Vapnik 1995)."""

import numpy as np

from .base import Elementwise, Loss, over_rows


class _Margin(Elementwise):
    """Labels are -1 and 1; where a whole batch is made of 0 and 1, its 0 are read as -1."""

    def labels(self, ops, target):
        binary = ops.reduce(ops.map(lambda t: (t == 0) | (t == 1), target), "minimum")
        one = ops.reshape(binary, (1,) * target.ndim)
        return ops.map(lambda t, binary: np.where(binary > 0, 2 * t - 1, t), target, one)


class Hinge(_Margin):
    """max(1 - t * p, 0), mean over the last axis."""

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        super().__init__(name, reduction, dtype)

    def formula(self, t, p):
        return np.maximum(1 - t * p, 0), np.where(t * p < 1, -t, 0.0)


class SquaredHinge(_Margin):
    """max(1 - t * p, 0)**2, mean over the last axis."""

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        super().__init__(name, reduction, dtype)

    def formula(self, t, p):
        short = np.maximum(1 - t * p, 0)
        return short**2, -2 * t * short


class CategoricalHinge(Loss):
    """max(1 + largest p of another class - p of the label's class, 0); targets one-hot."""

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        super().__init__(name, reduction, dtype)

    def rows(self, ops, target, prediction, weight, scale):
        right, other = ops.map(lambda t, p: (t * p, (1 - t) * p), target, prediction)
        right, largest = ops.reduce(right, axes=(-1,)), ops.reduce(other, "maximum", axes=(-1,))
        winners = ops.map(lambda o, most: o == most, other, over_rows(ops, largest, other))
        winners_count = ops.reduce(winners, axes=(-1,))

        def value(right, largest, weight=1.0):
            return weight * np.maximum(1 + largest - right, 0)

        def slope(t, winner, count, right, largest, weight=1.0):
            return np.where(1 + largest > right, scale * weight * ((1 - t) * winner / count - t), 0.0)

        weights = [] if weight is None else [weight]
        spread = [over_rows(ops, a, prediction) for a in (winners_count, right, largest, *weights)]
        return ops.map(value, right, largest, *weights), ops.map(slope, target, winners, *spread)
