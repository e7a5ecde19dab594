"""The machine that is measured: its name, its ceilings, and at which level and on how many threads."""

import platform
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import cyconv

from .._native import engine
from ..backends import cpu
from . import positive
from .timing import timed

BURST = 0.01  # seconds
MEMORY_FLOATS = 1 << 24  # 64 MiB: three such arrays are in no cache


def cpu_name():
    """The processor's name, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def heading(threads, *more):
    """The line above a table: processor, threads, versions."""
    return ", ".join([cpu_name(), f"threads: {threads}", f"level {cpu.level}", f"cyconv {cyconv.__version__} "
                      f"({cyconv.backends.active().name})", *more])  # fmt: skip


def thread_argument(parser):
    """Adds --threads."""
    parser.add_argument("--threads", type=positive, default=cyconv.get_num_threads(),
                        help="how many threads every framework may use (the cores: %(default)s)")  # fmt: skip


def level_argument(parser):
    """Adds --level."""
    parser.add_argument("--level", choices=engine.levels(), default=cpu.level,
                        help="instruction-set level (%(default)s)")  # fmt: skip


@contextmanager
def at(level=None, threads=None):
    """Within it, the C kernels run at a level and on so many threads; None: as it is."""
    before, count = cpu.level, cyconv.get_num_threads()
    try:
        cyconv.set_num_threads(count if threads is None else threads)
        cpu.level = level or before
        yield cyconv.backends.get("cpu")
    finally:
        cpu.level = before
        cyconv.set_num_threads(count)


def fma_rate(seconds=BURST):
    """GFLOP/s of independent multiply-adds in registers, at the level and on the threads in force."""
    level = "base" if cpu.level == "naive" else cpu.level
    return engine.measure_fma(level, seconds, cyconv.get_num_threads())


def ceiling():
    """The most that `fma_rate` gave: no kernel does more operations a second, but one that saves some."""
    return max(fma_rate() for _ in range(50))


def bandwidth():
    """GB/s of y = a + b on arrays that are in no cache, the best of some: STREAM's count, two reads and a
    write an element (McCalpin 1995). The memory moves a third more: a line is read before it is written."""
    door = cyconv.backends.get("cpu")
    a, b = (np.full(MEMORY_FLOATS, value, np.float32) for value in (1, 2))
    y = np.empty_like(a)
    return 3 * a.nbytes / min(timed(lambda: door.binary(a, b, "add", out=y), 9)) / 1e9
