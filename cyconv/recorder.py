"""The door that writes down instead of doing: a step of training becomes a flat list of operations.

Layers run their ordinary code against a Recorder. It hands them Buffers (a shape and a dtype, no memory);
every operation becomes a Step with its buffers. Afterwards `memory.place` gives the buffers addresses by
lifetime, and the backend makes the list repeatable.
"""

from math import prod

import numpy as np

from .backends.interface import Door, in_numpy
from .memory import ALIGNMENT


class Storage:
    """Bytes that some buffers share. `offset` is set by `memory.place`; kept ones outlive the step. Those
    that are fed, the batch, have an array of their own.
    """

    __slots__ = ("fed", "first", "kept", "last", "nbytes", "offset", "owner")

    def __init__(self, nbytes):
        self.nbytes, self.kept, self.offset = nbytes, False, None
        self.fed = False
        self.first = self.last = None
        self.owner = None  # the storage whose place this one takes over (in-place operations)


class Buffer:
    """An array to be: shape, dtype and the storage it will view."""

    __slots__ = ("dtype", "shape", "storage")

    def __init__(self, shape, dtype, storage=None):
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        self.storage = storage or Storage(prod(self.shape) * self.dtype.itemsize)

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return prod(self.shape)


class Step:
    """One recorded operation: its operands (buffers, arrays or None), attributes, layer, phase."""

    __slots__ = ("attributes", "layer", "operands", "operation", "phase", "scratch")

    def __init__(self, operation, operands, attributes, layer, phase, scratch):
        self.operation, self.operands, self.attributes = operation, operands, attributes
        self.layer, self.phase, self.scratch = layer, phase, scratch

    def buffers(self):
        """The buffers among the operands and the scratch."""
        return [b for b in (*self.operands, self.scratch) if isinstance(b, Buffer)]


class OnPaper:
    """The mailbox of a step that is written down only to see what it needs."""

    def share(self, host):
        return host


class Recorder(Door):
    """A door over `backend`. Set `layer`, `phase` and `node` before the code that belongs to them runs.

    random_state: the host's array. mailbox: where kernels read small arrays that change from step to step.
    """

    def __init__(self, backend, random_state, mailbox=None):
        self.backend, self.mailbox = backend, mailbox or backend.mailbox(1024)
        self.random_state, self.adds_gradients = self.live(random_state), backend.adds_gradients
        self.steps, self.fed = [], []
        self.layer, self.phase, self.node = "", "forward", 0

    def empty(self, shape, dtype):
        return Buffer(shape, dtype)

    def reshape(self, x, shape):
        if isinstance(x, Buffer):
            return Buffer(shape, x.dtype, x.storage)
        return self.backend.reshape(x, shape)

    def asarray(self, values, dtype):
        """A constant of the step: an array of the backend with these values."""
        return self.backend.asarray(values, dtype)

    def live(self, host):
        """What kernels read in place of a small host array that is written before each step."""
        return self.mailbox.share(host)

    def given(self, shape, dtype):
        """A buffer that is filled before each step."""
        buffer = Buffer(shape, dtype)
        buffer.storage.fed = True
        self.fed.append(buffer)
        return buffer

    def keep(self, buffer):
        """Marks a buffer that is read after the step; returns it."""
        if isinstance(buffer, Buffer):
            buffer.storage.kept = True
        return buffer

    def python(self, function, inputs, shape, dtype):
        """A step in Python: `function(*inputs)` gives the values of the returned buffer."""
        out, backend = Buffer(shape, dtype), self.backend

        def run(*arrays):
            *sources, target = arrays
            backend.load(target, in_numpy(function, [backend.to_host(s) for s in sources], shape))

        self._append("python", (*inputs, out), {"function": run}, None)
        return out

    def takes_pair(self, x, kernel, **options):
        return self.backend.takes_pair(x, kernel, **options)

    def takes_pool(self, x):
        return self.backend.takes_pool(x)

    def moments_shape(self, x, kernel, **options):
        return self.backend.moments_shape(x, kernel, **options)

    def _do(self, operation, operands, attributes):
        count = self.backend.scratch(operation, operands, attributes)
        self._append(operation, operands, attributes, Buffer((count,), np.uint8) if count else None)

    def _append(self, operation, operands, attributes, scratch):
        self.steps.append(Step(operation, tuple(operands), attributes, self.layer, self.phase, scratch))


def realise(ops, arena_bytes):
    """Gives the buffers of a recording, placed in an arena of so many bytes, their memory.

    Returns (real, fed): real(buffer) is its array; fed, the arrays that are filled before each step.
    """
    backend = ops.backend
    fed = {id(b.storage): backend.asarray(np.zeros(b.shape, b.dtype), b.dtype) for b in ops.fed}
    arena = backend.empty((arena_bytes + ALIGNMENT,), "uint8")
    start = -backend.address(arena) % ALIGNMENT

    def real(b):
        if not isinstance(b, Buffer):
            return b
        if b.storage.fed:
            return backend.reshape(fed[id(b.storage)], b.shape)
        return view(arena, start + b.storage.offset, b.shape, b.dtype)

    for step in ops.steps:
        step.operands, step.scratch = tuple(map(real, step.operands)), real(step.scratch)
    return real, list(fed.values())


def view(arena, offset, shape, dtype):
    """The array that lies at byte `offset` of a backend's uint8 arena."""
    dtype = np.dtype(dtype)
    return arena[offset : offset + prod(shape) * dtype.itemsize].view(dtype).reshape(shape)


def repeatable(backend, steps):
    """The program of a few steps, each buffer with memory of its own: what is measured by itself."""
    arrays = {}

    def real(b):
        if not isinstance(b, Buffer):
            return b
        if id(b.storage) not in arrays:
            arrays[id(b.storage)] = backend.empty((b.storage.nbytes + ALIGNMENT,), "uint8")
        room = arrays[id(b.storage)]
        return view(room, -backend.address(room) % ALIGNMENT, b.shape, b.dtype)

    for step in steps:
        step.operands, step.scratch = tuple(map(real, step.operands)), real(step.scratch)
    return backend.program(steps)
