"""A layer that is made of layers: the nodes between its inputs and outputs. Models and composites are such.

The executor opens a container and runs what is inside as part of its one flat list; `forward` and `backward`
are for a container that is called on arrays by itself.
"""

from .. import graph
from .base import Layer


class Container(Layer):
    """inputs, outputs: symbolic tensors; nodes: what lies between them, in an order that can be run."""

    takes_list = True
    # Whether summaries and drawings always show what is inside, or only on request.
    always_open = False

    @property
    def layers(self):
        """The layers inside, in the order of the graph; the inputs of a functional model first."""
        return list(getattr(self, "_layers", ()))

    def get_layer(self, name=None, index=None):
        """A layer by its name, its path "outer/inner" in nested ones, or its number."""
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"{self} has {len(self.layers)} layers; there is no number {index}")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
            if isinstance(layer, Container) and str(name).startswith(f"{layer.name}/"):
                return layer.get_layer(name[len(layer.name) + 1 :])
        inside = self._paths_to(name)
        hint = f"; inside there is {' and '.join(map(repr, inside))}" if inside else ""
        raise ValueError(
            f"{self} has no layer {name!r}{hint}; it has: {', '.join(layer.name for layer in self.layers)}"
        )

    def _paths_to(self, name):
        """The paths of layers of this name in nested models and composites."""
        found = []
        for layer in self.layers:
            if isinstance(layer, Container):
                below = [name] * any(inner.name == name for inner in layer.layers) + layer._paths_to(name)
                found += [f"{layer.name}/{path}" for path in below]
        return found

    @property
    def input(self):
        """The only input, or the list of them."""
        return self.inputs[0] if len(self.inputs) == 1 else list(self.inputs)

    @property
    def output(self):
        """The only output, or the list of them."""
        return self.outputs[0] if len(self.outputs) == 1 else list(self.outputs)

    # Weights ------------------------------------------------------------------------------------------------

    @property
    def weights(self):
        """All variables, layer by layer."""
        return _unique(v for layer in self.layers for v in layer.weights)

    @property
    def trainable_weights(self):
        """The variables that training changes, layer by layer."""
        return _unique(v for layer in self.layers for v in layer.trainable_weights)

    trainable_is_set = True

    @Layer.trainable.setter
    def trainable(self, value):
        """Sets the flag of every layer inside, as Keras does."""
        Layer.trainable.fset(self, bool(value))
        for layer in self.layers:
            layer.trainable = bool(value)

    def explain(self, x=None, position=None, training=False, print_fn=print):
        """Prints every layer's formulas with the numbers put in, then the totals; returns the text.

        x: an input shape, batch axis included; by default what the model was built for. One output is worked
        out by one layer: TypeError for a `position`.
        """
        from .explaining import explanation, totals

        if position is not None:
            raise TypeError(
                f"{self}: one output is worked out by one layer: get_layer(name).explain(x, position), x "
                "what it is given; cyconv.interpret.activations(model, images) has it"
            )
        x = getattr(x, "shape", x)
        if not self.built:
            if x is None:
                raise ValueError(f"{self} is not built yet: give explain(input_shape)")
            self.build(x)
        shapes = [t.shape for t in self.inputs] if x is None else x
        flat = graph.flatten(self)
        known = graph.shapes_in(flat, shapes if isinstance(shapes, list) else [shapes])
        calls = [(n.path, n.layer, [known[i] for i in n.inputs], known[n.output]) for n in flat.nodes]
        blocks = [explanation(layer, given, out, path) for path, layer, given, out in calls]
        text = "\n".join(line for lines in [*blocks, totals(self, calls)] for line in lines)
        print_fn(text)
        return text

    def algorithm_report(self, input_shape=None, measure=False, print_fn=print):
        """Prints by which algorithm each convolution inside runs, and why; see `Layer.algorithm_report`."""
        from .choosing import report

        shape, _ = self._shapes_for(input_shape, "algorithm_report")
        shapes = shape if isinstance(shape, list) else [shape]
        text = report(self, graph.flatten(self), shapes, True, measure)
        print_fn(text)
        return text

    # Shapes and values --------------------------------------------------------------------------------------

    def output_shapes(self, input_shape):
        """The outputs' shapes for inputs of `input_shape`, followed through the layers."""
        return self.follow(input_shape)

    def follow(self, input_shape, check=False):
        """`output_shapes`; check: every layer also looks whether its input fits its weights."""
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        known = {id(t): tuple(s) for t, s in zip(self.inputs, shapes, strict=True)}
        for node in self.nodes:
            given = [known[id(t)] for t in node.inputs]
            if check:
                node.layer.ensure_built(given if node.nested else given[0])
            results = node.layer.output_shapes(given if node.nested else given[0])
            known.update({id(t): s for t, s in zip(node.outputs, results, strict=True)})
        return [known[id(t)] for t in self.outputs]

    def compute_output_shape(self, input_shape):
        shapes = self.output_shapes(input_shape)
        return shapes[0] if len(shapes) == 1 else shapes

    def forward(self, ops, x, training):
        flat, inputs = graph.flatten(self), x if isinstance(x, list) else [x]
        values, tape = graph.forward(ops, flat, inputs, training, needs_dx=True)
        outputs = [values[n] for n in flat.outputs]
        return (outputs[0] if len(outputs) == 1 else outputs), (flat, tape)

    def backward(self, ops, dy, saved, needs_dx):
        flat, tape = saved
        gradients = {}
        for number, gradient in zip(flat.outputs, dy if isinstance(dy, list) else [dy], strict=True):
            graph.add_gradient(ops, gradients, number, gradient)
        graph.backward(ops, tape, gradients)
        dx = [gradients.get(n) for n in flat.inputs]
        return dx[0] if len(dx) == 1 else dx


def _unique(variables):
    seen, result = set(), []
    for variable in variables:
        if id(variable) not in seen:
            seen.add(id(variable))
            result.append(variable)
    return result
