"""A model as a drawing of boxes and arrows, in SVG, without graphviz."""

from xml.sax.saxutils import escape

from .layered import layout

CHARACTER, LINE, PAD = 7.25, 17, 10  # of the monospaced 12-pixel font; lines; room around text
TITLE = 22  # the height of a frame's title
DOT = 8  # the place where a tensor enters or leaves a frame

# Light colours by what a layer does, in the order in which they are tried.
COLOURS = (
    (("Input",), "#F0F0F0"),
    (("Pool",), "#D5F0E5"),
    (("Conv",), "#D6E8F5"),
    (("Dense",), "#F9DFCF"),
    (("Norm",), "#F3E3EE"),
    (("Add", "Concat", "Subtract", "Multiply", "Maximum", "Minimum", "Average", "Dot"), "#FAEBC4"),
)


class SVG(str):
    """The text of a drawing; notebooks show it as a picture."""

    def _repr_svg_(self):
        return str(self)


def model_svg(model, style, rankdir="TB", expand_nested=False, splines="ortho"):
    """The drawing of a built model as SVG text.

    style: the Style that says what stands in a box; the other arguments as in `utils.plot_model`.
    """
    if rankdir not in ("TB", "LR"):
        raise ValueError(
            f'plot_model: `rankdir` is "TB" (downwards) or "LR" (to the right). Received: {rankdir!r}'
        )
    drawing = _Drawing(style, rankdir == "LR", expand_nested, splines == "ortho")
    graph = drawing.graph(model, [_text_box(style.of_input(t), "Input") for t in model.inputs], leaves=False)
    margin = 12
    width, height = graph.width + 2 * margin, graph.height + 2 * margin
    return SVG(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-margin} {-margin} {width:.0f} {height:.0f}" font-size="12" '
        'font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace">\n'
        f"<title>{escape(model.name)}</title>\n"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L8 4L0 8z" fill="#444"/></marker></defs>\n'
        f'<rect x="{-margin}" y="{-margin}" width="{width:.0f}" height="{height:.0f}" fill="white"/>\n'
        + "\n".join(graph.shapes)
        + "\n</svg>\n"
    )


class Style:
    """What is written in a box: Keras's `show_...` arguments."""

    def __init__(self, shapes, dtype, names, activations, trainable):
        self.shapes, self.dtype, self.names = shapes, dtype, names
        self.activations, self.trainable = activations, trainable

    def _title(self, layer):
        kind = type(layer).__name__
        return f"{layer.name} ({kind})" if self.names else kind

    def of_input(self, tensor):
        lines = [self._title(tensor.input_layer)]
        return lines + [str(tensor.shape)] * self.shapes + [tensor.dtype] * self.dtype

    def of_call(self, node, number, count):
        """The lines for call `number` of `count` of a layer."""
        layer, lines = node.layer, [self._title(node.layer)]
        if count > 1:
            lines.append(f"call {number} of {count}")
        activation = getattr(layer, "activation", None)
        if self.activations and activation is not None:
            lines.append(f"activation: {activation}")
        if self.shapes:
            given = ", ".join(str(tuple(t.shape)) for t in node.inputs)
            lines.append(f"{given} \u2192 {', '.join(str(tuple(t.shape)) for t in node.outputs)}")
        if self.dtype:
            lines.append(layer.dtype)
        if self.trainable and layer.weights:
            lines.append("trainable" if layer.trainable else "not trainable")
        return lines


class _Box:
    """A drawing from (0, 0) on; arrows enter and leave at the points `ins` and `outs`, where given."""

    def __init__(self, width, height, shapes, ins=None, outs=None):
        self.width, self.height, self.shapes, self.ins, self.outs = width, height, shapes, ins, outs


def _colour(kind):
    return next((c for words, c in COLOURS if any(w in kind for w in words)), "#F7F7F7")


def _text_box(lines, kind):
    width = CHARACTER * max(map(len, lines)) + 2 * PAD
    height = LINE * len(lines) + PAD
    shapes = [f'<rect width="{width:.1f}" height="{height}" rx="4" fill="{_colour(kind)}" stroke="#666"/>']
    for i, line in enumerate(lines):
        weight = ' font-weight="bold"' if i == 0 else ""
        y = PAD / 2 + LINE * (i + 0.75)
        at = f'x="{width / 2:.1f}" y="{y:.1f}" text-anchor="middle"'
        shapes.append(f"<text {at}{weight}>{escape(line)}</text>")
    return _Box(width, height, shapes)


def _dot():
    middle = [(DOT / 2, DOT / 2)]
    return _Box(DOT, DOT, [f'<circle cx="{DOT / 2}" cy="{DOT / 2}" r="3" fill="#444"/>'], middle, middle)


def _frame(inner, lines):
    """A box around the inside of a composite or nested model; dots show where tensors enter and leave."""
    title = "  ".join(lines)
    width = max(inner.width, CHARACTER * len(title)) + 2 * PAD
    height = inner.height + TITLE + PAD
    left = (width - inner.width) / 2
    shapes = [
        f'<rect width="{width:.1f}" height="{height:.1f}" rx="8" fill="#000" fill-opacity="0.03" '
        'stroke="#999" stroke-dasharray="5 3"/>',
        f'<text x="{PAD}" y="{TITLE - 7}" font-style="italic">{escape(title)}</text>',
        _moved(inner.shapes, left, TITLE),
    ]
    ins, outs = ([(x + left, y + TITLE) for x, y in points] for points in (inner.ins, inner.outs))
    return _Box(width, height, shapes, ins, outs)


def _moved(shapes, x, y):
    return f'<g transform="translate({x:.1f} {y:.1f})">' + "".join(shapes) + "</g>"


class _Drawing:
    """Draws a graph of layers, and inside a frame the graph of a layer that is opened."""

    def __init__(self, style, flipped, expand_nested, ortho):
        self.style, self.flipped, self.expand_nested, self.ortho = style, flipped, expand_nested, ortho

    def graph(self, model, entries, leaves):
        """The _Box of a model's inside. entries: a box for each input; leaves: whether outputs get a dot."""
        boxes, arrows, maker = list(entries), [], {}
        for i, tensor in enumerate(model.inputs):
            maker[id(tensor)] = (i, 0)
        calls = {}
        for node in model.nodes:
            calls.setdefault(id(node.layer), []).append(node)
        for node in model.nodes:
            same = calls[id(node.layer)]
            boxes.append(self._call(node, same.index(node) + 1, len(same)))
            arrows.extend((maker[id(t)], (len(boxes) - 1, i)) for i, t in enumerate(node.inputs))
            maker.update({id(t): (len(boxes) - 1, i) for i, t in enumerate(node.outputs)})
        ends = []
        for tensor in model.outputs if leaves else ():
            boxes.append(_dot())
            ends.append(len(boxes) - 1)
            arrows.append((maker[id(tensor)], (ends[-1], 0)))
        return self._placed(boxes, arrows, len(entries), ends)

    def _call(self, node, number, count):
        layer, lines = node.layer, self.style.of_call(node, number, count)
        if getattr(layer, "nodes", ()) and (self.expand_nested or layer.always_open):
            return _frame(self.graph(layer, [_dot() for _ in layer.inputs], leaves=True), lines)
        return _text_box(lines, type(layer).__name__)

    def _placed(self, boxes, arrows, entries, ends):
        sizes = [self._flip(box.width, box.height) for box in boxes]
        centres, spans, bends, total = layout(sizes, [(start, end) for (start, _), (end, _) in arrows])
        corners = []
        for (u, v), (across, along) in zip(centres, sizes, strict=True):
            corners.append(self._flip(u - across / 2, v - along / 2))
        shapes, entering = [], {}
        for arrow, way in zip(arrows, bends, strict=True):
            (start, out), (end, into) = arrow
            first = self._port(boxes[start].outs, corners[start], sizes[start], out, 1)
            points = [first, (first[0], spans[start][1])]
            for u, begin, stop in way:
                points += [(u, begin), (u, stop)]
            entering.setdefault(end, []).append((points, into))
        for end, group in entering.items():
            dots = boxes[end].ins
            lasts = [self._port(dots, corners[end], sizes[end], into, 0) for _, into in group]
            if not dots:
                across = _side_by_side([points[-1][0] for points, _ in group], lasts[0][0], sizes[end][0])
                lasts = [(u, v) for u, (_, v) in zip(across, lasts, strict=True)]
            for (points, _), last in zip(group, lasts, strict=True):
                shapes.append(self._arrow([*points, (last[0], spans[end][0]), last], head=not dots))
        shapes.extend(_moved(box.shapes, *corner) for box, corner in zip(boxes, corners, strict=True))
        width, height = self._flip(*total)
        middle = [self._flip(*centre) for centre in centres]
        return _Box(width, height, shapes, middle[:entries], [middle[end] for end in ends])

    def _flip(self, across, along):
        """(x, y) of (across, along), and back."""
        return (along, across) if self.flipped else (across, along)

    def _port(self, dots, corner, size, number, side):
        """(across, along) where an arrow leaves (side 1) or enters (0) a box: at a dot, or its middle."""
        if dots:
            return self._flip(corner[0] + dots[number][0], corner[1] + dots[number][1])
        u, v = self._flip(*corner)
        return u + size[0] / 2, v + side * size[1]

    def _arrow(self, points, head):
        """A path; between its points it runs straight in a rank and bends in the gap to the next, in turn."""
        path = "M" + self._at(*points[0])
        for i, ((u, v), (x, y)) in enumerate(zip(points, points[1:], strict=False)):
            a, b, end = self._at(u, (v + y) / 2), self._at(x, (v + y) / 2), self._at(x, y)
            if i % 2 == 0 or abs(u - x) < 0.05:
                path += f"L{end}" if abs(v - y) > 0.05 else ""  # an arrowhead needs a direction
            else:
                path += f"L{a}L{b}L{end}" if self.ortho else f"C{a} {b} {end}"
        marker = ' marker-end="url(#head)"' if head else ""
        return f'<path d="{path}" fill="none" stroke="#444"{marker}/>'

    def _at(self, across, along):
        x, y = self._flip(across, along)
        return f"{x:.1f} {y:.1f}"


def _side_by_side(wanted, centre, width, gap=14):
    """Where arrows that come from `wanted` enter a box: straight ahead if they can, never at one point."""
    if len(wanted) == 1 and abs(wanted[0] - centre) > width / 2 - gap:
        return [centre]
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    room = max(width / 2 - gap, gap * (len(wanted) - 1) / 2)
    places = [min(max(wanted[i], centre - room), centre + room) for i in order]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + gap)
    limit = centre + room
    for i in reversed(range(len(places))):
        places[i] = min(places[i], limit)
        limit = places[i] - gap
    return [places[order.index(i)] for i in range(len(wanted))]
