"""The definition of every operation, in plain NumPy: slow and obvious, float32 or float64.

Each function has the operands of the door's table in order (inputs, then the arrays it fills) and the
attributes by keyword. What is written here is what the word means; the fast backends are tested against it.
"""

import numpy as np

from .interface import EPSILON
from .philox import normals, uniforms

# Convolution -----------------------------------------------------------------------------------------------


def pad(x, padding, value=0.0):
    """x with `value` around its spatial axes."""
    return np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value)


def taps(window, out, strides, dilation):
    """For each position t of the window: (t, index of the inputs that the outputs see there)."""
    for tap in np.ndindex(*window):
        starts = [t * d for t, d in zip(tap, dilation, strict=True)]
        yield tap, (
            slice(None),
            *(slice(a, a + (o - 1) * s + 1, s) for a, o, s in zip(starts, out, strides, strict=True)),
        )


def groups_of(C, K, groups):
    """The channel slices (of x, of y) that belong together."""
    for g in range(groups):
        yield slice(g * C // groups, (g + 1) * C // groups), slice(g * K // groups, (g + 1) * K // groups)


def crop(padded, padding, into):
    """Copies the inside of a padded array into `into`."""
    inside = (slice(b, n - a) for n, (b, a) in zip(padded.shape[1:-1], padding, strict=True))
    into[...] = padded[(slice(None), *inside)]


def _joined(x, beside):
    """All channels in one array."""
    return x if beside is None else np.concatenate([x, beside], axis=-1)


def convolution(
    x, kernel, bias, residual, y, beside, moments, switches, *, strides, padding, dilation, groups,
    activation, alpha, algorithm, pool
):  # fmt: skip
    x = _joined(x, beside)
    xp = pad(x, padding)
    if pool:
        spans = zip(xp.shape[1:-1], kernel.shape[:-2], strides, dilation, strict=True)
        out = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in spans]
        pooled, y = y, np.empty((x.shape[0], *out, y.shape[-1]), y.dtype)
    y[...] = (0 if bias is None else bias) + (0 if residual is None else residual)
    for tap, seen in taps(kernel.shape[:-2], y.shape[1:-1], strides, dilation):
        for c, k in groups_of(x.shape[-1], y.shape[-1], groups):
            y[..., k] += xp[seen][..., c] @ kernel[tap][:, k]
    _activate(y, activation, alpha)
    if pool:
        max_pool(y, pooled, switches, window=(2, 2), strides=(2, 2), padding=((0, 0),) * 2, dilation=(1, 1))


def convolution_input_gradient(
    dy, kernel, bias, dx, beside, *, strides, padding, dilation, groups, activation, alpha, algorithm,
    accumulate,
):  # fmt: skip
    if beside is not None:
        wide = _joined(dx, beside)
        convolution_input_gradient(dy, kernel, bias, wide, None, strides=strides, padding=padding,
                                   dilation=dilation, groups=groups, activation=activation, alpha=alpha,
                                   algorithm=algorithm, accumulate=accumulate)  # fmt: skip
        dx[...], beside[...] = np.split(wide, [dx.shape[-1]], axis=-1)
        return
    dxp = pad(np.zeros_like(dx), padding)
    for tap, seen in taps(kernel.shape[:-2], dy.shape[1:-1], strides, dilation):
        for c, k in groups_of(dx.shape[-1], dy.shape[-1], groups):
            dxp[seen][..., c] += dy[..., k] @ kernel[tap][:, k].T
    before = dx.copy() if accumulate else 0
    crop(dxp, padding, dx)
    dx += before + (0 if bias is None else bias)
    _activate(dx, activation, alpha)


def convolution_kernel_gradient(
    x, dy, dkernel, dbias, beside, *, strides, padding, dilation, groups, algorithm
):
    x = _joined(x, beside)
    xp = pad(x, padding)
    for tap, seen in taps(dkernel.shape[:-2], dy.shape[1:-1], strides, dilation):
        for c, k in groups_of(x.shape[-1], dy.shape[-1], groups):
            columns = xp[seen][..., c]
            dkernel[tap][:, k] += columns.reshape(-1, columns.shape[-1]).T @ dy[..., k].reshape(
                -1, k.stop - k.start
            )
    if dbias is not None:
        dbias += dy.reshape(-1, dy.shape[-1]).sum(0)


# Pooling ----------------------------------------------------------------------------------------------------


def max_pool(x, y, switches, *, window, strides, padding, dilation):
    xp = pad(x, padding, -np.inf)
    sizes = x.shape[1:-1]
    # The flat position of every (padded) input; what is outside the image never wins.
    positions = np.full([n + b + a for n, (b, a) in zip(sizes, padding, strict=True)], -1, np.int32)
    inside = tuple(slice(b, b + n) for n, (b, _) in zip(sizes, padding, strict=True))
    positions[inside] = np.arange(np.prod(sizes)).reshape(sizes)
    positions = positions[None, ..., None]
    y[...] = -np.inf
    switches = np.empty(y.shape, np.int32) if switches is None else switches
    switches[...] = -1
    for _, seen in taps(window, y.shape[1:-1], strides, dilation):
        candidate, position = xp[seen], positions[(slice(None), *seen[1:])]
        wins = (position >= 0) & ((switches < 0) | (candidate > y) | (np.isnan(candidate) & ~np.isnan(y)))
        y[...] = np.where(wins, candidate, y)
        switches[...] = np.where(wins, position, switches)


def max_pool_gradient(dy, switches, dx, *, window, strides, padding, dilation, accumulate):
    if not accumulate:
        dx[...] = 0
    N, C = dx.shape[0], dx.shape[-1]
    flat = dx.reshape(N, -1, C)
    n, c = np.arange(N)[:, None, None], np.arange(C)[None, None, :]
    np.add.at(flat, (n, switches.reshape(N, -1, C), c), dy.reshape(N, -1, C))


def _counts(sizes, out, window, strides, padding, count_padding, dtype):
    """By how many positions each output's sum is divided."""
    ones = np.pad(np.ones(sizes, dtype), padding, constant_values=float(count_padding))[None, ..., None]
    total = np.zeros((1, *out, 1), dtype)
    for _, seen in taps(window, out, strides, (1,) * len(window)):
        total += ones[seen]
    return total


def average_pool(x, y, *, window, strides, padding, count_padding):
    xp, sizes, out = pad(x, padding), x.shape[1:-1], y.shape[1:-1]
    y[...] = 0
    for _, seen in taps(window, out, strides, (1,) * len(window)):
        y += xp[seen]
    y /= _counts(sizes, out, window, strides, padding, count_padding, y.dtype)


def average_pool_gradient(dy, dx, *, window, strides, padding, count_padding):
    dxp, sizes, out = pad(np.zeros_like(dx), padding), dx.shape[1:-1], dy.shape[1:-1]
    share = dy / _counts(sizes, out, window, strides, padding, count_padding, dy.dtype)
    for _, seen in taps(window, out, strides, (1,) * len(window)):
        dxp[seen] += share
    crop(dxp, padding, dx)


# Batch normalisation ----------------------------------------------------------------------------------------


def batch_norm(
    x, gamma, beta, residual, moving_mean, moving_variance, y, mean, inv_std, moments, *, momentum, epsilon,
    activation
):  # fmt: skip
    axes = tuple(range(x.ndim - 1))
    mean[...] = x.mean(axes)
    variance = ((x - mean) ** 2).mean(axes)
    inv_std[...] = 1 / np.sqrt(variance + epsilon)
    _normalise(x, gamma, beta, residual, mean, inv_std, y, activation)
    moving_mean[...] = moving_mean * momentum + mean * (1 - momentum)
    moving_variance[...] = moving_variance * momentum + variance * (1 - momentum)


def batch_norm_inference(
    x, gamma, beta, residual, moving_mean, moving_variance, y, inv_std, *, epsilon, activation
):
    inv_std[...] = 1 / np.sqrt(moving_variance + epsilon)
    _normalise(x, gamma, beta, residual, moving_mean, inv_std, y, activation)


def _normalise(x, gamma, beta, residual, mean, inv_std, y, activation):
    z = (x - mean) * inv_std
    if gamma is not None:
        z = z * gamma
    if beta is not None:
        z = z + beta
    y[...] = z if residual is None else z + residual
    _activate(y, activation, 0.0)


def batch_norm_gradient(x, dy, y, gamma, mean, inv_std, dx, dz, dgamma, dbeta, beta, *, training, relu):
    axes = tuple(range(x.ndim - 1))
    M = x.size // x.shape[-1]
    xhat = (x - mean) * inv_std
    scale = inv_std if gamma is None else inv_std * gamma
    if relu and y is None:
        y = (x - mean) * scale + (0 if beta is None else beta)
    slope = dy if y is None else np.where(y > 0, dy, 0)
    sum_dz, sum_dz_xhat = slope.sum(axes), (slope * xhat).sum(axes)
    dx[...] = scale * (slope - (sum_dz + xhat * sum_dz_xhat) / M if training else slope)
    if dz is not None:
        dz[...] = slope
    if dgamma is not None:
        dgamma += sum_dz_xhat
    if dbeta is not None:
        dbeta += sum_dz


# Matrices and elements --------------------------------------------------------------------------------------


def matmul(a, b, bias, c, *, transpose_a, transpose_b, accumulate, activation, alpha):
    product = (a.T if transpose_a else a) @ (b.T if transpose_b else b)
    if accumulate:
        product += c
    c[...] = product if bias is None else product + bias
    _activate(c, activation, alpha)


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
GELU_TANH = np.sqrt(2 / np.pi)


def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def erf(x):
    """The error function, element by element."""
    from math import erf as scalar

    return np.vectorize(scalar, otypes=[np.float64])(x).astype(x.dtype)


def softplus(x):
    return np.logaddexp(x, 0)


# name: (f(x, alpha), f'(x, y, alpha)).
ACTIVATIONS = {
    "linear": (lambda x, a: x, lambda x, y, a: np.ones_like(y)),
    "relu": (lambda x, a: np.maximum(x, 0), lambda x, y, a: y > 0),
    "relu6": (lambda x, a: np.clip(x, 0, 6), lambda x, y, a: (y > 0) & (y < 6)),
    "leaky_relu": (lambda x, a: np.where(x >= 0, x, a * x), lambda x, y, a: np.where(y > 0, 1, a)),
    "elu": (
        lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
        lambda x, y, a: np.where(y > 0, 1, y + a),
    ),
    "selu": (
        lambda x, a: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
        lambda x, y, a: np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA),
    ),
    "tanh": (lambda x, a: np.tanh(x), lambda x, y, a: 1 - y * y),
    "sigmoid": (lambda x, a: sigmoid(x), lambda x, y, a: y * (1 - y)),
    "hard_sigmoid": (
        lambda x, a: np.clip(x + 3, 0, 6) / 6,
        lambda x, y, a: np.where((y > 0) & (y < 1), 1 / 6, 0),
    ),
    "hard_tanh": (lambda x, a: np.clip(x, -1, 1), lambda x, y, a: (y > -1) & (y < 1)),
    "exponential": (lambda x, a: np.exp(x), lambda x, y, a: y),
    "softplus": (lambda x, a: softplus(x), lambda x, y, a: -np.expm1(-y)),
    "softsign": (lambda x, a: x / (1 + np.abs(x)), lambda x, y, a: (1 - np.abs(y)) ** 2),
    "log_sigmoid": (lambda x, a: -softplus(-x), lambda x, y, a: -np.expm1(y)),
    "silu": (lambda x, a: x * sigmoid(x), lambda x, y, a: sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
    "gelu": (
        lambda x, a: 0.5 * x * (1 + erf(x / np.sqrt(2))),
        lambda x, y, a: 0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi),
    ),
    "gelu_tanh": (lambda x, a: 0.5 * x * (1 + np.tanh(GELU_TANH * (x + 0.044715 * x**3))), None),
    "mish": (lambda x, a: x * np.tanh(softplus(x)), None),
    "hard_silu": (
        lambda x, a: x * np.clip(x + 3, 0, 6) / 6,
        lambda x, y, a: np.where(x < -3, 0, np.where(x <= 3, (2 * x + 3) / 6, 1)),
    ),
}


def _gelu_tanh_slope(x, y, a):
    t = np.tanh(GELU_TANH * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU_TANH * (1 + 3 * 0.044715 * x * x)


def _mish_slope(x, y, a):
    t = np.tanh(softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)


ACTIVATIONS["gelu_tanh"] = (ACTIVATIONS["gelu_tanh"][0], _gelu_tanh_slope)
ACTIVATIONS["mish"] = (ACTIVATIONS["mish"][0], _mish_slope)


def _activate(y, name, alpha):
    if name != "linear":
        y[...] = ACTIVATIONS[name][0](y, alpha)


def activation(x, y, *, activation, alpha):
    y[...] = ACTIVATIONS[activation][0](x, alpha)


def activation_gradient(dy, x, y, dx, *, activation, alpha):
    dx[...] = dy * ACTIVATIONS[activation][1](x, y, alpha)


def softmax(x, y):
    e = np.exp(x - x.max(-1, keepdims=True))
    y[...] = e / e.sum(-1, keepdims=True)


def softmax_gradient(dy, y, dx):
    dx[...] = y * (dy - (dy * y).sum(-1, keepdims=True))


def dropout(x, state, y, *, rate, seed, stream):
    keep = uniforms(seed, stream, int(state[0]), x.size).reshape(x.shape) >= rate
    y[...] = np.where(keep, x * x.dtype.type(1 / (1 - rate)), 0)


BINARIES = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


def binary(a, b, y, *, name):
    y[...] = BINARIES[name](a, b)


def map(*operands, formula):  # noqa: A001 (the operation's name)
    inputs, outputs = operands[: formula.inputs], operands[formula.inputs :]
    results = formula.function(*inputs)
    results = [np.array(r) for r in ((results,) if formula.single else results)]  # outputs may be inputs
    for output, result in zip(outputs, results, strict=True):
        output[...] = result


def reduce(x, y, *, name, axes, scale, accumulate):
    if name == "sum":
        total = x.sum(axes, dtype=np.float64)
    else:
        total = (x.max if name == "maximum" else x.min)(axes)
    y[...] = (y if accumulate else 0) + (scale * total).reshape(y.shape)


def copy(x, y, *, shape, x_strides, y_strides, x_offset, y_offset, accumulate):
    if 0 in shape:
        return
    source = _strided(x, x_offset, shape, x_strides)
    target = _strided(y, y_offset, shape, y_strides)
    target[...] = target + source if accumulate else source


def _strided(array, offset, shape, strides):
    """The elements of a contiguous array at offset + i . strides, as a view."""
    step = array.itemsize
    return np.ndarray(shape, array.dtype, array, offset * step, [s * step for s in strides])


def random(state, y, *, distribution, seed, stream):
    draw = normals if distribution == "normal" else uniforms
    y[...] = draw(seed, stream, int(state[0]), y.size).reshape(y.shape)


# Enlarging --------------------------------------------------------------------------------------------------


def _enlarging(n, size, interpolation, dtype):
    """The matrix (n * size, n) that enlarges one axis."""
    matrix = np.zeros((n * size, n), dtype)
    position = np.arange(n * size)
    if interpolation == "nearest":
        matrix[position, position // size] = 1
        return matrix
    exact = np.clip((position + 0.5) / size - 0.5, 0, n - 1)
    low = np.minimum(exact.astype(int), max(n - 2, 0))
    matrix[position, low] += 1 - (exact - low)
    matrix[position, np.minimum(low + 1, n - 1)] += exact - low
    return matrix


def upsample(x, y, *, size, interpolation):
    for axis, factor in enumerate(size, 1):
        matrix = _enlarging(x.shape[axis], factor, interpolation, x.dtype)
        x = np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)
    y[...] = x


def upsample_gradient(dy, dx, *, size, interpolation):
    for axis, factor in enumerate(size, 1):
        matrix = _enlarging(dy.shape[axis] // factor, factor, interpolation, dy.dtype)
        dy = np.moveaxis(np.tensordot(matrix, dy, (0, axis)), 0, axis)
    dx[...] = dy


# Elements ---------------------------------------------------------------------------------------------------


def fill(y, *, value):
    y[...] = value


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
    C = prediction.shape[-1]
    p = prediction.reshape(-1, C)
    w = np.ones(len(p), p.dtype) if weight is None else weight.reshape(-1)
    if kind == "sparse":
        labels = target.reshape(-1)
        ignored = np.zeros(len(p), bool) if ignore_class is None else labels == ignore_class
        inside = (labels >= 0) & (labels < C)
        t = np.where(inside[:, None], np.eye(C, dtype=p.dtype)[np.where(inside, labels, 0)], np.nan)
        t = np.where(ignored[:, None], 0, t)
        smooth = label_smoothing / C
    else:
        t = target.reshape(-1, C)
        smooth = label_smoothing / (2 if kind == "binary" else C)
    if label_smoothing:
        t = t * (1 - label_smoothing) + smooth
    loss, slope = (_binary_entropy if kind == "binary" else _entropy)(p, t, from_logits)
    if kind == "sparse":
        loss, slope = np.where(ignored, 0, loss), np.where(ignored[:, None], 0, slope)
    if through_softmax:
        slope = p * (slope - (slope * p).sum(-1, keepdims=True))
    losses.reshape(-1)[...] = w * loss
    if gradient is not None:
        gradient.reshape(-1, C)[...] = scale * w[:, None] * slope


def _entropy(p, t, from_logits):
    """-sum t log q and its derivative, q = softmax(p) or p / sum(p), clipped."""
    if from_logits:
        shifted = p - p.max(-1, keepdims=True)
        total = np.exp(shifted).sum(-1, keepdims=True)
        loss = -(t * (shifted - np.log(total))).sum(-1)
        return loss, np.exp(shifted) / total * t.sum(-1, keepdims=True) - t
    total = p.sum(-1, keepdims=True)
    q = p / total
    clipped = np.clip(q, EPSILON, 1 - EPSILON)
    dq = np.where(clipped == q, -t / clipped, 0)
    return -(t * np.log(clipped)).sum(-1), (dq - (dq * q).sum(-1, keepdims=True)) / total


def _binary_entropy(p, t, from_logits):
    """mean over c of -(t log q + (1 - t) log(1 - q)) and its derivative, q = sigmoid(p) or p, clipped."""
    C = p.shape[-1]
    if from_logits:
        loss = np.maximum(p, 0) - p * t + np.log1p(np.exp(-np.abs(p)))
        return loss.mean(-1), (sigmoid(p) - t) / C
    q = np.clip(p, EPSILON, 1 - EPSILON)
    loss = -(t * np.log(q) + (1 - t) * np.log(1 - q))
    return loss.mean(-1), np.where(q == p, (q - t) / (q * (1 - q)), 0) / C


def accuracy(prediction, target, matches, *, kind, threshold):
    if kind == "binary":
        matches[...] = ((prediction > threshold) == target).mean(-1)
    else:
        matches[...] = prediction.argmax(-1) == (target if kind == "sparse" else target.argmax(-1))


def sgd(gradient, hyper, w, momentum, *, nesterov):
    lr, mu = hyper
    if momentum is None:
        w -= lr * gradient
        return
    momentum[...] = mu * momentum - lr * gradient
    w += mu * momentum - lr * gradient if nesterov else momentum


def adam(gradient, hyper, w, m, v):
    alpha, beta_1, beta_2, epsilon = hyper
    m += (gradient - m) * (1 - beta_1)
    v += (gradient * gradient - v) * (1 - beta_2)
    w -= alpha * m / (np.sqrt(v) + epsilon)
