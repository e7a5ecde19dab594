"""The gpu backend: the door on CuPy arrays, CUDA kernels of cyconv's own, a step in one CUDA graph.

`Gpu(cupy)` takes the module, so that tests can give it another one that counts and refuses (tests/gpu), and
so it takes `cudnn`; without it that is imported when a convolution asks for it. All work goes through one
stream. Arrays come from the host by `asarray` and `load`, and go there by `to_host`; no operation takes an
array of the other side.
"""

import os

import numpy as np

from ..interface import Door, in_numpy
from . import lower
from .algorithms import choose
from .cudnn import Cudnn
from .device import GpuUnavailable, describe, open_cupy
from .mailbox import Mailbox, Ring
from .program import Program, Tally


class DeviceOutOfMemory(MemoryError):
    """The device has no room. wanted, free: bytes."""

    def __init__(self, wanted, free):
        super().__init__(f"the GPU has {free / 1e6:.1f} MB free; {wanted / 1e6:.1f} MB were asked for")
        self.wanted, self.free = wanted, free


class Gpu(Door):
    """The door on the arrays of `cupy`. tf32: whether "auto" rounds factors for the tensor cores."""

    name = memory = "gpu"

    def __init__(self, cupy, cudnn=None):
        self.cupy, self.stream = cupy, cupy.cuda.Stream(non_blocking=True)
        self.cudnn = Cudnn(self, cudnn)
        self.ring = Ring(self)
        self._functions, self._modules = {}, {}
        self._steps, self.node = 0, 0
        self.device, self.capability = describe(cupy)
        self.tf32 = os.environ.get("CYCONV_TF32", "0") not in ("", "0")
        self.random_state = self.asarray(np.zeros(1), "uint64")

    def __repr__(self):
        return f"<Gpu {self.device}, sm_{''.join(map(str, self.capability))}>"

    # Arrays ----------------------------------------------------------------------------------------------

    def empty(self, shape, dtype):
        """An array of undefined content. DeviceOutOfMemory where there is no room."""
        shape, dtype = tuple(shape), np.dtype(dtype)
        try:
            with self.stream:
                return self.cupy.empty(shape, dtype)
        except self.cupy.cuda.memory.OutOfMemoryError as error:
            wanted = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            raise DeviceOutOfMemory(wanted, self.free_bytes()) from error

    def free_bytes(self):
        """How much the device and CuPy's pool have left."""
        free, _ = self.cupy.cuda.runtime.memGetInfo()
        return free + self.cupy.get_default_memory_pool().free_bytes()

    def reshape(self, x, shape):
        return x.reshape(shape)

    def asarray(self, values, dtype):
        """A new array of `dtype` with these host values."""
        host = np.require(np.asarray(values), np.dtype(dtype), ["C", "A"])
        array = self.empty(host.shape, host.dtype)
        self.load(array, host)
        return array

    def to_host(self, array):
        """A copy as NumPy's; waits for the device."""
        with self.stream:
            return array.get()

    def load(self, array, values):
        """Copies host values into an array of this backend, in place."""
        if not array.size:
            return
        host = np.asarray(values)
        if host.shape != array.shape or host.dtype != array.dtype or not host.flags.c_contiguous:
            host = np.empty(array.shape, array.dtype)
            np.copyto(host, values, casting="same_kind")
        with self.stream:
            array.set(host)

    def address(self, array):
        """Where the array begins in the device's memory."""
        return array.data.ptr

    def advance(self):
        """The next step of what runs outside of recorded ones: random numbers are drawn anew."""
        self._steps += 1
        self.load(self.random_state, np.uint64(self._steps))

    def restart(self):
        """The counter of those steps begins anew."""
        self._steps = 0
        self.load(self.random_state, np.uint64(0))

    def python(self, function, inputs, shape, dtype):
        """Calls `function` on host copies: what a layer written in NumPy does."""
        return self.asarray(in_numpy(function, [self.to_host(a) for a in inputs], shape), dtype)

    # Operations ------------------------------------------------------------------------------------------

    def _do(self, operation, operands, attributes):
        count = self.scratch(operation, operands, attributes)
        work = self.empty((count,), "uint8") if count else None
        with self.stream:
            for function, grid, block, args in self.prepared(operation, operands, attributes, work):
                function(grid, block, args)

    def prepared(self, operation, operands, attributes, work):
        """An operation as (function, grid, block, arguments) of each launch."""
        for operand in operands:
            if operand is not None and not isinstance(operand, self.cupy.ndarray):
                raise TypeError(
                    f"{operation}: the gpu backend takes its own arrays; `asarray` brings one over. "
                    f"Received: {type(operand).__name__}"
                )
        algorithm = self.algorithm(operation, operands, attributes)
        if algorithm == "cudnn":
            return self.cudnn.prepared(operation, operands, attributes, work, self.tf32)
        return self.calls(*lower.lower(operation, operands, attributes, work, algorithm == "tf32"))

    def calls(self, dtype, launches):
        """Launches as (function, grid, block, arguments). CuPy compiles at the first call, nothing now."""
        return [(self._function(l.code, str(dtype), l.kernel), l.grid, l.block, l.args) for l in launches]

    def _function(self, code, dtype, kernel):
        if (code, dtype) not in self._modules:
            options = ("-DREAL=double",) if dtype == "float64" else ()
            self._modules[code, dtype] = self.cupy.RawModule(code=code, options=options)
        if (code, dtype, kernel) not in self._functions:
            self._functions[code, dtype, kernel] = self._modules[code, dtype].get_function(kernel)
        return self._functions[code, dtype, kernel]

    def scratch(self, operation, operands, attributes):
        """Bytes of scratch that the recorded launches will need."""
        if self.algorithm(operation, operands, attributes) == "cudnn":  # an error here names the layer
            return self.cudnn.scratch(operation, operands, attributes, self.tf32)
        return lower.scratch(operation, operands, attributes)

    def algorithm(self, operation, operands, attributes):
        """The algorithm by which a convolution or a product of matrices runs; None for other operations."""
        if "algorithm" in attributes or operation == "matmul":
            return choose(attributes.get("algorithm", "auto"), self.tf32, self.capability[0]).taken
        return None

    def choice(self, operation, operands, attributes):
        """The same with the algorithms that there are for the shape, and why."""
        choice = choose(attributes.get("algorithm", "auto"), self.tf32, self.capability[0])
        if self.cudnn.takes(operation, operands, attributes, self.tf32):
            choice.estimates["cudnn"] = None
        return choice

    # Repeating -------------------------------------------------------------------------------------------

    def mailbox(self, size):
        """Where a recorded step reads what the host writes before it: `size` bytes."""
        return Mailbox(self, size)

    def tally(self, arrays, scales):
        """Counts numbers over the steps of a program."""
        return Tally(self, arrays, scales)

    def program(self, steps, mailbox=None, fed=(), tally=None):
        return Program(self, steps, mailbox, fed, tally)
