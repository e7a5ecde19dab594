"""A model of the same architecture with layers of its own."""


def clone_model(model, input_tensors=None, clone_function=None):
    """A model like `model`, with fresh weights.

    clone_function: gives the copy of a layer; by default layer.from_config(layer.get_config()).
    input_tensors: symbolic tensors that the copy starts from, instead of Inputs of its own.
    """
    from .sequential import Sequential

    copies = {}

    def copy(layer):
        if id(layer) not in copies:
            copies[id(layer)] = (clone_function or _copied)(layer)
        return copies[id(layer)]

    starts = input_tensors if isinstance(input_tensors, (list, tuple, type(None))) else [input_tensors]
    if isinstance(model, Sequential):
        start = starts or ([_copied(model.inputs[0].input_layer).output] if model.built else [])
        return type(model)([*start, *map(copy, model.layers)], name=model.name, trainable=model.trainable)
    starts = starts or [_copied(t.input_layer).output for t in model.inputs]
    tensors = dict(zip(map(id, model.inputs), starts, strict=True))
    for node in model.nodes:
        inputs = [tensors[id(t)] for t in node.inputs]
        outputs = copy(node.layer)(inputs if node.nested else inputs[0])
        group = outputs if isinstance(outputs, list) else [outputs]
        tensors.update(zip(map(id, node.outputs), group, strict=True))
    ends = [tensors[id(t)] for t in model.outputs]
    return type(model)(
        _structured(starts, model._input_keys), _structured(ends, model._output_keys),
        name=model.name, trainable=model.trainable)  # fmt: skip


def _copied(layer):
    return type(layer).from_config(layer.get_config())


def _structured(tensors, keys):
    if keys:
        return dict(zip(keys, tensors, strict=True))
    return tensors[0] if len(tensors) == 1 else tensors
