"""Layers of a user's own, in NumPy: `call(x)` gives y, `backward(dy)` gives dx.

    class Square(layers.Layer):
        def call(self, x):
            self.x = x
            return x * x

        def backward(self, dy):
            return 2 * self.x * dy

Such a layer runs as a step in Python between two stretches of C. It may keep what it likes on `self`, take
`training` as a second argument of `call`, take several inputs (a list; `backward` then returns a list), own
weights (`add_weight`; `backward` adds to `weight.gradient`). The output's shape is found by a call on zeros,
unless the layer says `compute_output_shape`.
"""

import inspect
from contextlib import contextmanager

import numpy as np


def bridge(cls):
    """Gives a class that defines `call` the protocol's `forward` and `backward`."""
    if "backward" in cls.__dict__:
        cls.numpy_backward = cls.__dict__["backward"]
    cls.call_takes_training = "training" in inspect.signature(cls.call).parameters
    cls.forward, cls.backward, cls.takes_list = forward, backward, True
    if not _says_shape(cls):
        cls.compute_output_shape = _shape_by_example


def _says_shape(cls):
    """Whether the class or one of its bases below Layer says its output's shape."""
    return any("compute_output_shape" in base.__dict__ for base in cls.__mro__[: _place_of_layer(cls)])


def _place_of_layer(cls):
    from .base import Layer

    return cls.__mro__.index(Layer)


def _shape_by_example(self, input_shape):
    """The shape that `call` gives for one image of zeros; the input's, where a size is not known."""
    nested = isinstance(input_shape, list)
    shapes = [tuple(s) for s in (input_shape if nested else [input_shape])]
    if any(None in shape[1:] for shape in shapes):
        return shapes[0]
    if not self.built:
        self.ensure_built(input_shape)
    zeros = [np.zeros((1, *shape[1:]), self.dtype) for shape in shapes]
    with np.errstate(all="ignore"):
        y = np.asarray(_call(self, zeros, nested, False))
    return (shapes[0][0], *y.shape[1:])


def _call(self, arrays, nested, training):
    extra = {"training": training} if self.call_takes_training else {}
    return self.call(list(arrays) if nested else arrays[0], **extra)


def forward(self, ops, x, training):
    """`call` as a step in Python."""
    nested, inputs = isinstance(x, list), x if isinstance(x, list) else [x]
    shapes = [tuple(a.shape) for a in inputs]
    shape = self.compute_output_shape(shapes if nested else shapes[0])

    def call(*arrays):
        return _call(self, [np.array(a) for a in arrays], nested, training)

    return ops.python(call, inputs, tuple(shape), inputs[0].dtype), (shapes, nested)


@contextmanager
def _gradients_in_numpy(layer):
    """While a layer's `backward` runs, its weights' gradients are NumPy arrays: what it adds to them is
    thrown away if the layer is frozen, and goes to the device if they live on one.
    """
    moved = [v for v in layer.variables if not layer.trainable or not _on_host(v)]
    kept = [v.gradient for v in moved]
    for variable in moved:
        variable.gradient = np.zeros(variable.shape, variable.dtype)
    try:
        yield
    finally:
        for variable, gradient in zip(moved, kept, strict=True):
            added, variable.gradient = variable.gradient, gradient
            if layer.trainable and gradient is not None and added.any():
                backend = variable.backend
                backend.load(gradient, backend.to_host(gradient) + added)


def _on_host(variable):
    return variable.backend is None or variable.backend.memory == "host"


def backward(self, ops, dy, saved, needs_dx):
    """The layer's own `backward` as a step in Python, and one more for each further input."""
    shapes, nested = saved
    if not hasattr(self, "numpy_backward"):
        raise NotImplementedError(
            f"{self} defines `call` but no `backward(dy)`, so nothing can be trained through it"
        )
    results = {}

    def first(dy_values):
        with _gradients_in_numpy(self):
            dx = self.numpy_backward(np.array(dy_values))
        results["dx"] = list(dx) if nested else [dx]
        if len(results["dx"]) != len(shapes):
            raise ValueError(f"{self}: `backward` must return {len(shapes)} gradients, one for each input")
        return results["dx"][0]

    gradients = [ops.python(first, [dy], shapes[0], dy.dtype)]
    for i in range(1, len(shapes)):
        gradients.append(ops.python(lambda _, i=i: results["dx"][i], [dy], shapes[i], dy.dtype))
    return gradients if nested else gradients[0]
