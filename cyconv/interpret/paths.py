"""Which call of a layer a user means by "conv2d" or "encoder/conv2d"; which layer is meant by none."""

from collections import Counter
from difflib import get_close_matches

from .. import graph
from ..layers.convolution import Convolution


def paths(model):
    """The paths of all layers of a model, nested ones opened, in the order in which they run.

    A layer that is called more than once has a path for each call: "conv2d#1", "conv2d#2".
    """
    return named(built(model))


def built(model):
    """The model's flat list of nodes; ValueError where it does not know its input's shape yet."""
    expect_model(model)
    if not getattr(model, "nodes", None):
        raise ValueError(f"{model} is not built yet: give it an Input, or call model.build(input_shape)")
    return graph.flatten(model)


def expect_model(model):
    if not hasattr(model, "output_names"):
        raise TypeError(f"`model` is a model of cyconv's. Received: {type(model).__name__}")


def named(flat):
    """The path of every node, with the number of the call where there are several."""
    total, seen, names = Counter(node.path for node in flat.nodes), Counter(), []
    for node in flat.nodes:
        seen[node.path] += 1
        names.append(node.path if total[node.path] == 1 else f"{node.path}#{seen[node.path]}")
    return names


def find(flat, layer, what="layer"):
    """The index of the node that `layer` means: of several calls the last.

    layer: a path, its end ("conv2d" for "encoder/conv2d") where no other path ends so, the path of a nested
    model or composite (its output is meant), or the layer itself.
    Errors: ValueError with the nearest paths, or with all paths that end so.
    """
    names = named(flat)
    if hasattr(layer, "forward"):
        inner = [node.layer for node in graph.flatten(layer).nodes] if hasattr(layer, "nodes") else [layer]
        calls = [i for i, node in enumerate(flat.nodes) if inner and node.layer is inner[-1]]
        if not calls:
            raise ValueError(f"`{what}`: {layer} is not part of this model. {_listing(names)}")
        return calls[-1]
    path, _, call = str(layer).partition("#")
    plain = [f"/{node.path}/" for node in flat.nodes]
    for fits in (
        lambda whole: whole == f"/{path}/",
        lambda whole: whole.startswith(f"/{path}/"),
        lambda whole: whole.endswith(f"/{path}/"),
        lambda whole: f"/{path}/" in whole,
    ):
        calls = [i for i, whole in enumerate(plain) if fits(whole)]
        meant = {(w[: w.index(f"/{path}/")] + f"/{path}")[1:] for w in (plain[i] for i in calls)}
        if len(meant) > 1:
            raise ValueError(f"`{what}`: {layer!r} may be any of {', '.join(sorted(meant))}; give one")
        calls = [i for i in calls if not call or names[i].endswith(f"#{call}")]
        if calls:
            return calls[-1]
    ends = {name.rpartition("/")[2]: name for name in names} | dict(zip(names, names, strict=True))
    near = dict.fromkeys(ends[n] for n in get_close_matches(str(layer), ends, n=3, cutoff=0.4))
    hint = f"; nearest: {', '.join(map(repr, near))}" if near else ""
    raise ValueError(f"`{what}`: there is no layer {layer!r}{hint}. {_listing(names)}")


def _listing(names):
    if len(names) > 12:
        return f"The model has {len(names)}; cyconv.interpret.paths(model) lists them all"
    return f"The model has: {', '.join(names)}"


def convolutions(flat):
    """The indices of all convolutions; ValueError for a model without any."""
    found = [i for i, node in enumerate(flat.nodes) if isinstance(node.layer, Convolution)]
    if not found:
        raise ValueError(
            "the model has no convolution, so no layer of it keeps a picture of where things are; "
            "`saliency`, `occlusion` and `lime_image` work on any model of images"
        )
    return found


def last_maps(flat, shapes):
    """The node whose maps Grad-CAM looks at by default: that of the last convolution, or of the
    normalisation, sum or activation that follows it in the same shape; the output itself does not count.
    """
    for index in reversed(convolutions(flat)):
        for later, node in enumerate(flat.nodes[index + 1 :], index + 1):
            before = flat.nodes[index].output
            if before in node.inputs and shapes[node.output] == shapes[before]:
                index = later
        if flat.nodes[index].output not in flat.outputs:
            return index
    raise ValueError("the model's only convolution is its output; give `layer`")
