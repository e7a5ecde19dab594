"""`cyconv bench overhead`: what a training step takes beside its kernels, in `train_on_batch` and in `fit`.

A turn is a call of `train_on_batch`, EPOCHS epochs of `fit` on BATCHES batches, and runs of the same recorded
step with a clock around each kernel. The difference is Python, the loading of the batch, the way through the
list of kernels, and, in `train_on_batch`, the checks of its arguments.
"""

import statistics

import numpy as np

from . import machine
from .nets import NETS, data
from .timing import heads, interleaved, row
from .training import cyconv_step

BATCHES, EPOCHS = 8, 3


def arguments(parser):
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="which networks (all)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of timing a network (%(default)s)")
    machine.thread_argument(parser)


def title(options):
    return f"Beside the kernels, threads: {options.threads}"


def report(options):
    yield machine.heading(options.threads)
    yield ""
    yield (f"Microseconds, medians of {options.seconds:g} seconds in turn: the sum of the kernels, a step of "
           "`fit` and a call of `train_on_batch`, what each takes beside the kernels, "
           "and its share.")  # fmt: skip
    yield ""
    yield from heads("net", "kernels", "fit", "beside", "share", "train_on_batch", "beside", "share")
    for name in options.nets:
        kernels, *whole = turns(name, options)
        cells = [f"{statistics.median(kernels):.0f}"]
        for times in whole:
            beside = statistics.median(a - b for a, b in zip(times, kernels, strict=True))
            share = statistics.median((a - b) / a for a, b in zip(times, kernels, strict=True))
            cells += [f"{statistics.median(times):.0f}", f"{beside:.0f}", f"{100 * share:.1f} %"]
        yield row(name, *cells)


def turns(name, options):
    """Microseconds of the kernels alone, of a step of `fit`, and of the calls of `train_on_batch`."""
    builder, shape, classes, _ = NETS[name]
    x, y = data(shape, classes)
    many, labels = (np.concatenate([a] * BATCHES) for a in (x, y))
    model = builder()
    clocked = []
    with machine.at(threads=options.threads):
        _, recorded = cyconv_step(model, x, y, classes)

        def fit(epochs=EPOCHS + 1):
            model.fit(many, labels, batch_size=len(x), epochs=epochs, shuffle=False, verbose=0)

        calls = {
            "kernels": lambda: clocked.append(1e6 * sum(recorded.program.run_timed())),
            "one epoch": lambda: fit(1),
            "fit": fit,
            "whole": lambda: model.train_on_batch(x, y),
        }
        times = interleaved(calls, options.seconds, pause=0)
    epochs = zip(times["fit"], times["one epoch"], strict=True)  # the one epoch pays for the start of `fit`
    steps = [1e3 * (several - one) / (BATCHES * EPOCHS) for several, one in epochs]
    # The second of each turn's two runs is the timed one.
    return clocked[-2 * len(steps) + 1 :: 2], steps, [1e3 * t for t in times["whole"]]
