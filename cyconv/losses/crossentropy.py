"""Cross-entropies: the losses of classification (Goodfellow et al. 2016, section 6.2)."""

import numpy as np

from ..arrays import numbers
from .base import Loss, positions_hint


class _CrossEntropy(Loss):
    kind = None

    def __init__(self, from_logits, label_smoothing, axis, reduction, name, dtype):
        super().__init__(name, reduction, dtype)
        self.from_logits, self.axis = from_logits, axis
        self.label_smoothing = smoothing(label_smoothing)

    def rows(self, ops, target, prediction, weight, scale):
        return ops.cross_entropy(prediction, target, weight, kind=self.kind, from_logits=self.from_logits,
                                 label_smoothing=self.label_smoothing, scale=scale)  # fmt: skip


def smoothing(value):
    """A `label_smoothing`, checked."""
    if not 0 <= value <= 1:
        raise ValueError(f"`label_smoothing` lies in [0, 1]. Received: {value}")
    return value


class CategoricalCrossentropy(_CrossEntropy):
    """-sum over c of t[c] * log(p[c]); targets one-hot (or any distribution)."""

    kind = "categorical"

    def __init__(self, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size",
                 name="categorical_crossentropy", dtype=None):  # fmt: skip
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)


class BinaryCrossentropy(_CrossEntropy):
    """-(t * log(p) + (1 - t) * log(1 - p)), mean over the last axis."""

    kind = "binary"

    def __init__(self, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size",
                 name="binary_crossentropy", dtype=None):  # fmt: skip
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)


class SparseCategoricalCrossentropy(_CrossEntropy):
    """-log(p[label]); labels are class numbers. ignore_class: a label that costs nothing, and that the means
    do not count.
    """

    kind = "sparse"

    def __init__(self, from_logits=False, ignore_class=None, reduction="sum_over_batch_size", axis=-1,
                 name="sparse_categorical_crossentropy", dtype=None):  # fmt: skip
        super().__init__(from_logits, 0.0, axis, reduction, name, dtype)
        self.ignore_class = ignore_class

    def target_dtype(self, floats):
        return "int32"

    def target_shape(self, shape):
        axis = self.axis % len(shape)
        return (*shape[:axis], *shape[axis + 1 :])

    def row_shape(self, target_shape):
        return tuple(target_shape)

    def rows(self, ops, target, prediction, weight, scale):
        return ops.cross_entropy(prediction, target, weight, kind="sparse", from_logits=self.from_logits,
                                 ignore_class=self.ignore_class, scale=scale)  # fmt: skip

    def row_weights(self, ops, target, weight, rows, dtype):
        if self.ignore_class is not None:
            counts = self._counted(ops, target, dtype)
            if self.reduction in ("sum_over_batch_size", "mean"):
                total = ops.reduce(counts, scale=1 / rows)
                ops.map(lambda c, mean: c / np.where(mean == 0, 1.0, mean), counts, total, out=counts)
            weight = counts if weight is None else ops.map(np.multiply, weight, counts)
        return super().row_weights(ops, target, weight, rows, dtype)

    def _counted(self, ops, target, dtype):
        """1 for every label that counts, 0 for those ignored: where an entropy of two equal classes is 0."""
        even = ops.fill(ops.empty((*target.shape, 2), dtype))
        entropy, _ = ops.cross_entropy(even, target, kind="sparse", from_logits=True,
                                       ignore_class=self.ignore_class)  # fmt: skip
        return ops.map(lambda e: np.where(e == 0, 0.0, 1.0), entropy)

    def prepare(self, y, shape, name):
        y, classes = numbers(y, f"{name}: labels"), shape[self.axis]
        rows = self.target_shape(shape)[1:]
        if y.shape[1:] == (*rows, 1):
            y = y[..., 0]
        if y.shape[1:] != rows:
            hint = positions_hint(y.shape[1:], shape[1:])
            if y.shape[1:] == shape[1:]:
                hint = "; for one-hot labels take 'categorical_crossentropy'"
            raise ValueError(
                f"{name}: class numbers of a sample must have shape {rows} for predictions "
                f"{tuple(shape[1:])}. Received: {y.shape[1:]}{hint}"
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


class Crossentropy(Loss):
    """The cross-entropy that labels and predictions ask for by their shapes: what "crossentropy" means.

    One output unit: binary; labels of lower rank than the prediction, or with a last axis of 1: sparse; else
    categorical.
    """

    def __init__(self, name="crossentropy", reduction="sum_over_batch_size", dtype=None):
        super().__init__(name, reduction, dtype)
        self.chosen = CategoricalCrossentropy(reduction=reduction)

    def prepare(self, y, shape, name):
        labels = np.shape(y)
        if shape[-1] == 1:
            self.chosen = BinaryCrossentropy(reduction=self.reduction)
        elif len(labels) < len(shape) or labels[-1] == 1:
            self.chosen = SparseCategoricalCrossentropy(reduction=self.reduction)
        else:
            self.chosen = CategoricalCrossentropy(reduction=self.reduction)
        return self.chosen.prepare(y, shape, name)

    def target_dtype(self, floats):
        return self.chosen.target_dtype(floats)

    def target_shape(self, shape):
        return self.chosen.target_shape(shape)

    def row_shape(self, target_shape):
        return self.chosen.row_shape(target_shape)

    def rows(self, ops, target, prediction, weight, scale):
        return self.chosen.rows(ops, target, prediction, weight, scale)
