"""Penalties on weights (or activities), part of the loss: Goodfellow et al. 2016, section 7.1; Keras's names.

A regulariser of a user's own is a subclass with `__call__(x)`, the penalty, and `gradient(x)`, both in NumPy.
"""

import math

import numpy as np

from .backends import active
from .backends.interface import EPSILON
from .configurable import Configurable, lookup


class Regularizer(Configurable):
    """Base class. `regularizer(x)` is the penalty of an array, as a float."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__call__" in cls.__dict__ and "record" not in cls.__dict__:
            cls.record = _record_python

    def record(self, ops, x, gradient=None, scale=1.0):
        """Records scale * penalty of x; returns (an array (1,), the penalty's gradient).

        gradient: an array that the gradient is added to; left out, a new one is made.
        """
        raise NotImplementedError(f"{type(self).__name__} has no penalty; define __call__(x) and gradient(x)")

    def __call__(self, x):
        ops = active()
        penalty, _ = self.record(ops, ops.asarray(x, "float32"))
        return float(ops.to_host(penalty)[0])


def _record_python(self, ops, x, gradient=None, scale=1.0):
    """`record` for a class that gives `__call__` and `gradient` in NumPy."""
    if not hasattr(self, "gradient"):
        raise NotImplementedError(
            f"{type(self).__name__} needs gradient(x), the derivative of its penalty by every element of x"
        )
    penalty = ops.python(lambda a: np.reshape(scale * self(np.array(a)), 1), [x], (1,), x.dtype)
    slope = ops.python(lambda a: scale * self.gradient(np.array(a)), [x], x.shape, x.dtype)
    return penalty, slope if gradient is None else ops.binary(gradient, slope, "add", out=gradient)


class L1L2(Regularizer):
    """l1 * sum |x| + l2 * sum x**2 (no half)."""

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _factor(0.0 if l1 is None else l1, "l1")
        self.l2 = _factor(0.0 if l2 is None else l2, "l2")

    def record(self, ops, x, gradient=None, scale=1.0):
        l1, l2 = scale * self.l1, scale * self.l2

        def penalty_and_gradient(x):
            return l1 * np.abs(x) + l2 * x * x, l1 * np.sign(x) + 2 * l2 * x

        def penalty_and_sum(x, gradient):
            penalty, slope = penalty_and_gradient(x)
            return penalty, gradient + slope

        if gradient is None:
            penalty, gradient = ops.map(penalty_and_gradient, x)
        else:
            penalty, _ = ops.map(penalty_and_sum, x, gradient, out=(None, gradient))
        return ops.reduce(penalty), gradient


class L1(L1L2):
    """l1 * sum |x|."""

    def __init__(self, l1=0.01):
        super().__init__(l1=_factor(0.01 if l1 is None else l1, "l1"))


class L2(L1L2):
    """l2 * sum x**2 (no half)."""

    def __init__(self, l2=0.01):
        super().__init__(l2=_factor(0.01 if l2 is None else l2, "l2"))


class OrthogonalRegularizer(Regularizer):
    """factor * mean over all pairs of rows (or columns) of |cosine of the angle between them|; a matrix."""

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = _factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ValueError(f'`mode` is "rows" or "columns". Received: {mode!r}')
        self.mode = mode

    def record(self, ops, x, gradient=None, scale=1.0):
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer is for matrices. Received: shape {tuple(x.shape)}")
        rows = self.mode == "rows"
        count = x.shape[0] if rows else x.shape[1]
        axes, kept = ((1,), (count, 1)) if rows else ((0,), (1, count))
        squares = ops.reshape(ops.reduce(ops.map(np.square, x), axes=axes), kept)
        norm = ops.map(lambda s: np.sqrt(np.maximum(s, EPSILON**2)), squares)
        unit = ops.map(np.divide, x, norm)
        cosines = ops.matmul(unit, unit, transpose_a=not rows, transpose_b=rows)
        zero = ops.fill(ops.empty((1,), x.dtype))
        ops.copy(zero, cosines, shape=(count,), x_strides=(0,), y_strides=(count + 1,))  # the diagonal
        each = scale * self.factor / max(count * (count - 1), 1)  # every pair stands there twice
        penalty = ops.reduce(ops.map(np.abs, cosines), scale=each)
        signs = ops.map(np.sign, cosines)
        dunit = ops.matmul(signs, unit) if rows else ops.matmul(unit, signs)
        along = ops.reshape(ops.reduce(ops.map(np.multiply, dunit, unit), axes=axes), kept)

        def through_the_norm(dunit, unit, along, norm):
            return 2 * each * (dunit - unit * along) / norm

        slope = ops.map(through_the_norm, dunit, unit, along, norm)
        return penalty, slope if gradient is None else ops.binary(gradient, slope, "add", out=gradient)


def _factor(value, name):
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise ValueError(f"`{name}` is a number. Received: {value!r}")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"`{name}` must be finite and not negative. Received: {value}")
    return float(value)


def l1_l2(l1=0.01, l2=0.01):
    """L1L2 with other defaults."""
    return L1L2(l1, l2)


l1, l2, orthogonal_regularizer = L1, L2, OrthogonalRegularizer
TABLE = {
    "L1": L1, "L2": L2, "L1L2": L1L2, "OrthogonalRegularizer": OrthogonalRegularizer,
}  # fmt: skip


def get(identifier):
    """The regulariser that a name, configuration, class or object means; None stays None."""
    return lookup(identifier, TABLE, "regularizer", Regularizer)


__all__ = ["Regularizer", *TABLE, "get", "l1", "l1_l2", "l2", "orthogonal_regularizer"]
