"""One of those that are compared: a variant with weights of its own, which stand in for the model's while it
runs. The model itself is never changed.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from .. import graph
from ..recorder import Buffer, Recorder

STEP = np.ones(1, np.uint64)  # the step by whose number dropout and noise are drawn, the same for all


@dataclass
class Outcome:
    """What a pass gave, as NumPy arrays under the names of the report."""

    forward: dict = field(default_factory=dict)
    backward: dict = field(default_factory=dict)


@dataclass
class Pass:
    """values, slopes: {number of a tensor: values, gradient}; trained: {path of a weight: gradient}."""

    values: dict
    slopes: dict
    trained: dict
    loss: np.ndarray

    def results(self, flat):
        """({name: array} of the forward pass, the same of the backward pass), as the report names them."""
        forward = numbered("output", [self.values[n] for n in flat.outputs])
        backward = numbered("gradient of input", [self.slopes.get(n) for n in flat.inputs])
        gradients = {f"gradient of {path}": a for path, a in self.trained.items()}
        return {**forward, "loss": self.loss}, {**backward, **gradients}


def numbered(name, arrays):
    """{name: array} of those that are there, numbered where there are several."""
    several = len(arrays) > 1
    return {f"{name} {i}" if several else name: a for i, a in enumerate(arrays, 1) if a is not None}


class Contestant:
    """`variant` runs layers of `model`; `flat`: the list of nodes, whose paths must differ."""

    def __init__(self, variant, model, flat):
        self.variant, self.model, self.flat = variant, model, flat
        self.without = set()  # paths of layers that only prepare data: no gradient goes through them
        self.dtype = "float64" if variant.exact else model.dtype
        self.weights = model.weights
        self.start = [self.cast(v.numpy()) for v in self.weights]
        asking = {id(n.layer): n.layer for n in flat.nodes if hasattr(n.layer, "algorithm")}
        self.convolutions = list(asking.values())
        trained = {id(v) for v in model.trainable_weights}
        with variant.in_force() as backend:
            self.backend = backend
            self.places = [backend.asarray(a.copy(), a.dtype) for a in self.start]
            self.gradients = [
                backend.asarray(np.zeros_like(a), a.dtype) if id(v) in trained else None
                for v, a in zip(self.weights, self.start, strict=True)
            ]

    name = property(lambda self: self.variant.name)

    def cast(self, values):
        """An array of numbers in this contestant's type; whole numbers as they are."""
        values = np.asarray(values)
        return values.astype(self.dtype) if values.dtype.kind == "f" else values

    def array(self, values):
        """The same as a new array of the backend."""
        values = np.array(self.cast(values), order="C")
        return self.backend.asarray(values, values.dtype)

    def host(self, array):
        """A copy as a NumPy array."""
        return np.array(self.backend.to_host(array))

    @contextmanager
    def on_stage(self):
        """Within it the model's layers have this contestant's weights and ask for its algorithm."""
        kept = [(v.value, v.gradient, v.backend) for v in self.weights]
        asked = [layer.algorithm for layer in self.convolutions]
        with self.variant.in_force() as backend:
            drawn = self.host(backend.random_state)
            try:
                backend.load(backend.random_state, STEP)
                for variable, value, gradient in zip(self.weights, self.places, self.gradients, strict=True):
                    variable.value, variable.gradient, variable.backend = value, gradient, backend
                for layer in self.convolutions:
                    layer.algorithm = self.variant.algorithm_for(layer)
                yield backend
            finally:
                for variable, state in zip(self.weights, kept, strict=True):
                    variable.value, variable.gradient, variable.backend = state
                for layer, algorithm in zip(self.convolutions, asked, strict=True):
                    layer.algorithm = algorithm
                backend.load(backend.random_state, drawn)
                backend.node = 0

    def restart(self, variables):
        """Weights as they were given, gradients 0."""
        chosen = {id(v) for v in variables}
        for variable, start, place, gradient in zip(
            self.weights, self.start, self.places, self.gradients, strict=True
        ):
            if id(variable) in chosen:
                self.backend.load(place, start)
                if gradient is not None:
                    self.backend.load(gradient, np.zeros_like(start))

    # A layer alone ------------------------------------------------------------------------------------------

    def alone(self, node, inputs, dy):
        """The Outcome of one layer for these inputs and, where there is one, this gradient of its output."""
        found, variables = Outcome(), variables_of(node.layer)
        with self.on_stage() as ops:
            self.restart(variables)
            ops.node, ops.layer, ops.phase = node.number, node.path, "forward"
            x = [self.array(a) for a in inputs]
            y, saved = node.layer.forward(ops, x if node.nested else x[0], True)
            found.forward["output"] = self.host(y)
            found.forward.update(self._moved(variables))
            if dy is None or node.path in self.without:
                return found
            ops.phase = "backward"
            dx = node.layer.backward(ops, self.array(dy), saved, True)
            found.backward.update(self._gradients(dx if node.nested else [dx], variables))
        return found

    def _moved(self, variables):
        """The values of weights that a pass in training changes: moving means and variances."""
        return {v.name: self.host(v.value) for v in variables if not v.trainable}

    def _gradients(self, inputs, variables):
        named = {k: self.host(dx) for k, dx in numbered("gradient of input", inputs).items()}
        names = [v.name for v in variables]
        for variable in variables:
            if variable.gradient is not None:
                name = variable.name if names.count(variable.name) == 1 else variable.path
                named[f"gradient of {name}"] = self.host(variable.gradient)
        return named

    def steps(self, node, shapes, backward):
        """The operations of a layer's two passes, (forward, backward), without running them."""
        with self.on_stage() as backend:
            ops = Recorder(backend, STEP)
            ops.node, ops.layer = node.number, node.path
            x = [Buffer(shape, self.dtype) for shape in shapes]
            y, saved = node.layer.forward(ops, x if node.nested else x[0], True)
            count = len(ops.steps)
            if backward:
                node.layer.backward(ops, Buffer(y.shape, y.dtype), saved, True)
        return ops.steps[:count], ops.steps[count:]

    # All layers one after the other -------------------------------------------------------------------------

    def through(self, flat, inputs, score, learning=False):
        """The Pass of the whole list in training, operation by operation. learning: notes in `without` which
        layers have no backward pass.
        """
        with self.on_stage() as ops:
            self.restart(self.weights)
            values, tape = graph.forward(ops, flat, [self.array(a) for a in inputs], True, needs_dx=True)
            loss, slopes = score.record(ops, [values[n] for n in flat.outputs], self.dtype)
            slopes = dict(zip(flat.outputs, slopes, strict=True))
            backward(ops, tape, slopes, self.without, learning)
            trained = {v.path: self.host(v.gradient) for v in self.weights if v.gradient is not None}
            return Pass(
                {n: self.host(a) for n, a in values.items()},
                {n: self.host(a) for n, a in slopes.items() if a is not None},
                trained,
                self.host(loss),
            )


def variables_of(layer):
    """The weights of a layer, or of those that fusion put together."""
    parts = [layer] if hasattr(layer, "weights") else layer.layers
    return list({id(v): v for part in parts for v in part.weights}.values())


def backward(ops, tape, gradients, without, learning=False):
    """Runs or records every layer's backward pass in reverse order. gradients: {number: gradient}, which is
    filled. Nothing goes through the layers whose paths are in `without`.
    """
    ops.phase = "backward"
    for node, saved, needs_dx, _ in reversed(tape):
        dy = gradients.get(node.output)
        if dy is None or node.path in without:
            continue
        ops.node, ops.layer = node.number, node.path
        try:
            dx = node.layer.backward(ops, dy, saved, needs_dx)
        except NotImplementedError:
            if not learning:
                raise
            without.add(node.path)
            continue
        for number, gradient in zip(node.inputs, dx if node.nested else [dx], strict=True):
            graph.add_gradient(ops, gradients, number, gradient)
