"""`cyconv bench threads`: training steps with one thread and with more, beside what the machine gives.

First the answers: losses must be the same to the last bit. Then the times, in turn. A virtual machine's
processors are threads of its host's: two of them may share one core for seconds, or lie idle while a
neighbour computes. Multiply-adds in registers touch no memory and wait for nobody: what more threads gain in
loops of them, before and after each step, is what the machine had to give just then.
"""

import statistics
import time

import cyconv as keras

from . import machine, positive
from .ceiling import BURST
from .nets import NETS, data
from .timing import PAUSE, cell, geometric_mean, heads, ratio, row
from .training import cyconv_step

WHOLE = 0.95  # of the most multiply-adds that a core ever did: then the core was there


def arguments(parser):
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="which networks (all)")
    parser.add_argument("--counts", nargs="+", type=positive, default=[1, 2],
                        help="how many threads; the others are compared with the first (1 2)")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=10.0, help="of timing a network (%(default)s)")


def title(options):
    return f"Threads {', '.join(map(str, options.counts))}"


def report(options):
    first, *more = options.counts
    yield machine.heading(" and ".join(map(str, options.counts)))
    yield ""
    yield (f"Milliseconds a training step, median (minimum) of {options.seconds:g} seconds in turn. Gain: "
           f"the time with {first} over the time with more, median over the turns. Machine: the same of "
           "loops of multiply-adds, before and after the steps. Whole: the gain in turns in which those ran "
           f"at {WHOLE:.0%} of their best on every thread, and how many turns that were.")  # fmt: skip
    yield ""
    columns = (f"{kind} of {n}" for n in more for kind in ("gain", "machine", "whole"))
    yield from heads("net", *map(str, options.counts), *columns)
    gains = {n: [] for n in more}
    for name in options.nets:
        times, rates = turns({n: trained(name, n) for n in options.counts}, options.seconds)
        for n in more:
            gains[n].append(ratio(times[n], times[first]))
        cells = (part for n in more for part in compared(first, n, times, rates))
        yield row(name, *map(cell, times.values()), *cells)
    for n in more:
        yield ""
        yield f"Geometric mean of {n} threads' gains: {geometric_mean(gains[n]):.2f}x."


def trained(name, threads):
    """The training step of a network, recorded for so many threads."""
    builder, shape, classes, _ = NETS[name]
    keras.utils.set_random_seed(0)
    with machine.at(threads=threads):
        return cyconv_step(builder(), *data(shape, classes), classes)[0]


def turns(steps, seconds):
    """One of each of {threads: a step} in turn until `seconds` are over: {threads: milliseconds of each turn}
    and {threads: GFLOP/s of multiply-adds, the lower of before and after}."""
    losses = {n: tuple(step() for _ in range(3)) for n, step in steps.items()}
    if len(set(losses.values())) > 1:
        raise SystemExit(f"no time is given: losses differ with the number of threads: {losses}")
    times, rates = {n: [] for n in steps}, {n: [] for n in steps}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[min(times)]) < 5:
        for n, step in steps.items():
            time.sleep(PAUSE)
            step()
            before = _rate(n)
            start = time.perf_counter()
            step()
            times[n].append(1e3 * (time.perf_counter() - start))
            rates[n].append(min(before, _rate(n)))
    return times, rates


def compared(first, n, times, rates):
    """Three cells: the gain of n threads, that of multiply-adds on them, and the gain in the turns in which
    every thread had a core to itself."""
    best = max(rate / count for count, measured in rates.items() for rate in measured)
    given = statistics.median(b / a for a, b in zip(rates[first], rates[n], strict=True))
    whole = []
    for alone, together, *measured in zip(times[first], times[n], rates[first], rates[n], strict=True):
        if all(rate >= WHOLE * best * count for rate, count in zip(measured, (first, n), strict=True)):
            whole.append(alone / together)
    shown = f"{statistics.median(whole):.2f}x ({len(whole)} of {len(times[n])})" if whole else "none"
    return f"{ratio(times[n], times[first]):.2f}x", f"{given:.2f}x", shown


def _rate(threads):
    with machine.at(threads=threads):
        return machine.fma_rate(BURST)
