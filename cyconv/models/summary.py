"""The table of a model's layers, in Keras's form, with nothing cut short.

Residual and Skip are always opened, so that the way of every tensor can be read off the column "Connected
to"; models inside the model are opened on request.
"""

import io
import re
import shutil

from ..layers.core import InputLayer
from . import costs

# Where each column ends, as a share of the line: Keras's numbers.
LINEAR, BRANCHED = (0.45, 0.80, 1.0), (0.3, 0.56, 0.74, 1.0)
WITH_TRAINABLE = 0.9  # what is left of the line for the others when "Trainable" is shown

EXTRA = {"receptive_field": "Receptive Field", "macs": "MACs", "memory": "Memory"}


def print_summary(model, line_length=None, positions=None, print_fn=None, expand_nested=False,
                  show_trainable=False, layer_range=None, columns=()):  # fmt: skip
    """Prints name, output shape, parameters (and, where layers branch, what each is connected to)."""
    text = summary_text(model, line_length, positions, expand_nested, show_trainable, layer_range, columns)
    if print_fn is None:
        print(text)
    else:
        print_fn(text + "\n")


def summary_text(model, line_length, positions, expand_nested, show_trainable, layer_range, columns):
    """The whole summary as one string."""
    columns = (columns,) if isinstance(columns, str) else tuple(columns)
    for name in columns:
        if name not in EXTRA:
            raise ValueError(f"summary: there is no column {name!r}; there are: {', '.join(EXTRA)}")
    if columns and not model.built:
        raise ValueError(f"{model} is not built, so its layers' costs are not known; call model.build(...)")
    rows = list(_rows(model, _chosen(model, layer_range), expand_nested))
    branched = not all(is_linear(m) for m in [model, *(row.layer for row in rows if row.opened)])
    header = ["Layer (type)", "Output Shape", "Param #"] + ["Connected to"] * branched
    length = line_length or (108 if branched else 88) + 12 * show_trainable
    if line_length is None:
        length = min(length, shutil.get_terminal_size().columns - 4)
    ends = positions or (BRANCHED if branched else LINEAR)
    if show_trainable:
        header.append("Trainable")
        ends = positions or (*(WITH_TRAINABLE * end for end in ends), 1.0)
    if len(ends) != len(header):
        raise ValueError(f"summary: `positions` needs {len(header)} numbers, for {header}. Received: {ends}")
    priced = costs.costs(model) if columns else []
    table = [_cells(row, branched, show_trainable) + _prices(row, priced, columns) for row in rows]
    text = _drawn(header, [EXTRA[c] for c in columns], table, length, ends)
    return "\n".join([f'Model: "{model.name}"', text, *_totals(model), *_total_costs(priced, columns)])


def _chosen(model, layer_range):
    """The layers to show: all, or from the first that one pattern matches to the last of the other."""
    layers = model.layers
    if layer_range is None:
        return layers
    names = [layer.name for layer in layers]
    matching = [[i for i, name in enumerate(names) if re.match(end, name)] for end in layer_range]
    if len(matching) != 2 or not all(matching):
        raise ValueError(
            f"summary: `layer_range` is two names (or patterns) of layers, the first and the last to show. "
            f"Received: {layer_range!r}; there are: {', '.join(names)}"
        )
    first, last = sorted([min(matching[0]), max(matching[1])])
    return layers[first : last + 1]


class _Row:
    """A layer in the table: its calls, what they are connected to, how deep it lies, its path."""

    def __init__(self, layer, nodes, sources, depth, path, opened):
        self.layer, self.nodes, self.sources = layer, nodes, sources
        self.depth, self.path, self.opened = depth, path, opened


def _rows(model, layers, expand_nested, depth=0, prefix="", outside=None):
    """outside: {id(input tensor): what it is called in the model around}."""
    calls = {}
    for node in model.nodes:
        calls.setdefault(id(node.layer), []).append(node)

    def name_of(tensor):
        if id(tensor) in (outside or {}):
            return outside[id(tensor)]
        if tensor.node is None:
            return f"{tensor.input_layer.name}[0][0]"
        return f"{tensor.node.layer.name}[{calls[id(tensor.node.layer)].index(tensor.node)}][{tensor.index}]"

    for layer in layers:
        nodes = calls.get(id(layer), [])
        sources = [name_of(t) for node in nodes for t in node.inputs]
        opened = bool(getattr(layer, "nodes", ())) and (expand_nested or layer.always_open)
        yield _Row(layer, nodes, sources, depth, prefix + layer.name, opened)
        if opened:
            shown = any(isinstance(inner, InputLayer) for inner in layer.layers)
            names = {} if shown else dict(zip(map(id, layer.inputs), sources, strict=False))
            path = f"{prefix}{layer.name}/"
            yield from _rows(layer, layer.layers, expand_nested, depth + 1, path, names)


def _cells(row, branched, show_trainable):
    layer = row.layer
    name = f"{'   ' * row.depth}{'└ ' if row.depth else ''}{layer.name} ({type(layer).__name__})"
    if row.nodes:
        shapes = [str(t.shape) for t in row.nodes[0].outputs]
    else:
        shapes = [str(tuple(layer.output.shape)) if isinstance(layer, InputLayer) else "?"]
    shape = shapes[0] if len(shapes) == 1 else f"[{', '.join(shapes)}]"
    cells = [name, shape, f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"]
    if branched:
        cells.append(", ".join(row.sources) or "-")
    if show_trainable:
        cells.append(("Y" if layer.trainable else "N") if layer.weights else "-")
    return cells


def _prices(row, priced, columns):
    """The additional cells; of a composite or model, those of all that is inside."""
    inside = [c for c in priced if c.path == row.path or c.path.startswith(row.path + "/")]
    cells = {
        "receptive_field": _field(inside[-1].field) if inside else "-",
        "macs": _sum([c.multiply_adds for c in inside], "{:,}".format),
        "memory": _sum([c.memory for c in inside], _memory),
    }
    return [cells[name] for name in columns]


def _field(field):
    if field is None or not field.size:
        return "-"
    return "all" if field.jump is None else "x".join(map(str, field.size))


def _sum(numbers, shown):
    return "?" if None in numbers else shown(sum(numbers))


def _drawn(header, extra, rows, length, ends):
    """The box. A column is as wide as Keras makes it, or as its longest word, so that no word is cut."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    if ends[-1] <= 1:
        ends = [int(length * end) for end in ends]
    widths = [end - start - 3 for start, end in zip([0, *ends], ends, strict=False)]
    widths[-2] -= 1  # there is one border more than columns; Keras takes it from the last but one
    table = Table(box=box.HEAVY_HEAD, show_lines=True)
    titles = [*header, *extra]
    for i, (title, width) in enumerate(zip(titles, [*widths, *(0 for _ in extra)], strict=True)):
        fitted = _longest_word if i < len(header) else len
        longest = max(fitted(row[i]) for row in [titles, *rows])
        side = "center" if title == "Trainable" else "left" if title in header[:2] + header[3:] else "right"
        table.add_column(title, justify=side, width=max(width, longest))
    for row in rows:
        table.add_row(*row)
    file = io.StringIO()
    # In a notebook rich would show the table itself, and leave none for the text.
    console = Console(width=10_000, file=file, color_system=None, legacy_windows=False, markup=False,
                      emoji=False, highlight=False, force_jupyter=False)  # fmt: skip
    console.print(table, crop=False, overflow="ignore")
    return "\n".join(line.rstrip() for line in file.getvalue().rstrip().splitlines())


def _longest_word(text):
    """How wide a cell must be; the indentation of a nested name belongs to its first word."""
    indent = len(text) - len(text.lstrip(" └"))
    return max(len(word) + (indent if i == 0 else 0) for i, word in enumerate(text.lstrip(" └").split(" ")))


def is_linear(model):
    """Whether every layer takes exactly the output of the one before."""
    consumers = {}
    for node in model.nodes:
        if len(node.inputs) != 1 or len(node.outputs) != 1:
            return False
        key = id(node.inputs[0])
        consumers[key] = consumers.get(key, 0) + 1
    layers = [id(n.layer) for n in model.nodes]
    return max(consumers.values(), default=1) == 1 and len(set(layers)) == len(layers)


def _totals(model):
    """The lines under the table: counts and their size in memory."""
    trained = sum(v.size for v in model.trainable_weights)
    every, size = sum(v.size for v in model.weights), 4 if model.dtype == "float32" else 8
    optimizer = 0
    if model.optimizer is not None and model.optimizer.arena is not None:
        optimizer = sum(int(v.size) for v in model.optimizer.variables)
    lines = [
        f" Total params: {every + optimizer:,} ({_memory(size * (every + optimizer))})",
        f" Trainable params: {trained:,} ({_memory(size * trained)})",
        f" Non-trainable params: {every - trained:,} ({_memory(size * (every - trained))})",
    ]
    if optimizer:
        lines.append(f" Optimizer params: {optimizer:,} ({_memory(size * optimizer)})")
    return lines


def _total_costs(priced, columns):
    lines = []
    if "macs" in columns:
        lines.append(f" Multiply-adds: {_sum([c.multiply_adds for c in priced], '{:,}'.format)} a sample")
    if "memory" in columns:
        lines.append(f" Memory of all outputs: {_sum([c.memory for c in priced], _memory)} a sample")
    return lines


def _memory(count):
    """Bytes as Keras prints them: 80.00 B, 55.57 KB."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            return f"{count:.2f} {unit}"
        count /= 1024
    return None
