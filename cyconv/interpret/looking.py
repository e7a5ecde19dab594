"""What can be seen without asking about an answer: the filters, and what each layer makes of an image."""

import numpy as np

from .images import prepare, some_at_a_time
from .passes import Pass
from .paths import built, convolutions, find, named


def filters(model, layer=None):
    """The kernel of a convolution, (window..., C, K): one filter a channel of its output.

    layer: a path, or a layer; None: the first convolution, whose filters look at the image itself.
    `visualize.filters` draws it. Errors: ValueError for a layer without a kernel of that kind.
    """
    flat = built(model)
    index = convolutions(flat)[0] if layer is None else find(flat, layer)
    node = flat.nodes[index]
    if index not in convolutions(flat):
        near = [name for i, name in enumerate(named(flat)) if i in convolutions(flat)]
        raise ValueError(f"`layer`: {node.path!r} has no filters; convolutions are: {', '.join(near[:12])}")
    kernels = [v for v in node.layer.weights if "kernel" in v.name]
    return kernels[0].numpy()


def activations(model, x, layers=None):
    """What layers give for images: {path: array (N, ...)}, in the order in which they run.

    layers: a list of paths or layers, or one, whose array is returned alone; None: all. The path of a nested
    model or composite means its output; a shared layer has a path for each call (`paths`).
    Without the batch axis where x has none.
    """
    inputs, single = prepare(model, x)
    flat = built(model)
    alone = layers is not None and not isinstance(layers, (list, tuple))
    asked = range(len(flat.nodes)) if layers is None else [find(flat, w, "layers") for w in _listed(layers)]
    names, parts = named(flat), {i: [] for i in asked}
    for rows in some_at_a_time(inputs):
        run = Pass(model, flat, [a[rows] for a in inputs])
        for i in asked:
            parts[i].append(run.value(flat.nodes[i].output))
    values = {names[i]: np.concatenate(arrays) for i, arrays in parts.items()}
    if single:
        values = {name: array[0] for name, array in values.items()}
    return next(iter(values.values())) if alone else values


def _listed(layers):
    return layers if isinstance(layers, (list, tuple)) else [layers]
