"""Formulas as CUDA C. A kernel is made for each formula and number of axes, and compiled once."""

from functools import cache

from .kernels import header

# Function of a formula -> the expression of its arguments. Names without a type are chosen by C++ for `real`.
EXPRESSIONS = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "maximum": "larger({0}, {1})", "minimum": "smaller({0}, {1})", "power": "pow({0}, {1})",
    "less": "(real)({0} < {1})", "less_equal": "(real)({0} <= {1})", "equal": "(real)({0} == {1})",
    "where": "{0} != 0 ? {1} : {2}", "negative": "-{0}", "absolute": "fabs({0})",
    "sign": "{0} != {0} ? {0} : (real)(({0} > 0) - ({0} < 0))",
    **{name: name + "({0})" for name in
       ("floor", "sqrt", "exp", "expm1", "log", "log1p", "tanh", "sin", "cos")},
}  # fmt: skip


@cache
def source(read, axes):
    """A Formula as the text of a kernel `map`: (n, sizes of all axes but the first, strides of each operand,
    operands). One thread an element, whose place in each operand follows from its number.
    """
    operands = [f"x{i}" for i in range(read.inputs)] + [f"y{i}" for i in range(len(read.outputs))]
    sizes = [f"int n{a}" for a in range(1, axes)]
    strides = [f"int {o}_{a}" for o in operands for a in range(axes)]
    pointers = [f"const real *{o}" if o[0] == "x" else f"real *{o}" for o in operands]
    lines = ["const int i = thread_number();", "if (i >= n)", "    return;", "int rest = i;"]
    for a in range(axes - 1, -1, -1):
        at = "rest" if a == 0 else f"rest % n{a}"
        lines += [f"const int i{a} = {at};", *([f"rest /= n{a};"] if a else [])]
    places = {o: " + ".join(f"i{a} * {o}_{a}" for a in range(axes)) or "0" for o in operands}
    for number, (name, *arguments) in enumerate(read.instructions):
        if name == "input":
            value = f"x{arguments[0]}[{places[f'x{arguments[0]}']}]"
        elif name == "constant":
            value = f"(real){_literal(arguments[0])}"
        else:
            value = EXPRESSIONS[name].format(*(f"v{a}" for a in arguments))
        lines.append(f"const real v{number} = {value};")
    lines += [f"y{k}[{places[f'y{k}']}] = v{number};" for k, number in enumerate(read.outputs)]
    head = ", ".join(["int n", *sizes, *strides, *pointers])
    body = "\n".join("    " + line for line in lines)
    return (header("elements")
            + f'\n/* {read.name} */\nextern "C" __global__ void map({head})\n{{\n{body}\n}}\n')  # fmt: skip


def _literal(value):
    """A number as C writes it; infinity and NaN, for which C has no literal, by overflow."""
    if value != value:
        return "(1e308 * 10 - 1e308 * 10)"
    return repr(value) if abs(value) != float("inf") else f"({'-' if value < 0 else ''}1e308 * 10)"
