"""What the kernel tests share: levels, thread counts, and the comparison with the definition."""

from contextlib import contextmanager

import numpy as np

import cyconv
from cyconv import backends
from cyconv._native import engine
from cyconv.backends import cpu
from cyconv.testing import assert_close

LEVELS = engine.levels()  # "naive" and what this processor runs
THREADS = (1, 2, 3, 5)


@contextmanager
def at(level, threads=1):
    """The cpu backend at one instruction-set level."""
    before, count = cpu.level, cyconv.get_num_threads()
    cpu.level = level
    cyconv.set_num_threads(threads)
    try:
        yield backends.get("cpu")
    finally:
        cpu.level = before
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
