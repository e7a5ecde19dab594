"""Focal cross-entropies: what is predicted well counts less (Lin et al. 2017)."""

import numpy as np

from ..backends.interface import EPSILON
from .base import Elementwise, Loss, over_rows
from .crossentropy import smoothing


class BinaryFocalCrossentropy(Elementwise):
    """(1 - q)**gamma * -log(q), q the probability given to the label (p or 1 - p); mean over the last axis.

    apply_class_balancing: times alpha for label 1, 1 - alpha for label 0.
    """

    def __init__(self, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False,
                 label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size",
                 name="binary_focal_crossentropy", dtype=None):  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma
        self.from_logits, self.axis, self.label_smoothing = from_logits, axis, smoothing(label_smoothing)

    def formula(self, t, p):
        t = t * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        if self.from_logits:
            p = 0.5 * (1 + np.tanh(0.5 * p))
        clipped = np.clip(p, EPSILON, 1 - EPSILON)
        entropy = -(t * np.log(clipped) + (1 - t) * np.log(1 - clipped))
        dentropy = np.where(clipped == p, (p - t) / (clipped * (1 - clipped)), 0.0)
        miss = 1 - (t * p + (1 - t) * (1 - p))
        factor, dfactor = miss**self.gamma, self.gamma * miss ** (self.gamma - 1) * (1 - 2 * t)
        balance = t * self.alpha + (1 - t) * (1 - self.alpha) if self.apply_class_balancing else 1.0
        slope = balance * (factor * dentropy + dfactor * entropy)
        return balance * factor * entropy, slope * p * (1 - p) if self.from_logits else slope


class CategoricalFocalCrossentropy(Loss):
    """sum over c of alpha * (1 - p[c])**gamma * -t[c] * log(p[c]); targets one-hot."""

    def __init__(self, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1,
                 reduction="sum_over_batch_size", name="categorical_focal_crossentropy",
                 dtype=None):  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.alpha, self.gamma, self.from_logits = alpha, gamma, from_logits
        self.axis, self.label_smoothing = axis, smoothing(label_smoothing)

    def rows(self, ops, target, prediction, weight, scale):
        alpha, gamma, smooth, classes = self.alpha, self.gamma, self.label_smoothing, prediction.shape[-1]
        q = ops.softmax(prediction) if self.from_logits else prediction
        total = over_rows(ops, ops.reduce(q, axes=(-1,)), q)
        q = ops.map(np.divide, q, total)

        def value_and_slope(t, q, weight=1.0):
            t = t * (1 - smooth) + smooth / classes
            clipped = np.clip(q, EPSILON, 1 - EPSILON)
            entropy, miss = -t * np.log(clipped), 1 - clipped
            slope = alpha * (-t * miss**gamma / clipped - gamma * miss ** (gamma - 1) * entropy)
            slope = np.where(clipped == q, slope, 0.0)
            return weight * alpha * miss**gamma * entropy, scale * weight * slope

        weights = [] if weight is None else [over_rows(ops, weight, q)]
        value, dq = ops.map(value_and_slope, target, q, *weights)
        if self.from_logits:
            gradient = ops.softmax_gradient(dq, q)
        else:  # through q = p / sum of all p
            along = over_rows(ops, ops.reduce(ops.map(np.multiply, dq, q), axes=(-1,)), q)
            gradient = ops.map(lambda dq, along, total: (dq - along) / total, dq, along, total)
        return ops.reduce(value, axes=(-1,)), gradient
