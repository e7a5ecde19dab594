"""Times: of a call, of several in turn, and what is made of them."""

import math
import statistics
import time

PAUSE = 0.02  # seconds


def timed(run, repeats):
    """Seconds of each of `repeats` calls, after two to warm up."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times[2:]


def interleaved(runs, seconds, pause=PAUSE):
    """{name: milliseconds of each of its calls}, one call of each in turn until `seconds` are over.

    Each framework has a pool of threads of its own, which spin for some milliseconds after their last work
    and would take the processors from the next one: a pause lets them fall asleep, and an untimed call wakes
    those of the framework that is next. Calls of one framework need no pause.
    """
    times = {name: [] for name in runs}
    for run in runs.values():
        for _ in range(3):
            run()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < 5:
        for name, run in runs.items():
            if pause:
                time.sleep(pause)
            run()
            start = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - start))
    return times


def ratio(times, others):
    """The median over the turns of (time of the other / time), for two lists of `interleaved`."""
    return statistics.median(b / a for a, b in zip(times, others, strict=True))


def ratio_to_the_fastest(times, own="cyconv"):
    """The least of the peers' `ratio`s to cyconv; None without peers."""
    return min((ratio(times[own], t) for name, t in times.items() if name != own), default=None)


def cell(times):
    """Milliseconds in a table: median (minimum)."""
    middle = statistics.median(times)
    digits = 3 if middle < 1 else 2
    return f"{middle:.{digits}f} ({min(times):.{digits}f})"


def geometric_mean(ratios):
    """The mean of factors."""
    return math.exp(statistics.fmean(map(math.log, ratios)))


def mean_line(ratios, of):
    """The lines below a table: the geometric mean of its ratios, and the least; nothing without any."""
    if not ratios:
        return []
    return ["", f"Geometric mean of {len(ratios)} ratios to {of}: {geometric_mean(ratios):.2f}x; least: "
            f"{min(ratios):.2f}x."]  # fmt: skip


def heads(*names):
    """The two lines that open a table."""
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def row(*cells):
    """A line of a table."""
    return f"| {' | '.join(map(str, cells))} |"
