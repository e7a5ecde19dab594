"""Losses, reported as metrics."""

import numpy as np

from .. import losses
from .base import Mean, RowMean


class LossMean(RowMean):
    """The mean of a loss's values."""

    def __init__(self, loss, name=None, dtype=None):
        super().__init__(name or loss.name, dtype)
        self.labels = loss

    def record(self, ops, target, prediction):
        return self.labels.values(ops, target, prediction)


class BinaryCrossentropy(LossMean):
    __doc__ = losses.BinaryCrossentropy.__doc__

    def __init__(self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0):
        super().__init__(losses.BinaryCrossentropy(from_logits, label_smoothing), name, dtype)


class CategoricalCrossentropy(LossMean):
    __doc__ = losses.CategoricalCrossentropy.__doc__

    def __init__(self, name="categorical_crossentropy", dtype=None, from_logits=False, label_smoothing=0,
                 axis=-1):  # fmt: skip
        super().__init__(losses.CategoricalCrossentropy(from_logits, label_smoothing, axis), name, dtype)


class SparseCategoricalCrossentropy(LossMean):
    __doc__ = losses.SparseCategoricalCrossentropy.__doc__

    def __init__(self, name="sparse_categorical_crossentropy", dtype=None, from_logits=False, axis=-1):
        super().__init__(losses.SparseCategoricalCrossentropy(from_logits, axis=axis), name, dtype)


class CosineSimilarity(LossMean):
    """The cosine of the angle between target and prediction along `axis` (the loss is its negative)."""

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(losses.CosineSimilarity(axis), name, dtype)

    def record(self, ops, target, prediction):
        return ops.map(np.negative, super().record(ops, target, prediction))


def _named(name, cls, default):
    def __init__(self, name=default, dtype=None):
        LossMean.__init__(self, cls(), name, dtype)

    return type(name, (LossMean,), {"__init__": __init__, "__doc__": cls.__doc__, "__module__": __name__})


MeanSquaredError = _named("MeanSquaredError", losses.MeanSquaredError, "mean_squared_error")
MeanAbsoluteError = _named("MeanAbsoluteError", losses.MeanAbsoluteError, "mean_absolute_error")
MeanAbsolutePercentageError = _named(
    "MeanAbsolutePercentageError", losses.MeanAbsolutePercentageError, "mean_absolute_percentage_error"
)
MeanSquaredLogarithmicError = _named(
    "MeanSquaredLogarithmicError", losses.MeanSquaredLogarithmicError, "mean_squared_logarithmic_error"
)
LogCoshError = _named("LogCoshError", losses.LogCosh, "logcosh")
KLDivergence = _named("KLDivergence", losses.KLDivergence, "kl_divergence")
Poisson = _named("Poisson", losses.Poisson, "poisson")
Hinge = _named("Hinge", losses.Hinge, "hinge")
SquaredHinge = _named("SquaredHinge", losses.SquaredHinge, "squared_hinge")
CategoricalHinge = _named("CategoricalHinge", losses.CategoricalHinge, "categorical_hinge")


class RootMeanSquaredError(Mean):
    """The root of the mean of (prediction - target)**2."""

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
        super().update_state((y_pred - y_true.reshape(y_pred.shape)) ** 2, sample_weight)

    def result(self):
        return float(np.sqrt(super().result()))
