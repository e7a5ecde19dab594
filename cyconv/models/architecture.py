"""A model as plain JSON values, and back: layers with their arguments, and how they are wired."""

from ..layers import deserialize
from ..layers.core import Input, InputLayer


def describe(model):
    """The configuration of a Sequential or functional model."""
    from .sequential import Sequential

    if isinstance(model, Sequential):
        layers = [describe_layer(layer) for layer in model.layers]
        shape = list(model.inputs[0].shape) if model.built else None
        head = {"name": model.name, "trainable": model._trainable}
        return {**head, "layers": layers, "build_input_shape": shape}
    calls = {}
    for node in model.nodes:
        calls.setdefault(id(node.layer), []).append(node)
    entries = []
    for layer in model.layers:
        nodes = calls.get(id(layer), [])
        entries.append(
            {
                **describe_layer(layer),
                "inbound": [
                    {"nested": n.nested, "inputs": [_place(model, t) for t in n.inputs]} for n in nodes
                ],
            }
        )
    return {
        "name": model.name,
        "trainable": model._trainable,
        "layers": entries,
        "inputs": [_place(model, t) for t in model.inputs],
        "outputs": [_place(model, t) for t in model.outputs],
    }


def _place(model, tensor):
    """[layer name, number of its call, number of the output]."""
    if tensor.node is None:
        return [tensor.input_layer.name, 0, 0]
    calls = [n for n in model.nodes if n.layer is tensor.node.layer]
    return [tensor.node.layer.name, calls.index(tensor.node), tensor.index]


def describe_layer(layer):
    """{"class_name", "config"} of one layer."""
    if isinstance(layer, InputLayer):
        config = {"name": layer.name, "batch_shape": list(layer.batch_shape), "dtype": layer.dtype}
    else:
        config = layer.get_config()
    return {"class_name": type(layer).__name__, "config": config}


def restore(cls, config, custom_objects=None):
    """The model that `describe` described, with fresh weights."""
    from .sequential import Sequential

    try:
        if issubclass(cls, Sequential):
            return _restore_sequential(cls, config, custom_objects)
        return _restore_functional(cls, config, custom_objects)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"not a model's configuration: {type(error).__name__}: {error}") from error


def _restore_sequential(cls, config, custom_objects):
    layers = [deserialize(entry, custom_objects) for entry in config["layers"]]
    model = cls(layers, name=config["name"])
    if config.get("build_input_shape"):
        model.build(tuple(config["build_input_shape"]))
    return model


def _restore_functional(cls, config, custom_objects):
    tensors, waiting = {}, []
    for entry in config["layers"]:
        name = entry["config"]["name"]
        if entry["class_name"] == "InputLayer":
            tensors[name, 0, 0] = Input(
                batch_shape=tuple(entry["config"]["batch_shape"]), dtype=entry["config"]["dtype"], name=name
            )
            continue
        layer = deserialize(entry, custom_objects)
        waiting.extend((layer, i, call) for i, call in enumerate(entry["inbound"]))
    while waiting:
        ready = [w for w in waiting if all(tuple(p) in tensors for p in w[2]["inputs"])]
        if not ready:
            raise ValueError("the wiring of the layers has no beginning: some inputs are made by no layer")
        for layer, number, call in ready:
            inputs = [tensors[tuple(p)] for p in call["inputs"]]
            outputs = layer(inputs if call["nested"] else inputs[0])
            for i, tensor in enumerate(outputs if isinstance(outputs, list) else [outputs]):
                tensors[layer.name, number, i] = tensor
        waiting = [w for w in waiting if w not in ready]
    inputs = [tensors[tuple(p)] for p in config["inputs"]]
    outputs = [tensors[tuple(p)] for p in config["outputs"]]
    return cls(inputs, outputs, name=config["name"])
