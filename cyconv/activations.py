"""Activation functions by name, and as functions on plain arrays.

Those of NAMES are operations of the door (their formulas: `backends/reference.py`), which a convolution can
apply as it stores its result. The others are formulas written here; their derivatives follow from them. A
function of one's own, element by element in NumPy, is an activation too.

In a functional model `activations.relu(x)` on a symbolic tensor is the layer `Activation("relu")`.
"""

import functools

import numpy as np

from .arrays import numbers
from .backends import active
from .backends.formula import trace

# What a backend's `activation` operation knows, with the default of its one parameter.
NAMES = {
    "linear": 0.0, "relu": 0.0, "relu6": 0.0, "leaky_relu": 0.2, "elu": 1.0, "selu": 0.0, "tanh": 0.0,
    "sigmoid": 0.0, "hard_sigmoid": 0.0, "hard_tanh": 0.0, "exponential": 0.0, "softplus": 0.0,
    "softsign": 0.0, "log_sigmoid": 0.0, "silu": 0.0, "gelu": 0.0, "gelu_tanh": 0.0, "mish": 0.0,
    "hard_silu": 0.0,
}  # fmt: skip
ALIASES = {"swish": "silu", "hard_swish": "hard_silu", "hardsigmoid": "hard_sigmoid"}
# Those that need a whole row of channels.
ROWS = ("softmax", "log_softmax")
# The derivative of these is taken from the input x; of the others from the output y.
NEEDS_INPUT = frozenset({"silu", "gelu", "gelu_tanh", "mish", "hard_silu"})
# Formulas by name, filled below.
FORMULAS = {}


def get(identifier):
    """The function that a name, None (linear) or a function means: get("relu")(x)."""
    found = resolve(identifier)
    if callable(found):
        name = getattr(found, "__name__", "")
        return globals()[name] if FORMULAS.get(name) is found else found
    return globals()[found]


def resolve(identifier):
    """What a layer keeps of an activation: a name of NAMES or ROWS, or a formula.

    None means "linear"; a function of this module stands for its name; another function must be element by
    element (`backends/formula.py`); a layer such as LeakyReLU(0.1) stands for itself. Errors: ValueError
    with the nearest name, TypeError for other functions.
    """
    if identifier is None:
        return "linear"
    if hasattr(identifier, "forward"):
        return identifier
    name = getattr(identifier, "__name__", identifier)
    if callable(identifier) and globals().get(name) is not identifier:
        trace(identifier, 1)  # a TypeError says here what a formula cannot be
        return identifier
    name = ALIASES.get(name, name)
    if name in FORMULAS:
        return FORMULAS[name]
    if name not in NAMES and name not in ROWS:
        from difflib import get_close_matches

        known = [*NAMES, *ROWS, *FORMULAS]
        near = get_close_matches(str(name), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown activation {identifier!r}{hint} Known: {', '.join(known)}")
    return name


def _host(x, what):
    """x as a NumPy array of floats: floats keep their dtype, everything else becomes float32."""
    array = numbers(x, what)
    return array if array.dtype.name in ("float32", "float64") else array.astype("float32")


def _axis_of(x, axis, what):
    """x as an array that has this axis."""
    host = _host(x, what)
    if not isinstance(axis, (int, np.integer)) or not -host.ndim <= axis < host.ndim:
        raise ValueError(f"{what}: `axis` must be one of the input's {host.ndim} axes. Received: {axis!r}")
    return host


def apply(x, name, alpha=None):
    """f(x) by a name of NAMES or "softmax", on a plain array."""
    if hasattr(x, "activate"):
        return x.activate(name)
    backend, host = active(), _host(x, name)
    if name == "softmax" and host.ndim == 0:
        raise ValueError("softmax: the input has no axis to go along. Received: a single number")
    array = backend.asarray(host, host.dtype.name)
    if name == "softmax":
        return backend.to_host(backend.softmax(array))
    return backend.to_host(backend.activation(array, name, NAMES[name] if alpha is None else alpha))


def _make(name):
    def function(x):
        return apply(x, name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name}(x), element by element; see `backends/reference.py` for the formula."
    return function


for _name in NAMES:
    globals()[_name] = _make(_name)


def formula(function):
    """Makes a formula an activation by its name: on plain arrays the active backend computes it."""
    if not function.__name__.startswith("_"):
        FORMULAS[function.__name__] = function

    @functools.wraps(function)
    def activation(x, *parameters, **named):
        given = _with(function, parameters, named) if parameters or named else function
        if hasattr(x, "activate"):
            return x.activate(given)
        if not isinstance(x, np.ndarray) and hasattr(x, "__array_ufunc__") and not isinstance(x, np.generic):
            return given(x)  # while a formula that uses this one is read
        backend, host = active(), _host(x, function.__name__)
        return backend.to_host(backend.map(given, backend.asarray(host, host.dtype.name)))

    return activation


def _with(function, parameters, named):
    """The formula with its parameters filled in."""

    def given(x):
        return function(x, *parameters, **named)

    given.__name__ = function.__name__
    return given


@formula
def _rectified(x, negative_slope=0.0, max_value=None, threshold=0.0):
    y = np.where(x >= threshold, x, negative_slope * (x - threshold))
    return y if max_value is None else np.minimum(y, max_value)


def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """max_value where x is larger; x from threshold on; negative_slope * (x - threshold) below."""
    if (negative_slope, max_value, threshold) == (0.0, None, 0.0):
        return apply(x, "relu")
    return _rectified(x, negative_slope, max_value, threshold)


def leaky_relu(x, negative_slope=0.2):
    """x where x >= 0, negative_slope * x elsewhere."""
    if hasattr(x, "activate"):
        return _rectified(x, negative_slope)
    return apply(x, "leaky_relu", negative_slope)


def elu(x, alpha=1.0):
    """x where x > 0, alpha * (exp(x) - 1) elsewhere (Clevert et al. 2016)."""
    if hasattr(x, "activate") and alpha != 1:
        raise ValueError(f"elu with alpha={alpha} of a symbolic tensor is the layer ELU(alpha={alpha})")
    return apply(x, "elu", alpha)


def gelu(x, approximate=False):
    """x times the normal distribution function of x (Hendrycks & Gimpel 2016); or its tanh approximation."""
    return apply(x, "gelu_tanh" if approximate else "gelu")


@formula
def celu(x, alpha=1.0):
    """x where x >= 0, alpha * (exp(x / alpha) - 1) elsewhere (Barron 2017)."""
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)


@formula
def hard_shrink(x, threshold=0.5):
    """x where |x| > threshold, 0 elsewhere."""
    return np.where(np.abs(x) > threshold, x, 0)


@formula
def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by threshold, 0 where |x| <= threshold."""
    return np.where(np.abs(x) > threshold, x - threshold * np.sign(x), 0)


@formula
def tanh_shrink(x):
    """x - tanh(x)."""
    return x - np.tanh(x)


@formula
def threshold(x, threshold, default_value):
    """x where x > threshold, default_value elsewhere."""
    return np.where(x > threshold, x, default_value)


@formula
def squareplus(x, b=4):
    """(x + sqrt(x**2 + b)) / 2 (Barron 2021)."""
    return 0.5 * (x + np.sqrt(x * x + b))


@formula
def sparse_plus(x):
    """0 where x <= -1, (x + 1)**2 / 4 up to 1, then x."""
    return np.where(x <= -1, 0, np.where(x < 1, 0.25 * (x + 1) ** 2, x))


@formula
def sparse_sigmoid(x):
    """0 where x <= -1, (x + 1) / 2 up to 1, then 1: the slope of sparse_plus."""
    return np.clip(0.5 * (x + 1), 0, 1)


def softmax(x, axis=-1):
    """exp(x) / sum of exp(x) along `axis`."""
    if hasattr(x, "activate"):
        return x.activate("softmax", axis)
    host = _axis_of(x, axis, "softmax")
    return np.moveaxis(apply(np.moveaxis(host, axis, -1), "softmax"), -1, axis)


def log_softmax(x, axis=-1):
    """x - log of the sum of exp(x) along `axis`."""
    if hasattr(x, "activate"):
        return x.activate("log_softmax", axis)
    host = _axis_of(x, axis, "log_softmax")
    shifted = host - np.max(host, axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def glu(x, axis=-1):
    """a * sigmoid(b), x cut into the halves a and b along `axis` (Dauphin et al. 2017)."""
    host = _axis_of(x, axis, "glu")
    if host.shape[axis] % 2:
        raise ValueError(f"glu halves axis {axis}, whose size must be even. Received: shape {host.shape}")
    a, b = np.split(host, 2, axis)
    return a * apply(b, "sigmoid")


def sparsemax(x, axis=-1):
    """The point of the probability simplex nearest to x (Martins & Astudillo 2016)."""
    z = np.moveaxis(_axis_of(x, axis, "sparsemax"), axis, -1)
    descending = -np.sort(-z, -1)
    sums, count = np.cumsum(descending, -1), np.arange(1, z.shape[-1] + 1)
    support = (1 + count * descending > sums).sum(-1, keepdims=True)
    tau = (np.take_along_axis(sums, support - 1, -1) - 1) / support
    return np.moveaxis(np.maximum(z - tau, 0).astype(z.dtype), -1, axis)


swish, hard_swish = globals()["silu"], globals()["hard_silu"]

__all__ = [*NAMES, *ROWS, *FORMULAS, "get", "glu", "hard_swish", "sparsemax", "swish"]
