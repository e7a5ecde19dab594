"""What the kernel tests share: levels, thread counts, and the comparison with the definition.

`check` runs one level; `check_all` runs all levels and both types, on arrays drawn by `draw`.
"""

from contextlib import contextmanager

import numpy as np
from hypothesis import settings

import cyconv
from cyconv import backends
from cyconv._native import engine
from cyconv.backends import cpu
from cyconv.testing import assert_close

LEVELS = engine.levels()  # "naive" and what this processor runs
FAST = [level for level in LEVELS if level != "naive"]
THREADS = (1, 2, 3, 5)

# The same draws in every run: a kernel at 80 shapes tells more than one shape at 80 seeds.
draws = settings(derandomize=True, deadline=None, max_examples=80, database=None)


@contextmanager
def at(level, threads=1):
    """The cpu backend at one instruction-set level, and at no other where there are few channels."""
    before, count = cpu.level, cyconv.get_num_threads()
    cpu.level, cpu.narrow = level, {}
    cyconv.set_num_threads(threads)
    try:
        yield backends.get("cpu")
    finally:
        cpu.level, cpu.narrow = before, cpu.NARROW
        cyconv.set_num_threads(count)


def normal(shape, seed=0):
    """Random float64 values that are exact in float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32).astype(np.float64)


def as_type(arrays, dtype):
    """Copies in `dtype`; integer arrays and None stay what they are."""
    return [a if a is None or a.dtype.kind in "iu" else a.astype(dtype) for a in arrays]


def check(run, arrays, level, terms=1, kind="sum", dtype="float32", threads=THREADS):
    """run(door, *arrays) -> list of results: at `level` they must be those of the definition in float64, and
    the same bytes for any number of threads."""
    expected = run(backends.get("reference"), *as_type(arrays, np.float64))
    first = None
    for count in threads:
        with at(level, count) as door:
            results = [np.array(r) for r in run(door, *as_type(arrays, dtype))]
        if first is None:
            first = results
            for i, (result, wanted) in enumerate(zip(results, expected, strict=True)):
                assert_close(result, wanted, kind, terms, f"result {i} at {level}")
        for a, b in zip(first, results, strict=True):
            assert a.tobytes() == b.tobytes(), f"{level}: other bytes with {count} threads"


def draw(*shape, seed=0, low=0.1, high=2.0):
    """Positive float32 values: their sums do not vanish, and errors are held against the largest of them."""
    seed += sum((i + 1) * n for i, n in enumerate(shape))
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def check_all(call, *arrays, kind="sum", terms=1):
    """call(door, *arrays) -> array or tuple: every level in float32, the textbook loops in float64. Each
    run has copies of the arrays, so `call` may write into them."""

    def run(door, *copies):
        result = call(door, *copies)
        return list(result) if isinstance(result, tuple) else [result]

    for level in LEVELS:
        check(run, arrays, level, terms, kind, threads=(1,))
    check(run, arrays, "naive", terms, kind, "float64", threads=(1,))


def check_threads(call, *arrays):
    """The same bytes from any number of threads, at every fast level (arrays large enough to be shared)."""
    for level in FAST:
        seen = []
        for count in THREADS:
            with at(level, count) as door:
                seen.append([result.tobytes() for result in call(door, *as_type(arrays, "float32"))])
        for count, results in zip(THREADS, seen, strict=True):
            assert results == seen[0], f"{count} threads give other bytes than 1, at level {level}"
