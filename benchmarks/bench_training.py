"""A training step (forward, backward, Adam) beside PyTorch's, on the five reference networks.

First the answers: from the same weights the losses of three steps must agree, and all gradients of the first
with PyTorch's in double precision; only then the times, the frameworks in turn, step by step. Ratios are the
result, medians over the turns: machines differ and are noisy.

    python benchmarks/bench_training.py [--nets tiny mnist] [--seconds 5] [--threads 1] [--compile] [--write]

Without PyTorch cyconv alone is timed.
"""

import argparse
import statistics
import time

import numpy as np
from nets import NETS
from report import cpu_name, save

import cyconv as keras
from cyconv.models.plans import recorded_step

try:
    import torch
    from peer import gradients, to_torch
except ImportError:
    torch = None

# In float32 some relus' inputs round to the other side of 0, each of which moves a gradient by a thousandth:
# PyTorch's own of the unet are up to 1e-2 from those in double precision.
GRADIENTS_MAY_DIFFER, LOSSES_MAY_DIFFER = 2e-2, 2e-3


PAUSE = 0.02  # seconds


def data(shape, classes):
    """Random images; labels are class numbers, or a mask of 0 and 1."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal(shape).astype(np.float32)
    if classes:
        return x, generator.integers(0, classes, shape[0]).astype(np.int32)
    return x, (generator.random((*shape[:-1], 1)) > 0.5).astype(np.float32)


def cyconv_step(model, x, y, classes):
    """A function that does one step on arrays loaded before, and returns the loss."""
    loss = keras.losses.SparseCategoricalCrossentropy if classes else keras.losses.BinaryCrossentropy
    model.compile(keras.optimizers.Adam(0.001), loss(from_logits=True))
    recorded = recorded_step(model, len(x), "train")
    rows = np.arange(len(x))
    recorded.backend.load_rows(recorded.inputs[0], x, rows)
    recorded.backend.load_rows(recorded.targets[0], y, rows)

    def step():
        model.executor.run(recorded, training=True)
        return float(recorded.loss[0])

    return step, recorded


def torch_step(model, x, y, classes, mode):
    """The same in PyTorch, and its layers with weights: mode "eager", "channels_last", "compile", or "double"
    for eager in double precision."""
    module, weighted = to_torch(model)
    module = module.train()
    if mode == "double":
        module, x, y = module.double(), x.astype(np.float64), y if classes else y.astype(np.float64)
    layout = torch.channels_last if mode in ("channels_last", "compile") else torch.contiguous_format
    module = module.to(memory_format=layout)
    images = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    labels = torch.from_numpy(y).long() if classes else torch.from_numpy(y).permute(0, 3, 1, 2)
    functional = torch.nn.functional
    criterion = functional.cross_entropy if classes else functional.binary_cross_entropy_with_logits
    optimizer = torch.optim.Adam(module.parameters(), 0.001, eps=1e-7)
    forward = torch.compile(module) if mode == "compile" else module

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(forward(images), labels)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step, weighted


def check(name, builder, x, y, classes):
    """Three steps from the same weights, dropout off: the losses must agree, and the first step's gradients.
    Returns the losses' largest relative difference, and the largest distance of a gradient from PyTorch's in
    double precision: cyconv's and float32 PyTorch's. Its unit is the gradient's norm, or a thousandth of the
    largest where that is more: a bias before a batch norm has no gradient but rounding errors."""
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


def interleaved(steps, seconds):
    """{name: milliseconds of each of its steps}, one step of each in turn until `seconds` are over.

    Each framework has a pool of threads of its own, which spin for some milliseconds after their last work
    and would take the processors from the next one: a pause lets them fall asleep, and an untimed step wakes
    those of the framework that is next.
    """
    times = {name: [] for name in steps}
    for step in steps.values():
        for _ in range(3):
            step()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < 5:
        for name, step in steps.items():
            time.sleep(PAUSE)
            step()
            start = time.perf_counter()
            step()
            times[name].append(1e3 * (time.perf_counter() - start))
    return times


def ratio_to_the_fastest(times):
    """The least of the peers' medians of (peer's time / cyconv's), turn by turn; None without peers."""
    ours = np.array(times["cyconv"])
    ratios = [float(np.median(np.array(t) / ours)) for name, t in times.items() if name != "cyconv"]
    return min(ratios, default=None)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    options.add_argument("--seconds", type=float, default=5.0, help="of timing for each network")
    options.add_argument("--threads", type=int, default=keras.get_num_threads())
    options.add_argument("--compile", action="store_true", help="also torch.compile (minutes to compile)")
    options.add_argument("--write", action="store_true", help="keep the table in benchmarks/results/")
    options = options.parse_args()
    keras.set_num_threads(options.threads)
    modes = ["eager", "channels_last", *(["compile"] if options.compile else [])] if torch else []
    if torch:
        torch.set_num_threads(options.threads)
    lines = [
        f"{cpu_name()}, threads: {options.threads}, cyconv {keras.__version__} "
        f"({keras.backends.active().name})" + (f", PyTorch {torch.__version__}" if torch else ", no PyTorch"),
        "",
        f"Milliseconds a training step, median (minimum) of {options.seconds:g} seconds in turn. Ratio: the "
        "fastest peer's time over cyconv's, median over the turns. Losses: how far apart after three steps. "
        "Gradients: how far from PyTorch's in double precision; in brackets, float32 PyTorch's.",
        "",
        "| net | cyconv | " + "".join(f"torch {m} | " for m in modes)
        + "ratio | operations | losses | gradients |",
        "|---|---|" + "---|" * len(modes) + "---|---|---|---|",
    ]
    print("\n".join(lines))
    for name in options.nets:
        builder, shape, classes, parameters = NETS[name]
        x, y = data(shape, classes)
        differences = check(name, builder, x, y, classes) if torch else (None,) * 3
        model = builder()
        trained = sum(v.size for v in model.trainable_weights)
        assert trained == parameters, f"{name} has {trained} parameters, not {parameters}"
        steps = {f"torch {m}": torch_step(model, x, y, classes, m)[0] for m in modes}
        step, recorded = cyconv_step(model, x, y, classes)
        times = interleaved({"cyconv": step, **steps}, options.seconds)
        ratio = ratio_to_the_fastest(times)
        cells = [name, *(f"{statistics.median(t):.2f} ({min(t):.2f})" for t in times.values())]
        cells += [f"{ratio:.2f}x" if ratio else "-", str(len(recorded.steps))]
        losses, ours, theirs = differences
        cells += [f"{losses:.1e}", f"{ours:.1e} ({theirs:.1e})"] if torch else ["-", "-"]
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    if options.write:
        print("written to", save(f"Training steps, threads: {options.threads}", lines))


if __name__ == "__main__":
    main()
