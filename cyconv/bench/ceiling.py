"""`cyconv bench ceiling`: 3x3 and 1x1 convolutions of 16 to 128 channels, as shares of the FMA ceiling.

The ceiling is measured again between the calls, so that a neighbour on the machine slows both. The rate of
Winograd's form is effective: the direct form's operations over the time, and may pass the ceiling.
"""

import statistics

from . import kernels, machine, positive
from .timing import heads, row

N, H = 8, 32
DIRECT, WINOGRAD = (32, 64, 128), (16, 32, 64, 128)
BURST = 2e-3  # seconds of multiply-adds between the calls


def cases():
    """(algorithm, window, C, K) of each convolution."""
    yield from (("direct", window, C, K) for window in (3, 1) for C in DIRECT for K in DIRECT)
    yield from (("winograd", 3, C, K) for C in WINOGRAD for K in WINOGRAD)


def share(program, operations, repeats):
    """(GFLOP/s, share of the ceiling) of a program: its median, and the best burst between its runs."""
    program.run()
    times, bursts = [], []
    for _ in range(repeats):
        bursts.append(machine.fma_rate(BURST))
        times += kernels.seconds(program, 1)
    rate = operations / statistics.median(times) / 1e9
    return rate, rate / max(bursts)


def arguments(parser):
    machine.level_argument(parser)
    machine.thread_argument(parser)
    parser.add_argument("--repeats", type=positive, default=15, help="calls of each (%(default)s)")


def title(options):
    return f"Share of the ceiling, level {options.level}, threads: {options.threads}"


def report(options):
    with machine.at(options.level, options.threads):
        yield machine.heading(options.threads, f"ceiling {machine.ceiling():.0f} GFLOP/s")
        yield ""
        yield (f"N = {N}, {H}x{H}, stride 1. GFLOP/s, medians of {options.repeats} calls; in brackets "
               "the share of the ceiling, which is measured between the calls.")  # fmt: skip
        yield ""
        least, passes = {}, ("forward", "input gradient", "kernel gradient")
        yield from heads("convolution", "C", "K", *passes)
        for algorithm, window, C, K in cases():
            runs, terms, operations, _ = kernels.convolution_passes(N, H, C, K, window, 1, algorithm)
            cells = []
            for name in passes:
                kernels.check(runs[name], terms[name])
                rate, part = share(kernels.recorded(runs[name]), operations, options.repeats)
                cells.append(f"{rate:.0f} ({100 * part:.0f} %)")
                least.setdefault((algorithm, window, name), []).append(part)
            yield row(f"{algorithm} {window}x{window}", C, K, *cells)
        yield ""
        for (algorithm, window, name), found in least.items():
            yield (f"- {algorithm} {window}x{window}, {name}: {100 * min(found):.0f} to "
                   f"{100 * max(found):.0f} %, median {100 * statistics.median(found):.0f} %")  # fmt: skip
