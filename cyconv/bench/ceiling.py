"""`cyconv bench ceiling`: 3x3 and 1x1 convolutions of 16 to 128 channels, as shares of the FMA ceiling.

The ceiling is measured again beside every call, so that a neighbour on the machine slows both. The rate of
Winograd's form is effective: the direct form's operations over the time, and may pass the ceiling.
"""

import statistics
import time

from . import kernels, machine
from .timing import heads, row

N, H = 8, 32
DIRECT, WINOGRAD = (32, 64, 128), (16, 32, 64, 128)
BURST = 2e-3  # seconds of multiply-adds beside each call


def cases():
    """(algorithm, window, C, K) of each convolution."""
    yield from (("direct", window, C, K) for window in (3, 1) for C in DIRECT for K in DIRECT)
    yield from (("winograd", 3, C, K) for C in WINOGRAD for K in WINOGRAD)


def shares(run, operations, repeats):
    """(GFLOP/s, share of the ceiling) of a call, which is measured before and after each: medians."""
    rates, parts = [], []
    door, before = kernels.backends.get("cpu"), machine.fma_rate(BURST)
    for turn in range(repeats + 2):
        start = time.perf_counter()
        run(door)
        rate = operations / (time.perf_counter() - start) / 1e9
        after = machine.fma_rate(BURST)
        if turn >= 2:
            rates.append(rate)
            parts.append(rate / max(before, after))
        before = after
    return statistics.median(rates), statistics.median(parts)


def arguments(parser):
    machine.level_argument(parser)
    machine.thread_argument(parser)
    parser.add_argument("--repeats", type=int, default=15, help="calls of each convolution (%(default)s)")


def title(options):
    return f"Share of the ceiling, level {options.level}, threads: {options.threads}"


def report(options):
    with machine.at(options.level, options.threads):
        yield machine.heading(options.threads, f"ceiling {machine.ceiling():.0f} GFLOP/s")
        yield ""
        yield (f"N = {N}, {H}x{H}, stride 1. GFLOP/s, in brackets the share of the ceiling, measured "
               f"before and after each call; medians of {options.repeats} calls.")  # fmt: skip
        yield ""
        least, passes = {}, ("forward", "input gradient", "kernel gradient")
        yield from heads("convolution", "C", "K", *passes)
        for algorithm, window, C, K in cases():
            runs, terms, operations, _ = kernels.convolution_passes(N, H, C, K, window, 1, algorithm)
            cells = []
            for name in passes:
                kernels.check(runs[name], terms[name])
                rate, share = shares(runs[name], operations, options.repeats)
                cells.append(f"{rate:.0f} ({100 * share:.0f} %)")
                least.setdefault((algorithm, window, name), []).append(share)
            yield row(f"{algorithm} {window}x{window}", C, K, *cells)
        yield ""
        for (algorithm, window, name), found in least.items():
            yield (f"- {algorithm} {window}x{window}, {name}: {100 * min(found):.0f} to "
                   f"{100 * max(found):.0f} %, median {100 * statistics.median(found):.0f} %")  # fmt: skip
