"""What each layer of a model costs and sees: receptive field, multiply-adds, memory of its output."""

from collections import namedtuple
from fractions import Fraction
from math import prod

from ..graph import flatten, shapes_in
from ..layers import facts

LONGEST_PERIOD = 64  # after up-sampling the field changes from position to position, and then repeats

ReceptiveField = namedtuple("ReceptiveField", "size jump first")
ReceptiveField.__doc__ = """What one position of an output sees of the model's input, for each spatial axis.

size: how many positions (the most, where it differs from position to position); jump: how far the field moves
from one output position to the next; first: where the field of position 0 begins, negative in the padding.
Where the whole input is seen, size is the input's (None: not known) and jump and first are None.
"""

Cost = namedtuple("Cost", "path layer given out field multiply_adds memory")
Cost.__doc__ = "One call of a layer; given, out: shapes; multiply_adds, memory (bytes): for one sample."


def costs(model):
    """One Cost for each call of a layer, nested ones opened, in the order in which they run."""
    flat, known, reaches = _shapes(model)
    rows = []
    for index, node in enumerate(flat.nodes):
        given, out = [known[n] for n in node.inputs], known[node.output]
        work, memory = facts.multiply_adds(node.layer, given, out), size_of(out, node.layer.dtype)
        field = _field(flat, known, reaches, index)
        rows.append(Cost(node.path, node.layer, given, out, field, work, memory))
    return rows


def receptive_field(model, layer=None, source=0, input_shapes=None):
    """The ReceptiveField of an output in the model's input number `source`; None where it sees nothing.

    layer: a layer, its name, its path "outer/inner" in nested ones, or the number of a call in the flat list;
    None: the model's (first) output. input_shapes: of all inputs, where the model leaves sizes open.
    """
    flat, known, reaches = _shapes(model, input_shapes)
    if layer is None:
        calls = [i for i, node in enumerate(flat.nodes) if node.output == flat.outputs[0]]
    elif isinstance(layer, int):
        calls = [layer]
    else:
        name = getattr(layer, "name", layer)
        paths = [node.path for node in flat.nodes]
        calls = [i for i, p in enumerate(paths) if f"/{p}".endswith(f"/{name}") or p.startswith(f"{name}/")]
        if not calls:
            raise ValueError(f"{model} has no layer {name!r}; it has: {', '.join(paths)}")
    return _field(flat, known, reaches, calls[-1], flat.inputs[source])


def _shapes(model, input_shapes=None):
    """(the flat list of nodes, {number of a tensor: its shape}, how each node sees its inputs)."""
    flat = flatten(model)
    known = shapes_in(flat, input_shapes or [t.shape for t in model.inputs])
    reaches = [facts.reach(n.layer, [known[i] for i in n.inputs], known[n.output]) for n in flat.nodes]
    return flat, known, reaches


def size_of(shape, dtype):
    """Bytes of one sample of this shape; None where a size is not known."""
    sizes = shape[1:]
    return None if None in sizes else prod(sizes) * (8 if dtype == "float64" else 4)


def _field(flat, known, reaches, index, source=None):
    """The ReceptiveField of a node's output in the input `source`, or the first that it depends on."""
    nodes = flat.nodes[: index + 1]
    needed, period = {nodes[-1].output}, 1
    for node in reversed(nodes):
        if node.output in needed:
            needed.update(node.inputs)
            larger = facts.enlargement(node.layer)
            period *= max(larger) if isinstance(larger, tuple) else larger
    sources = [n for n in flat.inputs if n in needed and source in (None, n)]
    if not sources:
        return None
    source, period = sources[0], min(period, LONGEST_PERIOD)
    rank = len(known[nodes[-1].output]) - 2
    boxes = [_seen(nodes, reaches, [(p, p)] * rank, source) for p in range(period + 1)]
    if any(box is facts.ALL for box in boxes):
        return ReceptiveField(tuple(known[source][1:-1]), None, None)
    if facts.UNUSED in boxes:
        return None
    axes = list(zip(*boxes, strict=True))
    return ReceptiveField(
        tuple(max(high - low + 1 for low, high in axis) for axis in axes),
        tuple(_whole(Fraction(axis[-1][0] - axis[0][0], period)) for axis in axes),
        tuple(axis[0][0] for axis in axes),
    )


def _whole(number):
    return int(number) if number.denominator == 1 else number


def _seen(nodes, reaches, box, source):
    """The positions (low, high) of each axis of input `source` that lie behind `box` in the last output."""
    boxes = {nodes[-1].output: box}
    for node, reach in zip(reversed(nodes), reversed(reaches[: len(nodes)]), strict=True):
        if node.output not in boxes:
            continue
        box = boxes.pop(node.output)
        for number, axes in zip(node.inputs, reach, strict=True):
            if axes is facts.UNUSED:
                continue
            if box is facts.ALL or axes is facts.ALL:
                boxes[number] = facts.ALL
            else:
                behind = [see(low, high) for see, (low, high) in zip(axes, box, strict=True)]
                boxes[number] = _union(boxes.get(number, behind), behind)
    return boxes.get(source, facts.UNUSED)


def _union(a, b):
    if a is facts.ALL:
        return a
    return [(min(p, r), max(q, s)) for (p, q), (r, s) in zip(a, b, strict=True)]
