"""`cyconv bench steps`: what each step of docs/kernels.md gains on this machine.

One 3x3 convolution, from the textbook's loops to Winograd's tiles, then a network's training step with and
without fusion. Answers are checked against the definition in NumPy first.
"""

import numpy as np

from .. import fusion
from .._native import engine
from . import duration, kernels, machine, positive
from .nets import NETS, data
from .kernels import PASSES
from .timing import heads, interleaved, ratio, row
from .training import cyconv_step

MEANS = {
    "naive": "textbook loops",
    "base": "register tile, packed weights, rows; vectors of the oldest processors",
    "avx2": "the same, AVX2",
    "avx512": "the same, AVX-512",
}


def arguments(parser):
    parser.add_argument("--shape", nargs=4, type=positive, default=[2, 32, 64, 64], metavar=tuple("NHCK"),
                        help="images, rows and columns, channels in and out (2 32 64 64)")  # fmt: skip
    parser.add_argument("--net", choices=NETS, default="resnet20", help="for fusion (%(default)s)")
    parser.add_argument("--threads", nargs="+", type=positive, default=[1, 2], help="how many (1 2)")
    parser.add_argument("--seconds", type=duration, default=10.0, help="of timing each table (%(default)s)")


def title(options):
    return f"Steps, threads: {', '.join(map(str, options.threads))}"


def report(options):
    first, *more = options.threads
    yield machine.heading(" and ".join(map(str, options.threads)))
    yield ""
    N, H, C, K = options.shape
    yield (f"A 3x3 convolution, {N} images {H}x{H}, {C} channels to {K}: medians in milliseconds of "
           f"{options.seconds:g} seconds in turn on {threads(first)}. Gain: all three passes against the row "
           "above, and against the first.")  # fmt: skip
    yield ""
    yield from heads("step", *PASSES, "gain", "in all", *(f"gain of {threads(n)}" for n in more))
    yield from walk(convolutions(options), options)
    yield ""
    yield from fused(options)


def threads(count):
    return f"{count} thread{'s' * (count > 1)}"


def convolutions(options):
    """{(step, threads, pass): a call}, checked."""
    calls = {}
    for level in engine.levels():
        calls.update(checked(MEANS[level], level, "direct", options))
    calls.update(checked("Winograd's tiles", engine.best_level(), "winograd", options))
    return calls


def checked(step, level, algorithm, options):
    """The calls of one step of the walk."""
    runs, terms, _, _ = kernels.convolution_passes(*options.shape, 3, 1, algorithm)
    for name in PASSES:
        for count in options.threads:
            with machine.at(level, count):
                kernels.check(runs[name], terms[name])
                yield (step, count, name), kernels.recorded(runs[name]).run


def walk(calls, options):
    """The lines of the table."""
    times = interleaved(calls, options.seconds, pause=0)
    first, *more = options.threads
    steps = list(dict.fromkeys(step for step, _, _ in calls))
    sums = {(step, n): np.sum([times[step, n, name] for name in PASSES], axis=0) for step in steps
            for n in options.threads}  # fmt: skip
    for i, step in enumerate(steps):
        own = sums[step, first]
        gains = [f"{ratio(own, sums[steps[j], first]):.1f}x" if i else "" for j in (i - 1, 0)]
        teams = [f"{ratio(sums[step, n], own):.2f}x" for n in more]
        yield row(step, *(f"{np.median(times[step, first, name]):.2f}" for name in PASSES), *gains, *teams)


def fused(options):
    """A network's training step with fusion off and on."""
    builder, shape, classes, _ = NETS[options.net]
    calls, before = {}, fusion.enabled()
    for count in options.threads:
        for on in (False, True):
            fusion.set_fusion(on)
            with machine.at(threads=count):
                calls[on, count] = cyconv_step(builder(), *data(shape, classes), classes)[0]
    fusion.set_fusion(before)
    times = interleaved(calls, options.seconds, pause=0)
    yield f"A training step of {options.net}, milliseconds, layer by layer and with neighbours fused."
    yield ""
    yield from heads("threads", "layer by layer", "fused", "gain")
    for count in options.threads:
        apart, together = times[False, count], times[True, count]
        yield row(count, f"{np.median(apart):.1f}", f"{np.median(together):.1f}",
                  f"{ratio(together, apart):.2f}x")  # fmt: skip
