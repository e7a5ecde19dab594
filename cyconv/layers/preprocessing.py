"""Images made ready: scaled, standardised, cut and resized as part of the model."""

from math import prod

import numpy as np

from .. import shapes
from ..arrays import numbers
from .axes import check_axes, inverse, transpose, whole_axes
from .base import Layer
from .convolution import channels_last
from .padding import crop, pad


class Rescaling(Layer):
    """x * scale + offset. scale, offset: numbers, or one for each channel.

    Rescaling(1 / 255) brings bytes to [0, 1], Rescaling(1 / 127.5, offset=-1) to [-1, 1].
    """

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        numbers(scale, "`scale`"), numbers(offset, "`offset`")
        self.scale, self.offset = scale, offset

    def compute_output_shape(self, input_shape):
        constants = np.broadcast_shapes(np.shape(self.scale), np.shape(self.offset))
        return (input_shape[0], *_repeated(input_shape[1:], constants))

    def forward(self, ops, x, training):
        if not (np.ndim(self.scale) or np.ndim(self.offset)):
            scale, offset = float(self.scale), float(self.offset)
            return ops.map(lambda x: x * scale + offset, x), None
        scale, offset = (ops.asarray(np.atleast_1d(v), str(x.dtype)) for v in (self.scale, self.offset))
        return ops.map(lambda x, scale, offset: x * scale + offset, x, scale, offset), None

    def backward(self, ops, dy, saved, needs_dx):
        if not needs_dx:
            return None
        return ops.map(np.multiply, dy, ops.asarray(np.atleast_1d(self.scale), str(dy.dtype)))


def _repeated(sizes, constants):
    """`sizes`, where constants of shape `constants` fit them."""
    for n, m in zip(reversed(sizes), reversed(constants), strict=False):
        if m not in (1, n) and n is not None:
            raise ValueError(f"constants of shape {constants} do not fit an input of {tuple(sizes)}")
    if len(constants) > len(sizes):
        raise ValueError(f"constants of shape {constants} do not fit an input of {tuple(sizes)}")
    return sizes


class Normalization(Layer):
    """(x - mean) / sqrt(variance), along `axis` (None: one mean for all; default: one for each channel).

    mean, variance: known numbers; without them `adapt(data)` measures them, and they become weights that
    training leaves alone. invert: x * sqrt(variance) + mean.
    """

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ValueError("give both `mean` and `variance`, or none and call adapt(data)")
        self.axes = [] if axis is None else whole_axes(axis)
        self.invert, self.given = bool(invert), (mean, variance)
        self.mean = self.variance = None

    def check_input(self, input_shape):
        check_axes(self.axes, input_shape)

    def build(self, input_shape):
        rank = len(input_shape)
        self.kept = sorted(a % rank for a in self.axes)
        if self.given[0] is None:
            shape = tuple(input_shape[a] for a in self.kept)
            self.mean = self.add_weight(shape, "zeros", "mean", trainable=False)
            self.variance = self.add_weight(shape, "ones", "variance", trainable=False)
            self.count = self.add_weight((), "zeros", "count", trainable=False)

    def adapt(self, data):
        """Measures mean and variance of an array, images along its first axis."""
        data = np.asarray(data, np.float64)
        if self.given[0] is not None:
            raise ValueError(f"{self}: `mean` and `variance` were given; there is nothing to adapt")
        self.ensure_built((None, *data.shape[1:]))
        axes = tuple(i for i in range(data.ndim) if i not in self.kept)
        self.mean.assign(data.mean(axes))
        self.variance.assign(data.var(axes))

    def _constants(self, ops, x):
        """Mean and variance in a shape that repeats along x."""
        shape = tuple(x.shape[i] if i in self.kept else 1 for i in range(1, len(x.shape)))
        if self.given[0] is None:
            return [ops.reshape(v.value, shape) for v in (self.mean, self.variance)]
        return [
            ops.asarray(np.broadcast_to(np.reshape(v, shape if np.ndim(v) else (1,) * len(shape)), shape),
                        str(x.dtype))
            for v in self.given
        ]  # fmt: skip

    def forward(self, ops, x, training):
        return ops.map(denormalise if self.invert else standardise, x, *self._constants(ops, x)), x

    def backward(self, ops, dy, x, needs_dx):
        if not needs_dx:
            return None
        variance = self._constants(ops, x)[1]
        return ops.map(denormalised_gradient if self.invert else standardised_gradient, dy, variance)


def standardise(x, mean, variance):
    return (x - mean) / np.maximum(np.sqrt(variance), 1e-7)


def standardised_gradient(dy, variance):
    return dy / np.maximum(np.sqrt(variance), 1e-7)


def denormalise(x, mean, variance):
    return x * np.maximum(np.sqrt(variance), 1e-7) + mean


def denormalised_gradient(dy, variance):
    return dy * np.maximum(np.sqrt(variance), 1e-7)


def resizing(size, out, interpolation):
    """The matrix (out, size) that resamples one axis at half-pixel centres."""
    exact = (np.arange(out) + 0.5) * (size / out)
    matrix = np.zeros((out, size))
    rows = np.arange(out)
    if interpolation == "nearest":
        matrix[rows, np.minimum(exact.astype(int), size - 1)] = 1
        return matrix
    exact = np.clip(exact - 0.5, 0, size - 1)
    low = exact.astype(int)
    matrix[rows, low] += 1 - (exact - low)
    matrix[rows, np.minimum(low + 1, size - 1)] += exact - low
    return matrix


def resample(ops, x, axis, matrix):
    """y along `axis` = matrix @ x along `axis`."""
    rest = [i for i in range(len(x.shape)) if i != axis]
    first = transpose(ops, x, [axis, *rest])
    rows = ops.reshape(first, (first.shape[0], prod(first.shape[1:])))
    y = ops.matmul(ops.asarray(matrix, str(x.dtype)), rows)
    return transpose(ops, ops.reshape(y, (matrix.shape[0], *first.shape[1:])), inverse([axis, *rest]))




class Resizing(Layer):
    """Images of any size to (height, width), by linear interpolation or the nearest pixel.

    crop_to_aspect_ratio: the middle that has the target's proportions is resized; pad_to_aspect_ratio: zeros
    are put around first. Input (N, H, W, C) -> (N, height, width, C).
    """

    input_rank = 4
    trains_when_called = True  # as in Keras; here training and inference are the same

    def __init__(self, height, width, interpolation="bilinear", crop_to_aspect_ratio=False,
                 pad_to_aspect_ratio=False, fill_mode="constant", fill_value=0.0, antialias=False,
                 data_format=None, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        channels_last(data_format, 2)
        self.size = shapes.as_tuple((height, width), 2, "height and width")
        if interpolation not in ("bilinear", "nearest"):
            raise ValueError(f'`interpolation` is "bilinear" or "nearest". Received: {interpolation!r}')
        if not all(isinstance(v, (bool, np.bool_)) for v in (crop_to_aspect_ratio, pad_to_aspect_ratio)):
            raise ValueError("crop_to_aspect_ratio and pad_to_aspect_ratio are True or False")
        both = crop_to_aspect_ratio and pad_to_aspect_ratio
        if antialias or fill_mode != "constant" or fill_value or both:
            raise ValueError(
                "Resizing knows no antialias, fills with zeros, and either crops or pads to the aspect ratio"
            )
        self.height, self.width = self.size
        self.interpolation = interpolation
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio

    def check_input(self, input_shape):
        super().check_input(input_shape)
        if 0 in input_shape[1:3]:
            raise ValueError("there is no pixel to resize")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size, input_shape[-1])

    def _edges(self, sizes):
        """What is cut off (or put around) to reach the target's proportions."""
        (H, W), (h, w) = sizes, self.size
        if self.crop_to_aspect_ratio:
            inner = min(H, int(W * h / w)), min(W, int(H * w / h))
        else:
            inner = max(H, int(W * h / w)), max(W, int(H * w / h))
        differences = [abs(n - m) for n, m in zip((H, W), inner, strict=True)]
        return tuple((d // 2, d - d // 2) for d in differences)

    def forward(self, ops, x, training):
        edges = self._edges(x.shape[1:3])
        if self.crop_to_aspect_ratio:
            x = crop(ops, x, edges)
        elif self.pad_to_aspect_ratio:
            x = pad(ops, x, edges)
        matrices = [resizing(n, m, self.interpolation) for n, m in zip(x.shape[1:3], self.size, strict=True)]
        for axis, matrix in enumerate(matrices, 1):
            x = resample(ops, x, axis, matrix)
        return x, (matrices, edges)

    def backward(self, ops, dy, saved, needs_dx):
        if not needs_dx:
            return None
        matrices, edges = saved
        for axis, matrix in enumerate(matrices, 1):
            dy = resample(ops, dy, axis, np.ascontiguousarray(matrix.T))
        if self.crop_to_aspect_ratio:
            return pad(ops, dy, edges)
        return crop(ops, dy, edges) if self.pad_to_aspect_ratio else dy


class CenterCrop(Resizing):
    """The middle (height, width) of images; smaller images are enlarged first.

    Input (N, H, W, C) -> (N, height, width, C).
    """

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(height, width, crop_to_aspect_ratio=True, data_format=data_format, **kwargs)

    def forward(self, ops, x, training):
        if any(n < m for n, m in zip(x.shape[1:3], self.size, strict=True)):
            return super().forward(ops, x, training)
        edges = tuple(((n - m) // 2, n - m - (n - m) // 2)
                      for n, m in zip(x.shape[1:3], self.size, strict=True))  # fmt: skip
        return crop(ops, x, edges), edges

    def backward(self, ops, dy, saved, needs_dx):
        if len(saved) == 2 and isinstance(saved[0], list):
            return super().backward(ops, dy, saved, needs_dx)
        return pad(ops, dy, saved) if needs_dx else None
