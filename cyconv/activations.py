"""Activation functions by name, and as functions on plain arrays.

Formulas: `backends/reference.py`. Strings are what a layer hands to a backend; the functions here are for
lessons and tests.
"""

from .arrays import numbers
from .backends import active

# What a backend's `activation` operation knows, with the default of its one parameter.
NAMES = {
    "linear": 0.0, "relu": 0.0, "relu6": 0.0, "leaky_relu": 0.2, "elu": 1.0, "selu": 0.0, "tanh": 0.0,
    "sigmoid": 0.0, "hard_sigmoid": 0.0, "hard_tanh": 0.0, "exponential": 0.0, "softplus": 0.0,
    "softsign": 0.0, "log_sigmoid": 0.0, "silu": 0.0, "gelu": 0.0, "gelu_tanh": 0.0, "mish": 0.0,
    "hard_silu": 0.0,
}  # fmt: skip
ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}
# The derivative of these is taken from the input x; of the others from the output y.
NEEDS_INPUT = frozenset({"silu", "gelu", "gelu_tanh", "mish", "hard_silu"})


def get(identifier):
    """The name of an activation: None means "linear"; a function of this module stands for its name."""
    if identifier is None:
        return "linear"
    name = getattr(identifier, "__name__", identifier)
    name = ALIASES.get(name, name)
    if name not in NAMES and name != "softmax":
        from difflib import get_close_matches

        near = get_close_matches(str(name), [*NAMES, "softmax"], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown activation {identifier!r}{hint} Known: {', '.join(NAMES)}, softmax")
    return name


def apply(x, name, alpha=None):
    """f(x) on a plain array: floats keep their dtype, everything else becomes float32."""
    backend = active()
    host = numbers(x, name)
    if name == "softmax" and host.ndim == 0:
        raise ValueError("softmax: the input has no axis to go along. Received: a single number")
    array = backend.asarray(host, host.dtype.name if host.dtype.name in ("float32", "float64") else "float32")
    if name == "softmax":
        return backend.to_host(backend.softmax(array))
    return backend.to_host(backend.activation(array, name, NAMES[name] if alpha is None else alpha))


def _make(name):
    def function(x):
        return apply(x, name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name}(x), element by element; see `backends/reference.py` for the formula."
    return function


for _name in (*NAMES, "softmax"):
    globals()[_name] = _make(_name)


def leaky_relu(x, negative_slope=0.2):
    """x where x >= 0, negative_slope * x elsewhere."""
    return apply(x, "leaky_relu", negative_slope)


def elu(x, alpha=1.0):
    """x where x > 0, alpha * (exp(x) - 1) elsewhere (Clevert et al. 2016)."""
    return apply(x, "elu", alpha)


def gelu(x, approximate=False):
    """x times the normal distribution function of x (Hendrycks & Gimpel 2016); or its tanh approximation."""
    return apply(x, "gelu_tanh" if approximate else "gelu")


swish = globals()["silu"]
