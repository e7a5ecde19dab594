"""The C kernels behind the door: each function turns an operation into the numbers of one C call.

Here words become integers, one to three spatial axes become three, and dtypes are checked; nothing is
computed. Each returns (sizes, attributes); which kernel, threads and scratch that means is `lower`'s matter.
"""

import itertools
import math
import os
from math import prod

import numpy as np

from .._native import engine
from .._native.engine import ACTIVATIONS, BINARIES
from . import algorithms
from .bytecode import bytecode
from .interface import DISTRIBUTIONS, EPSILON, INTERPOLATIONS, REDUCTIONS

KINDS = {"categorical": 0, "sparse": 1, "binary": 2}
TYPES = {"float32": 0, "float64": 1}
# Operands that are not of the network's float type: operation -> {position: dtype}.
OTHER_DTYPES = {
    "max_pool": {2: "int32"},
    "max_pool_gradient": {1: "int32"},
    "dropout": {1: "uint64"},
    "random": {0: "uint64"},
}


def _chosen_level():
    """The instruction-set level in force: CYCONV_ISA, or the best that this processor runs."""
    name = os.environ.get("CYCONV_ISA") or engine.best_level()
    if name not in engine.LEVELS:
        raise ValueError(f"CYCONV_ISA={name!r} is unknown; this processor runs {', '.join(engine.levels())}")
    if name not in engine.levels():
        raise ValueError(f"CYCONV_ISA={name!r}: this processor runs only {', '.join(engine.levels())}")
    return name


level = _chosen_level()
# With at most so many channels a level's vectors would be half empty: the level below does the same work.
NARROW = {"avx512": (8, "avx2")}
narrow = NARROW


def lower(operation, operands, attributes, threads, at_level=None):
    """One operation as the arguments of `engine.Plan.add`, without the arrays:
    (op, type, level, sizes, attributes, threads, instructions of a map, bytes of scratch).
    """
    dtypes = _check_dtypes(operation, operands, attributes)
    sizes, reals, *code = globals()[operation](*operands, **attributes)
    # The fast forms plan over at least one element; over none the textbook loop does nothing at once.
    empty = any(o is not None and 0 in o.shape for o in operands)
    algorithm = algorithm_of(operation, operands, attributes)
    chosen = "naive" if empty or algorithm == "naive" else at_level or level
    channels, lower_level = narrow.get(chosen, (0, None))
    if _vector_axis(operation, operands, attributes) <= channels:
        chosen = lower_level
    name = f"{operation}_winograd" if algorithm == "winograd" else operation
    head = (engine.OPERATIONS[name], TYPES[dtypes], engine.LEVELS[chosen])
    work = engine.workspace(*head, sizes, reals, threads)
    return (*head, sizes, reals, threads, code[0] if code else None, work)


def _vector_axis(operation, operands, attributes):
    """How many channels the vectors of a window's kernel run over."""
    if attributes.get("groups", 1) > 1:
        return math.inf
    if operation == "convolution_input_gradient":
        return operands[1].shape[-2]
    if operation.startswith("convolution") or operation == "matmul" or "pool" in operation:
        return operands[2 if operation.endswith("kernel_gradient") else -1].shape[-1]
    return math.inf


def algorithm_of(operation, operands, attributes):
    """The algorithm by which a convolution runs; None for another operation."""
    return algorithms.choose(*_asked(operation, operands, attributes)) if "algorithm" in attributes else None


def choice_of(operation, operands, attributes):
    """The same with what else there is, and why."""
    return algorithms.explain(*_asked(operation, operands, attributes))


def _asked(operation, operands, attributes):
    """A convolution as the arguments of `algorithms.choose`."""
    a, b = operands[:2]
    kernel, out = {
        "convolution": (b, operands[-1]),
        "convolution_input_gradient": (b, a),
        "convolution_kernel_gradient": (operands[2], b),
    }[operation]
    per_group, K = kernel.shape[-2:]
    groups = attributes["groups"]
    return (
        attributes["algorithm"], out.shape[0], out.shape[1:-1], per_group * groups, K,
        kernel.shape[:-2], attributes["strides"], attributes["dilation"], groups,
    )  # fmt: skip


def _check_dtypes(operation, operands, attributes):
    """The float type that all operands share; a TypeError where one differs."""
    others = dict(OTHER_DTYPES.get(operation, {}))
    if attributes.get("kind") == "sparse":
        others[1] = "int32"
    floats = set()
    for i, operand in enumerate(operands):
        if operand is None:
            continue
        name = str(operand.dtype)
        if i in others and name != others[i]:
            raise TypeError(f"{operation}: operand {i} must be {others[i]}. Received: {name}")
        if i not in others:
            floats.add(name)
    if len(floats) != 1 or not floats <= set(TYPES):
        raise TypeError(
            f"{operation} takes arrays of one dtype, float32 or float64. "
            f"Received: {', '.join(sorted(floats))}"
        )
    return floats.pop()


def _three(values, missing):
    """One to three values as three, the missing leading axes filled in."""
    return (missing,) * (3 - len(values)) + tuple(values)


def _geometry(x, y, K, groups, window, strides, padding, dilation):
    """The 22 sizes of cy_conv; x and y are the image sides of the forward operation."""
    return (
        x.shape[0], x.shape[-1], K, groups,
        *_three(x.shape[1:-1], 1), *_three(y.shape[1:-1], 1), *_three(window, 1),
        *_three(strides, 1), *_three([before for before, _ in padding], 0), *_three(dilation, 1),
    )  # fmt: skip


def convolution(
    x, kernel, bias, residual, y, *, strides, padding, dilation, groups, activation, alpha, algorithm
):
    g = _geometry(x, y, kernel.shape[-1], groups, kernel.shape[:-2], strides, padding, dilation)
    return (*g, ACTIVATIONS[activation]), (alpha,)


def convolution_input_gradient(
    dy, kernel, bias, dx, *, strides, padding, dilation, groups, activation, alpha, algorithm
):
    g = _geometry(dx, dy, kernel.shape[-1], groups, kernel.shape[:-2], strides, padding, dilation)
    return (*g, ACTIVATIONS[activation]), (alpha,)


def convolution_kernel_gradient(x, dy, dkernel, dbias, *, strides, padding, dilation, groups, algorithm):
    return _geometry(
        x, dy, dkernel.shape[-1], groups, dkernel.shape[:-2], strides, padding, dilation
    ), ()


def max_pool(x, y, switches, *, window, strides, padding, dilation):
    return _geometry(x, y, x.shape[-1], 1, window, strides, padding, dilation), ()


def max_pool_gradient(dy, switches, dx, *, window, strides, padding, dilation):
    return _geometry(dx, dy, dx.shape[-1], 1, window, strides, padding, dilation), ()


def average_pool(x, y, *, window, strides, padding, count_padding):
    g = _geometry(x, y, x.shape[-1], 1, window, strides, padding, (1,) * len(window))
    return (*g, int(count_padding)), ()


def average_pool_gradient(dy, dx, *, window, strides, padding, count_padding):
    g = _geometry(dx, dy, dx.shape[-1], 1, window, strides, padding, (1,) * len(window))
    return (*g, int(count_padding)), ()


def _rows(x):
    """(M, C): how many rows of how many channels."""
    return prod(x.shape[:-1]), x.shape[-1]


def batch_norm(
    x, gamma, beta, residual, moving_mean, moving_variance, y, mean, inv_std, *, momentum, epsilon, activation
):
    return (*_rows(x), int(activation == "relu")), (epsilon, momentum)


def batch_norm_inference(
    x, gamma, beta, residual, moving_mean, moving_variance, y, inv_std, *, epsilon, activation
):
    return (*_rows(x), int(activation == "relu")), (epsilon,)


def batch_norm_gradient(x, dy, y, gamma, mean, inv_std, dx, dz, dgamma, dbeta, *, training):
    return (*_rows(x), int(training)), ()


def matmul(a, b, bias, c, *, transpose_a, transpose_b, accumulate, activation, alpha):
    inner = a.shape[0] if transpose_a else a.shape[1]
    return (
        *c.shape, inner, int(transpose_a), int(transpose_b), int(accumulate), ACTIVATIONS[activation],
    ), (alpha,)  # fmt: skip


def activation(x, y, *, activation, alpha):
    return (prod(x.shape), ACTIVATIONS[activation]), (alpha,)


def activation_gradient(dy, x, y, dx, *, activation, alpha):
    needed = "input" if activation in engine.NEEDS_INPUT else "output"
    if (x if needed == "input" else y) is None:
        raise ValueError(f"the gradient of {activation} needs the activation's {needed}")
    return (prod(dy.shape), ACTIVATIONS[activation]), (alpha,)


def softmax(x, y):
    return _rows(x), ()


def softmax_gradient(dy, y, dx):
    return _rows(y), ()


def dropout(x, state, y, *, rate, seed, stream):
    return (prod(x.shape), _signed(seed), stream), (rate,)


def _signed(seed):
    """The 64 bits of a seed as C's signed size."""
    seed &= 0xFFFFFFFFFFFFFFFF
    return seed - (1 << 64) if seed >> 63 else seed


def binary(a, b, y, *, name):
    return (prod(a.shape), BINARIES[name], prod(b.shape)), ()


def map(*operands, formula):  # noqa: A001 (the operation's name)
    shape = operands[-1].shape
    strides = [_broadcast_strides(o.shape, shape) for o in operands]
    shape, strides = _merged(shape, strides)
    if len(shape) > engine.MAX_AXES:
        raise ValueError(f"map {formula.name}: the arrays repeat along {len(shape)} axes by turns; at most "
                         f"{engine.MAX_AXES} may")
    instructions, results = bytecode(formula)
    code = np.array([*shape, *itertools.chain(*strides), *results, *itertools.chain(*instructions)], np.int64)
    return (formula.inputs, len(results), len(instructions), len(shape)), (), code


def _broadcast_strides(shape, full):
    """Strides in elements of an array of `shape` that is repeated to `full`."""
    strides, step = [0] * len(full), 1
    for i in range(1, len(shape) + 1):
        strides[-i] = step if shape[-i] > 1 else 0
        step *= shape[-i]
    return strides


def _merged(shape, strides):
    """The same walk over fewer axes: those of size 1 left out, neighbours joined where every array allows."""
    axes = [(n, [s[i] for s in strides]) for i, n in enumerate(shape) if n != 1]
    merged = axes[:1]
    for n, steps in axes[1:]:
        outer, before = merged[-1]
        if all(b == n * s for b, s in zip(before, steps, strict=True)):
            merged[-1] = (outer * n, steps)
        else:
            merged.append((n, steps))
    return [n for n, _ in merged], [[steps[k] for _, steps in merged] for k in range(len(strides))]


def reduce(x, y, *, name, axes, scale, accumulate):
    runs = []  # [reduced?, size], neighbours of one kind joined
    for i, n in enumerate(x.shape):
        if runs and runs[-1][0] == (i in axes):
            runs[-1][1] *= n
        else:
            runs.append([i in axes, n])
    if runs and runs[0][0]:
        runs.insert(0, [False, 1])
    if len(runs) > 5:
        raise ValueError(f"reduce: axes {axes} of {x.ndim} stand in more than two groups; take two steps")
    sizes = [n for _, n in runs] + [1] * (5 - len(runs))
    return (*sizes, REDUCTIONS.index(name), int(accumulate)), (scale,)


def copy(x, y, *, shape, x_strides, y_strides, x_offset, y_offset, accumulate):
    shape, (x_strides, y_strides) = _merged(shape, [x_strides, y_strides])
    if len(shape) > engine.MAX_AXES:
        raise ValueError(f"copy: {len(shape)} axes; at most {engine.MAX_AXES} are walked at once")
    padded = ((*values, *(0,) * (engine.MAX_AXES - len(values))) for values in (shape, x_strides, y_strides))
    return (len(shape), x_offset, y_offset, int(accumulate), *itertools.chain(*padded)), ()


def random(state, y, *, distribution, seed, stream):
    return (prod(y.shape), _signed(seed), stream, DISTRIBUTIONS.index(distribution)), ()


def upsample(x, y, *, size, interpolation):
    return (x.shape[0], *_three(x.shape[1:-1], 1), *_three(size, 1), x.shape[-1],
            INTERPOLATIONS.index(interpolation)), ()  # fmt: skip


def upsample_gradient(dy, dx, *, size, interpolation):
    return upsample(dx, dy, size=size, interpolation=interpolation)


def fill(y, *, value):
    return (prod(y.shape),), (value,)


def cross_entropy(
    prediction,
    target,
    weight,
    losses,
    gradient,
    *,
    kind,
    from_logits,
    label_smoothing,
    ignore_class,
    scale,
):
    ignore = (0, 0) if ignore_class is None else (1, ignore_class)
    return (*_rows(prediction), KINDS[kind], int(from_logits), *ignore), (label_smoothing, scale, EPSILON)


def accuracy(prediction, target, matches, *, kind, threshold):
    return (*_rows(prediction), KINDS[kind]), (threshold,)


def sgd(gradient, hyper, w, momentum, *, nesterov):
    return (prod(w.shape), int(nesterov)), ()


def adam(gradient, hyper, w, m, v):
    return (prod(w.shape),), ()
