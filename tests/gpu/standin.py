"""A stand-in for the module `cupy` on a machine without a GPU, stricter than CuPy.

Arrays lie in NumPy memory, kernels run on the processor (`cuda_on_cpu`), and a stream is a queue that is
worked off as late as a GPU may: when the host reads or synchronizes. So a host buffer that is written again
too early, or an array that is read before it is filled, shows. New memory is full of NaN.

Refused: host arrays among device arrays, arithmetic on arrays, work outside of `with stream`; inside a
capture also allocations, copies, reads, synchronizing, and compiling. `counts` counts what there was of each.
"""

from collections import Counter
from weakref import WeakSet

import cuda_on_cpu
import numpy as np


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory's."""


class _Memory:
    """Bytes on the device, given back when nobody refers to them any more."""

    def __init__(self, cupy, nbytes):
        self.cupy, self.nbytes = cupy, nbytes
        self.bytes = np.full(nbytes + 256, 0xFF, np.uint8)
        self.start = -self.bytes.ctypes.data % 256  # cudaMalloc aligns so
        cupy.allocated += nbytes
        cupy.memories.add(self)

    def __del__(self):
        """CuPy's pool gives freed memory to later work of the stream: what is queued may still use it."""
        self.cupy.allocated -= self.nbytes
        for stream in self.cupy.made:
            stream.hold(self.bytes)


class _Pointer:
    """`array.data`."""

    def __init__(self, array):
        self.array = array
        self.ptr = array._values.ctypes.data

    def copy_from_host_async(self, address, nbytes, stream):
        cupy = self.array._cupy
        cupy.forbid_in_capture("a copy from the host")
        if not any(first <= address and address + nbytes <= last for first, last in cupy.pinned):
            raise ValueError("an asynchronous copy needs pinned memory")
        cupy.counts["writes"] += 1
        source = np.ctypeslib.as_array((np.ctypeslib.ctypes.c_uint8 * nbytes).from_address(address))
        target = self.array._values.reshape(-1).view(np.uint8)[:nbytes]
        stream.queue(lambda: np.copyto(target, source))


class Array:
    """An array on the device. There are no operations on it but views and copies."""

    __array_ufunc__ = None

    def __init__(self, cupy, memory, values):
        self._cupy, self._memory, self._values = cupy, memory, values
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim
        self.size, self.nbytes, self.itemsize = values.size, values.nbytes, values.itemsize

    data = property(_Pointer)

    def _like(self, values):
        if values.size and not np.shares_memory(values, self._values):
            raise AssertionError("a view became a copy")
        return Array(self._cupy, self._memory, values)

    def __getitem__(self, index):
        if not isinstance(index, slice):
            raise TypeError(f"the backend cuts arrays by slices alone. Received: {index!r}")
        return self._like(self._values[index])

    def reshape(self, *shape):
        return self._like(self._values.reshape(*shape))

    def view(self, dtype):
        return self._like(self._values.view(dtype))

    def get(self):
        """A copy on the host."""
        self._cupy.forbid_in_capture("a read by the host")
        self._cupy.counts["reads"] += 1
        self._cupy.stream().synchronize()
        return self._values.copy()

    def set(self, host):
        """Takes the values of a host array, which is staged before the call returns."""
        self._cupy.forbid_in_capture("a copy from the host")
        if type(host) is not np.ndarray or host.dtype != self.dtype or host.shape != self.shape:
            raise TypeError(f"set takes a host array {self.dtype} {self.shape}. Received: {host!r}")
        self._cupy.counts["writes"] += 1
        staged = host.copy()
        self._cupy.stream().queue(lambda: np.copyto(self._values, staged))

    def _refuse(self, *_, **__):
        raise TypeError("host and device do not mix: `to_host` and `asarray` are the ways across")

    __array__ = __float__ = __int__ = __bool__ = __iter__ = __len__ = __index__ = _refuse

    def __repr__(self):
        return f"<device array {self.dtype} {self.shape}>"


class Stream:
    """Work in order, done when somebody looks."""

    def __init__(self, cupy):
        self._cupy, self._pending, self._captured = cupy, [], None
        self.ptr = id(self)
        cupy.made.append(self)

    def hold(self, memory):
        """Keeps freed memory until what is queued now has been done."""
        if self._pending:
            self._pending.append(lambda: memory)

    def __enter__(self):
        self._cupy.streams.append(self)
        return self

    def __exit__(self, *error):
        self._cupy.streams.pop()

    def queue(self, work):
        if self._captured is not None:
            self._captured.append(work)
        else:
            self._pending.append(work)

    def synchronize(self):
        self._cupy.forbid_in_capture("synchronizing")
        self._cupy.counts["synchronized"] += 1
        self.work_off()

    def work_off(self):
        """Does what is queued."""
        pending, self._pending = self._pending, []
        for work in pending:
            work()

    def begin_capture(self):
        assert self._captured is None
        self._captured, self._cupy.capturing = [], True

    def end_capture(self):
        captured, self._captured, self._cupy.capturing = self._captured, None, False
        return Graph(self._cupy, captured)


class Graph:
    """What was captured, to be done again."""

    def __init__(self, cupy, work):
        self._cupy, self.work = cupy, work

    def launch(self, stream):
        self._cupy.counts["graphs"] += 1
        for work in self.work:
            stream.queue(work)


class Event:
    """A mark in a stream; the k-th is k milliseconds old."""

    made = 0

    def record(self, stream):
        Event.made += 1
        self.time = Event.made


class RawModule:
    """Kernels as text, compiled at the first launch, as CuPy does."""

    def __init__(self, cupy, code, options=()):
        self._cupy, self._code, self._options, self._module = cupy, code, tuple(options), None

    def get_function(self, name):
        return Function(self, name)

    def compiled(self):
        if self._module is None:
            self._cupy.forbid_in_capture("compiling")
            self._cupy.counts["modules"] += 1
            self._module = cuda_on_cpu.RawModule(self._code, self._options)
        return self._module


class Function:
    """A kernel: function(grid, block, args)."""

    def __init__(self, module, name):
        self._module, self.name, self._kernel = module, name, None

    def __call__(self, grid, block, args, shared_mem=0):
        cupy = self._module._cupy
        for argument in args:
            if not isinstance(argument, Array | np.generic):
                raise TypeError(f"{self.name} takes device arrays and NumPy scalars. Received: {argument!r}")
        if self._kernel is None:
            self._kernel = self._module.compiled().get_function(self.name)
        kernel = self._kernel
        cupy.counts["launches"] += 1
        cupy.stream().queue(lambda: kernel(grid, block, args, shared_mem))


class _Namespace:
    def __init__(self, **names):
        self.__dict__.update(names)


class StandIn:
    """The module. memory: bytes that the device has."""

    ndarray, __version__ = Array, "stand-in"

    def __init__(self, memory=1 << 30):
        self.memory, self.allocated, self.capturing = memory, 0, False
        self.made, self.streams, self.pinned, self.counts = [], [], [], Counter()
        self.memories = WeakSet()
        runtime = _Namespace(
            memGetInfo=lambda: (self.memory - self._in_use(), self.memory), getDevice=lambda: 0,
            getDeviceProperties=lambda _: {"name": b"stand-in", "major": 8, "minor": 0},
        )  # fmt: skip
        self.cuda = _Namespace(
            Stream=lambda non_blocking=False: Stream(self), Event=Event, runtime=runtime,
            get_elapsed_time=lambda a, b: float(b.time - a.time), alloc_pinned_memory=self._pinned,
            memory=_Namespace(OutOfMemoryError=OutOfMemoryError),
        )  # fmt: skip

    def forbid_in_capture(self, what):
        if self.capturing:
            raise RuntimeError(f"{what} inside a capture")

    def stream(self):
        if not self.streams:
            raise RuntimeError("work outside of `with stream` would go to CuPy's default stream")
        return self.streams[-1]

    def expect_memory(self, address, nbytes):
        """Refuses an address from which on so many bytes are not all of one array's memory."""
        for memory in self.memories:
            first = memory.bytes.ctypes.data + memory.start
            if first <= address and address + nbytes <= first + memory.nbytes:
                return
        raise ValueError(f"{nbytes} bytes at {address:#x} are not memory of the device")

    def empty(self, shape, dtype):
        self.forbid_in_capture("an allocation")
        self.stream()
        dtype = np.dtype(dtype)
        nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if self.allocated + nbytes > self.memory and self._in_use() + nbytes > self.memory:
            raise OutOfMemoryError(nbytes)
        self.counts["allocations"] += 1
        memory = _Memory(self, nbytes)
        values = memory.bytes[memory.start : memory.start + nbytes].view(dtype).reshape(shape)
        return Array(self, memory, values)

    def _in_use(self):
        """Bytes in use once all that is queued has been done."""
        for stream in self.made:
            stream.work_off()
        return self.allocated

    def _pinned(self, nbytes):
        memory = np.full(nbytes, 0xFF, np.uint8)
        self.pinned.append((memory.ctypes.data, memory.ctypes.data + nbytes))
        return memory

    def RawModule(self, code, options=()):  # noqa: N802 (CuPy's name)
        return RawModule(self, code, options)

    def get_default_memory_pool(self):
        return _Namespace(free_bytes=lambda: 0)
