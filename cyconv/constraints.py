"""What weights are brought back to after each update (Srivastava et al. 2014 for the norms); Keras's names.

A constraint of a user's own is a subclass with `__call__(w)`, which gives the new values, in NumPy.
"""

import numpy as np

from .backends import active
from .backends.interface import EPSILON
from .configurable import Configurable, lookup


class Constraint(Configurable):
    """Base class. `constraint(w)` gives the constrained copy of an array."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__call__" in cls.__dict__ and "record" not in cls.__dict__:
            cls.record = _record_python

    def record(self, ops, w):
        """Records the change of w, in place."""

    def __call__(self, w):
        ops = active()
        result = ops.asarray(np.array(w, "float32"), "float32")
        self.record(ops, result)
        return np.array(ops.to_host(result))


def _record_python(self, ops, w):
    """`record` for a class that gives `__call__` in NumPy."""
    result = ops.python(lambda a: self(np.array(a)), [w], w.shape, w.dtype)
    ops.map(np.positive, result, out=w)


class NonNeg(Constraint):
    """Negative weights become 0."""

    def record(self, ops, w):
        ops.map(_not_negative, w, out=w)


def _not_negative(w):
    return np.maximum(w, 0)


class _Norm(Constraint):
    """w times wanted(norm) / (epsilon + norm), norms over `axis`."""

    def wanted(self, norm):
        """The norm that is wanted instead of `norm`: a formula."""
        raise NotImplementedError

    def record(self, ops, w):
        axes = self.axis if isinstance(self.axis, (list, tuple)) else [self.axis]
        outside = [a for a in axes if not -w.ndim <= a < w.ndim]
        if outside:
            raise ValueError(f"{type(self).__name__}: a weight {tuple(w.shape)} has no axis {outside[0]}")
        axes = tuple(sorted(a % w.ndim for a in axes))
        squares = ops.reduce(ops.map(np.square, w), axes=axes)
        squares = ops.reshape(squares, tuple(1 if i in axes else n for i, n in enumerate(w.shape)))

        def scaled(w, square):
            norm = np.sqrt(square)
            return w * (self.wanted(norm) / (EPSILON + norm))

        ops.map(scaled, w, squares, out=w)


class MaxNorm(_Norm):
    """The norm is at most max_value. axis: the axes of one unit's weights ([0, 1, 2] for Conv2D)."""

    def __init__(self, max_value=2, axis=0):
        self.max_value, self.axis = max_value, axis

    def wanted(self, norm):
        return np.clip(norm, 0, self.max_value)


class UnitNorm(_Norm):
    """The norm is 1."""

    def __init__(self, axis=0):
        self.axis = axis

    def wanted(self, norm):
        return 1.0


class MinMaxNorm(_Norm):
    """The norm goes the part `rate` of its way into [min_value, max_value]."""

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def wanted(self, norm):
        return self.rate * np.clip(norm, self.min_value, self.max_value) + (1 - self.rate) * norm


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
TABLE = {"MaxNorm": MaxNorm, "NonNeg": NonNeg, "UnitNorm": UnitNorm, "MinMaxNorm": MinMaxNorm}


def get(identifier):
    """The constraint that a name, configuration, class or object means; None stays None."""
    return lookup(identifier, TABLE, "constraint", Constraint)


__all__ = ["Constraint", *TABLE, "get", "max_norm", "min_max_norm", "non_neg", "unit_norm"]
