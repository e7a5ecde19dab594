"""`cyconv bench overhead`: what `train_on_batch` takes beside its kernels.

A turn is a call of `train_on_batch` and a run of the same recorded step with a clock around each kernel; the
difference is Python, the loading of the batch, and the way through the list of kernels.
"""

import statistics

from . import machine
from .nets import NETS, data
from .timing import heads, interleaved, row
from .training import cyconv_step


def arguments(parser):
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="which networks (all)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of timing a network (%(default)s)")
    machine.thread_argument(parser)


def title(options):
    return f"Beside the kernels, threads: {options.threads}"


def report(options):
    yield machine.heading(options.threads)
    yield ""
    yield (f"Microseconds, medians of {options.seconds:g} seconds in turn: a call of `train_on_batch`, the "
           "sum of its kernels, the difference turn by turn, and its share of the call.")  # fmt: skip
    yield ""
    yield from heads("net", "train_on_batch", "kernels", "beside them", "share")
    for name in options.nets:
        whole, kernels = turns(name, options)
        beside = statistics.median(a - b for a, b in zip(whole, kernels, strict=True))
        share = statistics.median((a - b) / a for a, b in zip(whole, kernels, strict=True))
        both = (f"{statistics.median(each):.0f}" for each in (whole, kernels))
        yield row(name, *both, f"{beside:.0f}", f"{100 * share:.1f} %")


def turns(name, options):
    """Microseconds of the whole calls, and of the kernels alone."""
    builder, shape, classes, _ = NETS[name]
    x, y = data(shape, classes)
    model = builder()
    kernels = []
    with machine.at(threads=options.threads):
        _, recorded = cyconv_step(model, x, y, classes)

        def clocked():
            kernels.append(1e6 * sum(recorded.program.run_timed()))

        calls = {"whole": lambda: model.train_on_batch(x, y), "clocked": clocked}
        whole = [1e3 * t for t in interleaved(calls, options.seconds, pause=0)["whole"]]
    return whole, kernels[-2 * len(whole) + 1 :: 2]  # the second of each turn's two is the timed one
