"""The stand-in itself: it refuses what a GPU, or CuPy, would let pass or do wrong without a word."""

import numpy as np
import pytest
from standin import OutOfMemoryError, StandIn

SCALE = """
extern "C" __global__ void scale(const float *x, float *y, int n, float by)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = by * x[i];
}
"""


@pytest.fixture
def cupy():
    return StandIn(memory=1 << 20)


@pytest.fixture
def stream(cupy):
    with cupy.cuda.Stream(non_blocking=True) as stream:
        yield stream


def filled(cupy, values):
    array = cupy.empty((len(values),), "float32")
    array.set(np.float32(values))
    return array


def test_host_and_device_do_not_mix(cupy, stream):
    x, host = filled(cupy, [1, 2]), np.zeros(2, np.float32)
    for attempt in (lambda: x + host, lambda: host + x, lambda: np.add(x, 1), lambda: np.asarray(x),
                    lambda: float(x), lambda: bool(x), lambda: list(x), lambda: x[0]):  # fmt: skip
        with pytest.raises(TypeError):
            attempt()
    scale = cupy.RawModule(SCALE).get_function("scale")
    with pytest.raises(TypeError, match="device arrays"):
        scale((1,), (32,), (host, x, np.int32(2), np.float32(3)))
    with pytest.raises(TypeError, match="device arrays"):
        scale((1,), (32,), (x, x, 2, np.float32(3)))


def test_work_outside_of_a_stream_is_refused(cupy):
    with pytest.raises(RuntimeError, match="default stream"):
        cupy.empty((2,), "float32")


def test_a_capture_takes_launches_alone(cupy, stream):
    x, y = filled(cupy, [1, 2]), cupy.empty((2,), "float32")
    scale = cupy.RawModule(SCALE).get_function("scale")
    args = (x, y, np.int32(2), np.float32(3))
    stream.begin_capture()
    for attempt in (lambda: cupy.empty((2,), "float32"), x.get, lambda: x.set(np.zeros(2, np.float32)),
                    stream.synchronize, lambda: scale((1,), (32,), args)):  # fmt: skip
        with pytest.raises(RuntimeError, match="inside a capture"):
            attempt()
    stream.end_capture()
    scale((1,), (32,), args)  # compiled now
    stream.begin_capture()
    scale((1,), (32,), args)
    graph = stream.end_capture()
    np.testing.assert_array_equal(y.get(), [3, 6])
    x.set(np.float32([5, 6]))
    assert cupy.counts["graphs"] == 0
    graph.launch(stream)
    np.testing.assert_array_equal(y.get(), [15, 18])


def test_work_is_done_as_late_as_it_may(cupy, stream):
    """An asynchronous copy reads its source when the stream comes to it; `set` has staged it before."""
    x, memory = filled(cupy, [1, 2]), cupy.cuda.alloc_pinned_memory(8)
    pinned = np.frombuffer(memory, np.float32, 2)
    pinned[...] = 7, 8
    x.data.copy_from_host_async(pinned.ctypes.data, 8, stream)
    pinned[...] = 9, 9
    np.testing.assert_array_equal(x.get(), [9, 9])
    host = np.float32([3, 4])
    x.set(host)
    host[...] = 0
    np.testing.assert_array_equal(x.get(), [3, 4])
    with pytest.raises(ValueError, match="pinned"):
        x.data.copy_from_host_async(host.ctypes.data, 8, stream)


def test_memory_is_counted_and_new_memory_holds_nothing(cupy, stream):
    x = cupy.empty((1000,), "float32")
    assert np.isnan(x.get()).all() and cupy.allocated == 4000
    with pytest.raises(OutOfMemoryError):
        cupy.empty((1 << 20,), "uint8")
    del x
    assert cupy.allocated == 0 and cupy.cuda.runtime.memGetInfo() == (1 << 20, 1 << 20)
