"""The derivative of a formula, by the chain rule from its result backwards (Rumelhart et al. 1986)."""

import numpy as np

from .formula import trace

# For y = function(a, b, ...) and s = the derivative of the result by y: s times the derivatives of y by
# a, b, ...; functions that are not here are constant almost everywhere.
RULES = {
    "add": lambda s, y, a, b: (s, s),
    "subtract": lambda s, y, a, b: (s, -s),
    "multiply": lambda s, y, a, b: (s * b, s * a),
    "divide": lambda s, y, a, b: (s / b, -s * y / b),
    "maximum": lambda s, y, a, b: (np.where(a >= b, s, 0.0), np.where(a >= b, 0.0, s)),
    "minimum": lambda s, y, a, b: (np.where(a <= b, s, 0.0), np.where(a <= b, 0.0, s)),
    "power": lambda s, y, a, b: (s * b * np.power(a, b - 1), s * y * np.log(a)),
    "where": lambda s, y, c, a, b: (0.0, np.where(c, s, 0.0), np.where(c, 0.0, s)),
    "negative": lambda s, y, a: (-s,),
    "absolute": lambda s, y, a: (s * np.sign(a),),
    "sqrt": lambda s, y, a: (s / (2 * y),),
    "exp": lambda s, y, a: (s * y,),
    "expm1": lambda s, y, a: (s * (y + 1),),
    "log": lambda s, y, a: (s / a,),
    "log1p": lambda s, y, a: (s / (1 + a),),
    "tanh": lambda s, y, a: (s * (1 - y * y),),
    "sin": lambda s, y, a: (s * np.cos(a),),
    "cos": lambda s, y, a: (-s * np.sin(a),),
}


def derivative(function, inputs, by):
    """The formula (value, derivative by input number `by`) of a function of `inputs` arrays with one result.

    Errors: TypeError where the function is not element by element.
    """
    read = trace(function, inputs)
    if not read.single:
        raise TypeError("a formula to be differentiated has one result")

    def value_and_derivative(*arrays):
        values, depends = [], []
        for name, *arguments in read.instructions:
            if name == "input":
                values.append(arrays[arguments[0]])
                depends.append(arguments[0] == by)
            elif name == "constant":
                values.append(arguments[0])
                depends.append(False)
            else:
                values.append(getattr(np, name)(*(values[a] for a in arguments)))
                depends.append(any(depends[a] for a in arguments))
        result = read.outputs[0]
        slopes = {result: 1.0} if depends[result] else {}
        for number in range(result, -1, -1):
            name, *arguments = read.instructions[number]
            if number in slopes and name in RULES:
                parts = RULES[name](slopes[number], values[number], *(values[a] for a in arguments))
                for argument, part in zip(arguments, parts, strict=True):
                    if depends[argument]:
                        slopes[argument] = slopes[argument] + part if argument in slopes else part
        return values[result], slopes.get(read.instructions.index(("input", by)), 0.0)

    value_and_derivative.__name__ = read.name
    return value_and_derivative
