"""The operations on plain arrays, under the names of Keras's `ops`, for lessons and tests.

Anything NumPy makes an array of will do; float64 stays float64 (textbook loops), everything else becomes
float32. Results are new NumPy arrays. The active backend computes them.
"""

import numpy as np

from . import shapes
from .activations import (
    celu, elu, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_swish, hard_tanh, leaky_relu,
    log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, silu, soft_shrink, softmax, softplus,
    softsign, sparse_plus, sparse_sigmoid, sparsemax, squareplus, swish, tanh, tanh_shrink, threshold,
)  # fmt: skip
from .arrays import numbers
from .backends import active

__all__ = [
    "average_pool", "batch_normalization", "celu", "conv", "conv_transpose", "depthwise_conv", "elu", "gelu",
    "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu", "log_sigmoid",
    "log_softmax", "matmul", "max_pool", "mish", "relu", "relu6", "selu", "separable_conv", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax",
    "squareplus", "swish", "tanh", "tanh_shrink", "threshold",
]  # fmt: skip


def _arrays(what, *values):
    """The values as contiguous arrays of one float dtype."""
    hosts = [None if value is None else numbers(value, what) for value in values]
    floats = "float64" if any(h is not None and h.dtype.name == "float64" for h in hosts) else "float32"
    return [None if h is None else active().asarray(h, floats) for h in hosts]


def _image_rank(what, inputs, data_format):
    if data_format not in (None, "channels_last"):
        raise ValueError(f"{what}: data_format={data_format!r}: cyconv keeps channels last")
    rank = inputs.ndim - 2
    if rank not in (1, 2, 3):
        raise ValueError(
            f"{what}: inputs must be (batch, 1 to 3 spatial axes, channels). Received: shape {inputs.shape}; "
            "a single image needs x[None], a grey one x[..., None]"
        )
    if inputs.shape[-1] == 0:
        raise ValueError(f"{what}: inputs have no channels: shape {inputs.shape}")
    return rank


def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1, *, bias=None,
         algorithm="auto"):  # fmt: skip
    """Cross-correlation of inputs (N, spatial..., C) and kernel (window..., C / groups, K): (N, out..., K).

    padding: "valid", "same", ints or (before, after) pairs per axis. The number of groups follows from the
    channels, as in Keras. algorithm: "auto", "direct" or "naive".
    """
    x, k, b = _arrays("conv", inputs, kernel, bias)
    rank = _image_rank("conv", x, data_format)
    if k.ndim != rank + 2:
        raise ValueError(
            f"conv: for inputs of shape {x.shape} the kernel must have {rank + 2} axes (window..., channels, "
            f"filters). Received: shape {k.shape}"
        )
    per_group = k.shape[-2]
    if per_group == 0 or x.shape[-1] % per_group or k.shape[-1] % (x.shape[-1] // per_group):
        raise ValueError(
            f"conv: inputs with {x.shape[-1]} channels need a kernel with {x.shape[-1]} (or a divisor, for "
            f"groups) on its second-last axis. Received: kernel shape {k.shape}"
        )
    window = k.shape[:-2]
    if 0 in k.shape:
        raise ValueError(f"conv: no axis of the kernel may have size 0. Received: shape {k.shape}")
    strides = shapes.as_tuple(strides, rank, "strides")
    dilation = shapes.as_tuple(dilation_rate, rank, "dilation_rate")
    pairs = shapes.resolve_padding(padding, x.shape[1:-1], window, strides, dilation)
    y = active().convolution(x, k, b, strides=strides, padding=pairs, dilation=dilation,
                             groups=x.shape[-1] // per_group, algorithm=algorithm)  # fmt: skip
    return active().to_host(y)


def depthwise_conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    """Each channel with its own kernels: kernel (window..., C, multiplier) -> (N, out..., C * multiplier)."""
    inputs, kernel = numbers(inputs, "depthwise_conv"), numbers(kernel, "depthwise_conv")
    if kernel.ndim < 3:
        raise ValueError(
            f"depthwise_conv: the kernel must have axes (window..., channels, multiplier). Received: shape "
            f"{kernel.shape}"
        )
    C, multiplier = kernel.shape[-2:]
    if inputs.ndim and inputs.shape[-1] != C:
        raise ValueError(f"depthwise_conv: the kernel is for {C} channels, inputs have {inputs.shape[-1]}")
    flat = kernel.reshape(*kernel.shape[:-2], 1, C * multiplier)
    return conv(inputs, flat, strides, padding, data_format, dilation_rate)


def separable_conv(inputs, depthwise_kernel, pointwise_kernel, strides=1, padding="valid", data_format=None,
                   dilation_rate=1):  # fmt: skip
    """`depthwise_conv`, then a convolution with pointwise_kernel (1..., C * multiplier, K)."""
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, 1, "valid", data_format)


def conv_transpose(inputs, kernel, strides=1, padding="valid", output_padding=None, data_format=None,
                   dilation_rate=1):  # fmt: skip
    """The transpose of `conv`: inputs (N, spatial..., C), kernel (window..., K, C) -> (N, out..., K)."""
    x, k = _arrays("conv_transpose", inputs, kernel)
    rank = _image_rank("conv_transpose", x, data_format)
    if k.ndim != rank + 2 or k.shape[-1] != x.shape[-1]:
        raise ValueError(
            f"conv_transpose: inputs with {x.shape[-1]} channels need a kernel (window..., filters, "
            f"{x.shape[-1]}). Received: shape {k.shape}"
        )
    strides = shapes.as_tuple(strides, rank, "strides")
    dilation = shapes.as_tuple(dilation_rate, rank, "dilation_rate")
    if output_padding is not None:
        output_padding = shapes.as_tuple(output_padding, rank, "output_padding", minimum=0)
    out, pairs = shapes.transposed_output(
        x.shape[1:-1], k.shape[:-2], strides, dilation, padding, output_padding
    )
    y = active().convolution_input_gradient(
        x, k, input_shape=(x.shape[0], *out, k.shape[-2]),
        strides=strides, padding=pairs, dilation=dilation)  # fmt: skip
    return active().to_host(y)


def _pool(what, inputs, pool_size, strides, padding, data_format):
    (x,) = _arrays(what, inputs)
    rank = _image_rank(what, x, data_format)
    window = shapes.as_tuple(pool_size, rank, "pool_size")
    strides = window if strides is None else shapes.as_tuple(strides, rank, "strides")
    pairs = shapes.resolve_padding(padding, x.shape[1:-1], window, strides, (1,) * rank)
    return x, dict(window=window, strides=strides, padding=pairs)


def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The largest value of each window (strides: by default the window's size)."""
    x, window = _pool("max_pool", inputs, pool_size, strides, padding, data_format)
    return active().to_host(active().max_pool(x, **window)[0])


def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None, *, count_padding=False):
    """The mean of each window, over the positions inside the image; over all of them with count_padding."""
    x, window = _pool("average_pool", inputs, pool_size, strides, padding, data_format)
    return active().to_host(active().average_pool(x, **window, count_padding=count_padding))


def batch_normalization(x, mean, variance, axis=-1, offset=None, scale=None, epsilon=1e-3):
    """scale * (x - mean) / sqrt(variance + epsilon) + offset, per channel on the last axis."""
    x, mean, variance, offset, scale = _arrays("batch_normalization", x, mean, variance, offset, scale)
    if x.ndim == 0 or not np.isscalar(axis) or axis not in (-1, x.ndim - 1):
        raise ValueError(
            f"batch_normalization works on the last axis (-1). Received: axis={axis}, shape {x.shape}"
        )
    y, _ = active().batch_norm_inference(x, scale, offset, mean, variance, epsilon=epsilon)
    return active().to_host(y)


def matmul(x1, x2):
    """The product of two matrices."""
    a, b = _arrays("matmul", x1, x2)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"matmul: needs (M, K) and (K, N). Received: {a.shape} and {b.shape}")
    return active().to_host(active().matmul(a, b))
