"""`cyconv bench overhead`: what a training step takes beside its kernels, in `fit` and in `train_on_batch`.

A turn is EPOCHS more epochs of `fit` on BATCHES batches, and a call of `train_on_batch`, with a clock around
each kernel of their steps. What is left of a step's time is Python, the loading of the batch, the way through
the list of kernels, the clocks, and, in `train_on_batch`, the checks of its arguments. `fit` has no callback
that watches its batches here, and so runs several in one call.
"""

import statistics

import numpy as np

from . import duration, machine
from .nets import NETS, data
from .timing import heads, interleaved, row
from .training import cyconv_step

BATCHES, EPOCHS = 24, 1


def arguments(parser):
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="which networks (all)")
    parser.add_argument("--seconds", type=duration, default=3.0, help="of timing a network (%(default)s)")
    machine.thread_argument(parser)


def title(options):
    return f"Beside the kernels, threads: {options.threads}"


def report(options):
    yield machine.heading(options.threads)
    yield ""
    yield (f"Microseconds, medians of {options.seconds:g} seconds in turn: a step of `fit` and a call of "
           "`train_on_batch`, the sum of its kernels, what it takes beside them, and its share.")  # fmt: skip
    yield ""
    yield from heads(
        "net", "`fit`", "kernels", "beside", "share", "`train_on_batch`", "kernels", "beside", "share"
    )
    for name in options.nets:
        cells = []
        for whole, kernels in turns(name, options):
            pairs = list(zip(whole, kernels, strict=True))
            beside = statistics.median(a - b for a, b in pairs)
            share = statistics.median((a - b) / a for a, b in pairs)
            cells += [f"{statistics.median(whole):.0f}", f"{statistics.median(kernels):.0f}"]
            cells += [f"{beside:.0f}", f"{100 * share:.1f} %"]
        yield row(name, *cells)


def turns(name, options):
    """Microseconds of each step of `fit` and of its kernels; the same of each call of `train_on_batch`."""
    builder, shape, classes, _ = NETS[name]
    x, y = data(shape, classes)
    many, labels = (np.concatenate([a] * BATCHES) for a in (x, y))
    model = builder()
    with machine.at(threads=options.threads):
        _, recorded = cyconv_step(model, x, y, classes)
        taken = clocked(recorded.program)

        def fit(epochs):
            model.fit(many, labels, batch_size=len(x), epochs=epochs, shuffle=False, verbose=0)

        calls = {"one": lambda: fit(1), "more": lambda: fit(1 + EPOCHS),
                 "call": lambda: model.train_on_batch(x, y)}  # fmt: skip
        kernels = {call: [] for call in calls}

        def counted(call):
            taken[...] = 0
            calls[call]()
            kernels[call].append(1e3 * taken.sum())

        counting = {call: lambda call=call: counted(call) for call in calls}
        times = interleaved(counting, options.seconds, pause=0)
    # Of each turn's two runs the second is the timed one.
    kernels = {call: runs[-2 * len(times[call]) + 1 :: 2] for call, runs in kernels.items()}

    def steps(of):  # the one epoch pays for the start of `fit`
        pairs = zip(of["more"], of["one"], strict=True)
        return [1e3 * (more - one) / (BATCHES * EPOCHS) for more, one in pairs]

    return (steps(times), steps(kernels)), tuple([1e3 * t for t in of["call"]] for of in (times, kernels))


def clocked(program):
    """The array to which every run of the program adds each kernel's seconds from now on."""
    (plan,) = program.parts
    program.clock = np.zeros(len(plan))
    return program.clock
