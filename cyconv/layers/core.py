"""Input and Dense."""

from math import prod

from .. import initializers, shapes
from ..graph import SymbolicTensor
from . import activation as act
from .base import Layer, unique_name
from .convolution import check_channels


class InputLayer(Layer):
    """The place where data enters; it computes nothing."""

    input = output = None

    def __init__(self, shape=None, batch_size=None, dtype=None, sparse=None, ragged=None, batch_shape=None,
                 input_tensor=None, optional=False, name=None, **kwargs):  # fmt: skip
        super().__init__(name=name or unique_name("InputLayer"), **kwargs)
        if sparse or ragged or input_tensor is not None or optional:
            raise ValueError(
                "Input: sparse, ragged, tensor and optional are not there; inputs are dense arrays"
            )
        if (shape is None) == (batch_shape is None):
            raise ValueError("give `shape` (without the batch axis) or `batch_shape` (with it)")
        full = tuple(batch_shape) if batch_shape is not None else (batch_size, *_sizes(shape))
        self.batch_shape, self.built, self.dtype = full, True, dtype or "float32"
        self.output = SymbolicTensor(full, self.dtype, name=self.name)
        self.output.input_layer, self.input = self, self.output

    def get_config(self):
        form = {"batch_shape": list(self.batch_shape), "dtype": self.dtype, "sparse": False, "ragged": False}
        return {**form, "name": self.name, "optional": False}


def _sizes(shape):
    """A shape without the batch axis: an int alone stands for one axis."""
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    for size in sizes:
        if size is not None and (not isinstance(size, int) or size < 1):
            raise ValueError(f"`shape` is made of positive integers or None. Received: {shape!r}")
    return sizes


def Input(shape=None, batch_size=None, dtype=None, sparse=None, ragged=None, batch_shape=None, name=None,
          tensor=None, optional=False):  # fmt: skip
    """A symbolic tensor to start a model from.

    shape: without the batch axis, e.g. (28, 28, 1); None for a size that may vary. batch_shape: with it.
    """
    return InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name).output


class Dense(act.Activated, Layer):
    """y = f(x @ kernel + bias) on the last axis.

    units: output channels. Input (..., C) -> (..., units). Weights: kernel (C, units), bias (units,).
    """

    def __init__(self, units, activation=None, use_bias=True, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, kernel_constraint=None, bias_constraint=None,
                 **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.weight_rules(kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                          activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
                          bias_constraint=bias_constraint)  # fmt: skip
        self.units = shapes.as_tuple(units, 1, "units")[0]
        self.activation, self.use_bias, self.bias = activation, use_bias, None
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape):
        C = check_channels(self, input_shape)
        self.kernel = self.add_weight((C, self.units), self.kernel_initializer, "kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.units,), self.bias_initializer, "bias")

    def check_input(self, input_shape):
        if len(input_shape) < 2:
            raise ValueError(f"expected an input with a batch axis and channels, got {len(input_shape)} axes")
        check_channels(self, input_shape)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def forward(self, ops, x, training):
        rows = ops.reshape(x, (prod(x.shape[:-1]), x.shape[-1]))
        y = ops.matmul(rows, self.kernel.value, self.bias and self.bias.value, **act.fused(self.activation))
        y, kept = act.finish(ops, y, self.activation)
        return ops.reshape(y, self.compute_output_shape(x.shape)), (x.shape, rows, kept)

    def backward(self, ops, dy, saved, needs_dx):
        shape, rows, kept = saved
        dy = act.backward(ops, ops.reshape(dy, (rows.shape[0], self.units)), kept, self.activation)
        if self.trainable:
            ops.matmul(rows, dy, transpose_a=True, accumulate=True, out=self.kernel.gradient)
            if self.use_bias:
                ops.reduce(dy, axes=(0,), accumulate=True, out=self.bias.gradient)
        if needs_dx:
            return ops.reshape(ops.matmul(dy, self.kernel.value, transpose_b=True), shape)
        return None
