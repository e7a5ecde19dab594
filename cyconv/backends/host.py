"""The two backends whose arrays are NumPy's: `reference` runs definitions, `cpu` runs C.

A backend is the door with `_do` carried out at once, the functions that move arrays in and out, and
`program`, which makes a recorded list of operations repeatable.
"""

import time
from functools import partial

import numpy as np

from .._native import engine
from . import cpu, reference, threads
from .algorithms import Choice
from .interface import Door, in_numpy


MOST_AT_ONCE = 64  # steps


class Host(Door):
    """What both share: arrays are C-contiguous NumPy arrays."""

    memory = "host"
    adds_gradients = True

    def __init__(self):
        # Drawn from by layers that run outside a recorded step; a recorder has its own.
        self.random_state = np.zeros(1, np.uint64)
        self.node = 0

    def empty(self, shape, dtype):
        return np.empty(shape, dtype)

    def reshape(self, x, shape):
        return x.reshape(shape)

    def asarray(self, values, dtype):
        """A contiguous, native, aligned, writable array of `dtype` with these values; copied if need be."""
        return np.require(np.asarray(values), np.dtype(dtype), ["C", "A", "W"])

    def to_host(self, array):
        """The array as NumPy's."""
        return array

    def load(self, array, values):
        """Copies host values into an array of this backend, in place."""
        np.copyto(array, values, casting="same_kind")

    def address(self, array):
        """Where the array begins in memory."""
        return array.ctypes.data

    def python(self, function, inputs, shape, dtype):
        """Calls `function` on arrays: what a layer written in NumPy does."""
        return self.asarray(in_numpy(function, inputs, shape), dtype)

    def advance(self):
        """The next step of what runs outside of recorded ones: random numbers are drawn anew."""
        self.random_state += np.uint64(1)

    def restart(self):
        """The counter of those steps begins anew."""
        self.random_state[...] = 0

    def free_bytes(self):
        """How much memory is left; not known here."""
        return None

    def mailbox(self, size):
        """Where a recorded step reads what the host writes before it: here, the host's own arrays."""
        return Mailbox()

    def tally(self, arrays, scales):
        """Counts numbers over the steps of a program."""
        return Tally(arrays, scales)


class Reference(Host):
    """The definitions of `reference.py`, in the dtype of their operands."""

    name = "reference"

    def _do(self, operation, operands, attributes):
        _silently(getattr(reference, operation), operands, attributes)

    def algorithm(self, operation, operands, attributes):
        """The algorithm by which an operation runs: there is one, the definition."""
        return "definition" if "algorithm" in attributes else None

    def choice(self, operation, operands, attributes):
        """The same for a convolution, with the algorithms that there are, and why."""
        return Choice("definition", {"definition": None}, "this backend has one form, the definition")

    def takes_pair(self, x, kernel, **options):
        return True

    def takes_pool(self, x):
        return True

    def scratch(self, operation, operands, attributes):
        return 0

    def program(self, steps, mailbox=None, fed=(), tally=None):
        return Program([partial(_silently, self._function(s), s.operands, self._options(s)) for s in steps])

    @staticmethod
    def _function(step):
        python = step.operation == "python"
        return step.attributes["function"] if python else getattr(reference, step.operation)

    @staticmethod
    def _options(step):
        return {} if step.operation == "python" else step.attributes


class Cpu(Host):
    """The C kernels, at the instruction-set level in force."""

    name = "cpu"

    def _do(self, operation, operands, attributes, at_level=None):
        *call, work = cpu.lower(operation, operands, attributes, threads.count(), at_level)
        plan = engine.Plan()
        _add(plan, call, operands, _aligned(work))
        plan.run()

    def algorithm(self, operation, operands, attributes):
        """The algorithm by which a convolution runs; None for operations that have one only."""
        return cpu.algorithm_of(operation, operands, attributes)

    def choice(self, operation, operands, attributes):
        """The same for a convolution, with the algorithms that there are, their estimates, and why."""
        return cpu.choice_of(operation, operands, attributes)

    def takes_pair(self, x, kernel, **options):
        return cpu.takes_pair(x, kernel, **options)

    def moments_shape(self, x, kernel, **options):
        return cpu.moments_shape(x, kernel, **options)

    def takes_pool(self, x):
        return cpu.level != "naive" and str(x.dtype) == "float32"  # the textbook has no walk to save

    def scratch(self, operation, operands, attributes):
        """Bytes of scratch that the recorded call will need."""
        return cpu.lower(operation, operands, attributes, threads.count())[-1]

    def program(self, steps, mailbox=None, fed=(), tally=None):
        """Every stretch of C calls becomes one plan; a step in Python stands between two stretches."""
        parts = []
        for step in steps:
            if step.operation == "python":
                parts.append(partial(step.attributes["function"], *step.operands))
                continue
            if not parts or not isinstance(parts[-1], engine.Plan):
                parts.append(engine.Plan())
            *call, _ = cpu.lower(step.operation, step.operands, step.attributes, threads.count())
            _add(parts[-1], call, step.operands, step.scratch)
        return Program(parts)


def _add(plan, call, operands, work):
    op, kind, level, sizes, reals, limit, code = call
    plan.add(op, kind, level, operands, sizes, reals, limit, work, code)


def _silently(function, operands, attributes):
    """NumPy's warnings off: infinities and NaN pass through here as they do through C."""
    with np.errstate(all="ignore"):
        function(*operands, **attributes)


def _aligned(count, alignment=64):
    """`count` bytes that begin at a multiple of `alignment`; None for 0."""
    if not count:
        return None
    raw = np.empty(count + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + count]


class Mailbox:
    """The kernels of a recorded step read the host's own arrays."""

    def share(self, host):
        return host


class Tally:
    """What steps leave behind: scales[i] * arrays[i][0] of each, in float64.

    On plain numbers: after a step's kernels no code is in a cache, and NumPy's way to one number is long.
    """

    def __init__(self, arrays, scales):
        self.arrays, self.scales = arrays, scales
        self.numbers, self.noted = [a.item for a in arrays], []
        self.room = np.empty((MOST_AT_ONCE, len(arrays)))

    def add(self):
        """A step has been run."""
        self._note([number() for number in self.numbers])

    def add_rows(self, count):
        """So many steps have been run, and left their numbers in `room`."""
        for numbers in self.room[:count].tolist():
            self._note(numbers)

    def _note(self, numbers):
        self.noted.append([scale * n for scale, n in zip(self.scales, numbers, strict=True)])

    def take(self):
        """The numbers of each step so far; then there are none."""
        noted, self.noted = self.noted, []
        return noted


class Program:
    """Plans and Python functions, run in order."""

    hindrance = ""  # what keeps it from being the one call that the backend could make of it

    def __init__(self, parts):
        self.parts = parts
        self.clock = None  # an array, to which each run of a plan adds its calls' seconds

    @property
    def stretches(self):
        """How many times a run enters C (or a Python step)."""
        return len(self.parts)

    def load(self, pairs, rows, copies):
        """array[i] = values[rows[i]] for each pair (array, values), with no copy between; rows None: all."""
        for array, values in pairs:
            if rows is None:
                array[...] = values
            else:
                values.take(rows, axis=0, out=array, mode="clip")

    def run(self):
        if self.clock is not None:
            self.parts[0].run_timed(self.clock)
            return
        for part in self.parts:
            part.run() if isinstance(part, engine.Plan) else part()

    @property
    def most_at_once(self):
        """How many steps `run_batches` takes."""
        return MOST_AT_ONCE if len(self.parts) == 1 and isinstance(self.parts[0], engine.Plan) else 1

    def run_batches(self, pairs, rows, drawn, hyper, hypers, tally):
        """A step for each row of `rows` (steps, batch), loaded from pairs of (array, values), in one call.
        drawn: the random state. hyper: what the optimiser reads; `hypers` has its values, step by step.
        """
        (plan,) = self.parts
        plan.run_batches(pairs, rows, drawn, hyper, hypers, tally.arrays, tally.room, self.clock)
        tally.add_rows(len(rows))

    def run_timed(self):
        """Runs once; returns the seconds of every step, in order."""
        seconds = []
        for part in self.parts:
            if isinstance(part, engine.Plan):
                taken = np.zeros(len(part))
                part.run_timed(taken)
                seconds.extend(taken.tolist())
            else:
                start = time.perf_counter()
                part()
                seconds.append(time.perf_counter() - start)
        return seconds
