"""Times, taken in turn, so that all that is compared meets the same disturbances; medians of them."""

import statistics
import time

FEWEST, MOST = 3, 200  # turns


def in_turn(runs, seconds):
    """{name: the results of its calls}: one call of each of `runs` in turn until `seconds` are over.

    Who needs longer than `seconds` for a first call, which warms up, keeps that one and takes no turn.
    """
    found, quick = {}, {}
    for name, run in runs.items():
        start = time.perf_counter()
        first = run()
        if time.perf_counter() - start > seconds:
            found[name] = [first]
        else:
            found[name], quick[name] = [], run
    end = time.perf_counter() + seconds
    turns = 0
    while quick and turns < MOST and (turns < FEWEST or time.perf_counter() < end):
        turns += 1
        for name, run in quick.items():
            found[name].append(run())
    return found


def seconds_of(run):
    """`run` as a function that returns how long it took."""

    def timed():
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    return timed


def milliseconds(runs, seconds):
    """{name: the median milliseconds of its calls, in turn}."""
    times = in_turn({name: seconds_of(run) for name, run in runs.items()}, seconds)
    return {name: 1e3 * statistics.median(each) for name, each in times.items()}


def by_layer(recordings, seconds):
    """{name: {(layer, phase): median milliseconds}}, operation by operation, in turn."""
    runs = in_turn({name: each.run_timed for name, each in recordings.items()}, seconds)
    return {
        name: {key: 1e3 * statistics.median(run[key] for run in each) for key in each[0]}
        for name, each in runs.items()
    }
