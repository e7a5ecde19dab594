"""Which inputs which outputs are connected to: figures 9.2 to 9.5 of Goodfellow, Bengio, Courville (2016)."""

import numpy as np

from . import _style

MOST = 40  # circles in a row that can still be told apart


def connections(*stacks, output=None, input=None, weight=None):
    """Layers as circles and lines, inputs below, outputs above: sparse beside dense connections.

        conv, dense = layers.Conv1D(1, 3, padding="same"), layers.Dense(5)
        conv.build((None, 5, 1)), dense.build((None, 5))
        visualize.connections(conv, dense, output=2)          # what output 2 sees (figure 9.3)
        visualize.connections([conv, conv, conv], output=2)   # how that grows with depth (figure 9.4)
        visualize.connections(conv, dense, weight=1)          # where one weight is used (figure 9.5)

    Arguments:
        stacks: layers that `layer.connections()` knows (built, with known sizes), or lists of them, the first
            the lowest; each stack gets a panel.
        output: marks one output of the last layer and all that it depends on.
        input: marks one input and all that depends on it.
        weight: marks the lines that carry this number of each layer's kernel.
    Returns: the matplotlib figure.
    Errors: ValueError for no layer, a stack whose sizes do not follow each other, or more than 40 circles;
    TypeError for what is no layer.
    """
    if not stacks:
        raise ValueError("connections draws layers: give at least one")
    with _style.look() as plt:
        stacks = [_edges(stack) for stack in stacks]
        heights = [0.9 * len(rows) + 0.2 for _, rows, _ in stacks]
        widest = max(max(rows) for _, rows, _ in stacks)
        figure, axes = plt.subplots(
            len(stacks), 1, figsize=(max(4.5, 0.55 * widest + 1.5), sum(heights) + 0.5 * len(stacks) + 0.4),
            squeeze=False, layout="constrained", height_ratios=heights)  # fmt: skip
        for axis, (names, rows, edges) in zip(axes[:, 0], stacks):
            _draw(axis, rows, edges, _marked(rows, edges, output, input), weight)
            lines, most = sum(len(e.outputs) for e in edges), sum(e.shape[0] * e.shape[1] for e in edges)
            axis.set_title(f"{', '.join(names)}: {lines} of {most} possible connections")
        marks = {"output": output, "input": input, "weight": weight}
        said = [f"{name} {number}" for name, number in marks.items() if number is not None]
        what = {"output": "what it depends on", "input": "what depends on it", "weight": "where it is used"}
        first = next((name for name, number in marks.items() if number is not None), None)
        dark = f"Dark: {' and '.join(said)}, and {what[first]}" if first else ""
        figure.suptitle(dark or "Outputs above, inputs below")
        return figure


def _edges(stack):
    """(names, sizes of the rows of circles, Connections) of a layer or a list of layers."""
    stack = stack if isinstance(stack, (list, tuple)) else [stack]
    strangers = [layer for layer in stack if not hasattr(layer, "connections")]
    if strangers or not stack:
        raise TypeError(f"connections draws layers, or lists of them. Received: {(strangers or [[]])[0]!r}")
    edges = [layer.connections() for layer in stack]
    rows = [edges[0].shape[1]]
    for layer, e in zip(stack, edges):
        if e.shape[1] != rows[-1]:
            raise ValueError(f"{layer} takes {e.shape[1]} inputs, but there are {rows[-1]} below it")
        rows.append(e.shape[0])
    if max(rows) > MOST:
        raise ValueError(f"{max(rows)} circles in a row cannot be told apart; build for {MOST} at most")
    return [type(layer).__name__ for layer in stack], rows, edges


def _marked(rows, edges, output, input):
    """For each row of circles the set of marked ones; None where nothing is asked."""
    marked = [set() for _ in rows]
    for number, size, what in ((output, rows[-1], "output"), (input, rows[0], "input")):
        if number is not None and not 0 <= number < size:
            raise ValueError(f"`{what}` is the number of one of the {size} circles. Received: {number}")
    if output is not None:
        marked[-1].add(output)
        for level in reversed(range(len(edges))):
            e = edges[level]
            marked[level] |= {int(i) for o, i in zip(e.outputs, e.inputs) if o in marked[level + 1]}
    if input is not None:
        reached = {input}
        marked[0].add(input)
        for level, e in enumerate(edges):
            reached = {int(o) for o, i in zip(e.outputs, e.inputs) if i in reached}
            marked[level + 1] |= reached
    return marked


def _draw(axis, rows, edges, marked, weight):
    """The circles of each row, centred, and the lines between the rows."""
    at = [np.arange(n) - (n - 1) / 2 for n in rows]
    for level, e in enumerate(edges):
        for o, i, w in zip(e.outputs, e.inputs, e.weights):
            bold = w == weight if weight is not None else o in marked[level + 1] and i in marked[level]
            axis.plot([at[level][i], at[level + 1][o]], [level, level + 1], zorder=2 if bold else 1,
                      color=_style.BLUE if bold else "#BBBBBB", lw=2 if bold else 0.8)  # fmt: skip
    for level, x in enumerate(at):
        letter = "x" if level == 0 else "y" if level == len(rows) - 1 else "h"
        for i, place in enumerate(x):
            dark = i in marked[level]
            axis.plot(place, level, "o", markersize=21, color=_style.BLUE if dark else "white",
                      markeredgecolor="black", markeredgewidth=0.8, zorder=3)  # fmt: skip
            axis.text(place, level, f"${letter}_{{{i}}}$", ha="center", va="center_baseline", zorder=4,
                      color="white" if dark else "black")  # fmt: skip
    axis.set_axis_off()
    axis.set(xlim=(-max(rows) / 2 - 0.2, max(rows) / 2 + 0.2), ylim=(-0.3, len(rows) - 0.7))


def receptive_field(model, image, layers=None, at=None):
    """What one output of a layer sees of the image: a frame for each layer, drawn around one pixel.

    What lies outside the image is padding. The text says the size, and how far the frame moves from one
    output to the next.

    Arguments:
        model: a built model of images.
        image: (height, width[, 1 or 3]).
        layers: paths or layers; by default the model's convolutions and pooling, four of them at most.
        at: (row, column) of the pixel; by default the middle. Frames are those of the outputs nearest to it.
    Returns: the matplotlib figure.
    Errors: ValueError for a pixel outside, or an unknown layer.
    """
    image = np.asarray(image)
    height, width = image.shape[:2]
    at = (height // 2, width // 2) if at is None else tuple(at)
    if len(at) != 2 or not all(0 <= p < n for p, n in zip(at, (height, width))):
        raise ValueError(f"`at` is the (row, column) of a pixel of {height} x {width}. Received: {at!r}")
    layers = _windowed(model) if layers is None else list(layers)
    with _style.look() as plt:
        tall = min(max(5 * height / width, 2.0), 8) + 0.5
        figure, axis = plt.subplots(figsize=(8, tall), layout="constrained")
        _style.picture(axis, image)
        axis.set(xticks=[], yticks=[])
        low, high = [0, 0], [height, width]
        for k, layer in enumerate(layers):
            field = model.receptive_field(layer)
            name = layer if isinstance(layer, str) else layer.name
            if field is None or len(field.size) != 2:
                raise ValueError(f"`layers`: {name!r} has no field in an image: {field}")
            if field.jump is None:
                top, size, moves = (0, 0), (height, width), "the whole image"
            else:
                top, size = _nearest(field, at), field.size
                moves = f"{size[0]} x {size[1]}, moves by {' x '.join(map(str, field.jump))}"
            colour, stroke = (kind[k % len(kind)] for kind in (_style.SERIES, _style.STROKES))
            corner = (top[1] - 0.5, top[0] - 0.5)
            axis.add_patch(_style.outline(plt, corner, size[1], size[0], color=colour, ls=stroke,
                                          label=f"{name}: {moves}"))  # fmt: skip
            low = [min(a, b) for a, b in zip(low, top)]
            high = [max(a, b + c) for a, b, c in zip(high, top, size)]
        axis.plot(at[1], at[0], "+", color=_style.VERMILION, markersize=9, label=f"pixel {at}")
        axis.set(xlim=(low[1] - 1, high[1]), ylim=(high[0], low[0] - 1))
        figure.legend(loc="outside right center", handlelength=3)
        for spine in axis.spines.values():
            spine.set_visible(False)
        figure.suptitle("What one output of each layer sees of the image")
        return figure


def _windowed(model):
    """The names of convolutions and pooling layers: all where they are few, else four over the depth."""
    names = [layer.name for layer in model.layers
             if any(word in type(layer).__name__ for word in ("Conv", "Pooling"))]  # fmt: skip
    if len(names) <= 4:
        return names
    return [names[i] for i in np.linspace(0, len(names) - 1, 4).round().astype(int)]


def _nearest(field, at):
    """The first row and column of the field whose middle is nearest to a pixel."""
    corners = []
    for pixel, size, jump, first in zip(at, field.size, field.jump, field.first):
        number = max(round((pixel - first - (size - 1) / 2) / jump), 0)
        corners.append(float(first + number * jump))
    return tuple(corners)
