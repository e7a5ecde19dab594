"""An operation of the door as launches of CUDA kernels. Nothing is computed here.

Each function has the operands of the door's table and the attributes by keyword, and gives its launches in
order; operations that take several kernels, or a choice among them, have files of their own (FAMILIES). Where
one needs scratch, `scratch` says how many bytes, and `lower` hands it in as `work`.
"""

import math
from math import prod

import numpy as np

from ..._native.engine import ACTIVATIONS, BINARIES, MAX_AXES, NEEDS_INPUT
from ..interface import DISTRIBUTIONS, EPSILON, REDUCTIONS
from ..lowering import KINDS, broadcast_strides, check_dtypes, merged, rows, runs, three
from . import batch_norm, convolution, formulas, matmul, pooling
from .kernels import source
from .launch import Launch, ceil_div

BLOCK = 256  # threads
LARGEST = 2**31 - 1  # elements of an array: the kernels count them in 32 bits
CHUNK = 1024  # terms of a sum that one thread or block adds up
NOTHING = np.uintp(0)  # the address of an operand that is not there
FAMILIES = (batch_norm, convolution, matmul, pooling)


def lower(operation, operands, attributes, work=None, tf32=False):
    """(the float type, the launches) of one operation. work: an array of `scratch` bytes; tf32: tensor cores
    round the factors, in convolutions and products of matrices.
    """
    dtype = checked(operation, operands, attributes)
    options = {} if work is None else {"work": work}
    if tf32:
        options["tf32"] = True
    launches = function_of(operation)(*operands, **attributes, **options)
    return dtype, ready(launches, np.dtype(dtype).type)


def ready(launches, real):
    """The launches that have blocks, with arguments of the parameters' types."""
    return [
        launch._replace(args=tuple(_argument(a, real) for a in launch.args))
        for launch in launches
        if prod(launch.grid) > 0
    ]


def scratch(operation, operands, attributes):
    """How many bytes of scratch the launches of an operation need."""
    if operation == "reduce":
        return _reduce_scratch(operands, attributes)
    for family in FAMILIES:
        if operation in family.SCRATCH:
            return family.SCRATCH[operation](operands, attributes)
    return 0


def function_of(operation):
    """The function that lowers an operation: that of a family, or the one here."""
    for family in FAMILIES:
        if operation in vars(family):
            return vars(family)[operation]
    return globals()[operation]


def checked(operation, operands, attributes):
    """The float type of an operation. TypeError, ValueError where the kernels do not take its operands."""
    dtype = check_dtypes(operation, operands, attributes)
    for operand in operands:
        if operand is not None and prod(operand.shape) > LARGEST:
            raise ValueError(
                f"{operation}: the gpu backend counts elements in 32 bits, at most {LARGEST} an array. "
                f"Received: {tuple(operand.shape)}, {prod(operand.shape)} elements; take a smaller batch"
            )
    return dtype


def _argument(value, real):
    """Python's numbers as the kernels' int and real; None as no address."""
    if value is None:
        return NOTHING
    if isinstance(value, bool | int):
        return np.int32(value)
    return real(value) if isinstance(value, float) else value


def _each(module, kernel, count, *args):
    """A launch of one thread for each of `count` things."""
    code = source(module)
    return Launch(code, kernel, (ceil_div(count, BLOCK),), (BLOCK,), args)


# Matrices and elements --------------------------------------------------------------------------------------


def activation(x, y, *, activation, alpha):
    n = prod(x.shape)
    return [_each("elements", "activation", n, x, y, n, ACTIVATIONS[activation], float(alpha))]


def activation_gradient(dy, x, y, dx, *, activation, alpha):
    needed = "input" if activation in NEEDS_INPUT else "output"
    if (x if needed == "input" else y) is None:
        raise ValueError(f"the gradient of {activation} needs the activation's {needed}")
    n = prod(dy.shape)
    code = ACTIVATIONS[activation]
    return [_each("elements", "activation_gradient", n, dy, x, y, dx, n, code, float(alpha))]


def binary(a, b, y, *, name):
    n = prod(a.shape)
    return [_each("elements", "binary", n, a, b, y, n, prod(b.shape), BINARIES[name])]


def fill(y, *, value):
    n = prod(y.shape)
    return [_each("elements", "fill", n, y, n, float(value))]


def map(*operands, formula):  # noqa: A001 (the operation's name)
    shape = operands[-1].shape
    sizes, strides = merged(shape, [broadcast_strides(o.shape, shape) for o in operands])
    _check_axes(f"map {formula.name}", sizes)
    n = prod(shape)
    numbers = [n, *sizes[1:], *(s for each in strides for s in each)]
    code = formulas.source(formula, len(sizes))
    return [Launch(code, "map", (ceil_div(n, BLOCK),), (BLOCK,), (*numbers, *operands))]


def _check_axes(what, sizes):
    if len(sizes) > MAX_AXES:
        raise ValueError(
            f"{what}: the arrays are walked along {len(sizes)} axes by turns; at most {MAX_AXES} may be"
        )


def copy(x, y, *, shape, x_strides, y_strides, x_offset, y_offset, accumulate):
    sizes, (x_strides, y_strides) = merged(shape, [x_strides, y_strides])
    _check_axes("copy", sizes)
    missing = MAX_AXES - len(sizes)
    walk = [*(1,) * missing, *sizes, *(0,) * missing, *x_strides, *(0,) * missing, *y_strides]
    n = prod(shape)
    return [_each("elements", "copy", n, x, y, n, x_offset, y_offset, accumulate, *walk)]


def reduce(x, y, *, name, axes, scale, accumulate, work=None):
    sizes = runs(x, axes)
    if 0 in x.shape:  # nothing to add up: the sum is 0
        n = prod(y.shape)
        return [] if accumulate else [_each("elements", "fill", n, y, n, 0.0)]
    code, launches, at = source("reduce"), [], 0
    while True:
        results, terms, by_block, chunks = _reduction(sizes)
        out = y if chunks == 1 else work[at : at + chunks * results * x.dtype.itemsize].view(x.dtype)
        last = (float(scale), accumulate) if chunks == 1 else (1.0, False)
        blocks = results if by_block else ceil_div(results, BLOCK)
        kernel = "reduce_by_block" if by_block else "reduce_by_thread"
        args = (x, out, *sizes, REDUCTIONS.index(name), ceil_div(terms, chunks), *last)
        launches.append(Launch(code, kernel, (blocks, chunks), (BLOCK,), args))
        if chunks == 1:
            return launches
        at += ceil_div(chunks * results * x.dtype.itemsize, 16) * 16
        x, sizes = out, (1, chunks, 1, 1, results)


def _reduction(sizes):
    """(results, terms of each, whether a block shares one, chunks) of a reduction of (A, R, B, S, C)."""
    A, R, B, S, C = sizes
    results, terms = A * B * C, R * S
    by_block = terms > 32 and C < 32
    length = max(CHUNK * 4 if by_block else CHUNK // 8, ceil_div(terms, 65535))
    return results, terms, by_block, ceil_div(terms, length)


def _reduce_scratch(operands, attributes):
    x, sizes, total = operands[0], runs(operands[0], attributes["axes"]), 0
    while 0 not in x.shape:
        results, _, _, chunks = _reduction(sizes)
        if chunks == 1:
            break
        total += ceil_div(chunks * results * x.dtype.itemsize, 16) * 16
        sizes = (1, chunks, 1, 1, results)
    return total


def random(state, y, *, distribution, seed, stream):
    n = prod(y.shape)
    normal = DISTRIBUTIONS.index(distribution)
    return [_each("random", "random_numbers", ceil_div(n, 4), state, y, n, *_key(seed, stream), normal)]


def dropout(x, state, y, *, rate, seed, stream):
    n, below = prod(x.shape), np.uint32(math.ceil(rate * 2**24))
    scale = float(1 / (1 - rate))
    return [_each("random", "dropout", ceil_div(n, 4), x, state, y, n, *_key(seed, stream), below, scale)]


def _key(seed, stream):
    return np.uint64(seed & 0xFFFFFFFFFFFFFFFF), np.uint32(stream & 0xFFFFFFFF)


def upsample(x, y, *, size, interpolation):
    return [_enlarging("upsample", x, y, y, x.shape, size, interpolation)]


def upsample_gradient(dy, dx, *, size, interpolation):
    return [_enlarging("upsample_gradient", dy, dx, dx, dx.shape, size, interpolation)]


def _enlarging(kernel, a, b, out, small, size, interpolation):
    n = prod(out.shape)
    return _each("upsample", kernel, n, a, b, n, *three(small[1:-1], 1), *three(size, 1), small[-1],
                 interpolation == "linear")  # fmt: skip


# Rows -------------------------------------------------------------------------------------------------------


def _lanes(C):
    """How many threads share a row of C values: a power of two up to a warp."""
    return min(32, 1 << max(0, C // 4 - 1).bit_length())


def _rows(module, kernel, x, *args):
    """A launch of some lanes a row; M, C and their number come where `...` stands."""
    M, C = rows(x)
    count, lanes = (0, 1) if 0 in x.shape else (M, _lanes(C))
    place = args.index(...)
    return _each(module, kernel, count * lanes, *args[:place], M, C, lanes, *args[place + 1 :])


def softmax(x, y):
    return [_rows("softmax", "softmax", x, x, y, ...)]


def softmax_gradient(dy, y, dx):
    return [_rows("softmax", "softmax_gradient", y, dy, y, dx, ...)]


# Losses, metrics, optimisers --------------------------------------------------------------------------------


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
    share = label_smoothing / (2 if kind == "binary" else prediction.shape[-1] or 1)
    return [
        _rows(
            "losses", "cross_entropy", prediction,
            prediction, *_target(target, kind), weight, losses, gradient, ...,
            KINDS[kind], from_logits, ignore_class is not None, ignore_class or 0, through_softmax,
            float(1 - label_smoothing), float(share), float(scale), float(EPSILON), float(1 - EPSILON),
        )
    ]  # fmt: skip


def _target(target, kind):
    """(values, labels), of which one is there."""
    return (None, target) if kind == "sparse" else (target, None)


def accuracy(prediction, target, matches, *, kind, threshold):
    M, C = rows(prediction)
    return [_each("losses", "accuracy", M, prediction, *_target(target, kind), matches, M, C, KINDS[kind],
                  float(threshold))]  # fmt: skip


def sgd(gradient, hyper, w, momentum, *, nesterov):
    n = prod(w.shape)
    return [_each("optimizers", "sgd", n, gradient, hyper, w, momentum, n, nesterov)]


def adam(gradient, hyper, w, m, v):
    n = prod(w.shape)
    return [_each("optimizers", "adam", n, gradient, hyper, w, m, v, n)]


