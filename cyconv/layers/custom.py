"""Layers of a user's own, in NumPy: `call(x)` gives y, `backward(dy)` gives dx.

    class Square(layers.Layer):
        def call(self, x):
            self.x = x
            return x * x

        def backward(self, dy):
            return 2 * self.x * dy

Such a layer runs as a step in Python between two stretches of C. It may keep what it likes on `self`, take
`training` as a second argument of `call`, own weights (`add_weight`; `backward` adds to `weight.gradient`),
and must say `compute_output_shape` unless the output has the input's shape.
"""

import inspect

import numpy as np


def bridge(cls):
    """Gives a class that defines `call` the protocol's `forward` and `backward`."""
    takes_training = "training" in inspect.signature(cls.call).parameters
    backward = cls.__dict__.get("backward")

    def forward(self, ops, x, training):
        inputs = x if isinstance(x, list) else [x]
        shapes = [tuple(a.shape) for a in inputs]
        shape = self.compute_output_shape(shapes if isinstance(x, list) else shapes[0])

        def call(*arrays):
            given = [np.array(a) for a in arrays]
            extra = {"training": training} if takes_training else {}
            return self.call(given if isinstance(x, list) else given[0], **extra)

        return ops.python(call, inputs, tuple(shape), inputs[0].dtype), (shapes, isinstance(x, list))

    def run_backward(self, ops, dy, saved, needs_dx):
        shapes, nested = saved
        if backward is None:
            raise NotImplementedError(
                f"{self} defines `call` but no `backward(dy)`, so nothing can be trained through it"
            )
        results = {}

        def first(dy_values):
            dx = backward(self, np.array(dy_values))
            results["dx"] = list(dx) if nested else [dx]
            return results["dx"][0]

        gradients = [ops.python(first, [dy], shapes[0], dy.dtype)]
        for i in range(1, len(shapes)):
            gradients.append(ops.python(lambda _, i=i: results["dx"][i], [dy], shapes[i], dy.dtype))
        return gradients if nested else gradients[0]

    cls.forward, cls.backward, cls.takes_list = forward, run_backward, True
