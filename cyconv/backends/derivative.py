"""The derivative of a formula, by dual numbers: f(x + e) = f(x) + f'(x) * e where e * e = 0.

`derivative(f)` is a formula again, so a small function of elements needs no second one written by hand
(Griewank & Walther 2008, "Evaluating derivatives", chapter 3: forward mode).
"""

from functools import lru_cache

import numpy as np

# What an argument's slope is multiplied by, for functions of one element.
UNARY = {
    "negative": lambda a: -1.0,
    "absolute": np.sign,
    "square": lambda a: 2 * a,
    "sqrt": lambda a: 0.5 / np.sqrt(a),
    "reciprocal": lambda a: -1 / (a * a),
    "exp": np.exp,
    "expm1": np.exp,
    "log": lambda a: 1 / a,
    "log1p": lambda a: 1 / (1 + a),
    "tanh": lambda a: 1 - np.tanh(a) * np.tanh(a),
    "sin": np.cos,
    "cos": lambda a: -np.sin(a),
    "positive": lambda a: 1.0,
}
FLAT = {"sign", "floor", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
        "logical_and", "logical_or", "logical_not", "bitwise_and", "bitwise_or", "invert"}  # fmt: skip


@lru_cache(256)
def derivative(function):
    """The formula f' of a formula f of one array."""

    def slope(x):
        result = function(Dual(x, 1.0))
        return result.slope + 0 * x if isinstance(result, Dual) else 0 * x

    slope.__name__ = f"{getattr(function, '__name__', 'formula').strip('<>')}_slope"
    return slope


class Dual(np.lib.mixins.NDArrayOperatorsMixin):
    """value + slope * e."""

    __slots__ = ("slope", "value")

    def __init__(self, value, slope):
        self.value, self.slope = value, slope

    def __array_ufunc__(self, ufunc, method, *arguments, **options):
        if method != "__call__" or options:
            raise TypeError(f"a formula is element by element: np.{ufunc.__name__}.{method} is not")
        return self._call(ufunc.__name__, ufunc, arguments)

    def __array_function__(self, function, types, arguments, options):
        if options or function.__name__ not in ("where", "clip"):
            raise TypeError(f"a formula cannot use np.{function.__name__}")
        return self._call(function.__name__, function, arguments)

    def _call(self, name, function, arguments):
        values = [a.value if isinstance(a, Dual) else a for a in arguments]
        if name in FLAT:
            return function(*values)
        slopes = [a.slope if isinstance(a, Dual) else 0.0 for a in arguments]
        if name == "clip":
            return np.minimum(np.maximum(arguments[0], arguments[1]), arguments[2])
        if name in UNARY:
            return Dual(function(*values), UNARY[name](*values) * slopes[0])
        if name not in RULES:
            raise TypeError(f"np.{name} has no derivative here; write a Layer with `backward`")
        return Dual(function(*values), RULES[name](values, slopes))

    def __bool__(self):
        raise TypeError("a formula cannot branch on an element's value; use np.where(condition, a, b)")


def _power(values, slopes):
    """d(a**b) = b * a**(b - 1) * da, for a constant b."""
    a, b = values
    if not isinstance(slopes[1], float) or slopes[1]:
        raise TypeError("a power with a variable exponent has no derivative here; use np.exp(b * np.log(a))")
    return b * a ** (b - 1) * slopes[0]


# The slope of the result, from the arguments' values and slopes.
RULES = {
    "add": lambda v, s: s[0] + s[1],
    "subtract": lambda v, s: s[0] - s[1],
    "multiply": lambda v, s: s[0] * v[1] + v[0] * s[1],
    "divide": lambda v, s: s[0] / v[1] - v[0] / (v[1] * v[1]) * s[1],
    "maximum": lambda v, s: np.where(v[0] >= v[1], s[0], s[1]),
    "minimum": lambda v, s: np.where(v[0] <= v[1], s[0], s[1]),
    "where": lambda v, s: np.where(v[0], s[1], s[2]),
    "power": _power,
}
