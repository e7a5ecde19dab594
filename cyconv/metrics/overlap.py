"""Metrics of classes and regions from a confusion matrix: IoU, F scores; and R squared."""

import numpy as np

from ..backends.interface import EPSILON
from .base import Metric
from .confusion import ratio


class IoU(Metric):
    """Intersection over union, TP / (TP + FP + FN), the mean over target_class_ids that occur.

    Labels and predictions are class numbers; sparse_y_true or sparse_y_pred False: one-hot or scores along
    `axis`, of which the largest counts. ignore_class: a label that is left out.
    """

    def __init__(self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None,
                 sparse_y_true=True, sparse_y_pred=True, axis=-1):  # fmt: skip
        super().__init__(dtype, name or "io_u")
        outside = [i for i in target_class_ids if not 0 <= i < num_classes]
        if outside:
            raise ValueError(f"`target_class_ids` lie in 0..{num_classes - 1}. Received: {outside[0]}")
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")

    def update_state(self, y_true, y_pred, sample_weight=None):
        true, predicted = np.asarray(y_true), np.asarray(y_pred)
        if not self.sparse_y_true:
            true = true.argmax(self.axis)
        if not self.sparse_y_pred:
            predicted = predicted.argmax(self.axis)
        true, predicted, n = true.ravel().astype(int), predicted.ravel().astype(int), self.num_classes
        weight = np.ones(true.size) if sample_weight is None else np.asarray(sample_weight, np.float64)
        if weight.size != true.size:
            weight = np.repeat(weight.ravel(), true.size // weight.size)
        counted = (true >= 0) & (true < n) & (predicted >= 0) & (predicted < n)
        if self.ignore_class is not None:
            counted &= true != self.ignore_class
        cells = (true * n + predicted)[counted]
        matrix = np.bincount(cells, weight.ravel()[counted], minlength=n * n).reshape(n, n)
        self.total_cm.assign_add(matrix)

    def result(self):
        matrix = self.total_cm.numpy()
        both = np.diag(matrix)
        union = (matrix.sum(0) + matrix.sum(1) - both)[self.target_class_ids]
        occurs = union > 0
        values = ratio(both[self.target_class_ids], union)
        return float(values[occurs].mean()) if occurs.any() else 0.0


class BinaryIoU(IoU):
    """IoU of the classes 0 and 1; a prediction of at least `threshold` means 1."""

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name or "binary_io_u", dtype)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true, np.asarray(y_pred) >= self.threshold, sample_weight)


class MeanIoU(IoU):
    """IoU, the mean over all classes."""

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_true=True,
                 sparse_y_pred=True, axis=-1):  # fmt: skip
        super().__init__(num_classes, range(num_classes), name or "mean_io_u", dtype, ignore_class,
                         sparse_y_true, sparse_y_pred, axis)  # fmt: skip


class OneHotIoU(IoU):
    """IoU of one-hot labels and of scores of the classes."""

    def __init__(self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None,
                 sparse_y_pred=False, axis=-1):  # fmt: skip
        super().__init__(num_classes, target_class_ids, name or "one_hot_io_u", dtype, ignore_class, False,
                         sparse_y_pred, axis)  # fmt: skip


class OneHotMeanIoU(MeanIoU):
    """MeanIoU of one-hot labels and of scores of the classes."""

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name or "one_hot_mean_io_u", dtype, ignore_class, False, sparse_y_pred,
                         axis)  # fmt: skip


class FBetaScore(Metric):
    """(1 + beta**2) * precision * recall / (beta**2 * precision + recall) of each class (van Rijsbergen
    1979).

    average: None (an array, one value a class), "micro" (all classes counted together), "macro" (their mean)
    or "weighted" (by how often they occur). threshold: what a prediction must exceed; None: the largest.
    """

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f'`average` is None, "micro", "macro" or "weighted". Received: {average!r}')
        if beta <= 0:
            raise ValueError(f"`beta` must be above 0. Received: {beta}")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f"`threshold` lies in (0, 1]. Received: {threshold}")
        self.average, self.beta, self.threshold, self.counts = average, beta, threshold, None

    def update_state(self, y_true, y_pred, sample_weight=None):
        true, predicted = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
        if predicted.ndim != 2 or true.shape != predicted.shape:
            raise ValueError(f"{self.name}: labels and predictions must have one shape (N, classes). "
                             f"Received: {true.shape} and {predicted.shape}")  # fmt: skip
        if self.threshold is None:
            yes = (predicted >= predicted.max(-1, keepdims=True)) & (np.abs(predicted) > 1e-9)
        else:
            yes = predicted > self.threshold
        weight = 1.0 if sample_weight is None else np.asarray(sample_weight, np.float64).reshape(-1, 1)
        if self.counts is None:
            self.build(predicted.shape[1])
        cells = yes * true, yes * (1 - true), (1 - yes) * true
        self.counts.assign_add(np.stack([(c * weight).sum(0) for c in cells]))

    def build(self, columns):
        self.counts = self.add_variable((3, columns), name="counts")

    def result(self):
        if self.counts is None:
            return 0.0
        counts = self.counts.numpy()
        right, false, missed = counts.sum(1) if self.average == "micro" else counts
        precision, recall = right / (right + false + EPSILON), right / (right + missed + EPSILON)
        square = self.beta**2
        score = (1 + square) * precision * recall / (square * precision + recall + EPSILON)
        if self.average == "weighted":
            return float((score * (right + missed)).sum() / ((right + missed).sum() + EPSILON))
        return np.float32(score) if self.average is None else float(np.mean(score))


class F1Score(FBetaScore):
    """FBetaScore with beta 1: the harmonic mean of precision and recall."""

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average, 1.0, threshold, name, dtype)


class R2Score(Metric):
    """1 - sum (y - p)**2 / sum (y - mean y)**2, of each column of (N, outputs).

    class_aggregation: None (an array), "uniform_average" or "variance_weighted_average". num_regressors:
    above 0, the adjusted score.
    """

    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype=None):
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError('`class_aggregation` is None, "uniform_average" or "variance_weighted_average". '
                             f"Received: {class_aggregation!r}")  # fmt: skip
        if num_regressors < 0:
            raise ValueError(f"`num_regressors` must not be negative. Received: {num_regressors}")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.samples, self.sums = self.add_variable(name="num_samples"), None

    def update_state(self, y_true, y_pred, sample_weight=None):
        predicted = np.asarray(y_pred, np.float64)
        true = np.asarray(y_true, np.float64).reshape(predicted.shape)
        weight = np.ones((len(true), 1))
        if sample_weight is not None:
            weight = np.asarray(sample_weight, np.float64).reshape(-1, 1)
        if self.sums is None:
            self.build(predicted.shape[1])
        parts = true * weight, true**2 * weight, (true - predicted) ** 2 * weight, weight + 0 * true
        self.sums.assign_add(np.stack([p.sum(0) for p in parts]))
        self.samples.assign_add(true.size)  # as Keras counts them

    def build(self, columns):
        self.sums = self.add_variable((4, columns), name="sums")

    def result(self):
        if self.sums is None:
            return 0.0
        total, squares, residual, count = self.sums.numpy()
        variation = squares - total * ratio(total, count)
        score = 1 - ratio(residual, variation)
        if self.class_aggregation == "variance_weighted_average":
            score = np.sum(score * variation) / np.sum(variation)
        elif self.class_aggregation:
            score = np.mean(score)
        if self.num_regressors:
            n, p = float(self.samples), self.num_regressors
            score = 1 - (1 - score) * (n - 1) / (n - p - 1)
        return np.float32(score) if np.ndim(score) else float(score)
