"""What every loss is: labels in the form it takes, a value for each row, one number, a gradient.

A loss gives one value for each row (all axes of the prediction but the last: a sample, a pixel). Each is
multiplied with its weight; `reduction` makes one number of them. `record` writes this down through the door.
"""

import numpy as np

from ..arrays import numbers
from ..backends import active
from ..configurable import Configurable

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)
MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


def positions_hint(label, prediction):
    """What helps where a label of a whole image meets predictions that still have positions."""
    if len(label) > 1 or not 2 <= len(prediction) <= 4:
        return ""
    pooling = f"GlobalAveragePooling{len(prediction) - 1}D"
    return f"; for one answer an image, put Flatten() or {pooling}() before the last layer"


class Loss(Configurable):
    """Base class.

    reduction: "sum_over_batch_size" or "mean" divide the sum of the weighted values by their number,
    "mean_with_sample_weight" by the sum of the weights; "sum" does not divide; "none" or None: the values
    themselves, when the loss is called on arrays.
    A loss of a user's own is a subclass with `call(y_true, y_pred)`, the values, and `gradient(y_true,
    y_pred)`, the derivative of their sum by y_pred, both in NumPy.
    """

    name, reduction = None, "sum_over_batch_size"
    # The axis of the prediction that one value goes over; it is moved to the end where it is another.
    axis = -1

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        if reduction not in REDUCTIONS:
            known = ", ".join(map(repr, REDUCTIONS))
            raise ValueError(f"`reduction` is one of {known}. Received: {reduction!r}")
        self.name, self.reduction = name or type(self).__name__, reduction

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__:
            from .custom import bridge

            bridge(cls)

    # For subclasses ----------------------------------------------------------------------------------------

    def rows(self, ops, target, prediction, weight, scale):
        """Records the values. Returns (weight * value of every row, gradient of scale times their sum)."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred) and gradient")

    def target_dtype(self, floats):
        """The dtype of the labels' array, `floats` being the model's."""
        return floats

    def target_shape(self, shape):
        """The shape of the labels for predictions of `shape`."""
        return tuple(shape)

    def row_shape(self, target_shape):
        """The shape of the values, and of their weights, for labels of `target_shape`."""
        axis = self.axis % len(target_shape)
        return (*target_shape[:axis], *target_shape[axis + 1 :])

    def count(self, target_shape, weight):
        """How many values there are."""
        return max(int(np.prod(self.row_shape(target_shape))), 1)

    def row_weights(self, ops, target, weight, rows, dtype):
        """`weight` (None: 1) for every one of `rows` values, as `reduction` needs it."""
        if weight is None or self.reduction != "mean_with_sample_weight":
            return weight
        return ops.map(_share_of_all, weight, ops.reduce(weight, scale=1 / rows))

    # Recording ---------------------------------------------------------------------------------------------

    def record(self, ops, target, prediction, weight=None, share=1.0):
        """Records the loss. Returns (its value, an array (1,); the gradient of share times the value)."""
        count = self.count(target.shape, weight)
        divisor = count if self.reduction in MEANS else 1
        weight = self.row_weights(ops, target, weight, count, prediction.dtype)
        values, gradient = self._rows_along_axis(ops, target, prediction, weight, share / divisor)
        return ops.reduce(values, scale=1 / divisor), gradient

    def _rows_along_axis(self, ops, target, prediction, weight, scale):
        """`rows`, with `axis` moved to the end first."""
        last = prediction.ndim - 1
        if self.axis is None or self.axis % prediction.ndim == last:
            return self.rows(ops, target, prediction, weight, scale)
        axis = self.axis % prediction.ndim
        order = [*range(axis), *range(axis + 1, last + 1), axis]
        if target.ndim == prediction.ndim:
            target = transposed(ops, target, order)
        prediction = transposed(ops, prediction, order)
        values, gradient = self.rows(ops, target, prediction, weight, scale)
        return values, transposed(ops, gradient, np.argsort(order).tolist())

    def values(self, ops, target, prediction, weight=None):
        """Records the values alone."""
        return self._rows_along_axis(ops, target, prediction, weight, 1.0)[0]

    # Labels and weights ------------------------------------------------------------------------------------

    def prepare(self, y, shape, name):
        """Labels as the array that `record` takes, for predictions of `shape` (batch axis None)."""
        y = numbers(y, f"{name}: labels")
        wanted = shape[1:]
        if y.shape[1:] == wanted:
            return y
        if wanted and wanted[-1] == 1 and y.shape[1:] == wanted[:-1]:
            return y[..., None]
        hint = positions_hint(y.shape[1:], wanted)
        if y.shape[1:] in (wanted[:-1], (*wanted[:-1], 1)):
            hint = (
                "; for class numbers take the loss 'sparse_categorical_crossentropy', or "
                f"utils.to_categorical(y, {wanted[-1]})"
            )
        raise ValueError(
            f"{name}: the labels of a sample have shape {y.shape[1:]}, the model gives {wanted}{hint}"
        )

    def spread(self, weights, target_shape, name="`sample_weight`"):
        """Sample weights as an array of the values' shape: one for each value, or one a sample."""
        weights, rows = numbers(weights, name), self.row_shape(target_shape)
        if weights.ndim > 1 and weights.shape[-1] == 1 and weights.shape != rows:
            weights = weights[..., 0]
        if weights.ndim == 0 or weights.shape != rows[: weights.ndim]:
            shapes = " or ".join(map(str, dict.fromkeys([rows[:1], rows, (*rows, 1)])))
            raise ValueError(f"{name} must have shape {shapes}. Received: {weights.shape}")
        return np.broadcast_to(weights.reshape(weights.shape + (1,) * (len(rows) - weights.ndim)), rows)

    # On arrays ---------------------------------------------------------------------------------------------

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The loss of plain arrays: a float, or with reduction None the array of the values."""
        ops, name = active(), type(self).__name__
        prediction = ops.asarray(numbers(y_pred, f"{name}: predictions"), "float32")
        target = self.prepare(y_true, (None, *prediction.shape[1:]), name)
        weight = sample_weight
        if weight is not None:
            weight = ops.asarray(self.spread(weight, target.shape), "float32")
        target = ops.asarray(target, self.target_dtype("float32"))
        if self.reduction in (None, "none"):
            weight = self.row_weights(ops, target, weight, 1, prediction.dtype)
            return np.array(ops.to_host(self.values(ops, target, prediction, weight)))
        return float(ops.to_host(self.record(ops, target, prediction, weight)[0])[0])


def _share_of_all(weight, mean):
    """weight / mean, 0 where all weights are 0: their mean becomes 1."""
    return np.where(mean == 0, 0.0, weight / np.where(mean == 0, 1.0, mean))


def transposed(ops, x, order):
    """x with its axes in another order, copied."""
    strides = [int(np.prod(x.shape[i + 1 :])) for i in range(x.ndim)]
    shape = tuple(x.shape[i] for i in order)
    out = ops.empty(shape, x.dtype)
    y_strides = [int(np.prod(shape[i + 1 :])) for i in range(x.ndim)]
    ops.copy(x, out, shape=shape, x_strides=[strides[i] for i in order], y_strides=y_strides)
    return out


def over_rows(ops, array, rows_of):
    """An array with one element a row, as one that repeats along the last axis of `rows_of`."""
    return ops.reshape(array, (*rows_of.shape[:-1], 1))


class Elementwise(Loss):
    """A loss whose value is the mean (or sum) of `formula` over the last axis."""

    sums = False  # the sum instead of the mean

    def formula(self, target, prediction):
        """(value, its derivative by the prediction), element by element."""
        raise NotImplementedError

    def labels(self, ops, target):
        """The labels as `formula` takes them."""
        return target

    def rows(self, ops, target, prediction, weight, scale):
        mean = 1.0 if self.sums else 1.0 / max(prediction.shape[-1], 1)

        def value_and_slope(target, prediction, weight=1.0):
            value, slope = self.formula(target, prediction)
            return mean * weight * value, scale * mean * weight * slope

        value_and_slope.__name__ = type(self).__name__
        weights = [] if weight is None else [over_rows(ops, weight, prediction)]
        value, gradient = ops.map(value_and_slope, self.labels(ops, target), prediction, *weights)
        return ops.reduce(value, axes=(-1,)), gradient
