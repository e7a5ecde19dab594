"""A forward pass whose every value is kept, and ways back through it: the ground under all gradients here.

Neither pass changes the model. Both run the layers one by one, so that nothing is fused and each activation
is found, those inside a convolution or Dense layer too.
"""

from contextlib import contextmanager

import numpy as np

from .. import graph
from ..models.inference import STEPS

# The activations of which guided backpropagation and DeconvNet speak.
RECTIFIERS = ("relu", "relu6", "leaky_relu")


class Pass:
    """Runs `inputs` (arrays) through a flat list of nodes, as in inference.

    values: {number of a tensor: its value}, on the backend in force.
    """

    def __init__(self, model, flat, inputs):
        self.flat, self.backend = flat, model.backend
        arrays = [self.backend.asarray(a, model.dtype) for a in inputs]
        for variable in model.weights:
            variable.on(self.backend)
        with STEPS.lock:
            self.values, self.tape = graph.forward(self.backend, flat, arrays, False, needs_dx=True)

    def value(self, number):
        """A tensor as a NumPy array."""
        return np.array(self.backend.to_host(self.values[number]))

    def gradient(self, source, number, seed, rule=None, scores=()):
        """The gradient of sum(tensor `source` * seed) by tensor `number`; None where there is no way to it.

        rule: how rectifiers lead it back: None (their derivative), "guided" or "deconvnet".
        scores: tensors before whose last softmax or sigmoid the sum is taken.
        """
        start = next((i + 1 for i, node in enumerate(self.flat.nodes) if node.output == number), 0)
        past = {node.number for node in self.flat.nodes if node.output in scores}
        gradients = {source: self.backend.asarray(seed, self.values[source].dtype)}
        with STEPS.lock, frozen(self.flat):
            graph.backward(Ruled(self.backend, rule, past), self.tape[start:], gradients)
        found = gradients.get(number)
        return None if found is None else np.array(self.backend.to_host(found))


class Ruled:
    """The door, with other ways back through rectifiers, and past the softmax or sigmoid of some nodes.

    "guided": relu'(x) * max(dy, 0) (Springenberg et al. 2015, "Striving for simplicity", figure 1).
    "deconvnet": max(dy, 0) (Zeiler & Fergus 2014, section 2.1).
    """

    def __init__(self, ops, rule, past):
        self.ops, self.rule, self.past = ops, rule, past

    def __getattr__(self, name):
        return getattr(self.ops, name)

    def activation_gradient(self, dy, x, y, name, alpha=0.0):
        if name == "sigmoid" and self.node in self.past:
            return dy
        if self.rule and name in RECTIFIERS:
            dy = self.ops.activation(dy, "relu")
            if self.rule == "deconvnet":
                return dy
        return self.ops.activation_gradient(dy, x, y, name, alpha)

    def softmax_gradient(self, dy, y):
        return dy if self.node in self.past else self.ops.softmax_gradient(dy, y)


@contextmanager
def frozen(flat):
    """Within it no layer is trained, so that a way back leaves the gradients of the weights alone."""
    layers = [node.layer for node in flat.nodes]
    trainable = [layer.trainable for layer in layers]
    try:
        for layer in layers:
            layer.trainable = False
        yield
    finally:
        for layer, was in zip(layers, trainable, strict=True):
            layer.trainable = was
