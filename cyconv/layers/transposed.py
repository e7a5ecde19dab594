"""Transposed convolutions: Conv1DTranspose, Conv2DTranspose, Conv3DTranspose."""

from .. import initializers, shapes
from .convolution import Convolution, check_channels


class _ConvTranspose(Convolution):
    """The transpose of a convolution: each input position adds its kernel to the output (Dumoulin & Visin
    2016, chapter 4). The up-sampling path of a U-Net is made of them.

    filters: output channels. kernel_size, strides, dilation_rate, output_padding: an int or one per spatial
    axis. padding: "valid" or "same".
    Input (N, spatial..., C) -> (N, spatial..., filters): "same" in * stride, "valid" (in - 1) * stride +
    max(kernel, stride), kernel counted with its dilation; with output_padding (in - 1) * stride + kernel -
    2 * pad + output_padding. Weights: kernel (window..., filters, C), bias (filters,).
    """

    def __init__(self, filters, kernel_size, strides=1, padding="valid", output_padding=None,
                 data_format=None, dilation_rate=1, activation=None, use_bias=True,
                 kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
                 bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, algorithm="auto", **kwargs):  # fmt: skip
        self.output_padding = output_padding
        if output_padding is not None:
            self.output_padding = shapes.as_tuple(output_padding, self.rank, "output_padding", minimum=0)
        super().__init__(kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, algorithm, **kwargs)  # fmt: skip
        self.weight_rules(kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                          activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
                          bias_constraint=bias_constraint)  # fmt: skip
        if padding not in ("valid", "same"):
            raise ValueError(f'`padding` must be "valid" or "same". Received: {padding!r}')
        for extra, stride in zip(self.output_padding or (), self.strides, strict=False):
            if extra >= stride:
                raise ValueError(
                    f"`output_padding` must be smaller than `strides` {self.strides}. "
                    f"Received: {output_padding!r}"
                )
        self.filters = shapes.as_tuple(filters, 1, "filters")[0]
        self.kernel_initializer = initializers.get(kernel_initializer)

    def build(self, input_shape):
        shape = (*self.kernel_size, self.filters, check_channels(self, input_shape))
        self.kernel = self.add_weight(shape, self.kernel_initializer, "kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), self.bias_initializer, "bias")

    def _transposed(self, sizes):
        return shapes.transposed_output(sizes, self.kernel_size, self.strides, self.dilation_rate,
                                        self.padding, self.output_padding)  # fmt: skip

    def padding_for(self, sizes):
        return self._transposed(sizes)[1]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self._transposed(input_shape[1:-1])[0], self.filters)

    def convolve(self, ops, x, **fused):
        return ops.convolution_input_gradient(
            x, self.kernel.value, self.bias and self.bias.value, **fused,
            input_shape=self.compute_output_shape(x.shape), **self._geometry(x.shape[1:-1]))  # fmt: skip

    def parameter_gradients(self, ops, x, dy):
        # The convolution that this layer transposes goes from dy's place to x's: the roles are swapped.
        ops.convolution_kernel_gradient(dy, x, self.kernel.gradient, **self._geometry(x.shape[1:-1]))
        if self.use_bias:
            ops.reduce(dy, axes=tuple(range(dy.ndim - 1)), accumulate=True, out=self.bias.gradient)

    def input_gradient(self, ops, x, dy):
        return ops.convolution(dy, self.kernel.value, **self._geometry(x.shape[1:-1]))


class Conv1DTranspose(_ConvTranspose):
    __doc__, rank = _ConvTranspose.__doc__, 1


class Conv2DTranspose(_ConvTranspose):
    __doc__, rank = _ConvTranspose.__doc__, 2


class Conv3DTranspose(_ConvTranspose):
    __doc__, rank = _ConvTranspose.__doc__, 3

    # Keras's order: here data_format stands before output_padding.
    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format=None,
                 output_padding=None, dilation_rate=1, activation=None, use_bias=True,
                 kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
                 bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, algorithm="auto", **kwargs):  # fmt: skip
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate,
                         activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer,
                         bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint,
                         algorithm, **kwargs)  # fmt: skip


Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
