"""A layer's formulas with the numbers put in: output shape, parameters, work, and what the same map costs as
a dense layer (Goodfellow, Bengio, Courville 2016, section 9.2).

One function for each family gives lines (label, text); `singledispatch` chooses by the layer's class. A layer
that is not named here lists its weights.
"""

from functools import singledispatch
from math import prod

from .activation import Activation
from .adaptive import _Adaptive
from .convolution import Conv
from .core import Dense
from .depthwise import _Depthwise, _Separable
from .facts import multiply_adds
from .forms import cost
from .merging import Concatenate
from .normalization import BatchNormalization
from .padding import _Cropping, _ZeroPadding
from .pooling import _Global, _MaxPooling, _Pooling
from .reshaping import Flatten
from .tables import line
from .transposed import _ConvTranspose
from .upsampling import _UpSampling

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def explanation(layer, given, out, name=None):
    """The lines of text for one layer. given: the list of input shapes; out: the output's shape."""
    shown = " and ".join(str(tuple(shape)) for shape in given)
    head = f"{name or layer.name} ({type(layer).__name__}): {shown} -> {tuple(out)}"
    return [head, *(line(label, text) for label, text in formulas(layer, given, out))]


def totals(container, calls):
    """A model's last lines. calls: (path, layer, input shapes, output shape) of each layer inside."""
    work = [multiply_adds(layer, given, out) for _, layer, given, out in calls]
    total = None if None in work else sum(work)
    trained = sum(v.size for v in container.trainable_weights)
    return [
        f"{container.name} ({type(container).__name__})",
        line("parameters", f"{sum(v.size for v in container.weights):,}, of which {trained:,} are trained"),
        line("multiply-adds", f"{_number(total)} for one sample"),
    ]


@singledispatch
def formulas(layer, given, out):
    """[(label, text)]: the layer's formulas with the numbers put in."""
    if not layer.weights:
        return [("parameters", "0")]
    each = " + ".join(f"{v.name} {'*'.join(map(str, v.shape))}" for v in layer.weights)
    return [("parameters", f"{each} = {layer.count_params():,}")]


def _number(value):
    return "?" if value is None else f"{value:,}"


def _times(*factors):
    """2 * 3 * 4, without the result."""
    return " * ".join("?" if f is None else str(f) for f in factors)


def _product(*factors):
    """2 * 3 * 4 = 24"""
    total = None if None in factors else prod(factors)
    return f"{_times(*factors)} = {_number(total)}" if len(factors) > 1 else _number(total)


# Windows ---------------------------------------------------------------------------------------------------


def _window_lines(given, out, window, strides, dilation, pads, same):
    """floor((H + 2P - K) / S + 1) for each spatial axis.

    With padding "same" and strides the padding depends on the size; for an unknown one, ceil(H / S) is known.
    """
    rank = len(window)
    for i, axis in enumerate(AXES[rank]):
        n, k, s, d, (before, after) = given[1 + i], window[i], strides[i], dilation[i], pads[i]
        letter = axis[0].upper()
        if n is None and same and s > 1:
            yield axis, f"ceil({letter} / S) = ceil(? / {s}) = ?"
            continue
        padding, put_in = ("2P", f"2*{before}") if before == after else ("P0 + P1", f"{before} + {after}")
        span, span_in = ("K", f"{k}") if d == 1 else ("((K - 1)D + 1)", f"(({k} - 1)*{d} + 1)")
        size = "?" if n is None else n
        yield (axis, f"floor(({letter} + {padding} - {span}) / S + 1) = "
                     f"floor(({size} + {put_in} - {span_in}) / {s} + 1) = {_number(out[1 + i])}")  # fmt: skip


def _convolution_lines(layer, given, out):
    pads = layer.padding_for(given[1:-1])
    same = layer.padding == "same"
    return _window_lines(given, out, layer.kernel_size, layer.strides, layer.dilation_rate, pads, same)


def _kernel_letters(rank):
    return " * ".join(f"K{i}" for i in range(rank))


def _work_lines(layer, given, out, inputs_each):
    """Multiply-adds and operations of a layer each of whose outputs sums `inputs_each` products."""
    work = multiply_adds(layer, [given], out)
    each = 2 * inputs_each - 1 + bool(layer.use_bias)
    outputs = None if None in out[1:] else prod(out[1:])
    plus = "" if layer.use_bias else " - 1"
    total = None if outputs is None else outputs * each
    return [
        ("multiply-adds", f"{_times(*out[1:])} outputs, {inputs_each:,} each = {_number(work)}"),
        ("operations", f"{_number(outputs)} outputs * (2 * {inputs_each:,}{plus}) = {_number(total)}"),
    ]


def _dense_lines(layer, given, out):
    """The same map as one matrix: full, and with its zeros left out."""
    if None in given[1:] or None in out[1:]:
        return []
    ins, outs, (_, dense, sparse) = prod(given[1:]), prod(out[1:]), cost(layer, given, out)
    inputs, numbers = ("(inputs + 1)", f"({ins:,} + 1)") if layer.use_bias else ("inputs", f"{ins:,}")
    times = dense.floats / max(layer.count_params(), 1)
    return [
        ("as a dense layer", f"{inputs} * outputs = {numbers} * {outs:,} = {dense.floats:,} weights, "
                             f"{times:,.0f} times as many; {dense.operations:,} operations"),
        ("as a sparse matrix", f"{sparse.floats:,} numbers; {sparse.operations:,} operations"),
    ]  # fmt: skip


@formulas.register
def _(layer: Conv, given, out):
    (given,) = given
    window, C, rank = layer.kernel_size, given[-1] // layer.groups, layer.rank
    letters = f"{_kernel_letters(rank)} * Cin{' / groups' if layer.groups > 1 else ''}"
    numbers = _times(*window, f"{given[-1]} / {layer.groups}" if layer.groups > 1 else C)
    if layer.use_bias:
        letters, numbers = f"({letters} + 1)", f"({numbers} + 1)"
    each = prod(window) * C
    return [
        *_convolution_lines(layer, given, out),
        ("channels", f"Cout = filters = {layer.filters}"),
        ("parameters", f"{letters} * Cout = {numbers} * {layer.filters} = {layer.count_params():,}"),
        *_work_lines(layer, given, out, each),
        *_dense_lines(layer, given, out),
    ]


@formulas.register
def _(layer: _Depthwise, given, out):
    (given,) = given
    window, C, multiplier = layer.kernel_size, given[-1], layer.depth_multiplier
    one, put_in = ("({} + 1)", f"({_times(*window)} + 1)") if layer.use_bias else ("{}", _times(*window))
    letters = one.format(_kernel_letters(layer.rank))
    return [
        *_convolution_lines(layer, given, out),
        ("channels", f"Cin * multiplier = {_product(C, multiplier)}"),
        ("parameters", f"{letters} * Cin * multiplier = {put_in} * {_times(C, multiplier)} = "
                       f"{layer.count_params():,}"),
        *_work_lines(layer, given, out, prod(window)),
        *_dense_lines(layer, given, out),
    ]  # fmt: skip


@formulas.register
def _(layer: _Separable, given, out):
    (given,) = given
    window, C, M, K = layer.kernel_size, given[-1], layer.depth_multiplier, layer.filters
    bias, put_in = (" + Cout", f" + {K}") if layer.use_bias else ("", "")
    once, mixed = _times(*window, C, M), _times(C, M, K)
    kernels = layer.depthwise_kernel.size + layer.pointwise_kernel.size
    times = prod(window) * C * K / kernels
    return [
        *_convolution_lines(layer, given, out),
        ("channels", f"Cout = filters = {K}"),
        ("parameters", f"{_kernel_letters(layer.rank)} * Cin * M + Cin * M * Cout{bias} = "
                       f"{once} + {mixed}{put_in} = {layer.count_params():,}"),
        ("multiply-adds", f"{_times(*out[1:-1])} positions * ({once} + {mixed}) = "
                          f"{_number(multiply_adds(layer, [given], out))}"),
        ("as a convolution", f"{_product(*window, C, K)} weights, {times:.1f} times as many"),
    ]  # fmt: skip


@formulas.register
def _(layer: _ConvTranspose, given, out):
    (given,) = given
    window, C = layer.kernel_size, given[-1]
    lines = []
    for i, axis in enumerate(AXES[layer.rank]):
        n, k, s, letter = given[1 + i], window[i], layer.strides[i], axis[0].upper()
        n = "?" if n is None else n
        if layer.padding == "same" and layer.output_padding is None:
            text = f"{letter} * S = {n} * {s}"
        elif layer.output_padding is None:
            text = f"({letter} - 1) * S + max(K, S) = ({n} - 1) * {s} + max({k}, {s})"
        else:
            before, extra = (k // 2 if layer.padding == "same" else 0), layer.output_padding[i]
            text = f"({letter} - 1) * S + K - 2P + extra = ({n} - 1) * {s} + {k} - 2*{before} + {extra}"
        lines.append((axis, f"{text} = {_number(out[1 + i])}"))
    letters, numbers = f"{_kernel_letters(layer.rank)} * Cin", _times(*window, C)
    if layer.use_bias:
        letters, numbers = f"({letters} + 1)", f"({numbers} + 1)"
    return [
        *lines,
        ("channels", f"Cout = filters = {layer.filters}"),
        ("parameters", f"{letters} * Cout = {numbers} * {layer.filters} = {layer.count_params():,}"),
        ("multiply-adds", f"{_times(*given[1:])} inputs, {_times(*window, layer.filters)} each = "
                          f"{_number(multiply_adds(layer, [given], out))}"),
    ]  # fmt: skip


@formulas.register
def _(layer: _Pooling, given, out):
    (given,) = given
    pads = layer._window(given[1:-1])["padding"]
    same = layer.padding == "same"
    which = "the largest" if isinstance(layer, _MaxPooling) else "the mean"
    return [
        *_window_lines(given, out, layer.pool_size, layer.strides, (1,) * layer.rank, pads, same),
        ("channels", f"each by itself: {out[-1]}"),
        ("each output", f"{which} of {_product(*layer.pool_size)} values"),
        ("parameters", "0"),
    ]


@formulas.register
def _(layer: _Global, given, out):
    return [
        ("each output", f"one number a channel, from {_product(*given[0][1:-1])} values"),
        ("parameters", "0"),
    ]


@formulas.register
def _(layer: _Adaptive, given, out):
    lines = []
    for axis, n, m in zip(AXES[layer.rank], given[0][1:-1], layer.output_size, strict=True):
        n = n or "?"
        lines.append((axis, f"{m} windows, number i from floor(i * {n} / {m}) to ceil((i + 1) * {n} / {m})"))
    return [
        *lines,
        ("channels", f"each by itself: {out[-1]}"),
        ("parameters", "0"),
    ]  # fmt: skip


# Dense layers, normalisation, shapes ---------------------------------------------------------------------


@formulas.register
def _(layer: Dense, given, out):
    (given,) = given
    letters, numbers = ("(in + 1)", f"({given[-1]} + 1)") if layer.use_bias else ("in", f"{given[-1]}")
    return [
        ("parameters", f"{letters} * units = {numbers} * {layer.units} = {layer.count_params():,}"),
        *_work_lines(layer, given, out, given[-1]),
    ]


@formulas.register
def _(layer: BatchNormalization, given, out):
    C, trained = given[0][-1], sum(v.size for v in layer.variables if v.trainable)
    names = [v.name for v in layer.variables]
    return [
        ("statistics", f"mean and variance of each channel over batch * {_times(*given[0][1:-1])} values"
                       if len(given[0]) > 2 else "mean and variance of each channel over the batch"),
        ("in training", f"{'gamma * ' * layer.scale}(x - mean) / sqrt(variance + {layer.epsilon:g})"
                        f"{' + beta' * layer.center}"),
        ("and each time", f"moving = {layer.momentum:g} * moving + {1 - layer.momentum:g} * the batch's; "
                          "inference takes the moving ones"),
        ("parameters", f"{len(names)}C = {len(names)} * {C} = {layer.count_params():,}, {trained:,} of them "
                       f"trained ({', '.join(names)})"),
    ]  # fmt: skip


@formulas.register
def _(layer: Activation, given, out):
    return [("each output", f"{layer.activation} of one input"), ("parameters", "0")]


@formulas.register
def _(layer: Flatten, given, out):
    return [("units", _product(*given[0][1:])), ("parameters", "0")]


@formulas.register
def _(layer: Concatenate, given, out):
    sizes = [shape[layer.axis] for shape in given]
    name = "channels" if layer.axis % len(out) == len(out) - 1 else f"axis {layer.axis % len(out)}"
    total = out[layer.axis]
    return [(name, f"{' + '.join(map(_number, sizes))} = {_number(total)}"), ("parameters", "0")]


@formulas.register
def _(layer: _ZeroPadding, given, out):
    return [*_resized(given[0], out, layer.pairs, "+"), ("parameters", "0")]


@formulas.register
def _(layer: _Cropping, given, out):
    return [*_resized(given[0], out, layer.pairs, "-"), ("parameters", "0")]


def _resized(given, out, pairs, sign):
    for i, axis in enumerate(AXES[len(pairs)]):
        before, after = pairs[i]
        yield axis, f"{_number(given[1 + i])} {sign} {before} {sign} {after} = {_number(out[1 + i])}"


@formulas.register
def _(layer: _UpSampling, given, out):
    lines = [(axis, _product(given[0][1 + i], layer.size[i])) for i, axis in enumerate(AXES[layer.rank])]
    return [*lines, ("parameters", "0")]
