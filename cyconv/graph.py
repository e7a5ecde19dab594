"""Symbolic tensors, the nodes that make them, the flat list of nodes that a model is, and how it is run.

Calling a layer on a SymbolicTensor makes a Node. A model is the nodes between its inputs and its outputs;
`flatten` writes them out, nested models included, as one list: `forward` runs it in order, `backward` in
reverse.
"""


class SymbolicTensor:
    """A tensor without values: shape (None = not known yet), dtype, and the node that gives it."""

    def __init__(self, shape, dtype="float32", node=None, index=0, name=None):
        self.shape, self.dtype, self.node, self.index, self.name = tuple(shape), dtype, node, index, name

    ndim = property(lambda self: len(self.shape))

    def __repr__(self):
        origin = f", made by {self.node.layer.name!r}" if self.node else ""
        return f"<SymbolicTensor shape={self.shape}, dtype={self.dtype}{origin}>"


class Node:
    """One call of a layer: its inputs and outputs. `nested`: whether the inputs came as a list."""

    def __init__(self, layer, inputs, nested, output_shapes, dtype):
        self.layer, self.inputs, self.nested = layer, list(inputs), nested
        self.outputs = [SymbolicTensor(s, dtype, self, i) for i, s in enumerate(output_shapes)]


def ordered_nodes(inputs, outputs):
    """The nodes from `inputs` to `outputs`, each after those it needs.

    ValueError where an output depends on a tensor that no input leads to.
    """
    known = {id(t) for t in inputs}
    order, done = [], set()
    stack = [(t, False) for t in reversed(outputs)]
    while stack:
        tensor, expanded = stack.pop()
        if id(tensor) in known or (tensor.node is not None and id(tensor.node) in done):
            continue
        if tensor.node is None or not tensor.node.inputs:
            raise ValueError(
                f"the outputs depend on {tensor!r}, which is not among the model's inputs; add it to `inputs`"
            )
        if expanded:
            done.add(id(tensor.node))
            order.append(tensor.node)
        else:
            stack.append((tensor, True))
            stack.extend((t, False) for t in reversed(tensor.node.inputs))
    return order


def ordered_layers(nodes, inputs, outputs):
    """The layers between inputs and outputs, in Keras's order; weights and files follow it.

    The layer farthest from the outputs comes first; among equals, the one that is met first on the way from
    the outputs back to the inputs. nodes: as `ordered_nodes` gives them.
    """
    layers, met = [], set()
    stack = list(reversed(outputs))
    visited = set()
    while stack:
        tensor = stack.pop()
        layer = tensor.input_layer if tensor.node is None else tensor.node.layer
        if id(layer) not in met:
            met.add(id(layer))
            layers.append(layer)
        if tensor.node is not None and id(tensor.node) not in visited:
            visited.add(id(tensor.node))
            stack.extend(reversed(tensor.node.inputs))
    unused = [t.input_layer for t in inputs if id(t.input_layer) not in met]
    depth, of_node = dict.fromkeys(map(id, [*unused, *layers]), 0), {}
    for node in reversed(nodes):
        key = id(node.layer)
        depth[key] = of_node[id(node)] = max(of_node.get(id(node), 0), depth[key])
        for tensor in node.inputs:
            source = tensor.node or tensor.input_layer
            known = of_node if tensor.node else depth
            known[id(source)] = max(known.get(id(source), 0), of_node[id(node)] + 1)
    return sorted([*unused, *layers], key=lambda layer: -depth[id(layer)])


class FlatNode:
    """A layer's call in the flat list: tensors are numbers; `path` names nested layers "outer/inner";
    `number`: its place in the list, by which it draws its random numbers.
    """

    __slots__ = ("inputs", "layer", "nested", "number", "output", "path")

    def __init__(self, layer, inputs, nested, output, path, number):
        self.layer, self.inputs, self.nested, self.output, self.path = layer, inputs, nested, output, path
        self.number = number


class Flat:
    """inputs, outputs: tensor numbers; nodes: FlatNodes in an order that can be run."""

    def __init__(self, inputs, nodes, outputs):
        self.inputs, self.nodes, self.outputs = inputs, nodes, outputs


def flatten(model):
    """The model as one flat list of nodes, nested models opened."""
    nodes, count = [], [len(model.inputs)]

    def open_model(inner, numbers, prefix):
        values = dict(zip(map(id, inner.inputs), numbers, strict=True))
        for node in inner.nodes:
            sources = [values[id(t)] for t in node.inputs]
            path = f"{prefix}{node.layer.name}"
            if hasattr(node.layer, "nodes"):  # a model is a layer whose inside is a list of nodes
                results = open_model(node.layer, sources, path + "/")
            else:
                results = [count[0]]
                count[0] += 1
                nodes.append(FlatNode(node.layer, sources, node.nested, results[0], path, len(nodes)))
            values.update(zip(map(id, node.outputs), results, strict=True))
        return [values[id(t)] for t in inner.outputs]

    inputs = list(range(len(model.inputs)))
    return Flat(inputs, nodes, open_model(model, inputs, ""))


def shapes_in(flat, shapes):
    """{number of a tensor: its shape}, for inputs of these shapes."""
    known = {n: tuple(shape) for n, shape in zip(flat.inputs, shapes, strict=True)}
    for node in flat.nodes:
        given = [known[n] for n in node.inputs]
        (known[node.output],) = node.layer.output_shapes(given if node.nested else given[0])
    return known


def forward(ops, flat, inputs, training, needs_dx=False):
    """Runs every layer's forward pass. Returns {number: tensor} and the tape: what each backward pass needs.

    needs_dx: whether the gradients of `inputs` will be wanted.
    """
    values, tape = dict(enumerate(inputs)), []
    trained = dict.fromkeys(range(len(inputs)), needs_dx)  # does the tensor depend on trained weights?
    ops.phase = "forward"
    for node in flat.nodes:
        ops.node, ops.layer = node.number, node.path
        x = [values[n] for n in node.inputs]
        needs_dx = any(trained[n] for n in node.inputs)
        trained[node.output] = needs_dx or bool(node.layer.trainable_weights)
        with node.layer.naming_errors([v.shape for v in x] if node.nested else x[0].shape):
            values[node.output], saved = node.layer.forward(ops, x if node.nested else x[0], training)
        tape.append((node, saved, needs_dx, trained[node.output]))
    ops.node = 0  # as outside of any model: a layer called next draws what it would have drawn before
    return values, tape


def backward(ops, tape, gradients):
    """Runs every layer's backward pass in reverse order. gradients: {number: gradient}; what is left in it
    at the end are the gradients of the inputs.
    """
    ops.phase = "backward"
    for node, saved, needs_dx, needed in reversed(tape):
        dy = gradients.pop(node.output, None)
        if dy is None or not needed:
            continue
        ops.node, ops.layer = node.number, node.path
        with node.layer.naming_errors():
            dx = node.layer.backward(ops, dy, saved, needs_dx)
        if needs_dx:
            for number, gradient in zip(node.inputs, dx if node.nested else [dx], strict=True):
                add_gradient(ops, gradients, number, gradient)
    ops.node = 0


def add_gradient(ops, gradients, number, gradient):
    """Gradients add up where a tensor fans out."""
    if gradient is not None and number in gradients:
        gradient = ops.binary(gradients[number], gradient, "add")
    if gradient is not None:
        gradients[number] = gradient
