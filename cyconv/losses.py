"""Losses under Keras's names: what a prediction costs, and the gradient that training starts from.

A loss records its operation through the door; `prepare` brings the labels into the form it takes, or says
what is wrong with them. The value is the mean over all but the last axis, times sample weights.
"""

import numpy as np

from .arrays import numbers
from .configurable import Configurable, lookup


class Loss(Configurable):
    """Base class. `record` gives (loss of every row, gradient of the mean)."""

    reduction = "sum_over_batch_size"

    def _check(self, reduction):
        if reduction not in ("sum_over_batch_size", "mean"):
            raise ValueError(
                f'`reduction` is "sum_over_batch_size" (the mean over the batch). Received: {reduction!r}'
            )

    def record(self, ops, target, prediction, weight, scale):
        """Records the operation. scale: what the mean of the rows is multiplied with, for the gradient."""
        raise NotImplementedError

    def target_dtype(self, floats):
        """The dtype of the labels' array, `floats` being the model's."""
        return floats

    def prepare(self, y, shape, name):
        """Labels as the array that `record` takes, for predictions of `shape` (batch axis None)."""
        y = numbers(y, f"{name}: labels")
        wanted = shape[1:]
        if y.shape[1:] == wanted:
            return y
        if wanted and wanted[-1] == 1 and y.shape[1:] == wanted[:-1]:
            return y[..., None]
        hint = ""
        if y.shape[1:] in (wanted[:-1], (*wanted[:-1], 1)):
            hint = (
                "; for class numbers take the loss 'sparse_categorical_crossentropy', or "
                f"utils.to_categorical(y, {wanted[-1]})"
            )
        raise ValueError(
            f"{name}: the labels of a sample have shape {y.shape[1:]}, the model gives {wanted}{hint}"
        )

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The loss of plain arrays, as a float."""
        from .backends import active

        backend = active()
        prediction = backend.asarray(numbers(y_pred, f"{type(self).__name__}: predictions"), "float32")
        target = self.prepare(y_true, (None, *prediction.shape[1:]), type(self).__name__)
        target = backend.asarray(target, self.target_dtype("float32"))
        rows, _ = self.record(backend, target, prediction, None, 1.0)
        rows = backend.to_host(rows)
        weights = 1 if sample_weight is None else numbers(sample_weight, "`sample_weight`").astype("float32")
        return float(np.mean(rows * weights)) if rows.size else 0.0


class _CrossEntropy(Loss):
    kind = None

    def __init__(self, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size",
                 name=None, dtype=None):  # fmt: skip
        self._check(reduction)
        if axis != -1:
            raise ValueError(f"the classes are on the last axis (-1). Received: axis={axis}")
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"`label_smoothing` lies in [0, 1]. Received: {label_smoothing}")
        self.from_logits, self.label_smoothing, self.name = from_logits, label_smoothing, name

    def record(self, ops, target, prediction, weight, scale):
        return ops.cross_entropy(prediction, target, weight, kind=self.kind, from_logits=self.from_logits,
                                 label_smoothing=self.label_smoothing, scale=scale)  # fmt: skip


class CategoricalCrossentropy(_CrossEntropy):
    """-sum over c of target[c] * log(prediction[c]); targets one-hot (or any distribution)."""

    kind = "categorical"


class BinaryCrossentropy(_CrossEntropy):
    """-(t * log(p) + (1 - t) * log(1 - p)), mean over the last axis."""

    kind = "binary"


class SparseCategoricalCrossentropy(_CrossEntropy):
    """-log(prediction[label]); labels are class numbers. ignore_class: a label that costs nothing."""

    kind = "sparse"

    def __init__(self, from_logits=False, ignore_class=None, reduction="sum_over_batch_size", axis=-1,
                 name=None, dtype=None):  # fmt: skip
        super().__init__(from_logits, 0.0, axis, reduction, name)
        self.ignore_class = ignore_class

    def target_dtype(self, floats):
        return "int32"

    def record(self, ops, target, prediction, weight, scale):
        return ops.cross_entropy(prediction, target, weight, kind="sparse", from_logits=self.from_logits,
                                 ignore_class=self.ignore_class, scale=scale)  # fmt: skip

    def prepare(self, y, shape, name):
        y, classes = numbers(y, f"{name}: labels"), shape[-1]
        rows = tuple(shape[1:-1])
        if y.shape[1:] == (*rows, 1):
            y = y[..., 0]
        if y.shape[1:] != rows:
            hint = "; for one-hot labels take 'categorical_crossentropy'" if y.shape[1:] == shape[1:] else ""
            raise ValueError(
                f"{name}: class numbers of a sample must have shape {rows} for predictions "
                f"{tuple(shape[1:])}. "
                f"Received: {y.shape[1:]}{hint}"
            )
        if y.dtype.kind == "f" and not (np.isfinite(y).all() and (y == np.floor(y)).all()):
            raise ValueError(f"{name}: class numbers must be whole; some labels are not")
        valid = y if self.ignore_class is None else y[y != self.ignore_class]
        if valid.size and (valid.min() < 0 or valid.max() >= classes):
            raise ValueError(
                f"{name}: labels must lie in 0..{classes - 1}, for the model's {classes} classes. "
                f"Received: {valid.min()}..{valid.max()}; number them from 0, or give the last layer "
                f"{int(max(valid.max() + 1, 1))} units"
            )
        return y.astype(np.int32)


class MeanSquaredError(Loss):
    """(prediction - target)**2, mean over the last axis."""

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        self._check(reduction)
        self.name = name

    def record(self, ops, target, prediction, weight, scale):
        return ops.squared_error(prediction, target, weight, scale=scale)


TABLE = {
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "bce": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
}


def get(identifier):
    """The loss that a name, configuration, class or object means."""
    return lookup(identifier, TABLE, "loss", Loss)
