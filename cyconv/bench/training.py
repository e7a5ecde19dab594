"""`cyconv bench training`: a training step (forward, backward, Adam) beside PyTorch's, on the five reference
networks.

First the answers: from the same weights the losses of three steps must agree, and all gradients of the first
with PyTorch's in double precision; only then the times, the frameworks in turn, step by step. Ratios are the
result, medians over the turns: machines differ and are noisy. Without PyTorch cyconv alone is timed.
"""

import numpy as np

import cyconv as keras

from ..models.plans import recorded_step
from . import machine, peers
from .nets import NETS, data
from .timing import cell, heads, interleaved, mean_line, ratio_to_the_fastest, row

# In float32 some relus' inputs round to the other side of 0, each of which moves a gradient by a thousandth:
# PyTorch's own of the unet are up to 1e-2 from those in double precision.
GRADIENTS_MAY_DIFFER, LOSSES_MAY_DIFFER = 2e-2, 2e-3
SEED = 0  # of the weights: which relus flip differs from weights to weights, and with them the distances


def cyconv_step(model, x, y, classes):
    """A function that does one step on arrays loaded before, and returns the loss; the recorded step."""
    loss = keras.losses.SparseCategoricalCrossentropy if classes else keras.losses.BinaryCrossentropy
    model.compile(keras.optimizers.Adam(0.001), loss(from_logits=True))
    recorded = recorded_step(model, len(x), "train")
    rows = np.arange(len(x))
    recorded.program.load([(recorded.inputs[0], x), (recorded.targets[0], y)], rows, {})

    def step():
        model.executor.run(recorded, training=True)
        return float(recorded.loss[0])

    return step, recorded


def check(name, builder, x, y, classes):
    """Three steps from the same weights, dropout off: the losses must agree, and the first step's gradients.
    Returns the losses' largest relative difference, and the largest distance of a gradient from PyTorch's in
    double precision: cyconv's and float32 PyTorch's. Its unit is the gradient's norm, or a thousandth of the
    largest where that is more: a bias before a batch norm has no gradient but rounding errors."""
    from .torch_peer import gradients, torch_step

    keras.utils.set_random_seed(SEED)
    model = builder(dropout=0.0) if name == "mnist" else builder()
    peer, weighted = torch_step(model, x, y, classes, "eager")
    exact_step, weighted_exact = torch_step(model, x, y, classes, "double")
    step, _ = cyconv_step(model, x, y, classes)
    ours, theirs, _ = [step()], [peer()], exact_step()
    found, exact = list(gradients(weighted)), [right for _, _, right in gradients(weighted_exact)]
    norms = [np.linalg.norm(right) for right in exact]
    distances = []
    for (path, *both), right, norm in zip(found, exact, norms, strict=True):
        unit = max(norm, 1e-3 * max(norms))
        distances.append([float(np.linalg.norm(g - right) / unit) for g in both])
        if not distances[-1][0] < GRADIENTS_MAY_DIFFER:
            raise SystemExit(f"{name}: no time is given, {path}'s gradient is off by {distances[-1][0]:.2g}")
    for _ in range(2):
        ours.append(step())
        theirs.append(peer())
    if not np.allclose(ours, theirs, rtol=LOSSES_MAY_DIFFER):
        raise SystemExit(f"{name}: no time is given, losses differ: cyconv {ours}, PyTorch {theirs}")
    return max(abs(a / b - 1) for a, b in zip(ours, theirs, strict=True)), *np.max(distances, axis=0)


def arguments(parser):
    peers.network_arguments(parser)


def title(options):
    return peers.network_title("Training steps", options)


def report(options):
    torch = peers.installed("torch")
    modes = peers.torch_modes(options)
    yield machine.heading(options.threads, f"PyTorch {torch}" if torch else "no PyTorch")
    yield ""
    yield (f"Milliseconds a training step, median (minimum) of {options.seconds:g} seconds in turn. Ratio: "
           "the fastest peer's time over cyconv's, median over the turns. Losses: how far apart after three "
           "steps. Gradients: how far from PyTorch's in double precision; in brackets, float32 "
           "PyTorch's.")  # fmt: skip
    yield ""
    yield from heads("net", "cyconv", *(f"torch {m}" for m in modes), "ratio", "operations", "losses",
                     "gradients")  # fmt: skip
    ratios = []
    with peers.on_threads(options.threads):
        for name in options.nets:
            line, ratio = one(name, modes, options.seconds)
            ratios += [ratio] if ratio else []
            yield line
    yield from mean_line(ratios, "the fastest peer")


def one(name, modes, seconds):
    """The line of a network, and its ratio."""
    builder, shape, classes, parameters = NETS[name]
    x, y = data(shape, classes)
    losses = gradients = "-"
    if modes:
        apart, ours, theirs = check(name, builder, x, y, classes)
        losses, gradients = f"{apart:.1e}", f"{ours:.1e} ({theirs:.1e})"
    model = builder()
    trained = sum(v.size for v in model.trainable_weights)
    assert trained == parameters, f"{name} has {trained} parameters, not {parameters}"
    step, recorded = cyconv_step(model, x, y, classes)
    steps = {"cyconv": step}
    for mode in modes:
        from .torch_peer import torch_step

        steps[f"torch {mode}"] = torch_step(model, x, y, classes, mode)[0]
    times = interleaved(steps, seconds)
    ratio = ratio_to_the_fastest(times)
    cells = [*map(cell, times.values()), f"{ratio:.2f}x" if ratio else "-", len(recorded.steps)]
    return row(name, *cells, losses, gradients), ratio
