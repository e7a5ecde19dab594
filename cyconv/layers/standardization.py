"""Normalisation of each image by itself: over its channels, over groups of them, to unit length."""

from math import prod

import numpy as np

from .. import initializers, shapes
from .axes import check_axes, inverse, last, transpose, whole_axes
from .base import Layer
from .convolution import check_channels
from .merging import unit, unit_backward


def deviation(x, mean):
    """(x - mean)**2."""
    return (x - mean) ** 2


def gradient(g, xhat, inv_std, mean_g, along):
    """Of xhat = (x - mean(x)) / std(x): neither a shift nor a scale of x changes xhat."""
    return inv_std * (g - mean_g - xhat * along)


class _Standardization(Layer):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, statistics of each image alone.

    `_view(shape)` says how: (the shape under which x is seen, the axes of the statistics, the shape of gamma
    and beta there, the axes along which those repeat).
    """

    def __init__(self, axis, epsilon, center, scale, beta_initializer, gamma_initializer, rules,
                 **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.weight_rules(**rules)
        if epsilon <= 0:
            raise ValueError(f"`epsilon` lies above 0. Received: {epsilon}")
        self.axes = whole_axes(axis)
        self.axis = self.axes if isinstance(axis, (list, tuple)) else self.axes[0]
        self.epsilon, self.center, self.scale = epsilon, center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.gamma = self.beta = None

    def build(self, input_shape):
        shape = self._parameter_shape(input_shape)
        if None in shape:
            raise ValueError(f"the sizes of the normalised axes must be known. Received: {shape}")
        if self.scale:
            self.gamma = self.add_weight(shape, self.gamma_initializer, "gamma")
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, "beta")

    def forward(self, ops, x, training):
        order = last(len(x.shape), self.axes)
        moved = transpose(ops, x, order)
        view, over, parameters, _ = self._view(moved.shape)
        v = ops.reshape(moved, view)
        count = prod(view[i] for i in over)
        column = tuple(1 if i in over else n for i, n in enumerate(view))
        mean = ops.reshape(ops.reduce(v, axes=over, scale=1 / count), column)
        variance = ops.reduce(ops.map(deviation, v, mean), axes=over, scale=1 / count)
        inv_std = ops.map(lambda variance: 1 / np.sqrt(variance + self.epsilon), variance)
        inv_std = ops.reshape(inv_std, column)
        y = xhat = ops.map(lambda x, mean, inv_std: (x - mean) * inv_std, v, mean, inv_std)
        if self.scale:
            y = ops.map(np.multiply, y, ops.reshape(self.gamma.value, parameters))
        if self.center:
            y = ops.map(np.add, y, ops.reshape(self.beta.value, parameters))
        y = transpose(ops, ops.reshape(y, moved.shape), inverse(order))
        return y, (moved.shape, order, xhat, inv_std)

    def backward(self, ops, dy, saved, needs_dx):
        moved, order, xhat, inv_std = saved
        view, over, parameters, repeated = self._view(moved)
        g = ops.reshape(transpose(ops, dy, order), view)
        if self.trainable and self.scale:
            ops.reduce(ops.map(np.multiply, g, xhat), axes=repeated, accumulate=True,
                       out=ops.reshape(self.gamma.gradient, parameters))  # fmt: skip
        if self.trainable and self.center:
            ops.reduce(g, axes=repeated, accumulate=True, out=ops.reshape(self.beta.gradient, parameters))
        if not needs_dx:
            return None
        if self.scale:
            g = ops.map(np.multiply, g, ops.reshape(self.gamma.value, parameters))
        share = 1 / prod(view[i] for i in over)
        mean_g = ops.reshape(ops.reduce(g, axes=over, scale=share), inv_std.shape)
        along = ops.reduce(ops.map(np.multiply, g, xhat), axes=over, scale=share)
        dx = ops.map(gradient, g, xhat, inv_std, mean_g, ops.reshape(along, inv_std.shape))
        return transpose(ops, ops.reshape(dx, moved), inverse(order))


class LayerNormalization(_Standardization):
    """Each image (and each position, with axis=-1) gets mean 0 and variance 1 over `axis`, then
    y = gamma * x + beta (Ba et al. 2016).

    axis: an int or several. Weights: gamma, beta, of the sizes of those axes.
    """

    def __init__(self, axis=-1, epsilon=0.001, center=True, scale=True, beta_initializer="zeros",
                 gamma_initializer="ones", beta_regularizer=None, gamma_regularizer=None,
                 beta_constraint=None, gamma_constraint=None, **kwargs):  # fmt: skip
        rules = dict(beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
                     beta_constraint=beta_constraint, gamma_constraint=gamma_constraint)  # fmt: skip
        super().__init__(axis, epsilon, center, scale, beta_initializer, gamma_initializer, rules, **kwargs)

    def check_input(self, input_shape):
        check_axes(self.axes, input_shape)
        if self.built and self._parameter_shape(input_shape) != self._parameter_shape(self.build_shape):
            raise ValueError(f"it was built for an input of shape {tuple(self.build_shape)}")

    def _parameter_shape(self, shape):
        return tuple(shape[a] for a in self.axes)

    def _view(self, moved):
        inner = moved[len(moved) - len(self.axes) :]
        return (prod(moved) // prod(inner), prod(inner)), (1,), (prod(inner),), (0,)


class GroupNormalization(_Standardization):
    """The channels in `groups` parts; in each image each part gets mean 0 and variance 1 over all positions,
    then y = gamma * x + beta (Wu & He 2018). groups=-1: one part for each channel (instance normalisation).

    Weights: gamma, beta, one for each channel.
    """

    def __init__(self, groups=32, axis=-1, epsilon=0.001, center=True, scale=True, beta_initializer="zeros",
                 gamma_initializer="ones", beta_regularizer=None, gamma_regularizer=None,
                 beta_constraint=None, gamma_constraint=None, **kwargs):  # fmt: skip
        rules = dict(beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
                     beta_constraint=beta_constraint, gamma_constraint=gamma_constraint)  # fmt: skip
        super().__init__(axis, epsilon, center, scale, beta_initializer, gamma_initializer, rules, **kwargs)
        self.groups = -1 if groups == -1 else shapes.as_tuple(groups, 1, "groups")[0]

    def check_input(self, input_shape):
        if len(self.axes) > 1:
            raise ValueError(f"the channels are one axis. Received: axis={self.axis}")
        check_axes(self.axes, input_shape)
        C = check_channels(self, input_shape, self.axes[0])
        if self.groups > C or C % self.groups:
            divisors = [g for g in range(1, C + 1) if C % g == 0]
            raise ValueError(f"{C} channels do not divide into groups={self.groups}; use one of {divisors}")

    def _parameter_shape(self, shape):
        return (shape[self.axes[0]],)

    def _view(self, moved):
        (N, *_, C), groups = moved, self.groups
        groups = C if groups == -1 else groups
        return (N, prod(moved[1:-1]), groups, C // groups), (1, 3), (groups, C // groups), (0, 1)


class UnitNormalization(Layer):
    """x / |x|: each vector along `axis` (an int or several) gets length 1."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axes = whole_axes(axis)
        self.axis = self.axes if isinstance(axis, (list, tuple)) else self.axes[0]

    def check_input(self, input_shape):
        check_axes(self.axes, input_shape)

    def _moved(self, shape):
        """The order of axes, the shape in it, and the rows whose length counts."""
        order = last(len(shape), self.axes)
        moved = tuple(shape[i] for i in order)
        inner = prod(moved[len(moved) - len(self.axes) :])
        return order, moved, (prod(moved) // inner, inner)

    def forward(self, ops, x, training):
        order, moved, rows = self._moved(x.shape)
        y, scale = unit(ops, ops.reshape(transpose(ops, x, order), rows))
        return transpose(ops, ops.reshape(y, moved), inverse(order)), (y, scale)

    def backward(self, ops, dy, saved, needs_dx):
        if not needs_dx:
            return None
        order, moved, rows = self._moved(dy.shape)
        dx = unit_backward(ops, ops.reshape(transpose(ops, dy, order), rows), *saved)
        return transpose(ops, ops.reshape(dx, moved), inverse(order))
