"""The C kernels behind the door: each function turns an operation into the numbers of one C call.

Here words become integers, one to three spatial axes become three, and dtypes are checked; nothing is
computed. Each returns (sizes, attributes); which kernel, threads and scratch that means is `lower`'s matter.
"""

import os
from math import prod

from .._native import engine
from .._native.engine import ACTIVATIONS, BINARIES
from .interface import EPSILON

KINDS = {"categorical": 0, "sparse": 1, "binary": 2}
TYPES = {"float32": 0, "float64": 1}
# Operands that are not of the network's float type: operation -> {position: dtype}.
OTHER_DTYPES = {
    "max_pool": {2: "int32"},
    "max_pool_gradient": {1: "int32"},
    "dropout": {1: "uint64"},
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


def lower(operation, operands, attributes, threads, at_level=None):
    """One operation as the arguments of `engine.Plan.add`, without the arrays:
    (op, type, level, sizes, attributes, threads, bytes of scratch).
    """
    dtypes = _check_dtypes(operation, operands, attributes)
    sizes, reals = globals()[operation](*operands, **attributes)
    # The fast forms plan over at least one element; over none the textbook loop does nothing at once.
    empty = any(o is not None and 0 in o.shape for o in operands)
    chosen = "naive" if empty or attributes.get("algorithm") == "naive" else at_level or level
    head = (engine.OPERATIONS[operation], TYPES[dtypes], engine.LEVELS[chosen])
    return (*head, sizes, reals, threads, engine.workspace(*head, sizes, reals, threads))


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


def convolution(x, kernel, bias, y, *, strides, padding, dilation, groups, activation, alpha, algorithm):
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


def batch_norm(x, gamma, beta, moving_mean, moving_variance, y, mean, inv_std, *, momentum, epsilon):
    return _rows(x), (epsilon, momentum)


def batch_norm_inference(x, gamma, beta, moving_mean, moving_variance, y, inv_std, *, epsilon):
    return _rows(x), (epsilon,)


def batch_norm_gradient(x, dy, gamma, mean, inv_std, dx, dgamma, dbeta, *, training):
    return (*_rows(x), int(training)), ()


def matmul(a, b, bias, c, *, transpose_a, transpose_b, accumulate, activation, alpha):
    inner = a.shape[0] if transpose_a else a.shape[1]
    return (
        *c.shape, inner, int(transpose_a), int(transpose_b), int(accumulate), ACTIVATIONS[activation],
    ), (alpha,)  # fmt: skip


def sum_rows(x, y):
    return _rows(x), ()


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


def copy_block(x, y, *, outer, inner, x_offset, x_stride, y_offset, y_stride, accumulate):
    return (outer, inner, x_offset, x_stride, y_offset, y_stride, int(accumulate)), ()


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


def squared_error(prediction, target, weight, losses, gradient, *, scale):
    return _rows(prediction), (0.0, scale)


def accuracy(prediction, target, matches, *, kind, threshold):
    return (*_rows(prediction), KINDS[kind]), (threshold,)


def sum(x, y, *, scale):  # noqa: A001 (the operation's name)
    return (prod(x.shape),), (scale,)


def sgd(gradient, hyper, w, momentum, *, nesterov):
    return (prod(w.shape), int(nesterov)), ()


def adam(gradient, hyper, w, m, v):
    return (prod(w.shape),), ()
