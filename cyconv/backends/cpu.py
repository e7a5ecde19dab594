"""The C kernels behind the door: each function turns an operation into the numbers of one C call.

Nothing is computed here. Each returns (sizes, attributes); which kernel, threads and scratch that means is
`lower`'s matter.
"""

import itertools
import math
import os
from math import prod

import numpy as np

from .._native import engine
from .._native.engine import ACTIVATIONS, BINARIES
from ..shapes import window_output
from . import algorithms
from .bytecode import bytecode
from .interface import DISTRIBUTIONS, EPSILON, INTERPOLATIONS, REDUCTIONS
from .lowering import (
    KINDS, TYPES, broadcast_strides, check_dtypes, geometry, merged, rows, runs, signed, three,
)  # fmt: skip

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
# The operand whose last axis the vectors of an operation run over.
FILTERS = {"convolution": 4, "convolution_kernel_gradient": 2, "matmul": 3}
WIDEST = 16  # lanes: a Pair is cut between two vectors of any level
LEAST_TILES = 12  # of Winograd's in a block (winograd_tiles.inc), which has a row of moments
# Operands that Winograd's kernels alone take.
EXTRAS = {"convolution": slice(5, 7), "convolution_input_gradient": slice(4, 5),
          "convolution_kernel_gradient": slice(4, 5)}  # fmt: skip


def lower(operation, operands, attributes, threads, at_level=None):
    """One operation as the arguments of `engine.Plan.add`, without the arrays:
    (op, type, level, sizes, attributes, threads, instructions of a map, bytes of scratch).
    """
    dtypes = check_dtypes(operation, operands, attributes)
    sizes, reals, *code = globals()[operation](*operands, **attributes)
    # The fast forms plan over at least one element; over none the textbook loop does nothing at once.
    empty = any(o is not None and 0 in o.shape for o in operands)
    algorithm = algorithm_of(operation, operands, attributes)
    chosen = "naive" if empty or algorithm == "naive" else at_level or level
    channels, lower_level = narrow.get(chosen, (0, None))
    if _vector_axis(operation, operands, attributes) <= channels:
        chosen = lower_level
    name = f"{operation}_winograd" if algorithm == "winograd" else operation
    _check_extras(operation, operands, algorithm == "winograd" and chosen != "naive" and dtypes == "float32")
    head = (engine.OPERATIONS[name], TYPES[dtypes], engine.LEVELS[chosen])
    work = engine.workspace(*head, sizes, reals, threads)
    return (*head, sizes, reals, threads, code[0] if code else None, work)


def _check_extras(operation, operands, winograd):
    """ValueError where a convolution is given what only Winograd's kernels take."""
    extras = operands[EXTRAS.get(operation, slice(0))]
    if any(e is not None for e in extras) and not winograd:
        raise ValueError(
            f"{operation}: two images as one, and moments, are for Winograd's tiles in float32; here runs "
            "another kernel"
        )


def _vector_axis(operation, operands, attributes):
    """How many channels the vectors of a window's kernel run over; inf where they run over something else."""
    if attributes.get("groups", 1) > 1 or _in_planes(operation, operands, attributes):
        return math.inf
    if operation == "convolution_input_gradient":
        return operands[1].shape[-2]
    if "pool" in operation:
        return operands[0].shape[-1]
    if operation in FILTERS:
        return operands[FILTERS[operation]].shape[-1]
    return math.inf


def _in_planes(operation, operands, attributes):
    """Whether the vectors run over pixels where there are few channels: `wants_planes` in planes.inc."""
    if operation == "convolution":
        C, K, taps = *operands[1].shape[-2:], operands[1].shape[:-2]
        columns = made_by(*operands[:2], *way_of(attributes))[-1]
        dense = attributes["strides"][-1] == 1
    elif operation == "convolution_input_gradient":
        K, C, columns = *operands[1].shape[-2:], operands[3].shape[-2]
        taps = [-(-n // s) for n, s in zip(operands[1].shape[:-2], attributes["strides"], strict=True)]
        dense = True
    else:
        return False
    saved = prod(taps) * C * (16 - K)
    return dense and K <= 8 <= columns and saved > (48 * C if C > 1 else 0) + 38 * K


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
        "convolution": lambda: (b, made_by(a, b, *way_of(attributes))),
        "convolution_input_gradient": lambda: (b, a.shape[1:-1]),
        "convolution_kernel_gradient": lambda: (operands[2], b.shape[1:-1]),
    }[operation]()
    per_group, K = kernel.shape[-2:]
    groups = attributes["groups"]
    return (
        attributes["algorithm"], a.shape[0], out, per_group * groups, K, kernel.shape[:-2],
        *way_of(attributes), groups,
    )  # fmt: skip


def way_of(attributes):
    """(strides, padding, dilation)."""
    return tuple(attributes[n] for n in ("strides", "padding", "dilation"))


def made_by(x, kernel, strides, padding, dilation):
    """The spatial sizes of what a convolution makes, pooled or not."""
    return window_output(x.shape[1:-1], kernel.shape[:-2], strides, dilation, padding, "kernel")


def convolution(
    x, kernel, bias, residual, y, beside, moments, switches, *, strides, padding, dilation, groups,
    activation, alpha, algorithm, pool
):  # fmt: skip
    way = strides, padding, dilation
    g = geometry(x, made_by(x, kernel, *way), kernel.shape[-1], groups, kernel.shape[:-2], *way)
    numbers = ACTIVATIONS[activation], x.shape[-1], *_rows_of(moments), int(pool)
    return (*_in_all(g, beside), *numbers), (alpha,)


def convolution_input_gradient(
    dy, kernel, bias, dx, beside, *, strides, padding, dilation, groups, activation, alpha, algorithm,
    accumulate,
):  # fmt: skip
    g = geometry(dx, dy.shape[1:-1], kernel.shape[-1], groups, kernel.shape[:-2], strides, padding, dilation)
    return (*_in_all(g, beside), ACTIVATIONS[activation], dx.shape[-1], int(accumulate)), (alpha,)


def convolution_kernel_gradient(
    x, dy, dkernel, dbias, beside, *, strides, padding, dilation, groups, algorithm
):
    g = geometry(x, dy.shape[1:-1], dkernel.shape[-1], groups, dkernel.shape[:-2], strides, padding, dilation)
    return (*_in_all(g, beside), 0, x.shape[-1]), ()


def _in_all(geometry, beside):
    """The geometry of an image with the channels of another one behind its own."""
    N, C, *rest = geometry
    return (N, C if beside is None else C + beside.shape[-1], *rest)


def _rows_of(moments):
    """How many rows of moments there are, and how wide they are."""
    return (0, 0) if moments is None else (moments.shape[0], moments.shape[-1])


def takes_pair(x, kernel, **options):
    """Whether a convolution of the Pair x runs by Winograd's tiles, whose kernels read two images."""
    return x.split % WIDEST == 0 and _by_tiles(x, kernel, **options) is not None


def moments_shape(x, kernel, **options):
    """The shape of the moments that a convolution takes of its result; None where it cannot."""
    tiles = _by_tiles(x, kernel, **options)
    return None if tiles is None else (tiles // LEAST_TILES + 6, 3, -(-kernel.shape[-1] // WIDEST) * WIDEST)


def _by_tiles(x, kernel, *, strides, padding, dilation, groups=1, algorithm="auto"):
    """How many of Winograd's tiles a convolution has, if it runs by them in float32; else None."""
    out = made_by(x, kernel, strides, padding, dilation)
    taken = algorithms.choose(algorithm, x.shape[0], out, x.shape[-1], kernel.shape[-1], kernel.shape[:-2],
                              strides, padding, dilation, groups)  # fmt: skip
    if taken != "winograd" or level == "naive" or str(x.dtype) != "float32" or 0 in (*x.shape, *out):
        return None
    return algorithms.tiles(x.shape[0], out)


def max_pool(x, y, switches, *, window, strides, padding, dilation):
    return geometry(x, y.shape[1:-1], x.shape[-1], 1, window, strides, padding, dilation), ()


def max_pool_gradient(dy, switches, dx, *, window, strides, padding, dilation, accumulate):
    g = geometry(dx, dy.shape[1:-1], dx.shape[-1], 1, window, strides, padding, dilation)
    return (*g, int(accumulate)), ()


def average_pool(x, y, *, window, strides, padding, count_padding):
    g = geometry(x, y.shape[1:-1], x.shape[-1], 1, window, strides, padding, (1,) * len(window))
    return (*g, int(count_padding)), ()


def average_pool_gradient(dy, dx, *, window, strides, padding, count_padding):
    g = geometry(dx, dy.shape[1:-1], dx.shape[-1], 1, window, strides, padding, (1,) * len(window))
    return (*g, int(count_padding)), ()


def batch_norm(
    x, gamma, beta, residual, moving_mean, moving_variance, y, mean, inv_std, moments, *, momentum, epsilon,
    activation
):  # fmt: skip
    return (*rows(x), int(activation == "relu"), *_rows_of(moments)), (epsilon, momentum)


def batch_norm_inference(
    x, gamma, beta, residual, moving_mean, moving_variance, y, inv_std, *, epsilon, activation
):
    return (*rows(x), int(activation == "relu")), (epsilon,)


def batch_norm_gradient(x, dy, y, gamma, mean, inv_std, dx, dz, dgamma, dbeta, beta, *, training, relu):
    return (*rows(x), int(training), int(relu)), ()


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
    return rows(x), ()


def softmax_gradient(dy, y, dx):
    return rows(y), ()


def dropout(x, state, y, *, rate, seed, stream):
    return (prod(x.shape), signed(seed), stream), (rate,)


def binary(a, b, y, *, name):
    return (prod(a.shape), BINARIES[name], prod(b.shape)), ()


def map(*operands, formula):  # noqa: A001 (the operation's name)
    shape = operands[-1].shape
    strides = [broadcast_strides(o.shape, shape) for o in operands]
    shape, strides = merged(shape, strides)
    if len(shape) > engine.MAX_AXES:
        raise ValueError(f"map {formula.name}: the arrays repeat along {len(shape)} axes by turns; at most "
                         f"{engine.MAX_AXES} may")
    instructions, results = bytecode(formula)
    code = np.array([*shape, *itertools.chain(*strides), *results, *itertools.chain(*instructions)], np.int64)
    return (formula.inputs, len(results), len(instructions), len(shape)), (), code


def reduce(x, y, *, name, axes, scale, accumulate):
    return (*runs(x, axes), REDUCTIONS.index(name), int(accumulate)), (scale,)


def copy(x, y, *, shape, x_strides, y_strides, x_offset, y_offset, accumulate):
    shape, (x_strides, y_strides) = merged(shape, [x_strides, y_strides])
    if len(shape) > engine.MAX_AXES:
        raise ValueError(f"copy: {len(shape)} axes; at most {engine.MAX_AXES} are walked at once")
    padded = ((*values, *(0,) * (engine.MAX_AXES - len(values))) for values in (shape, x_strides, y_strides))
    return (len(shape), x_offset, y_offset, int(accumulate), *itertools.chain(*padded)), ()


def random(state, y, *, distribution, seed, stream):
    return (prod(y.shape), signed(seed), stream, DISTRIBUTIONS.index(distribution)), ()


def upsample(x, y, *, size, interpolation):
    return (x.shape[0], *three(x.shape[1:-1], 1), *three(size, 1), x.shape[-1],
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
    through_softmax,
):
    ignore = (0, 0) if ignore_class is None else (1, ignore_class)
    sizes = (*rows(prediction), KINDS[kind], int(from_logits), *ignore, int(through_softmax))
    return sizes, (label_smoothing, scale, EPSILON)


def accuracy(prediction, target, matches, *, kind, threshold):
    return (*rows(prediction), KINDS[kind]), (threshold,)


def sgd(gradient, hyper, w, momentum, *, nesterov):
    return (prod(w.shape), int(nesterov)), ()


def adam(gradient, hyper, w, m, v):
    return (prod(w.shape),), ()
