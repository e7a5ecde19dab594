"""What `fusion` puts in the place of several layers: the same mathematics in fewer walks over memory.

They follow the protocol of a layer as far as the executor asks for it, and own no parameters of their own.
"""

import numpy as np

from .. import activations
from ..backends.interface import Pair
from . import activation as act


class Fused:
    """Stands for some layers, the first of which speaks for them in errors."""

    activity_regularizer = None

    def __init__(self, *layers):
        self.layers = layers

    @property
    def trainable_weights(self):
        return [w for layer in self.layers for w in layer.trainable_weights]

    def naming_errors(self, input_shape=None):
        return self.layers[0].naming_errors(input_shape)


class Normalisation(Fused):
    """y = f(batch norm(x) + shortcut), f: relu or nothing."""

    def __init__(self, norm, relu, shortcut):
        super().__init__(norm)
        self.norm, self.relu, self.shortcut = norm, relu, shortcut

    def forward(self, ops, x, training, moments=None):
        x, residual = x if self.shortcut else (x, None)
        activation = "relu" if self.relu else "linear"
        y, saved = self.norm.normalise(ops, x, training, residual, activation, moments)
        return y, (saved, y if self.relu and self.shortcut else None)

    def backward(self, ops, dy, saved, needs_dx):
        saved, y = saved
        return self.norm.gradients(ops, dy, saved, y, self.relu, self.shortcut)


class MeasuredConvolution(Fused):
    """y = f(batch norm(convolution(x)) + shortcut) in training: the convolution takes the statistics as it
    stores."""

    def __init__(self, convolution, normalisation):
        super().__init__(convolution, normalisation.norm)
        self.convolution, self.normalisation = convolution, normalisation

    def forward(self, ops, x, training):
        x, *shortcut = x if self.normalisation.shortcut else [x]
        z, moments = self.convolution.measure(ops, x)
        y, saved = self.normalisation.forward(ops, [z, *shortcut] if shortcut else z, training, moments)
        return y, (x, saved)

    def backward(self, ops, dy, saved, needs_dx):
        x, saved = saved
        dz = self.normalisation.backward(ops, dy, saved, True)
        dz, *shortcut = dz if self.normalisation.shortcut else [dz]
        dx = self.convolution.gradients(ops, x, dz, needs_dx)
        return [dx, *shortcut] if shortcut else dx


class ActivatedConvolution(Fused):
    """y = f(convolution(x)), f a layer's activation."""

    def __init__(self, convolution, activation):
        super().__init__(convolution)
        self.convolution, self.activation = convolution, activation.activation
        self.alpha = activations.NAMES[self.activation] if activation.alpha is None else activation.alpha

    def apply(self, ops, x, **options):
        return self.convolution.convolve(ops, x, activation=self.activation, alpha=self.alpha, **options)

    def forward(self, ops, x, training):
        y = self.apply(ops, x)
        return y, (x, y)

    def backward(self, ops, dy, saved, needs_dx):
        x, y = saved
        dz = act.backward(ops, dy, (None, y), self.activation, self.alpha)
        return self.convolution.gradients(ops, x, dz, needs_dx)


class PooledConvolution(Fused):
    """y = max pooling(f(convolution(x))). Windows of 2x2 are pooled as the convolution stores, where the
    backend can: what is pooled is never written. Only the largest values have a gradient, and f's slope
    follows from its output: so the slope is taken of y, which is smaller than what is pooled.

    rest: the convolution with its own activation, or what stands for it and its followers.
    """

    def __init__(self, rest, pool):
        super().__init__(*getattr(rest, "layers", [rest]), pool)
        self.rest, self.pool = rest, pool
        self.convolution = getattr(rest, "convolution", rest)
        self.alpha = getattr(rest, "alpha", None)

    def forward(self, ops, x, training):
        shape = self.convolution.compute_output_shape(x.shape)
        if self._by_twos(shape[1:-1]) and ops.takes_pool(x):
            y, switches = self.rest.apply(ops, x, pool=True)
            kept = shape, switches
        else:
            z, _ = self.rest.forward(ops, x, training)
            y, kept = self.pool.forward(ops, z, training)
        return y, (x, y, kept)

    def _by_twos(self, sizes):
        """Whether what is pooled, of these sizes, falls into windows of 2x2."""
        pool = self.pool
        return pool.pool_size == pool.strides == (2, 2) and pool.inside(sizes)

    def backward(self, ops, dy, saved, needs_dx):
        x, y, kept = saved
        slope = act.backward(ops, dy, (None, y), self.rest.activation, self.alpha)
        dz = self.pool.backward(ops, slope, kept, True)
        return self.convolution.gradients(ops, x, dz, needs_dx)


class JoinedConvolution(Fused):
    """convolution(concatenate(a, b)), what follows the convolution included, from a and b where they lie.

    concatenation, convolution: the layers. rest: the convolution, or what stands for it and its followers.
    """

    def __init__(self, concatenation, convolution, rest):
        super().__init__(*getattr(rest, "layers", [rest]), concatenation)
        self.concatenation, self.convolution, self.rest = concatenation, convolution, rest

    def forward(self, ops, x, training):
        first, second, *others = x
        x, shapes = Pair(first, second), None
        if not self.convolution.takes_pair(ops, x):
            x, shapes = self.concatenation.forward(ops, [first, second], training)
        y, saved = self.rest.forward(ops, [x, *others] if others else x, training)
        return y, (shapes, saved)

    def backward(self, ops, dy, saved, needs_dx):
        shapes, saved = saved
        dx = self.rest.backward(ops, dy, saved, needs_dx)
        return dx if shapes is None else self.concatenation.backward(ops, dx, shapes, needs_dx)


class FoldedConvolution(Fused):
    """y = f(batch norm(convolution(x)) + shortcut) in inference: the normalisation is a factor and a sum for
    each channel, and both are put into kernel and bias (Jacob et al. 2018, section 3.2).
    """

    def __init__(self, convolution, norm, relu, shortcut):
        super().__init__(convolution, norm)
        self.convolution, self.norm, self.relu, self.shortcut = convolution, norm, relu, shortcut

    def forward(self, ops, x, training):
        x, residual = x if self.shortcut else (x, None)
        return self.apply(ops, x, residual), None

    def apply(self, ops, x, residual=None, **options):
        activation = "relu" if self.relu else "linear"
        return self.convolution.convolve(ops, x, *self.fold(ops), residual, activation=activation, **options)

    def fold(self, ops):
        """kernel * scale and (bias - mean) * scale + beta, with scale = gamma / sqrt(variance + epsilon)."""
        norm, epsilon = self.norm, self.norm.epsilon
        given = [norm.moving_mean.value, norm.moving_variance.value]
        optional = (norm.gamma, norm.beta, self.convolution.bias)
        has_gamma, has_beta, has_bias = (v is not None for v in optional)
        given += [v.value for v in optional if v is not None]

        def scale_and_bias(mean, variance, *rest):
            rest = list(rest)
            gamma = rest.pop(0) if has_gamma else 1.0
            beta = rest.pop(0) if has_beta else 0.0
            bias = rest.pop(0) if has_bias else 0.0
            scale = gamma / np.sqrt(variance + epsilon)
            return scale, (bias - mean) * scale + beta

        scale, bias = ops.map(scale_and_bias, *given)
        return ops.map(np.multiply, self.convolution.kernel.value, scale), bias
