"""Lambda: a function as a layer."""

import numpy as np

from ..backends.derivative import derivative
from .base import Layer


class Lambda(Layer):
    """y = function(x), a function in NumPy; several inputs come as a list.

    A function of elements (arithmetic, np.where, np.exp...) runs in the backend and can be trained through:
    its derivative follows from it. Any other runs in Python and has none.

    output_shape: without the batch axis, or a function of the input's shape; by default a call on zeros
    tells. arguments: a dict of further arguments of the function.
    Errors: ValueError on saving: files hold no code. Write a Layer with `call` and `backward` instead.
    """

    takes_list = True

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"`function` must be a function. Received: {function!r}")
        self.function, self.output_shape_given, self.arguments = function, output_shape, dict(arguments or {})
        self.elementwise = _is_formula(self._apply)

    def _apply(self, x):
        return self.function(x, **self.arguments)

    def compute_output_shape(self, input_shape):
        given = self.output_shape_given
        if callable(given):
            return tuple(given(input_shape))
        nested = isinstance(input_shape, list)
        shapes = [tuple(s) for s in (input_shape if nested else [input_shape])]
        if given is not None:
            return (shapes[0][0], *((given,) if isinstance(given, int) else given))
        if self.elementwise and not nested:
            return shapes[0]
        if any(None in shape[1:] for shape in shapes):
            raise ValueError("the input's sizes are not all known; give `output_shape`")
        with np.errstate(all="ignore"):
            zeros = [np.zeros((1, *shape[1:]), self.dtype) for shape in shapes]
            y = np.asarray(self._apply(zeros if nested else zeros[0]))
        return (shapes[0][0], *y.shape[1:])

    def forward(self, ops, x, training):
        if self.elementwise and not isinstance(x, list):
            return ops.map(self._apply, x), x
        inputs = x if isinstance(x, list) else [x]
        shapes = [tuple(a.shape) for a in inputs]
        shape = self.compute_output_shape(shapes if isinstance(x, list) else shapes[0])

        def call(*arrays):
            copies = [np.array(a) for a in arrays]
            return self._apply(copies if isinstance(x, list) else copies[0])

        return ops.python(call, inputs, shape, inputs[0].dtype), None

    def backward(self, ops, dy, x, needs_dx):
        if not needs_dx:
            return None
        if x is None:
            raise NotImplementedError(
                f"{self}: its function is not element by element, so it has no derivative here and no layer "
                "before it can be trained; write a Layer with `call` and `backward`, or use the layer that "
                "does the same"
            )
        slope = derivative(self._apply, 1, 0)
        return ops.map(lambda dy, x: dy * slope(x)[1], dy, x)

    def get_config(self):
        raise ValueError(
            f"{self} cannot be saved: files hold no code. Write the function as a Layer with `call` and "
            "`backward`, or use the layer that does the same (Rescaling, Activation, Reshape...)"
        )

    def __reduce__(self):
        return _lambda, ({**self._arguments, "name": self.name},)


def _lambda(arguments):
    return Lambda(**arguments)


def _is_formula(function):
    """Whether the function can be read as a formula of one array, with a derivative."""
    try:
        derivative(function, 1, 0)
    except Exception:  # a user's function may fail on a symbol in any way
        return False
    return True
