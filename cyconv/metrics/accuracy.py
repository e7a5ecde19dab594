"""How often a prediction is right."""

import numpy as np

from .. import losses
from .base import MeanMetricWrapper, RowMean


class Accuracy(RowMean):
    """How often prediction and label are equal numbers."""

    labels = losses.MeanSquaredError()

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(name, dtype)

    def record(self, ops, target, prediction):
        equal = ops.map(lambda t, p: t == p, target, prediction)
        return ops.reduce(equal, axes=(-1,), scale=1 / prediction.shape[-1])


class BinaryAccuracy(RowMean):
    """How often prediction > threshold agrees with the target."""

    labels = losses.BinaryCrossentropy()

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        super().__init__(name, dtype)
        if not 0 < threshold < 1:
            raise ValueError(f"`threshold` lies between 0 and 1. Received: {threshold}")
        self.threshold = threshold

    def record(self, ops, target, prediction):
        return ops.accuracy(prediction, target, kind="binary", threshold=self.threshold)


class CategoricalAccuracy(RowMean):
    """How often the largest prediction is the largest target."""

    labels = losses.CategoricalCrossentropy()

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(name, dtype)

    def record(self, ops, target, prediction):
        return ops.accuracy(prediction, target, kind="categorical")


class SparseCategoricalAccuracy(RowMean):
    """How often the largest prediction is the labelled class."""

    labels = losses.SparseCategoricalCrossentropy()

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(name, dtype)

    def record(self, ops, target, prediction):
        return ops.accuracy(prediction, target, kind="sparse")


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where fewer than k classes are predicted above the labelled one, else 0. y_true: class numbers."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.ndim == y_pred.ndim:
        y_true = y_true[..., 0]
    own = np.take_along_axis(y_pred, y_true[..., None].astype(int), -1)
    return ((y_pred > own).sum(-1) < k).astype(float)


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """The same for one-hot labels."""
    return sparse_top_k_categorical_accuracy(np.argmax(y_true, -1), y_pred, k)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the labelled class is among the k largest predictions; labels one-hot."""

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the labelled class is among the k largest predictions."""

    def __init__(self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False):
        if from_sorted_ids:
            raise NotImplementedError(f"{name}: from_sorted_ids is not there; give scores of the classes")
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k)


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """For each row how often prediction > threshold agrees with the target."""
    return BinaryAccuracy(threshold=threshold).values(y_true, y_pred)


def categorical_accuracy(y_true, y_pred):
    """For each row 1 where the largest prediction is the largest target, else 0."""
    return CategoricalAccuracy().values(y_true, y_pred)


def sparse_categorical_accuracy(y_true, y_pred):
    """For each row 1 where the largest prediction is the labelled class, else 0."""
    return SparseCategoricalAccuracy().values(y_true, y_pred)
