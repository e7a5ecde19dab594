"""What every metric is: it reads labels and predictions batch by batch and gives a value at the end."""

import numpy as np

from .. import initializers
from ..arrays import numbers
from ..backends import active
from ..configurable import Configurable
from ..losses.functions import snake_case
from ..variables import Variable


class Metric(Configurable):
    """Base class: `update_state(y_true, y_pred, sample_weight=None)`, `result()`, `reset_state()`.

    A metric of a user's own is a subclass with these in NumPy; what it counts are variables made by
    `add_variable`, which `reset_state` sets to their start. It runs on the host after each batch.
    """

    def __init__(self, dtype=None, name=None):
        self.name, self.dtype = name or snake_case(type(self).__name__), str(np.dtype(dtype or "float32"))
        self.variables, self._start = [], []

    def add_variable(self, shape=(), initializer="zeros", dtype=None, name=None):
        """A new variable, in float64 unless `dtype` says otherwise."""
        values = initializers.get(initializer or "zeros")(tuple(shape), dtype or "float64")
        self.variables.append(Variable(values, name or "variable", False))
        self._start.append(np.array(values))
        return self.variables[-1]

    def add_weight(self, shape=(), initializer="zeros", dtype=None, name=None):
        """`add_variable` under its older name."""
        return self.add_variable(shape, initializer, dtype, name)

    def reset_state(self):
        """Forgets all that was seen."""
        for variable, start in zip(self.variables, self._start, strict=True):
            variable.assign(start)

    def update_state(self, *arguments, **named):
        """Takes a batch into account."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(y_true, y_pred, ...)")

    def result(self):
        """The value for all that was seen."""
        raise NotImplementedError(f"{type(self).__name__} must define result()")

    def __call__(self, *arguments, **named):
        """Takes a batch into account; the value so far."""
        self.update_state(*arguments, **named)
        return self.result()

    def state(self):
        """Copies of all variables."""
        return [variable.numpy() for variable in self.variables]

    def load_state(self, arrays):
        """Sets what `state` gave."""
        if len(arrays) > len(self.variables):
            self.build(arrays[-1].shape[-1])
        for variable, values in zip(self.variables, arrays, strict=True):
            variable.assign(values)

    def build(self, columns):
        """Makes the variables that depend on the number of columns of the predictions."""

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


def weighted(values, sample_weight):
    """(values, weights) of equal shape: values averaged over the axes that the weights do not have."""
    values = np.asarray(values, np.float64)
    if sample_weight is None:
        return values, np.ones_like(values)
    weights = numbers(sample_weight, "`sample_weight`").astype(np.float64)
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    values = values.mean(tuple(range(weights.ndim, values.ndim)))
    return values, np.broadcast_to(weights, values.shape)


class Mean(Metric):
    """The weighted mean of all values: `update_state(values, sample_weight)`. Every sample counts alike."""

    def __init__(self, name="mean", dtype=None):
        super().__init__(dtype, name)
        self.total, self.count = self.add_variable(name="total"), self.add_variable(name="count")

    def update_state(self, values, sample_weight=None):
        values, weights = weighted(values, sample_weight)
        samples = values.size / max(len(values), 1) if values.ndim else 1
        self.add((values * weights).sum() / samples, weights.sum() / samples)

    def add(self, total, count):
        """Takes a batch into account whose weighted sum and number are known."""
        self.total.value += total
        self.count.value += count

    def result(self):
        count = float(self.count)
        return float(self.total) / count if count else 0.0


class Sum(Metric):
    """The weighted sum of all values."""

    def __init__(self, name="sum", dtype=None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values, sample_weight=None):
        values = np.asarray(values, np.float64)
        weights = 1.0
        if sample_weight is not None:
            weights = np.asarray(sample_weight, np.float64)
            weights = weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
        self.total.assign_add((values * weights).sum())

    def result(self):
        return float(self.total)


class MeanMetricWrapper(Mean):
    """The mean of fn(y_true, y_pred, **options), a NumPy function that gives a value for each row."""

    def __init__(self, fn, name=None, dtype=None, **options):
        super().__init__(name or getattr(fn, "__name__", "metric"), dtype)
        self.fn, self.fn_options = fn, options

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = self.fn(np.asarray(y_true), np.asarray(y_pred), **self.fn_options)
        super().update_state(values, sample_weight)


class RowMean(Mean):
    """The mean of a value for each row that is an operation of the door: it is recorded with the step.

    labels: the loss that brings labels into the form that `record` takes.
    """

    labels = None

    def record(self, ops, target, prediction):
        """Records the values; returns the array of the rows."""
        raise NotImplementedError

    def values(self, y_true, y_pred):
        """The values of arrays, one for each row."""
        ops = active()
        prediction = ops.asarray(numbers(y_pred, f"{self.name}: predictions"), "float32")
        target = self.labels.prepare(y_true, (None, *prediction.shape[1:]), self.name)
        target = ops.asarray(target, self.labels.target_dtype("float32"))
        return np.array(ops.to_host(self.record(ops, target, prediction)))

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(self.values(y_true, y_pred), sample_weight)
