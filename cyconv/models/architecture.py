"""A model's layers and how they are wired, as Keras's configuration of a Functional or Sequential model.

Every call of a layer is an entry of its "inbound_nodes"; a tensor in it is [layer name, number of the call,
number of the output].
"""

import warnings

from ..configurable import deserialize_keras_object, serialize_keras_object
from ..layers import Add, Multiply, Subtract
from ..layers.core import InputLayer

# x + y on Keras's symbolic tensors is an operation of this name; here it is the layer.
OPERATIONS = {"Add": Add, "Subtract": Subtract, "Multiply": Multiply}


def describe_sequential(model):
    """The configuration of a Sequential model."""
    start = [model.inputs[0].input_layer] if model.built else []
    shape = list(model.inputs[0].shape) if model.built else None
    layers = [serialize_keras_object(layer) for layer in [*start, *model.layers]]
    head = {"name": model.name, "trainable": model.trainable}
    return {**head, "layers": layers, **({"build_input_shape": shape} if shape else {})}


def restore_sequential(cls, config):
    """The Sequential model of a configuration, with fresh weights."""
    layers = [deserialize_keras_object(entry) for entry in config["layers"]]
    model = cls(layers, trainable=config.get("trainable", True), name=config.get("name"))
    if not model.built and config.get("build_input_shape"):
        model.build(tuple(config["build_input_shape"]))
    return model


def describe_functional(model):
    """The configuration of a functional model."""
    calls = {}
    for node in model.nodes:
        calls.setdefault(id(node.layer), []).append(node)

    def place(tensor):
        if tensor.node is None:
            return [tensor.input_layer.name, 0, 0]
        return [tensor.node.layer.name, calls[id(tensor.node.layer)].index(tensor.node), tensor.index]

    def written(tensor):
        config = {"shape": list(tensor.shape), "dtype": tensor.dtype, "keras_history": place(tensor)}
        return {"class_name": "__keras_tensor__", "config": config}

    def call(node):
        tensors = [written(t) for t in node.inputs]
        return {"args": [tensors] if node.nested else tensors, "kwargs": {}}

    entries = []
    for layer in model.layers:
        entries.append(serialize_keras_object(layer))
        nodes = [call(node) for node in calls.get(id(layer), [])]
        entries[-1].update(name=layer.name, inbound_nodes=nodes)
    ends = [
        _structured([place(t) for t in tensors], keys)
        for tensors, keys in ((model.inputs, model._input_keys), (model.outputs, model._output_keys))
    ]
    head = {"name": model.name, "trainable": model.trainable}
    return {**head, "layers": entries, "input_layers": ends[0], "output_layers": ends[1]}


def _structured(places, keys):
    """Keras's forms: a dict by key, the place alone for one tensor, a list of places for several."""
    if keys:
        return dict(zip(keys, places, strict=True))
    return places[0] if len(places) == 1 else places


def restore_functional(cls, config):
    """The functional model of a configuration, with fresh weights.

    A call is made as soon as its inputs are there. Errors: ValueError for wiring that cannot be followed.
    """
    tensors, waiting, calls = {}, {}, []
    names = [entry["config"]["name"] for entry in config["layers"]]
    twice = next((n for n in names if names.count(n) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise ValueError(f"two layers are named {twice!r}")
    for name, entry in zip(names, config["layers"], strict=True):
        layer = _layer(entry)
        if isinstance(layer, InputLayer):
            tensors[name, 0, 0] = layer.output
        calls += [(layer, name, i, *_arguments(node, layer)) for i, node in enumerate(entry["inbound_nodes"])]
    for call in calls:
        for place in call[4]:
            waiting.setdefault(place, []).append(call)
    made, ready = set(), [c for c in calls if all(p in tensors for p in c[4])]
    while ready:
        layer, name, number, nested, places = ready.pop()
        if (name, number) in made:
            continue
        made.add((name, number))
        inputs = [tensors[p] for p in places]
        outputs = layer(inputs if nested else inputs[0])
        for i, tensor in enumerate(outputs if isinstance(outputs, list) else [outputs]):
            tensors[name, number, i] = tensor
            ready += [c for c in waiting.get((name, number, i), ()) if all(p in tensors for p in c[4])]
    if len(made) < len(calls):
        lost = next(c for c in calls if (c[1], c[2]) not in made)
        raise ValueError(f"the wiring of layer {lost[1]!r} has no beginning: an input is made by no layer")
    inputs, outputs = (_gathered(config[k], tensors) for k in ("input_layers", "output_layers"))
    return cls(inputs, outputs, name=config.get("name"), trainable=config.get("trainable", True))


def _layer(entry):
    module = entry.get("module") or ""
    if module.startswith("keras.src.ops."):
        if entry["class_name"] not in OPERATIONS:
            raise ValueError(f"the operation {entry['class_name']!r} of {module} is not here")
        return OPERATIONS[entry["class_name"]](name=entry["config"]["name"])
    return deserialize_keras_object(entry)


def _arguments(node, layer):
    """(whether the inputs came as a list, their places) of an entry of "inbound_nodes"."""
    if not isinstance(node, dict):
        raise ValueError("its inbound_nodes are in the form of Keras 2; save the model with Keras 3")
    training = node["kwargs"].get("training")
    if training and not layer.trains_when_called:  # Keras writes its default down for preprocessing layers
        raise ValueError("a layer is called with training=True, which is not here")
    if training is False:
        warnings.warn("a layer was called with training=False: use layer.trainable = False", stacklevel=2)
    values = [*node["args"], *(v for k, v in node["kwargs"].items() if k not in ("mask", "training"))]
    nested = len(values) != 1 or isinstance(values[0], list)
    group = values[0] if nested and len(values) == 1 else values
    for value in group:
        if not isinstance(value, dict) or value.get("class_name") != "__keras_tensor__":
            raise ValueError(f"a layer's input must be a tensor of the model. Received: {value!r:.80}")
    return nested, [_key(value["config"]["keras_history"]) for value in group]


def _key(place):
    name, number, index = place
    return str(name), int(number), int(index)


def _gathered(places, tensors):
    """Tensors in the structure in which their places are written."""
    if isinstance(places, dict):
        return {k: _gathered(p, tensors) for k, p in places.items()}
    if places and isinstance(places[0], list):
        return [_gathered(p, tensors) for p in places]
    if _key(places) not in tensors:
        raise ValueError(f"there is no tensor {places}")
    return tensors[_key(places)]
