"""`cyconv bench threads`: training steps with one thread and with more, beside what the machine gives.

First the answers: losses must be the same to the last bit. Then the times, in turn. A virtual machine's
processors are threads of its host's, who moves them while a program runs: onto one core, or onto two that
share no cache; and neighbours use the same ones. So in each turn two things more are measured. Beside: as
many steps of one thread run side by side, each on a model of its own; they wait for nobody. And how long
the threads take to meet: between cores that share no cache, everything that one writes and another reads
comes late.
"""

import statistics
import threading
import time

import cyconv as keras
from cyconv._native import engine

from . import duration, machine, positive
from .nets import NETS, data
from .timing import PAUSE, cell, geometric_mean, heads, ratio, row
from .training import cyconv_step

NEAR = 2.5  # between cores that share a cache 1 to 1.7 has been seen, between others 4 to 6
LEAST_TURNS = 15  # of large networks too: what a machine gives changes within seconds


def arguments(parser):
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="which networks (all)")
    parser.add_argument("--counts", nargs="+", type=positive, default=[1, 2],
                        help="how many threads; the others are compared with the first (1 2)")  # fmt: skip
    parser.add_argument("--seconds", type=duration, default=10.0, help="of timing a network (%(default)s)")


def title(options):
    return f"Threads {', '.join(map(str, options.counts))}"


def report(options):
    first, *more = options.counts
    yield machine.heading(" and ".join(map(str, options.counts)))
    yield ""
    yield (f"Milliseconds a training step, median (minimum) of {options.seconds:g} seconds in turn, "
           f"{LEAST_TURNS} turns at least. "
           f"Gain: the time with {first} over the time with more. Beside: what as many steps of one "
           "thread, each on a model of its own, do side by side. Meeting: nanoseconds in which the "
           f"threads meet. Near: the gain in turns in which that was at most {NEAR:g} times the least "
           "(how many turns). Medians over the turns.")  # fmt: skip
    yield ""
    columns = (f"{kind} of {n}" for n in more for kind in ("gain", "beside", "meeting", "near"))
    yield from heads("net", *map(str, options.counts), *columns)
    gains = {n: [] for n in more}
    for name in options.nets:
        times, machines = turns(name, options.counts, options.seconds)
        cells = []
        for n in more:
            gains[n].append(ratio(times[n], times[first]))
            cells += compared(times[first], times[n], machines[n])
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


def turns(name, counts, seconds):
    """One step with each of `counts` threads in turn, and then as many of one thread side by side, until
    `seconds` are over: {threads: milliseconds of each turn}, and for more threads than the first count
    {threads: (steps a millisecond side by side, nanoseconds of a meeting) of each turn}."""
    steps = {n: trained(name, n) for n in counts}
    single = [trained(name, 1) for _ in range(max(counts))]
    losses = {n: tuple(step() for _ in range(3)) for n, step in steps.items()}
    if len(set(losses.values())) > 1:
        raise SystemExit(f"no time is given: losses differ with the number of threads: {losses}")
    times, machines = {n: [] for n in steps}, {n: [] for n in counts[1:]}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[counts[0]]) < LEAST_TURNS:
        for n, step in steps.items():
            time.sleep(PAUSE)
            meeting = engine.measure_meeting(n) if n in machines else 0
            step()
            start = time.perf_counter()
            step()
            times[n].append(1e3 * (time.perf_counter() - start))
            if n in machines:
                after = engine.measure_meeting(n)
                meeting = max(meeting, after) if meeting and after else 0
                time.sleep(PAUSE)
                machines[n].append((1e-3 * beside(single[:n]), meeting))
    return times, machines


def compared(alone, together, machine_gave):
    """Four cells, of the milliseconds of each turn and what `turns` says of the machine."""
    beside_of = statistics.median(t * rate for t, (rate, _) in zip(alone, machine_gave, strict=True))
    meetings = [meeting for _, meeting in machine_gave]
    met = [meeting for meeting in meetings if meeting > 0]  # 0: no team came together
    near = [t / u for t, u, meeting in zip(alone, together, meetings, strict=True)
            if met and 0 < meeting <= NEAR * min(met)]  # fmt: skip
    shown = (f"{statistics.median(met):.0f}", f"{statistics.median(near):.2f}x ({len(near)} of {len(alone)})"
             ) if met else ("none", "none")  # fmt: skip
    return f"{ratio(together, alone):.2f}x", f"{beside_of:.2f}x", *shown


def beside(steps):
    """Steps a second that functions do together, each in a thread of its own, until all have done one."""
    begin, rates, left = threading.Barrier(len(steps)), [], set(range(len(steps)))

    def work(i):
        begin.wait()
        start, done = time.perf_counter(), 0
        try:
            while left:
                steps[i]()
                done += 1
                left.discard(i)
        finally:
            left.discard(i)
        rates.append(done / (time.perf_counter() - start))

    for step in steps:
        step()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(steps))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(rates)
