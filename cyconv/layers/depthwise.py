"""Depthwise and separable convolutions: each channel by itself, then a mixture of the channels."""

from .. import initializers, shapes
from . import activation as act
from .convolution import Convolution, check_channels


class _Depthwise(Convolution):
    """A convolution with as many groups as channels: each input channel has `depth_multiplier` kernels of
    its own.

    kernel_size, strides, dilation_rate: an int or one per spatial axis. padding: "valid", "same", or ints /
    (before, after) pairs per axis. Input (N, spatial..., C) -> (N, spatial..., C * depth_multiplier).
    Weights: kernel (window..., C, depth_multiplier), bias (C * depth_multiplier,).
    """

    def __init__(self, kernel_size, strides=1, padding="valid", depth_multiplier=1, data_format=None,
                 dilation_rate=1, activation=None, use_bias=True, depthwise_initializer="glorot_uniform",
                 bias_initializer="zeros", depthwise_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, depthwise_constraint=None, bias_constraint=None,
                 algorithm="auto", **kwargs):  # fmt: skip
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, algorithm, **kwargs)  # fmt: skip
        self.weight_rules(depthwise_regularizer=depthwise_regularizer, bias_regularizer=bias_regularizer,
                          activity_regularizer=activity_regularizer, bias_constraint=bias_constraint,
                          depthwise_constraint=depthwise_constraint)  # fmt: skip
        self.depth_multiplier = shapes.as_tuple(depth_multiplier, 1, "depth_multiplier")[0]
        self.depthwise_initializer = initializers.get(depthwise_initializer)

    def build(self, input_shape):
        C = check_channels(self, input_shape)
        shape = (*self.kernel_size, C, self.depth_multiplier)
        self.kernel = self.add_weight(shape, self.depthwise_initializer, "kernel",
                                      regularizer=self.depthwise_regularizer,
                                      constraint=self.depthwise_constraint)  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight((C * self.depth_multiplier,), self.bias_initializer, "bias")

    def compute_output_shape(self, input_shape):
        channels = input_shape[-1] * self.depth_multiplier
        return (input_shape[0], *self._window_output(input_shape[1:-1]), channels)

    def convolve(self, ops, x, **fused):
        return ops.convolution(x, grouped(ops, self.kernel.value), self.bias and self.bias.value,
                               groups=x.shape[-1], **fused, **self._geometry(x.shape[1:-1]))  # fmt: skip

    def parameter_gradients(self, ops, x, dy):
        ops.convolution_kernel_gradient(
            x, dy, grouped(ops, self.kernel.gradient), self.bias and self.bias.gradient,
            groups=x.shape[-1], **self._geometry(x.shape[1:-1]))  # fmt: skip

    def input_gradient(self, ops, x, dy):
        return ops.convolution_input_gradient(
            dy, grouped(ops, self.kernel.value), input_shape=x.shape, groups=x.shape[-1],
            **self._geometry(x.shape[1:-1]))  # fmt: skip


def grouped(ops, kernel):
    """A kernel (window..., C, multiplier) as the door has it for C groups: (window..., 1, C * multiplier)."""
    *window, C, multiplier = kernel.shape
    return ops.reshape(kernel, (*window, 1, C * multiplier))


class DepthwiseConv1D(_Depthwise):
    __doc__, rank = _Depthwise.__doc__, 1


class DepthwiseConv2D(_Depthwise):
    __doc__, rank = _Depthwise.__doc__, 2


class _Separable(Convolution):
    """A depthwise convolution, then one with a window of 1 that mixes the channels (Chollet 2017).

    Arguments as of DepthwiseConv, and filters: output channels.
    Input (N, spatial..., C) -> (N, spatial..., filters). Weights: depthwise_kernel (window..., C,
    depth_multiplier), pointwise_kernel (1..., C * depth_multiplier, filters), bias (filters,).
    """

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1,
                 depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer="glorot_uniform",
                 pointwise_initializer="glorot_uniform", bias_initializer="zeros",
                 depthwise_regularizer=None, pointwise_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, depthwise_constraint=None, pointwise_constraint=None,
                 bias_constraint=None, algorithm="auto", **kwargs):  # fmt: skip
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, algorithm, **kwargs)  # fmt: skip
        self.weight_rules(
            depthwise_regularizer=depthwise_regularizer, depthwise_constraint=depthwise_constraint,
            pointwise_regularizer=pointwise_regularizer, pointwise_constraint=pointwise_constraint,
            bias_regularizer=bias_regularizer, bias_constraint=bias_constraint,
            activity_regularizer=activity_regularizer)  # fmt: skip
        self.filters = shapes.as_tuple(filters, 1, "filters")[0]
        self.depth_multiplier = shapes.as_tuple(depth_multiplier, 1, "depth_multiplier")[0]
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)

    def build(self, input_shape):
        C, ones = check_channels(self, input_shape), (1,) * self.rank
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, C, self.depth_multiplier), self.depthwise_initializer, "depthwise_kernel",
            regularizer=self.depthwise_regularizer, constraint=self.depthwise_constraint)  # fmt: skip
        self.pointwise_kernel = self.add_weight(
            (*ones, C * self.depth_multiplier, self.filters), self.pointwise_initializer, "pointwise_kernel",
            regularizer=self.pointwise_regularizer, constraint=self.pointwise_constraint)  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), self.bias_initializer, "bias")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._window_output(input_shape[1:-1]), self.filters)

    def _pointwise(self):
        ones = (1,) * self.rank
        return dict(strides=ones, padding=((0, 0),) * self.rank, dilation=ones, algorithm=self.algorithm)

    def forward(self, ops, x, training):
        middle = ops.convolution(x, grouped(ops, self.depthwise_kernel.value), groups=x.shape[-1],
                                 **self._geometry(x.shape[1:-1]))  # fmt: skip
        y = ops.convolution(middle, self.pointwise_kernel.value, self.bias and self.bias.value,
                            **act.fused(self.activation), **self._pointwise())  # fmt: skip
        y, kept = act.finish(ops, y, self.activation)
        return y, (x, middle, kept)

    def backward(self, ops, dy, saved, needs_dx):
        x, middle, kept = saved
        dy = act.backward(ops, dy, kept, self.activation)
        if self.trainable:
            bias = self.bias and self.bias.gradient
            ops.convolution_kernel_gradient(middle, dy, self.pointwise_kernel.gradient, bias,
                                            **self._pointwise())  # fmt: skip
        if not (self.trainable or needs_dx):
            return None
        dy = ops.convolution_input_gradient(dy, self.pointwise_kernel.value, input_shape=middle.shape,
                                            **self._pointwise())  # fmt: skip
        geometry = dict(groups=x.shape[-1], **self._geometry(x.shape[1:-1]))
        if self.trainable:
            kernel_gradient = grouped(ops, self.depthwise_kernel.gradient)
            ops.convolution_kernel_gradient(x, dy, kernel_gradient, **geometry)
        if not needs_dx:
            return None
        kernel = grouped(ops, self.depthwise_kernel.value)
        return ops.convolution_input_gradient(dy, kernel, input_shape=x.shape, **geometry)


class SeparableConv1D(_Separable):
    __doc__, rank = _Separable.__doc__, 1


class SeparableConv2D(_Separable):
    __doc__, rank = _Separable.__doc__, 2


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
