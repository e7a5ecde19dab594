"""What the tests of CUDA kernels share: the door, with each operation lowered and its launches run here."""

import re

import numpy as np
import pytest
from cuda_on_cpu import SANITIZED, RawModule, thread_order

from cyconv import backends
from cyconv.backends.gpu import lower
from cyconv.backends.interface import Door
from cyconv.testing import assert_close

ORDERS = (0, 1, 2)


class KernelDoor(Door):
    """Runs CUDA kernels on NumPy arrays. change(launch): its text, edited; options: of the lowering."""

    def __init__(self, change=lambda launch: launch.code, **options):
        self.change, self.options = change, options
        self.launched = []

    def empty(self, shape, dtype):
        return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else -7, dtype)

    def _do(self, operation, operands, attributes):
        size = lower.scratch(operation, operands, attributes)
        work = np.full(size, 0xFF, np.uint8) if size else None
        dtype, launches = lower.lower(operation, operands, attributes, work, **self.options)
        for launch in launches:
            self.launched.append(launch.kernel)
            options = ("-DREAL=double",) if dtype == "float64" else ()
            kernel = RawModule(self.change(launch), options).get_function(launch.kernel)
            kernel(launch.grid, launch.block, launch.args)


def normal(generator, *shape, rounded=lambda a: a):
    """Random float64 values that are exact in float32, or in what `rounded` makes of it."""
    return rounded(generator.standard_normal(shape).astype(np.float32)).astype(np.float64)


def tf32(x):
    """float32 rounded to the 10 bits of fraction that tensor cores keep: to the nearest, ties away from 0."""
    return ((x.view(np.uint32) + 0x1000) & 0xFFFFE000).astype(np.uint32).view(np.float32)


def copies(arrays, dtype):
    return [a if a is None or a.dtype.kind in "iu" else a.astype(dtype) for a in arrays]


def check(run, arrays, terms=1, kind="sum", dtype="float32", orders=ORDERS, **options):
    """run(door, *arrays) -> list of results: those of the definition in float64, and the same bytes whatever
    the order of threads and blocks. Gives the names of the kernels that ran."""
    expected = run(backends.get("reference"), *copies(arrays, np.float64))
    first = None
    for order in orders:
        door = KernelDoor(**options)
        with thread_order(order):
            results = [np.array(r) for r in run(door, *copies(arrays, dtype))]
        for i, (result, wanted) in enumerate(zip(results, expected, strict=True)):
            assert_close(result, wanted, kind, terms, f"result {i}, threads in order {order}")
        first = first or [r.tobytes() for r in results]
        assert [r.tobytes() for r in results] == first, f"other bytes with threads in order {order}"
    return door.launched


def fails_without_barriers(run, kernel, function=None):
    """Takes the barriers of `function` (the kernel itself, if none is named) away in turn, from the launches
    of one kernel only: run(change=...) must fail each time."""
    if SANITIZED:
        pytest.skip("shown without the sanitizers, which make it slow")
    function, taken, number = function or kernel, True, 0
    while taken:
        taken = False

        def change(launch, number=number):
            nonlocal taken
            if launch.kernel != kernel:
                return launch.code
            start, stop = _body(launch.code, function)
            places = [m.span() for m in re.finditer(r"__syncthreads\(\)", launch.code[start:stop])]
            assert places, f"{function} has no barrier"
            if number >= len(places):
                return launch.code
            taken = True
            before, after = places[number]
            return launch.code[: start + before] + launch.code[start + after :]

        try:
            run(change=change)
            failed = False
        except AssertionError:
            failed = True
        assert failed == taken, f"{kernel} without barrier {number} of {function}"
        number += 1


def _body(text, function):
    """Where the definition of a function begins and ends in a text."""
    (found,) = re.finditer(rf"\b{function}\([^;{{]*\)\s*\{{", text)
    return found.end(), text.index("\n}\n", found.end())
