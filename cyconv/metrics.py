"""Metrics under Keras's names. A metric records an operation that rates every row of a prediction."""

from . import losses
from .configurable import Configurable, lookup


class Metric(Configurable):
    """Base class. `record` gives one number a row; the epoch's value is their mean."""

    def __init__(self, name=None, dtype=None):
        self.name = name or self.default_name

    def record(self, ops, target, prediction):
        """Records the operation; returns the buffer of the rows."""
        raise NotImplementedError

    def target_loss(self):
        """The loss whose `prepare` brings labels into the form this metric takes."""
        raise NotImplementedError


class _Accuracy(Metric):
    kind, threshold, labels = None, 0.5, None

    def record(self, ops, target, prediction):
        return ops.accuracy(prediction, target, kind=self.kind, threshold=self.threshold)

    def target_loss(self):
        return self.labels()


class CategoricalAccuracy(_Accuracy):
    """How often the largest prediction is the largest target."""

    kind, labels, default_name = "categorical", losses.CategoricalCrossentropy, "categorical_accuracy"


class SparseCategoricalAccuracy(_Accuracy):
    """How often the largest prediction is the labelled class."""

    kind, labels = "sparse", losses.SparseCategoricalCrossentropy
    default_name = "sparse_categorical_accuracy"


class BinaryAccuracy(_Accuracy):
    """How often prediction > threshold agrees with the target."""

    kind, labels, default_name = "binary", losses.BinaryCrossentropy, "binary_accuracy"

    def __init__(self, name=None, dtype=None, threshold=0.5):
        super().__init__(name, dtype)
        self.threshold = threshold


class MeanSquaredError(Metric):
    """(prediction - target)**2, mean over the last axis."""

    default_name = "mean_squared_error"

    def record(self, ops, target, prediction):
        squares = ops.map(lambda t, p: (p - t) ** 2, target, prediction)
        return ops.reduce(squares, axes=(-1,), scale=1 / max(prediction.shape[-1], 1))

    def target_loss(self):
        return losses.MeanSquaredError()


TABLE = {
    "CategoricalAccuracy": CategoricalAccuracy,
    "SparseCategoricalAccuracy": SparseCategoricalAccuracy,
    "BinaryAccuracy": BinaryAccuracy,
    "MeanSquaredError": MeanSquaredError,
    "mse": MeanSquaredError,
}


def get(identifier, label_shape=None, output_shape=None):
    """The metric that a name or object means. "accuracy" and "acc" are chosen by the shapes, as in Keras:
    one output unit: binary; labels of lower rank than the output: sparse; else categorical.
    """
    if identifier in ("accuracy", "acc", "Accuracy"):
        if output_shape[-1] == 1:
            cls = BinaryAccuracy
        elif len(label_shape) < len(output_shape) or label_shape[-1] == 1:
            cls = SparseCategoricalAccuracy
        else:
            cls = CategoricalAccuracy
        return cls(name=identifier)
    metric = lookup(identifier, TABLE, "metric", Metric)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric
