"""Conv1D, Conv2D, Conv3D: one code path for one to three spatial axes; and what all convolutions share."""

from .. import initializers, shapes
from ..backends.interface import ALGORITHMS, Pair
from . import activation as act
from .base import Layer


def channels_last(data_format, rank):
    """Refuses "channels_first": there is one memory layout."""
    if data_format not in (None, "channels_last"):
        order = "0, " + ", ".join(str(i) for i in range(2, rank + 2)) + ", 1"
        raise ValueError(
            f"data_format={data_format!r}: cyconv keeps channels last; convert the data once with "
            f"x.transpose({order})"
        )


def check_channels(layer, input_shape, axis=-1):
    """The input's channels; ValueError where they are unknown or not those the layer was built for."""
    channels = input_shape[axis]
    where = "the last axis" if axis in (-1, len(input_shape) - 1) else f"axis {axis}"
    if channels is None:
        raise ValueError(f"the number of channels ({where}) must be known")
    if layer.built and channels != layer.build_shape[axis]:
        raise ValueError(
            f"it was built for {layer.build_shape[axis]} channels (its input was "
            f"{tuple(layer.build_shape)}). Received: {channels} channels; channels are {where}"
        )
    return channels


class Convolution(act.Activated, Layer):
    """What every layer that slides a kernel has: the window's arguments, an activation, the order of work.

    Subclasses say how to `convolve` and give the two gradients; `activation` follows, where the operation
    does not apply it itself.
    """

    rank = None
    own_arguments = ("algorithm",)

    def __init__(self, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                 bias_initializer, algorithm, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        channels_last(data_format, self.rank)
        self.kernel_size = shapes.as_tuple(kernel_size, self.rank, "kernel_size")
        self.strides = shapes.as_tuple(strides, self.rank, "strides")
        self.dilation_rate = shapes.as_tuple(dilation_rate, self.rank, "dilation_rate")
        self.padding, self.algorithm, self.use_bias = padding, algorithm, use_bias
        self.padding_for((None,) * self.rank)  # an unknown word is refused here, not at the first call
        if algorithm not in ALGORITHMS:
            raise ValueError(f"`algorithm` must be one of {', '.join(ALGORITHMS)}. Received: {algorithm!r}")
        self.activation = activation
        self.bias_initializer = initializers.get(bias_initializer)
        self.input_rank = self.rank + 2
        self.bias = None

    def check_input(self, input_shape):
        super().check_input(input_shape)
        check_channels(self, input_shape)

    def padding_for(self, sizes):
        return shapes.resolve_padding(self.padding, sizes, self.kernel_size, self.strides, self.dilation_rate)

    def _window_output(self, sizes):
        return shapes.window_output(sizes, self.kernel_size, self.strides, self.dilation_rate,
                                    self.padding_for(sizes), "kernel_size")  # fmt: skip

    def _geometry(self, sizes):
        return dict(strides=self.strides, padding=self.padding_for(sizes), dilation=self.dilation_rate,
                    algorithm=self.algorithm)  # fmt: skip

    def forward(self, ops, x, training):
        y = self.convolve(ops, x, **act.fused(self.activation))
        y, kept = act.finish(ops, y, self.activation)
        return y, (x, kept)

    def backward(self, ops, dy, saved, needs_dx):
        x, kept = saved
        return self.gradients(ops, x, act.backward(ops, dy, kept, self.activation), needs_dx)

    def gradients(self, ops, x, dz, needs_dx):
        """The backward pass without the activation's; dz: the gradient of what stands before it."""
        if self.trainable:
            self.parameter_gradients(ops, x, dz)
        return self.input_gradient(ops, x, dz) if needs_dx else None


class Conv(Convolution):
    """y = f(bias + cross-correlation of x with kernel): Goodfellow et al. 2016, section 9.1.

    filters: output channels. kernel_size, strides, dilation_rate: an int or one per spatial axis.
    padding: "valid", "same", or ints / (before, after) pairs per axis; Conv1D also "causal".
    groups: input and output channels are split into this many independent parts.
    algorithm: "auto", "direct", "winograd" (3x3, stride 1) or "naive" (the textbook loop); on a GPU "auto",
    "direct", "tf32" or "cudnn".
    Input (N, spatial..., C) -> output (N, spatial..., filters), spatial = floor((in + before + after -
    (kernel - 1) * dilation - 1) / stride) + 1. Weights: kernel (window..., C / groups, filters), bias.
    """

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1,
                 groups=1, activation=None, use_bias=True, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, kernel_constraint=None, bias_constraint=None,
                 algorithm="auto", **kwargs):  # fmt: skip
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, algorithm, **kwargs)  # fmt: skip
        self.weight_rules(kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                          activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
                          bias_constraint=bias_constraint)  # fmt: skip
        self.filters = shapes.as_tuple(filters, 1, "filters")[0]
        self.groups = shapes.as_tuple(groups, 1, "groups")[0]
        if self.filters % self.groups:
            raise ValueError(
                f"`filters` ({self.filters}) must be a multiple of `groups` ({self.groups}); nearest: "
                f"{max(self.filters // self.groups, 1) * self.groups}"
            )
        self.kernel_initializer = initializers.get(kernel_initializer)

    def build(self, input_shape):
        C = check_channels(self, input_shape)
        if C % self.groups:
            raise ValueError(f"{C} input channels do not divide into {self.groups} groups")
        shape = (*self.kernel_size, C // self.groups, self.filters)
        self.kernel = self.add_weight(shape, self.kernel_initializer, "kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), self.bias_initializer, "bias")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._window_output(input_shape[1:-1]), self.filters)

    def convolve(self, ops, x, kernel=None, bias=None, residual=None, **fused):
        """The convolution with the layer's weights, or with others in their place."""
        if kernel is None:
            kernel, bias = self.kernel.value, self.bias and self.bias.value
        return ops.convolution(x, kernel, bias, residual, groups=self.groups, **fused,
                               **self._geometry(x.shape[1:-1]))  # fmt: skip

    def apply(self, ops, x, **options):
        """f(the convolution), where an operation can apply f as it stores."""
        return self.convolve(ops, x, **act.fused(self.activation), **options)

    def measure(self, ops, x):
        """(the convolution, an array with its moments for a batch norm, or None where there are none)."""
        shape = ops.moments_shape(x, self.kernel.value, groups=self.groups, **self._geometry(x.shape[1:-1]))
        moments = None if shape is None else ops.empty(shape, x.dtype)
        return self.convolve(ops, x, moments=moments), moments

    def parameter_gradients(self, ops, x, dy):
        ops.convolution_kernel_gradient(
            x, dy, self.kernel.gradient, self.bias and self.bias.gradient, groups=self.groups,
            **self._geometry(x.shape[1:-1]))  # fmt: skip

    def input_gradient(self, ops, x, dy):
        return ops.convolution_input_gradient(
            dy, self.kernel.value, input_shape=x.shape, groups=self.groups,
            split=x.split if isinstance(x, Pair) else None, **self._geometry(x.shape[1:-1]))  # fmt: skip

    def takes_pair(self, ops, x):
        """Whether the backend's convolution reads the Pair x."""
        return ops.takes_pair(x, self.kernel.value, groups=self.groups, **self._geometry(x.shape[1:-1]))


class Conv1D(Conv):
    __doc__, rank = Conv.__doc__, 1


class Conv2D(Conv):
    __doc__, rank = Conv.__doc__, 2


class Conv3D(Conv):
    __doc__, rank = Conv.__doc__, 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
