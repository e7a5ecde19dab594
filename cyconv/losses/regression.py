"""Losses of numbers: distances between prediction and target."""

import math

import numpy as np

from ..backends.interface import EPSILON
from .base import Elementwise, Loss, over_rows


class MeanSquaredError(Elementwise):
    """(p - t)**2, mean over the last axis."""

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(name, reduction, dtype)

    def formula(self, t, p):
        return (p - t) ** 2, 2 * (p - t)


class MeanAbsoluteError(Elementwise):
    """|p - t|, mean over the last axis."""

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        super().__init__(name, reduction, dtype)

    def formula(self, t, p):
        return np.abs(p - t), np.sign(p - t)


class MeanAbsolutePercentageError(Elementwise):
    """100 * |p - t| / max(|t|, 1e-7), mean over the last axis."""

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_percentage_error", dtype=None):
        super().__init__(name, reduction, dtype)

    def formula(self, t, p):
        percent = 100 / np.maximum(np.abs(t), EPSILON)
        return percent * np.abs(p - t), percent * np.sign(p - t)


class MeanSquaredLogarithmicError(Elementwise):
    """(log(1 + p) - log(1 + t))**2 with both at least 1e-7, mean over the last axis."""

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(name, reduction, dtype)

    def formula(self, t, p):
        error = np.log1p(np.maximum(p, EPSILON)) - np.log1p(np.maximum(t, EPSILON))
        return error**2, np.where(p > EPSILON, 2 * error / (1 + p), 0.0)


class Huber(Elementwise):
    """e**2 / 2 for an error |e| <= delta, else delta * |e| - delta**2 / 2; mean over the last axis (Huber
    1964).
    """

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        super().__init__(name, reduction, dtype)
        self.delta = delta

    def formula(self, t, p):
        error, delta = p - t, self.delta
        size = np.abs(error)
        value = np.where(size <= delta, 0.5 * error**2, delta * size - 0.5 * delta**2)
        return value, np.clip(error, -delta, delta)


class LogCosh(Elementwise):
    """log(cosh(p - t)), mean over the last axis."""

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        super().__init__(name, reduction, dtype)

    def formula(self, t, p):
        size = np.abs(p - t)
        return size + np.log1p(np.exp(-2 * size)) - math.log(2), np.tanh(p - t)


class Poisson(Elementwise):
    """p - t * log(p + 1e-7), mean over the last axis: the likelihood of counts t with expectation p."""

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        super().__init__(name, reduction, dtype)

    def formula(self, t, p):
        return p - t * np.log(p + EPSILON), 1 - t / (p + EPSILON)


class KLDivergence(Elementwise):
    """t * log(t / p), both clipped to [1e-7, 1], sum over the last axis (Kullback & Leibler 1951)."""

    sums = True

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(name, reduction, dtype)

    def formula(self, t, p):
        t, clipped = np.clip(t, EPSILON, 1), np.clip(p, EPSILON, 1)
        return t * np.log(t / clipped), np.where(clipped == p, -t / clipped, 0.0)


class CosineSimilarity(Loss):
    """-cos of the angle between t and p along `axis`: -1 where they point the same way."""

    def __init__(self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None):
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def rows(self, ops, target, prediction, weight, scale):
        def unit(x):
            squares = over_rows(ops, ops.reduce(ops.map(np.square, x), axes=(-1,)), x)
            size = ops.map(lambda s: np.maximum(np.sqrt(s), EPSILON), squares)
            return ops.map(np.divide, x, size), size

        (t, _), (p, size) = unit(target), unit(prediction)
        cosine = ops.reduce(ops.map(np.multiply, t, p), axes=(-1,))

        def slope(t, p, cosine, size, weight=1.0):
            return scale * weight * (p * cosine - t) / size

        weights = [] if weight is None else [weight]
        spread = [over_rows(ops, w, prediction) for w in weights]
        gradient = ops.map(slope, t, p, over_rows(ops, cosine, prediction), size, *spread)
        return ops.map(lambda cosine, weight=1.0: -weight * cosine, cosine, *weights), gradient
