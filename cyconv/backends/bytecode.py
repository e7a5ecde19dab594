"""A Formula as the instructions that `map` in C walks through."""

import numpy as np

from .._native import engine


def bytecode(formula):
    """A Formula as the rows (function, d, a, b, c) of `map` in C, and the register of every output.

    Constants come first and keep their registers; others are used again once their value is read for the
    last time.
    """
    order = sorted(enumerate(formula.instructions), key=lambda pair: pair[1][0] != "constant")
    last = {number: i for i, ins in enumerate(formula.instructions) if ins[0] not in ("input", "constant")
            for number in ins[1:]}  # fmt: skip
    last.update((number, len(formula.instructions)) for number in formula.outputs)
    free, register, rows = list(range(engine.MAX_REGISTERS))[::-1], {}, []
    for i, (name, *arguments) in order:
        if name == "constant":
            arguments = [np.float64(arguments[0]).view(np.int64)]
        elif name != "input":
            done = {a for a in arguments if last[a] == i and formula.instructions[a][0] != "constant"}
            arguments = [register[a] for a in arguments]
            free.extend(register[a] for a in done)
        if not free:
            raise ValueError(f"formula {formula.name}: more than {engine.MAX_REGISTERS} values at a time")
        register[i] = free.pop()
        rows.append([engine.FUNCTIONS[name], register[i], *arguments, *(0,) * (3 - len(arguments))])
        if i not in last and name != "constant":
            free.append(register[i])
    return rows, [register[number] for number in formula.outputs]
