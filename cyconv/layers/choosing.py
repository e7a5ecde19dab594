"""By which algorithm each convolution of a layer runs, what the others are thought to take and take.

The layer's own forward and backward are written down by a recorder, so whatever it does (a transposed
convolution runs an input gradient forwards) is what the report tells.
"""

import statistics
from contextlib import contextmanager

import numpy as np

from .. import graph
from ..backends import active
from ..recorder import Buffer, Recorder, Step, repeatable
from .tables import columns

NAMES = {
    "convolution": "convolution",
    "convolution_input_gradient": "input gradient",
    "convolution_kernel_gradient": "kernel gradient",
}
BATCH, REPEATS = 32, 7
LONGEST_NAIVE = 1e8  # multiply-adds: beyond, the textbook's loops are not waited for


def alone(layer, count):
    """A layer with so many inputs as a flat list of one node."""
    inputs = list(range(count))
    return graph.Flat(inputs, [graph.FlatNode(layer, inputs, count > 1, count, layer.name, 0)], [count])


def report(owner, flat, shapes, needs_dx, measure):
    """The text of `algorithm_report`. owner: the layer or model; shapes: of its inputs, batch included."""
    backend, table, taken, right = active(), [], [], []
    steps = convolutions(owner, flat, [_known(owner, shape) for shape in shapes], needs_dx)
    if not steps:
        return f"{owner}: no convolution, so no algorithm to choose"
    choices = [backend.choice(s.operation, s.operands, s.attributes) for s in steps]
    names = list(dict.fromkeys(name for choice in choices for name in choice.estimates))
    numeric = [*(f"{n} M" for n in names if n != "naive"), *(f"{n} us" for n in names if measure)]
    table.append(["layer", "phase", "operation", "shapes", *numeric, "runs", "why"])
    for step, choice in zip(steps, choices, strict=True):
        cells = [_millions(choice.estimates.get(name)) for name in names if name != "naive"]
        if measure:
            times = {name: seconds(backend, step, name, choice) for name in choice.estimates}
            cells += ["-" if times.get(name) is None else f"{1e6 * times[name]:.1f}" for name in names]
            right.append(times[choice.taken] == min(t for t in times.values() if t is not None))
        shown = " ".join("x".join(map(str, o.shape)) for o in step.operands if o is not None)
        table.append([step.layer, step.phase, NAMES[step.operation], shown, *cells, choice.taken, choice.why])
        taken.append(choice.taken)
    counts = ", ".join(f"{taken.count(name)} by {name}" for name in dict.fromkeys(taken))
    lines = columns(table, set(numeric))
    lines.append(f"{len(taken)} convolutions: {counts}; M: estimated time in millions of multiply-adds")
    if measure:
        lines.append(f"us: median of {REPEATS} runs (-: not measured); what runs was the fastest in "
                     f"{sum(right)} of {len(right)}")  # fmt: skip
    return "\n".join(lines)


def _known(owner, shape):
    """The shape with a number for the batch."""
    batch, *sizes = shape
    if None in sizes:
        raise ValueError(f"{owner}: algorithm_report needs all sizes of an input. Received: {tuple(shape)}")
    return (BATCH if batch is None else batch, *sizes)


def _millions(estimate):
    return "-" if estimate is None else f"{estimate / 1e6:.3f}"


def convolutions(owner, flat, shapes, needs_dx):
    """The recorded convolutions of a forward and a backward pass in training."""
    backend = active()
    ops = Recorder(backend, np.zeros(1, np.uint64))
    for variable in owner.weights:
        variable.on(backend)
    with _gradients(owner.trainable_weights):
        inputs = [Buffer(shape, owner.dtype) for shape in shapes]
        values, tape = graph.forward(ops, flat, inputs, True, needs_dx)
        gradients = {n: Buffer(values[n].shape, values[n].dtype) for n in flat.outputs}
        graph.backward(ops, tape, gradients)
    return [step for step in ops.steps if step.operation in NAMES]


@contextmanager
def _gradients(variables):
    """Within it every variable has a gradient, if only a buffer: outside of training there is none."""
    without = [v for v in variables if v.gradient is None]
    for variable in without:
        variable.gradient = Buffer(variable.shape, variable.value.dtype)
    try:
        yield
    finally:
        for variable in without:
            variable.gradient = None


def seconds(backend, step, algorithm, choice):
    """The median time of a recorded convolution by another algorithm; None where that would take too long."""
    if algorithm == "naive" and choice.estimates["direct"] > LONGEST_NAIVE:
        return None
    generator = np.random.default_rng(0)
    arrays = tuple(
        None if o is None else backend.asarray(generator.standard_normal(o.shape), o.dtype)
        for o in step.operands
    )
    attributes = dict(step.attributes)
    if algorithm != "definition":
        attributes["algorithm"] = algorithm
    size = backend.scratch(step.operation, arrays, attributes)
    scratch = Buffer((size,), np.uint8) if size else None
    program = repeatable(
        backend, [Step(step.operation, arrays, attributes, step.layer, step.phase, scratch)]
    )
    program.run()
    return statistics.median(sum(program.run_timed()) for _ in range(REPEATS))
