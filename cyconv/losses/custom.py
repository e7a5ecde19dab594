"""Losses of a user's own: a class with `call` and `gradient` in NumPy, or a formula, which is differentiated.

    class Cubic(losses.Loss):
        def call(self, y_true, y_pred):
            return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)

        def gradient(self, y_true, y_pred):
            return 3 * (y_pred - y_true) * np.abs(y_pred - y_true) / y_pred.shape[-1]

    def cubic(y_true, y_pred):
        return np.abs(y_pred - y_true) ** 3      # the mean over the last axis follows by itself
"""

import numpy as np

from ..backends.derivative import derivative
from .base import Elementwise, Loss, over_rows


def bridge(cls):
    """Gives a class that defines `call` and `gradient` the protocol's `rows`."""

    def rows(self, ops, target, prediction, weight, scale):
        if not hasattr(self, "gradient"):
            raise NotImplementedError(
                f"{type(self).__name__} defines `call` but no `gradient(y_true, y_pred)`: the derivative of "
                "the sum of its values by y_pred"
            )
        shape = prediction.shape[:-1] or (1,)

        def call(t, p):
            return np.reshape(self.call(np.array(t), np.array(p)), shape)

        def gradient(t, p):
            return scale * np.asarray(self.gradient(np.array(t), np.array(p)))

        values = ops.python(call, [target, prediction], shape, prediction.dtype)
        slope = ops.python(gradient, [target, prediction], prediction.shape, prediction.dtype)
        if weight is None:
            return values, slope
        spread = over_rows(ops, weight, prediction)
        return ops.map(np.multiply, values, weight), ops.map(np.multiply, slope, spread)

    cls.rows = rows


class _Given(Loss):
    """An object with `call` and `gradient` that is no Loss."""

    def __init__(self, given):
        super().__init__(type(given).__name__)
        self.given, self.gradient = given, given.gradient

    def call(self, y_true, y_pred):
        return self.given.call(y_true, y_pred)


class FunctionLoss(Elementwise):
    """A function of (y_true, y_pred), element by element; its derivative is found by reading it."""

    def __init__(self, function, name=None, reduction="sum_over_batch_size"):
        super().__init__(name or getattr(function, "__name__", "loss"), reduction)
        try:
            self.formula = derivative(function, 2, by=1)
        except TypeError as error:
            raise TypeError(
                f"loss {self.name!r}: {error}. A function that is a loss is a formula, element by element "
                "(cyconv takes the mean over the last axis); for anything else write a losses.Loss with "
                "call(y_true, y_pred) and gradient(y_true, y_pred)"
            ) from None


def from_user(given):
    """The Loss for an object with `call` and `gradient`, or for a function."""
    if hasattr(given, "call") and hasattr(given, "gradient"):
        return _Given(given)
    return FunctionLoss(given)
