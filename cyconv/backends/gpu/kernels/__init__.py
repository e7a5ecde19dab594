"""CUDA C: one family of kernels a file, NAME.cu; what several share is in *.cuh."""

import re
from functools import cache
from pathlib import Path

from ...._native.engine import ACTIVATIONS, BINARIES

FOLDER = Path(__file__).parent


@cache
def source(name, **macros):
    """The text of kernels/NAME.cu as a compiler takes it.

    The files that it includes are put in, so that a compiler needs no path and a cache of compiled kernels
    sees every change. Before it stand the macros that shape the kernels, and the numbers by which the C
    engine calls activations and binary operations.
    """
    numbers = [f"ACT_{n} = {i}" for n, i in ACTIVATIONS.items()]
    numbers += [f"BIN_{n} = {i}" for n, i in BINARIES.items()]
    defines = "".join(f"#define {macro} {value}\n" for macro, value in macros.items())
    return f"{defines}enum {{ {', '.join(numbers)} }};\n{_with_includes(f'{name}.cu', set())}"


def header(name):
    """The text of kernels/NAME.cuh."""
    return _with_includes(f"{name}.cuh", set())


def _with_includes(name, seen):
    """The text of a file; each file that it includes, once, in the place of its first include."""

    def included(match):
        return "" if match[1] in seen else _with_includes(match[1], seen)

    seen.add(name)
    text = (FOLDER / name).read_text(encoding="utf-8")
    return re.sub(r'^#include "([\w.]+)"$', included, text, flags=re.M)
