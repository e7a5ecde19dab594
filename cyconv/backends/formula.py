"""Formulas: a NumPy function of arrays, read once into a list of instructions that any backend can run.

    def huber(prediction, target, delta):
        error = np.abs(prediction - target)
        return np.where(error <= delta, 0.5 * error**2, delta * error - 0.5 * delta**2)

The function is the definition: the reference backend calls it. `trace` calls it with Symbols, which write
down what is done to them; a kernel then runs the list over blocks of elements. Formulas are element by
element: arithmetic, comparisons, `np.where`, `np.clip` and the functions of FUNCTIONS.
"""

from functools import lru_cache

import numpy as np

# What an instruction can be, with its number of arguments. "input" and "constant" have a number instead.
FUNCTIONS = {
    "add": 2, "subtract": 2, "multiply": 2, "divide": 2, "maximum": 2, "minimum": 2, "power": 2,
    "less": 2, "less_equal": 2, "equal": 2, "where": 3,
    "negative": 1, "absolute": 1, "sign": 1, "floor": 1, "sqrt": 1,
    "exp": 1, "expm1": 1, "log": 1, "log1p": 1, "tanh": 1, "sin": 1, "cos": 1,
}  # fmt: skip

# NumPy functions that are short for others.
DERIVED = {
    "true_divide": lambda a, b: a / b,
    "greater": lambda a, b: Symbol.apply("less", b, a),
    "greater_equal": lambda a, b: Symbol.apply("less_equal", b, a),
    "not_equal": lambda a, b: 1 - Symbol.apply("equal", a, b),
    "logical_and": lambda a, b: a * b,
    "logical_or": lambda a, b: Symbol.apply("maximum", a, b),
    "logical_not": lambda a: 1 - a,
    "bitwise_and": lambda a, b: a * b,
    "bitwise_or": lambda a, b: Symbol.apply("maximum", a, b),
    "invert": lambda a: 1 - a,
    "square": lambda a: a * a,
    "reciprocal": lambda a: 1 / a,
    "positive": lambda a: a,
    "clip": lambda a, low, high: Symbol.apply("minimum", Symbol.apply("maximum", a, low), high),
}


class Formula:
    """instructions: ("input", i), ("constant", value) or (function, argument numbers...), each the number of
    its place; outputs: the numbers of the results; single: whether the function gave one result, no tuple.
    """

    def __init__(self, function, inputs):
        self.function, self.inputs = function, inputs
        self.name = getattr(function, "__name__", type(function).__name__).strip("<>")
        self.instructions, self._numbers = [], {}
        result = function(*(Symbol(self, self.number("input", i)) for i in range(inputs)))
        self.single = not isinstance(result, tuple)
        results = (result,) if self.single else result
        self.outputs = tuple(self.argument(r) for r in results)

    def number(self, *instruction):
        """The place of an instruction; an equal one is not written twice."""
        if instruction not in self._numbers:
            self._numbers[instruction] = len(self.instructions)
            self.instructions.append(instruction)
        return self._numbers[instruction]

    def argument(self, value):
        """The number that stands for a Symbol or a constant."""
        if isinstance(value, Symbol):
            return value.number
        return self.number("constant", float(value))


@lru_cache(256)
def trace(function, inputs):
    """The Formula of a function of `inputs` arrays. TypeError where it is not element by element."""
    return Formula(function, inputs)


class Symbol(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands for an array while a formula is read."""

    __slots__ = ("formula", "number")

    def __init__(self, formula, number):
        self.formula, self.number = formula, number

    @staticmethod
    def apply(name, *arguments):
        """The Symbol of function `name` of Symbols and constants."""
        formula = next(a.formula for a in arguments if isinstance(a, Symbol))
        return Symbol(formula, formula.number(name, *map(formula.argument, arguments)))

    def __array_ufunc__(self, ufunc, method, *arguments, **options):
        if method != "__call__" or options:
            raise TypeError(f"a formula is element by element: np.{ufunc.__name__}.{method} is not")
        return self._call(ufunc.__name__, arguments)

    def __array_function__(self, function, types, arguments, options):
        if options:
            raise TypeError(f"np.{function.__name__} takes no options in a formula. Received: {options}")
        return self._call(function.__name__, arguments)

    def _call(self, name, arguments):
        if name == "power" and not isinstance(arguments[1], Symbol):
            whole = {1: 1, 2: 2, 3: 3, 4: 4}.get(arguments[1])
            if whole:  # a few multiplications instead of a logarithm and an exponential
                base, result = arguments[0], arguments[0]
                for _ in range(whole - 1):
                    result = result * base
                return result
        if name == "divide" and not isinstance(arguments[1], Symbol):
            return Symbol.apply("multiply", arguments[0], 1.0 / arguments[1])
        if FUNCTIONS.get(name) == len(arguments):
            return Symbol.apply(name, *arguments)
        if name in DERIVED:
            return DERIVED[name](*arguments)
        known = ", ".join(sorted({*FUNCTIONS, *DERIVED} - {"true_divide"}))
        raise TypeError(f"a formula cannot use np.{name}; it knows {known}")

    def __bool__(self):
        raise TypeError("a formula cannot branch on an element's value; use np.where(condition, a, b)")
