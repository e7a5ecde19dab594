"""Activation functions as layers, and how a layer with `activation=` applies its own."""

import numpy as np

from .. import activations, initializers, variables
from ..backends.derivative import derivative
from ..graph import SymbolicTensor
from .axes import at_last_axis, sum_to
from .base import Layer


class Activated:
    """A layer with an `activation`, which may also be set later: recorded steps are forgotten then."""

    @property
    def activation(self):
        return self._activation

    @activation.setter
    def activation(self, value):
        self._activation = activations.resolve(value)
        if self.built:
            self._arguments["activation"] = value
            variables.moved()


def fuses(f):
    """Whether an operation can apply f as it stores its result: the slope follows from the output."""
    return f in activations.NAMES and f not in activations.NEEDS_INPUT


def fused(f):
    """The arguments `activation` and `alpha` for an operation that applies f, if it can."""
    name = f if fuses(f) else "linear"
    return {"activation": name, "alpha": activations.NAMES[name]}


def finish(ops, z, f):
    """What is left of f after an operation that got `fused(f)`: (y, what the derivative needs)."""
    return (z, (None, z)) if fuses(f) else forward(ops, z, f)


def forward(ops, z, f, alpha=None):
    """(f(z), what the derivative needs). f: as `activations.resolve` gives it."""
    if isinstance(f, Layer):
        return f.forward(ops, z, False)
    if f == "linear":
        return z, None
    if f in activations.ROWS:
        y = ops.softmax(z) if f == "softmax" else _log_softmax(ops, z)
        return y, (None, y)
    if callable(f):
        return ops.map(f, z), (z, None)
    y = ops.activation(z, f, activations.NAMES[f] if alpha is None else alpha)
    return y, ((z, None) if f in activations.NEEDS_INPUT else (None, y))


def backward(ops, dy, saved, f, alpha=None):
    """dz = dy * f'(z)."""
    if isinstance(f, Layer):
        return f.backward(ops, dy, saved, True)
    if f == "linear":
        return dy
    z, y = saved
    if f == "softmax":
        return ops.softmax_gradient(dy, y)
    if f == "log_softmax":
        total = ops.reshape(ops.reduce(dy, axes=(-1,)), (*dy.shape[:-1], 1))
        return ops.map(_log_softmax_gradient, dy, y, total)
    if callable(f):
        slope = derivative(f, 1, 0)
        return ops.map(lambda dy, z: dy * slope(z)[1], dy, z)
    return ops.activation_gradient(dy, z, y, f, activations.NAMES[f] if alpha is None else alpha)


def _log_softmax(ops, z):
    """z - log of the sum of exp(z), the largest z subtracted first."""
    column = (*z.shape[:-1], 1)
    shifted = ops.map(np.subtract, z, ops.reshape(ops.reduce(z, "maximum", (-1,)), column))
    total = ops.reshape(ops.reduce(ops.map(np.exp, shifted), axes=(-1,)), column)
    return ops.map(lambda shifted, total: shifted - np.log(total), shifted, total)


def _log_softmax_gradient(dy, y, total):
    return dy - np.exp(y) * total


class Activation(Activated, Layer):
    """f(x), element by element; softmax over the last axis.

    activation: a name, one of `activations`, or a function of elements in NumPy, whose derivative follows
    from it.
    """

    alpha = None

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activation

    def forward(self, ops, x, training):
        return forward(ops, x, self.activation, self.alpha)

    def backward(self, ops, dy, saved, needs_dx):
        return backward(ops, dy, saved, self.activation, self.alpha) if needs_dx else None


class ReLU(Activation):
    """max_value where x is larger (None: no limit); x from threshold on; negative_slope * (x - threshold)
    below it. max_value=6 is relu6.
    """

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        limits = (None if max_value is None else float(max_value), float(threshold))
        if (max_value is not None and max_value < 0) or negative_slope < 0 or threshold < 0:
            raise ValueError(
                "`max_value`, `negative_slope` and `threshold` must not be negative. "
                f"Received: {max_value}, {negative_slope}, {threshold}"
            )
        if limits == (None, 0.0):
            name = "leaky_relu" if negative_slope else "relu"
        elif limits == (6.0, 0.0) and not negative_slope:
            name = "relu6"
        else:

            def name(x):
                return activations.relu(x, negative_slope, *limits)

        super().__init__(name, **kwargs)
        self.alpha = float(negative_slope)
        self.max_value, self.threshold = limits
        self.negative_slope = self.alpha


class LeakyReLU(Activation):
    """x where x >= 0, negative_slope * x elsewhere (Maas et al. 2013)."""

    def __init__(self, negative_slope=0.3, **kwargs):
        if "alpha" in kwargs:  # Keras 2's name
            negative_slope = kwargs.pop("alpha")
        super().__init__("leaky_relu", **kwargs)
        self.alpha = self.negative_slope = float(negative_slope)


class ELU(Activation):
    """x where x > 0, alpha * (exp(x) - 1) elsewhere (Clevert et al. 2016)."""

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__("elu", **kwargs)
        self.alpha = float(alpha)


class Softmax(Activation):
    """exp(x) / sum of exp(x) over `axis`."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__("softmax", **kwargs)
        if not isinstance(axis, int):
            raise ValueError(f"`axis` is the number of one axis. Received: {axis!r}")
        self.axis = axis

    def check_input(self, input_shape):
        if not -len(input_shape) <= self.axis < len(input_shape):
            raise ValueError(f"there is no axis {self.axis} in an input of {len(input_shape)} axes")

    def forward(self, ops, x, training):
        return at_last_axis(ops, x, self.axis, lambda last: forward(ops, last, self.activation))

    def backward(self, ops, dy, saved, needs_dx):
        if not needs_dx:
            return None
        return at_last_axis(
            ops, dy, self.axis, lambda last: (backward(ops, last, saved, self.activation), None)
        )[0]


def leak(x, alpha):
    """x where x > 0, alpha * x elsewhere."""
    return np.where(x > 0, x, alpha * x)


def leak_gradient(dy, x, alpha):
    """(dx, what each element adds to dalpha)."""
    return np.where(x > 0, dy, alpha * dy), np.where(x > 0, 0, x * dy)


class PReLU(Layer):
    """x where x > 0, alpha * x elsewhere, alpha learned (He et al. 2015, "Delving deep into rectifiers").

    shared_axes: the axes along which one alpha serves all positions, e.g. [1, 2] for one a channel of an
    image. Weight: alpha, the input's shape without the batch axis, 1 along shared axes.
    """

    def __init__(self, alpha_initializer="Zeros", alpha_regularizer=None, alpha_constraint=None,
                 shared_axes=None, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.weight_rules(alpha_regularizer=alpha_regularizer, alpha_constraint=alpha_constraint)
        self.alpha_initializer = initializers.get(alpha_initializer)
        shared = shared_axes if isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self.shared_axes = None if shared_axes is None else list(shared)

    def build(self, input_shape):
        sizes = [1 if i in (self.shared_axes or ()) else n for i, n in enumerate(input_shape)][1:]
        if None in sizes:
            raise ValueError(f"one alpha for each position needs known sizes; or give `shared_axes`: {sizes}")
        self.alpha = self.add_weight(sizes, self.alpha_initializer, "alpha")

    def forward(self, ops, x, training):
        return ops.map(leak, x, self.alpha.value), x

    def backward(self, ops, dy, x, needs_dx):
        dx, dalpha = ops.map(leak_gradient, dy, x, self.alpha.value)
        if self.trainable:
            sum_to(ops, dalpha, (1, *self.alpha.shape), out=self.alpha.gradient)
        return dx if needs_dx else None


def _activate(tensor, activation, axis=-1):
    """`activations.relu(tensor)` and its like on a symbolic tensor."""
    if activation == "softmax" and axis != -1:
        return Softmax(axis)(tensor)
    return Activation(activation)(tensor)


SymbolicTensor.activate = _activate
