"""Initial values of parameters, with Keras's names and defaults.

An initialiser is called with a shape and gives a float32 array. fan_in and fan_out of a convolution kernel
(window..., C, K) are C and K times the window's size (Glorot & Bengio 2010; He et al. 2015).
"""

import numpy as np

from . import random
from .configurable import Configurable, lookup


class Initializer(Configurable):
    """Base class: `__call__(shape, dtype)` gives the values."""

    def __call__(self, shape, dtype="float32"):
        raise NotImplementedError


class Zeros(Initializer):
    """All 0."""

    def __call__(self, shape, dtype="float32"):
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """All 1."""

    def __call__(self, shape, dtype="float32"):
        return np.ones(shape, dtype)


class Constant(Initializer):
    """All `value`."""

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype="float32"):
        return np.full(shape, self.value, dtype)


class _Random(Initializer):
    """Draws with a seed of its own: the same object draws the same values again only if a seed was given."""

    def _generator(self):
        return random.generator(self.seed)


class RandomNormal(_Random):
    """Normal with the given mean and standard deviation."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape, dtype="float32"):
        return self._generator().normal(self.mean, self.stddev, shape).astype(dtype)


class RandomUniform(_Random):
    """Uniform between minval and maxval."""

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape, dtype="float32"):
        return self._generator().uniform(self.minval, self.maxval, shape).astype(dtype)


class TruncatedNormal(_Random):
    """Normal, values beyond two standard deviations drawn again."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape, dtype="float32"):
        return within_two(self._generator(), self.mean, self.stddev, shape).astype(dtype)


def within_two(generator, mean, stddev, shape):
    """Normal numbers within two standard deviations of the mean."""
    values = generator.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = generator.standard_normal(int(outside.sum()))
    return mean + stddev * values


class VarianceScaling(_Random):
    """Variance scale / n, n = fan_in, fan_out or their mean. input_axes, output_axes: the axes of the shape
    that these count; by default those of a kernel.
    """

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, input_axes=None,
                 output_axes=None):  # fmt: skip
        if scale <= 0:
            raise ValueError(f"`scale` must be positive. Received: {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f'`mode` must be "fan_in", "fan_out" or "fan_avg". Received: {mode!r}')
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform", "normal"):
            raise ValueError(
                f'`distribution` must be "truncated_normal", "untruncated_normal" or "uniform". '
                f"Received: {distribution!r}"
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed
        self.axes = input_axes, output_axes

    def __call__(self, shape, dtype="float32"):
        fan_in, fan_out = fans(shape, *self.axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance, generator = self.scale / max(1.0, n), self._generator()
        if self.distribution == "uniform":
            limit = np.sqrt(3 * variance)
            return generator.uniform(-limit, limit, shape).astype(dtype)
        if self.distribution == "untruncated_normal":
            return generator.normal(0, np.sqrt(variance), shape).astype(dtype)
        # 0.8796 is the standard deviation of a normal truncated at two: the variance stays what it says.
        stddev = np.sqrt(variance) / 0.87962566103423978
        return within_two(generator, 0, stddev, shape).astype(dtype)


def fans(shape, input_axes=None, output_axes=None):
    """(fan_in, fan_out) of a kernel: the window's size times its last two axes; or sizes of given axes."""
    if input_axes is not None and output_axes is not None:
        return tuple(int(np.prod([shape[a] for a in axes])) for axes in (input_axes, output_axes))
    if len(shape) < 2:
        n = int(np.prod(shape))
        return n, n
    window = int(np.prod(shape[:-2]))
    return window * shape[-2], window * shape[-1]


def _scaled(name, scale, mode, distribution, source):
    def __init__(self, seed=None, input_axes=None, output_axes=None):
        VarianceScaling.__init__(self, scale, mode, distribution, seed, input_axes, output_axes)

    text = f"VarianceScaling({scale}, {mode!r}, {distribution!r}): {source}."
    return type(name, (VarianceScaling,), {"__init__": __init__, "__doc__": text, "__module__": __name__})


GlorotUniform = _scaled("GlorotUniform", 1.0, "fan_avg", "uniform", "Glorot & Bengio 2010")
GlorotNormal = _scaled("GlorotNormal", 1.0, "fan_avg", "truncated_normal", "Glorot & Bengio 2010")
HeUniform = _scaled("HeUniform", 2.0, "fan_in", "uniform", "He et al. 2015")
HeNormal = _scaled("HeNormal", 2.0, "fan_in", "truncated_normal", "He et al. 2015")
LecunUniform = _scaled("LecunUniform", 1.0, "fan_in", "uniform", "LeCun et al. 1998")
LecunNormal = _scaled("LecunNormal", 1.0, "fan_in", "truncated_normal", "LeCun et al. 1998")


class Orthogonal(_Random):
    """Orthonormal columns (or rows), times gain (Saxe et al. 2014)."""

    def __init__(self, gain=1.0, seed=None):
        self.gain, self.seed = gain, seed

    def __call__(self, shape, dtype="float32"):
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs at least two axes. Received: shape {tuple(shape)}")
        rows, columns = int(np.prod(shape[:-1])), shape[-1]
        normal = self._generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q = q * np.sign(np.diag(r))
        return (self.gain * (q.T if rows < columns else q).reshape(shape)).astype(dtype)


class Identity(Initializer):
    """The identity matrix times gain."""

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype="float32"):
        if len(shape) != 2:
            raise ValueError(f"Identity is for matrices. Received: shape {tuple(shape)}")
        return (self.gain * np.eye(*shape)).astype(dtype)


# Keras's other names of the classes.
zeros, ones, constant, identity, IdentityInitializer = Zeros, Ones, Constant, Identity, Identity
orthogonal, OrthogonalInitializer, variance_scaling = Orthogonal, Orthogonal, VarianceScaling
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
glorot_uniform, glorot_normal, he_uniform, he_normal = GlorotUniform, GlorotNormal, HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal

TABLE = {
    cls.__name__: cls
    for cls in (
        Zeros, Ones, Constant, RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling, GlorotUniform,
        GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal, Orthogonal, Identity,
    )
}  # fmt: skip
TABLE.update(OrthogonalInitializer=Orthogonal, IdentityInitializer=Identity)


class _FromFunction(Initializer):
    """An initialiser given as a function of (shape, dtype)."""

    def __init__(self, function):
        self.function = function

    def __call__(self, shape, dtype="float32"):
        return np.asarray(self.function(shape, dtype=dtype), dtype)


def get(identifier):
    """The initialiser that a name, configuration, class, object or function of (shape, dtype) means."""
    if callable(identifier) and not isinstance(identifier, (Initializer, type)):
        return _FromFunction(identifier)
    return lookup(identifier, TABLE, "initializer", Initializer)

__all__ = [
    "Initializer", *TABLE, "constant", "get", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform",
    "identity", "lecun_normal", "lecun_uniform", "ones", "orthogonal", "random_normal", "random_uniform",
    "truncated_normal", "variance_scaling", "zeros",
]  # fmt: skip
