"""Activation functions as layers, and how a layer with `activation=` applies its own."""

from .. import activations
from .base import Layer


def fuses(name):
    """Whether an operation can apply `name` as it stores its result: the slope follows from the output."""
    return isinstance(name, str) and name != "softmax" and name not in activations.NEEDS_INPUT


def fused(name):
    """The arguments `activation` and `alpha` for an operation that applies `name`, if it can."""
    name = name if fuses(name) else "linear"
    return {"activation": name, "alpha": activations.NAMES[name]}


def finish(ops, z, name):
    """What is left of f after an operation that got `fused(name)`: (y, what the derivative needs)."""
    return (z, (None, z)) if fuses(name) else forward(ops, z, name)


def forward(ops, z, name, alpha=None):
    """(f(z), what the derivative needs). name: of an activation, or a layer: activation=LeakyReLU(0.1)."""
    if isinstance(name, Layer):
        return name.forward(ops, z, False)
    if name == "linear":
        return z, None
    if name == "softmax":
        y = ops.softmax(z)
        return y, (None, y)
    y = ops.activation(z, name, activations.NAMES[name] if alpha is None else alpha)
    return y, ((z, None) if name in activations.NEEDS_INPUT else (None, y))


def backward(ops, dy, saved, name, alpha=None):
    """dz = dy * f'(z)."""
    if isinstance(name, Layer):
        return name.backward(ops, dy, saved, True)
    if name == "linear":
        return dy
    z, y = saved
    if name == "softmax":
        return ops.softmax_gradient(dy, y)
    return ops.activation_gradient(dy, z, y, name, activations.NAMES[name] if alpha is None else alpha)


class Activation(Layer):
    """f(x), element by element; softmax over the last axis. activation: a name or one of `activations`."""

    alpha = None

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def forward(self, ops, x, training):
        return forward(ops, x, self.activation, self.alpha)

    def backward(self, ops, dy, saved, needs_dx):
        return backward(ops, dy, saved, self.activation, self.alpha) if needs_dx else None


class ReLU(Activation):
    """max(x, 0); max_value=6 gives relu6, negative_slope the leaky form."""

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        name = {(None, 0.0): "relu", (6.0, 0.0): "relu6"}.get((max_value, float(negative_slope)))
        if threshold or (name is None and max_value is not None):
            raise ValueError(
                "ReLU knows max_value None or 6 and threshold 0. "
                f"Received: max_value={max_value}, threshold={threshold}"
            )
        super().__init__(name or "leaky_relu", **kwargs)
        self.alpha = float(negative_slope)


class LeakyReLU(Activation):
    """x where x >= 0, negative_slope * x elsewhere (Maas et al. 2013)."""

    def __init__(self, negative_slope=0.3, **kwargs):
        super().__init__("leaky_relu", **kwargs)
        self.alpha = float(negative_slope)


class ELU(Activation):
    """x where x > 0, alpha * (exp(x) - 1) elsewhere (Clevert et al. 2016)."""

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__("elu", **kwargs)
        self.alpha = float(alpha)


class Softmax(Activation):
    """exp(x) / sum of exp(x) over the last axis."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__("softmax", **kwargs)
        if axis != -1:
            raise ValueError(f"Softmax works over the last axis. Received: axis={axis}; use Permute before")
