"""What a recorded step consists of, and where its time goes."""

import statistics
from math import prod

import numpy as np

from ..layers.tables import columns
from .sources import positive


def recorded_step(model, batch_size, mode):
    """The recorded step for batches of zeros; labels as the compiled losses want them."""
    if mode not in ("train", "test", "predict"):
        raise ValueError(f'`mode` is "train", "test" or "predict". Received: {mode!r}')
    batch_size, shapes, targets = positive(batch_size, "batch_size"), batch_shapes(model, batch_size), []
    if mode != "predict":
        model._need_compiled()
        for loss, shape in zip(model.compiled.losses, model.output_shapes_list, strict=True):
            dtype = loss and loss.target_dtype(model.dtype)
            label = loss and loss.target_shape(shape)[1:]
            targets.append(None if loss is None else ((batch_size, *label), str(dtype)))
    weights = (None,) * len(targets)
    if mode != "predict":
        labels = [None if t is None else t[0] for t in targets]
        model.compiled.choose_metrics(labels, model.output_shapes_list)
    return model.executor.step(mode, tuple(shapes), tuple(targets), weights)


def batch_shapes(model, batch_size):
    """The shapes of the model's inputs for a batch; ValueError where a size is not known."""
    batch_size = positive(batch_size, "batch_size")
    for tensor in model.inputs:
        if None in tensor.shape[1:]:
            raise ValueError(
                f"{model}: input {tensor.name!r} has sizes that vary ({tensor.shape}); fit or predict first"
            )
    return [(batch_size, *tensor.shape[1:]) for tensor in model.inputs]


def operations(step):
    """Floating-point operations of a step: two for a multiply-add; one an element elsewhere."""
    a, name = step.operands, step.operation
    if name == "python":
        return 0
    if name.startswith("convolution"):
        kernel, dy = (a[2], a[1]) if name.endswith("kernel_gradient") else (a[1], a[0])
        out = (a[4] if name == "convolution" else dy).shape
        pixels = prod(out[:-1]) * (4 if step.attributes.get("pool") else 1)
        return 2 * pixels * prod(kernel.shape)
    if name == "matmul":
        inner = a[0].shape[0] if step.attributes["transpose_a"] else a[0].shape[1]
        return 2 * prod(a[3].shape) * inner
    if name == "map":
        formula = step.attributes["formula"]
        work = sum(i[0] not in ("input", "constant") for i in formula.instructions)
        return work * prod(a[-1].shape)
    if name == "copy":
        return 0
    if "pool" in name:
        sides = a[0].shape, (a[1] if name == "max_pool" else a[-1]).shape
        return min(prod(s) for s in sides) * prod(step.attributes["window"])
    return prod(max((o.shape for o in a if o is not None), key=prod))


def touched(step):
    """Bytes of all operands: what a step reads or writes at least once."""
    return sum(o.nbytes for o in step.operands if o is not None)


def rows(recorded):
    """One row of text an operation."""
    for i, step in enumerate(recorded.steps):
        shapes = " ".join("x".join(map(str, o.shape)) for o in step.operands if o is not None)
        algorithm = recorded.backend.algorithm(step.operation, step.operands, step.attributes) or ""
        yield [str(i), step.phase, step.layer, step.operation, algorithm, shapes,
               f"{operations(step) / 1e6:.3f}", f"{touched(step) / 1e3:.1f}"]  # fmt: skip


HEADER = ["#", "phase", "layer", "operation", "algorithm", "shapes", "MFLOP", "kB"]


def print_plan(model, batch_size, mode, print_fn):
    """Prints the list."""
    recorded = recorded_step(model, batch_size, mode)
    _print([HEADER, *rows(recorded)], print_fn)
    total = sum(map(operations, recorded.steps))
    print_fn(
        f"{len(recorded.steps)} operations, {total / 1e6:.1f} MFLOP, {recorded.arena_bytes / 1e6:.2f} MB of "
        f"buffers (placed by lifetime), {recorded.program.stretches} call(s) from Python a step, "
        f"backend {recorded.backend.name}"
    )


def print_profile(model, batch_size, mode, repeats, print_fn):
    """Prints the list with times; returns [(layer, operation, seconds)]."""
    recorded = recorded_step(model, batch_size, mode)
    kept, state = model.get_weights(), model.executor.random_state.copy()
    slots = model.optimizer.state() if mode == "train" else None
    fed = [a for a in (*recorded.inputs, *recorded.targets, *recorded.weights) if a is not None]
    zeros = [(a, np.zeros(a.shape, a.dtype)) for a in fed]
    try:
        recorded.program.load(zeros, np.arange(len(zeros[0][1])), {})
        recorded.program.run()
        runs = [recorded.program.run_timed() for _ in range(positive(repeats, "repeats"))]
    finally:
        model.set_weights(kept)
        model.executor.random_state[...] = state
        if slots:
            model.optimizer.load_state(slots)
    seconds = [statistics.median(times) for times in zip(*runs, strict=True)]
    total = sum(seconds) or 1.0
    table = [[*HEADER[:4], "shapes", "us", "%", "GFLOP/s", "GB/s"]]
    for row, step, taken in zip(rows(recorded), recorded.steps, seconds, strict=True):
        each = max(taken, 1e-9)
        table.append([*row[:4], row[5], f"{taken * 1e6:.1f}", f"{100 * taken / total:.1f}",
                      f"{operations(step) / each / 1e9:.1f}",
                      f"{touched(step) / each / 1e9:.1f}"])  # fmt: skip
    _print(table, print_fn)
    print_fn(f"sum of the medians of {repeats} runs: {total * 1e3:.3f} ms, backend {recorded.backend.name}")
    return [(s.layer, s.operation, t) for s, t in zip(recorded.steps, seconds, strict=True)]


def _print(table, print_fn):
    for text in columns(table, {"#", "MFLOP", "kB", "us", "%", "GFLOP/s", "GB/s"}):
        print_fn(text)


