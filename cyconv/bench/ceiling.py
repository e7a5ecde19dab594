"""`cyconv bench ceiling`: 3x3 and 1x1 convolutions of 16 to 128 channels, as shares of the FMA ceiling.

The ceiling is measured again before and after each call, so that a neighbour on the machine slows both, and
the table is walked through several times, so that no cell is measured in a bad moment alone. The rate of
Winograd's form is effective: the direct form's operations over the time, and may pass the ceiling.
"""

import math
import statistics

from . import kernels, machine, positive
from .kernels import PASSES
from .timing import heads, row

N, H = 8, 32
DIRECT, WINOGRAD = (32, 64, 128), (16, 32, 64, 128)
BURST = 2e-3  # seconds of multiply-adds between the calls
WALKS = 3


def cases():
    """(algorithm, window, C, K) of each convolution."""
    yield from (("direct", window, C, K) for window in (3, 1) for C in DIRECT for K in DIRECT)
    yield from (("winograd", 3, C, K) for C in WINOGRAD for K in WINOGRAD)


def rates(program, operations, repeats):
    """GFLOP/s of each of `repeats` runs, and of multiply-adds before the first and after each."""
    program.run()
    found, bursts = [], [machine.fma_rate(BURST)]
    for _ in range(repeats):
        found += [operations / seconds / 1e9 for seconds in kernels.seconds(program, 1)]
        bursts.append(machine.fma_rate(BURST))
    return found, bursts


def shares(found, bursts):
    """The share of each run in what the machine gave just then: the faster of the bursts around it."""
    pairs = zip(found, bursts, bursts[1:], strict=False)
    return [rate / max(pair) for rate, *pair in pairs if any(pair)]  # 0: no team came together


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
        yield (f"N = {N}, {H}x{H}, stride 1. GFLOP/s, medians of {options.repeats} calls, some in each of "
               f"{WALKS} walks over the table; in brackets the share of the ceiling, which is measured "
               "before and after each call: the median of these shares.")  # fmt: skip
        yield ""
        yield from heads("convolution", "C", "K", *PASSES)
        rated, shared, least = {}, {}, {}
        for walk in range(WALKS):
            calls = options.repeats * (walk + 1) // WALKS - options.repeats * walk // WALKS
            for case in cases():
                for name, program, operations in checked(case, first=walk == 0):
                    found, bursts = rates(program, operations, calls) if calls else ([], [])
                    rated.setdefault((*case, name), []).extend(found)
                    shared.setdefault((*case, name), []).extend(shares(found, bursts))
        for algorithm, window, C, K in cases():
            cells = []
            for name in PASSES:
                rate = statistics.median(rated[algorithm, window, C, K, name])
                known = shared[algorithm, window, C, K, name]
                part = statistics.median(known) if known else math.nan
                cells.append(f"{rate:.0f} ({100 * part:.0f} %)")
                least.setdefault((algorithm, window, name), []).append(part)
            yield row(f"{algorithm} {window}x{window}", C, K, *cells)
        yield ""
        for (algorithm, window, name), found in least.items():
            yield (f"- {algorithm} {window}x{window}, {name}: {100 * min(found):.0f} to "
                   f"{100 * max(found):.0f} %, median {100 * statistics.median(found):.0f} %")  # fmt: skip


def checked(case, first):
    """(pass, program, operations) of a case's three passes; their answers are checked the first time."""
    algorithm, window, C, K = case
    runs, terms, operations, _ = kernels.convolution_passes(N, H, C, K, window, 1, algorithm)
    for name in PASSES:
        if first:
            kernels.check(runs[name], terms[name])
        yield name, kernels.recorded(runs[name]), operations
