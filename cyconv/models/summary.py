"""The table of a model's layers, in Keras's form; columns as wide as their content, so nothing is cut."""

import io
import shutil


def print_summary(model, line_length=None, print_fn=None, expand_nested=False, show_trainable=False,
                  layer_range=None):  # fmt: skip
    """Prints name, output shape, parameters (and, where layers branch, what each is connected to)."""
    if not model.built:
        raise ValueError(
            f"{model} is not built: its input's shape is not known yet. Start it with Input(...), or call "
            "model.build(input_shape), or fit it"
        )
    text = _table(model, line_length, expand_nested, show_trainable, layer_range)
    if print_fn is None:
        print(text)
    else:
        for line in text.splitlines():
            print_fn(line)


def _table(model, line_length, expand_nested, show_trainable, layer_range):
    from rich import box
    from rich.console import Console
    from rich.table import Table

    linear = is_linear(model)
    columns = ["Layer (type)", "Output Shape", "Param #"]
    if not linear:
        columns.append("Connected to")
    if show_trainable:
        columns.append("Trainable")
    table = Table(box=box.HEAVY_HEAD, show_lines=True)
    for title in columns:
        table.add_column(title, justify="right" if title == "Param #" else "left", no_wrap=True)
    for row in _rows(model, linear, expand_nested, show_trainable, _chosen(model, layer_range)):
        table.add_row(*row)
    width = line_length or max(shutil.get_terminal_size((92, 24)).columns - 4, 88)
    console = Console(width=10_000, file=io.StringIO(), color_system=None, legacy_windows=False)
    needed = console.measure(table).maximum
    table.width = max(width, needed) if line_length else max(min(width, 108 if not linear else 88), needed)
    console.print(table, crop=False, overflow="ignore")
    lines = console.file.getvalue().rstrip().splitlines()
    return "\n".join([f'Model: "{model.name}"', *[line.rstrip() for line in lines], *_totals(model)])


def _chosen(model, layer_range):
    """The layers to show: all, or from one name to another."""
    layers = model.layers
    if layer_range is None:
        return layers
    names = [layer.name for layer in layers]
    for end in layer_range:
        if end not in names:
            raise ValueError(f"layer_range: there is no layer {end!r}; there are: {', '.join(names)}")
    first, last = sorted(names.index(end) for end in layer_range)
    return layers[first : last + 1]


def _rows(model, linear, expand_nested, show_trainable, layers, indent=""):
    calls = {}
    for node in model.nodes:
        calls.setdefault(id(node.layer), []).append(node)
    for layer in layers:
        nodes = calls.get(id(layer), [])
        shape = nodes[0].outputs[0].shape if nodes else layer.output.shape
        if len(nodes) and len(nodes[0].outputs) > 1:
            shown = "[" + ", ".join(str(t.shape) for t in nodes[0].outputs) + "]"
        else:
            shown = str(tuple(shape))
        row = [f"{indent}{layer.name} ({type(layer).__name__})", shown, f"{layer.count_params():,}"]
        if not linear:
            row.append("\n".join(_source(t) for node in nodes for t in node.inputs) or "-")
        if show_trainable:
            row.append("Y" if layer.trainable_weights else ("N" if layer.weights else "-"))
        yield row
        if expand_nested and hasattr(layer, "nodes"):
            yield from _rows(layer, linear, True, show_trainable, layer.layers, indent + "    ")


def _source(tensor):
    if tensor.node is None:
        return f"{tensor.input_layer.name}[0][0]"
    return f"{tensor.node.layer.name}[0][{tensor.index}]"


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
    every, size = model.count_params(), 4 if model.dtype == "float32" else 8
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


def _memory(count):
    """Bytes as Keras prints them: 80.00 B, 55.57 KB."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            return f"{count:.2f} {unit}"
        count /= 1024
    return None
