"""How many threads a kernel may use: one number for the process, by default the cores it may run on."""

import operator
import os

from .._native import engine


def available():
    """The cores this process may use: its affinity mask, and OMP_NUM_THREADS where the user set it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(asked) if asked.isdigit() and int(asked) > 0 else cores


_count = available()


def count():
    """The number of threads in force; always 1 in a build without OpenMP."""
    return _count if engine.has_openmp() else 1


def set_count(n):
    """Sets the number of threads, at least 1. Results are the same bytes for any number."""
    global _count
    n = operator.index(n)
    if n < 1:
        raise ValueError(f"the number of threads must be at least 1. Received: {n}")
    _count = n
