"""A network as blocks: the taller the larger its images, the wider the more channels."""

from math import log2, prod

from .. import graph
from . import _style
from .model_svg import COLOURS

LETTER, TEXT, GAP = 4.3, 10, 4  # points of a letter of 7.5 points, a line of text, between text and block
BETWEEN, LANE, ARC, MARGIN = 24, 16, 11, 14  # points between blocks, lanes, arcs, around the whole
INK = "#444444"
SHORT = {"BatchNormalization": "BatchNorm", "Concatenate": "Concat"}


class Block:
    """What a tensor goes through in one place of the drawing: layers of one number of channels in a row."""

    def __init__(self, kind, shape):
        self.kinds, self.shape = [kind], shape

    @property
    def box(self):
        """(width, height) in points."""
        *spatial, channels = self.shape[1:]
        if not spatial:
            return 12, 12 + 8 * log2(1 + (channels or 1))
        known = [n for n in spatial if n]
        return 6 + 5 * log2(1 + (channels or 1)), 14 + 14 * log2(max(known)) if known else 90

    @property
    def label(self):
        return " x ".join("?" if n is None else str(n) for n in self.shape[1:])

    @property
    def lines(self):
        """The kinds of layers; those in a row are counted."""
        lines = []
        for kind in self.kinds:
            if lines and lines[-1][0] == kind:
                lines[-1][1] += 1
            else:
                lines.append([kind, 1])
        return [kind if count == 1 else f"{count} x {kind}" for kind, count in lines]

    @property
    def width(self):
        return max(self.box[0], LETTER * max(map(len, [self.label, *self.lines])))


def blocks(model):
    """(Blocks, arrows as pairs of their numbers). A layer joins the block before it where channels stay and
    sizes nearly so: activations, normalisation, convolutions of the same width.
    """
    flat = graph.flatten(model)
    shapes = graph.shapes_in(flat, [t.shape for t in model.inputs])
    uses, place, found, arrows = {}, {}, [], []
    for number in (n for node in flat.nodes for n in node.inputs):
        uses[number] = uses.get(number, 0) + 1
    for number in flat.inputs:
        place[number] = len(found)
        found.append(Block("input", shapes[number]))
    for node in flat.nodes:
        first, shape = node.inputs[0], shapes[node.output]
        alone = len(node.inputs) == 1 and uses[first] == 1 and first not in (*flat.outputs, *flat.inputs)
        if alone and _keeps(node.layer) and _nearly(shapes[first], shape):
            block = found[place[first]]
            block.kinds.append(_kind(node.layer))
            block.shape, place[node.output] = shape, place[first]
            continue
        place[node.output] = len(found)
        arrows.extend((place[n], len(found)) for n in dict.fromkeys(node.inputs))
        found.append(Block(_kind(node.layer), shape))
    return found, arrows


def _keeps(layer):
    """Whether a layer takes no steps: sizes that are not known say nothing of it."""
    return set(getattr(layer, "strides", (1,))) == {1} and not hasattr(layer, "interpolation")


def _nearly(before, after):
    """Whether channels and number of axes stay, and no size changes by a quarter."""
    if len(before) != len(after) or before[-1] != after[-1]:
        return False
    return all(n == m or None not in (n, m) and abs(n - m) < n / 4 for n, m in zip(before[1:-1], after[1:-1]))


def _kind(layer):
    name, activation = type(layer).__name__, getattr(layer, "activation", None)
    if hasattr(layer, "kernel_size"):
        return f"{name} {'x'.join(map(str, layer.kernel_size))}"
    if name == "Activation":
        return str(getattr(activation, "__name__", activation))
    return SHORT.get(name, name)


def placed(found, arrows):
    """(column, lane) of each block: column by the longest way to it, lane 0 where most layers are.

    A block of another lane has that lane for itself from the column after its sources to that before its
    targets: there its arrows run.
    """
    into, out_of = {}, {}
    for start, end in arrows:
        into.setdefault(end, []).append(start)
        out_of.setdefault(start, []).append(end)
    columns, layers, before = [], [], []
    for number, block in enumerate(found):  # each after those it needs
        sources = into.get(number, [])
        columns.append(max((columns[s] + 1 for s in sources), default=0))
        best = max(sources, key=lambda s: layers[s], default=None)
        layers.append(len(block.kinds) + (layers[best] if best is not None else 0))
        before.append(best)
    lanes, number = [None] * len(found), len(found) - 1
    while number is not None:
        lanes[number], number = 0, before[number]
    taken = set()
    for number, lane in enumerate(lanes):
        if lane is None:
            first = min((columns[n] + 1 for n in into.get(number, [])), default=columns[number])
            last = max((columns[n] - 1 for n in out_of.get(number, [])), default=columns[number])
            free = (k for k in range(1, len(found) + 1)
                    if not any((c, k) in taken for c in range(first, last + 1)))  # fmt: skip
            lanes[number] = next(free)
            taken |= {(c, lanes[number]) for c in range(first, last + 1)}
    return columns, lanes


def arcs(arrows, columns, lanes):
    """{arrow: level} of those that pass over blocks of the main lane: the wider, the higher."""
    occupied = {columns[n] for n, lane in enumerate(lanes) if lane == 0}
    long = [(s, e) for s, e in arrows if lanes[s] == lanes[e] == 0
            and any(c in occupied for c in range(columns[s] + 1, columns[e]))]  # fmt: skip
    levels = {}
    for s, e in sorted(long, key=lambda a: columns[a[1]] - columns[a[0]]):
        below = [k for (t, f), k in levels.items() if columns[t] < columns[e] and columns[f] > columns[s]]
        levels[s, e] = max(below, default=-1) + 1
    return levels


def architecture(model):
    """A model as blocks from left to right, each with the shape of its output above and its layers below.

    Height stands for the size of the images (log2), width for the channels (log2). The way with the most
    layers lies straight; what skips it runs above, other branches below. Nested models, Residual and Skip are
    opened.

    Arguments: a built model. `utils.plot_model` draws every layer by itself, as SVG.
    Returns: the matplotlib figure.
    Errors: ValueError for a model that is not built.
    """
    if not model.built:
        raise ValueError(f"{model} is not built: its input's shape is not known yet; call model.build(...)")
    found, arrows = blocks(model)
    columns, lanes = placed(found, arrows)
    levels = arcs(arrows, columns, lanes)
    widths = [max(b.width for b, c in zip(found, columns) if c == k) for k in range(max(columns) + 1)]
    middles = [sum(widths[:k]) + widths[k] / 2 + BETWEEN * k for k in range(len(widths))]
    arc = ARC * (max(levels.values(), default=-1) + 1)
    y, tops = arc + MARGIN + 24, []
    for lane in range(max(lanes) + 1):  # the middle of each lane, from the top down
        members = [b for b, k in zip(found, lanes) if k == lane]
        tops.append(y)
        y += max(b.box[1] for b in members) + TEXT * (1 + max(len(b.lines) for b in members)) + 2 * GAP + LANE
    centres = [tops[k] + TEXT + GAP + max(b.box[1] for b, m in zip(found, lanes) if m == k) / 2
               for k in range(len(tops))]  # fmt: skip
    at = [(middles[c], centres[k]) for c, k in zip(columns, lanes)]
    parameters = sum(prod(v.shape) for v in model.weights)
    title = f"{model.name}: {parameters:,} parameters. Height: size of the image; width: channels (both log2)"
    right = max(middles[-1] + widths[-1] / 2, LETTER * 1.25 * len(title))
    with _style.look() as plt:
        figure = plt.figure(figsize=((right + 2 * MARGIN) / 72, y / 72))
        axis = figure.add_axes((0, 0, 1, 1))
        axis.set(xlim=(-MARGIN, right + MARGIN), ylim=(y, 0))
        axis.set_axis_off()
        axis.text(0, MARGIN, title, size=9, va="center")
        for block, (x, middle) in zip(found, at):
            _draw(axis, plt, block, x, middle)
        edges = [(m - w / 2, m + w / 2) for m, w in zip(middles, widths)]  # of each column
        for s, e in arrows:
            if (s, e) in levels:
                points = _over(found, at, s, e, tops[0] - 3 - ARC * (levels[s, e] + 0.5))
            else:
                points = _beside(found, at, s, e, edges[columns[s]][1], edges[columns[e]][0])
            axis.plot(*zip(*points[:-1]), color=INK, lw=0.9, zorder=2)
            style = {"arrowstyle": "-|>", "color": INK, "lw": 0.9, "shrinkA": 0, "shrinkB": 0}
            axis.annotate("", points[-1], points[-2], zorder=2, arrowprops=style)
        return figure


def _draw(axis, plt, block, x, y):
    width, height = block.box
    colour = next((c for words, c in COLOURS if any(w in block.kinds[0] for w in words)), "#F7F7F7")
    axis.add_patch(plt.Rectangle((x - width / 2, y - height / 2), width, height, ec=INK, fc=colour, lw=0.8,
                                 zorder=3))  # fmt: skip
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    axis.text(x, y - height / 2 - GAP, block.label, ha="center", va="bottom", size=7.5, weight="bold",
              zorder=4, bbox=behind)  # fmt: skip
    axis.text(x, y + height / 2 + GAP, "\n".join(block.lines), ha="center", va="top", size=7.5, zorder=4,
              linespacing=1.15)  # fmt: skip


def _beside(found, at, start, end, leave, enter):
    """To the right into another block; lanes are changed between two columns, where no text stands."""
    (x, y), (u, v) = at[start], at[end]
    x, u = x + found[start].box[0] / 2, u - found[end].box[0] / 2
    if y == v:
        return [(x, y), (u, v)]
    if y < v:  # down: at once
        return [(x, y), (leave, y), (leave + BETWEEN, v), (u, v)]
    return [(x, y), (enter - BETWEEN, y), (enter, v), (u, v)]


def _over(found, at, start, end, above):
    """Up, over the blocks between, and down."""
    (x, y), (u, v) = at[start], at[end]
    leave, enter = x + found[start].width / 2 + 6, u - found[end].width / 2 - 6
    return [(x + found[start].box[0] / 2, y - 8), (leave, y - 8), (leave, above), (enter, above),
            (enter, v - 8), (u - found[end].box[0] / 2, v - 8)]  # fmt: skip
