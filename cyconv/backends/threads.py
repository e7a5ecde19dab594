"""How many threads a kernel may use: one number for the process, by default the cores it may run on."""

import operator
import os

from .._native import engine


def cores():
    """The cores this process may run on: its affinity mask."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def initial():
    """The cores; or OMP_NUM_THREADS, where the user set it."""
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(int(asked), MOST) if asked.isdigit() and int(asked) > 0 else cores()


# More would gain nothing, and the threading library ends the process where it cannot start them all.
MOST = max(64, cores())
_count = initial()


def count():
    """The number of threads in force; always 1 in a build without threads."""
    return _count if engine.has_threads() else 1


def set_count(n):
    """Sets the number of threads, 1 to MOST. Results are the same bytes for any number."""
    global _count
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"the number of threads is a whole number, 1 to {MOST}. Received: {n!r}") from None
    if not 1 <= n <= MOST:
        raise ValueError(f"the number of threads must be at least 1 and at most {MOST}. Received: {n}")
    _count = n
