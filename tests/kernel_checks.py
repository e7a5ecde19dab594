"""What every kernel test does: run an operation through the door on each level and dtype of this machine,
compare with the reference in float64, and compare the bytes of different numbers of threads.

An operation is given as call(ops, *arrays) -> array or tuple of arrays. Arrays are drawn once, as float32;
each run gets copies of its own dtype, so `call` may write into them.
"""

import contextlib

import numpy as np
from hypothesis import settings

import cyconv
from cyconv import backends
from cyconv._native import engine
from cyconv.backends import cpu
from cyconv.testing import assert_close

LEVELS = engine.levels()
FAST = [level for level in LEVELS if level != "naive"]
VARIANTS = [("naive", "float64")] + [(level, "float32") for level in LEVELS]
THREADS = (1, 2, 3, 5)

# Draws are the same in every run; a kernel at 80 shapes tells more than one shape at 80 seeds.
draws = settings(derandomize=True, deadline=None, max_examples=80, database=None)


@contextlib.contextmanager
def at_level(level):
    """The cpu backend, its kernels taken from one instruction-set level."""
    before, cpu.level = cpu.level, level
    try:
        yield backends.get("cpu")
    finally:
        cpu.level = before


def copies(arrays, dtype):
    return [
        a if a is None else a.astype(dtype if a.dtype == np.float32 else a.dtype, copy=True) for a in arrays
    ]


def results(call, ops, arrays, dtype):
    result = call(ops, *copies(arrays, dtype))
    return result if isinstance(result, tuple) else (result,)


def check(call, *arrays, kind="sum", terms=1):
    """Every level and dtype against the reference's definition in float64."""
    expected = results(call, backends.get("reference"), arrays, "float64")
    for level, dtype in VARIANTS:
        with at_level(level) as ops:
            actual = results(call, ops, arrays, dtype)
        for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
            assert_close(a, e, kind, terms, what=f"result {i} at level {level}, {dtype}")


def check_threads(call, *arrays):
    """The same bytes from any number of threads, at every fast level."""
    for level in FAST:
        with at_level(level) as ops:
            seen = []
            for count in THREADS:
                cyconv.set_num_threads(count)
                seen.append([r.tobytes() for r in results(call, ops, arrays, "float32")])
        for count, bytes_ in zip(THREADS, seen, strict=True):
            assert bytes_ == seen[0], f"{count} threads give other bytes than 1, at level {level}"


def draw(*shape, seed=0, low=0.1, high=2.0):
    """Positive values: their sums do not vanish, and errors are held against the largest of them."""
    seed += sum((i + 1) * n for i, n in enumerate(shape))
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)
