"""NVIDIA's compiler as a library, called as CuPy calls it; it needs no driver and no device.

`pip install nvidia-cuda-nvrtc` (CUDA 13) or nvidia-cuda-nvrtc-cu12 brings it.
"""

import ctypes
import ctypes.util
import functools
import importlib.util
from pathlib import Path


@functools.cache
def library():
    """The library, or None where there is none."""
    spec = importlib.util.find_spec("nvidia")
    folders = list(spec.submodule_search_locations) if spec else []
    found = [str(p) for folder in folders for p in sorted(Path(folder).rglob("libnvrtc.so*"))]
    for name in [*found, ctypes.util.find_library("nvrtc")]:
        try:
            return ctypes.CDLL(name) if name else None
        except OSError:
            continue
    return None


def architectures():
    """The compute capabilities that the library compiles for: 75, 80, ..."""
    count = ctypes.c_int()
    library().nvrtcGetNumSupportedArchs(ctypes.byref(count))
    numbers = (ctypes.c_int * count.value)()
    library().nvrtcGetSupportedArchs(numbers)
    return list(numbers)


def compile(text, architecture, options=()):  # noqa: A001
    """The size of the compiled program; a RuntimeError with the compiler's log where it does not compile."""
    nvrtc, program, size = library(), ctypes.c_void_p(), ctypes.c_size_t()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None)
    flags = [option.encode() for option in (f"-arch=sm_{architecture}", "-std=c++17", *options)]
    failed = nvrtc.nvrtcCompileProgram(program, len(flags), (ctypes.c_char_p * len(flags))(*flags))
    if failed:
        nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        nvrtc.nvrtcGetProgramLog(program, log)
    else:
        nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    if failed:
        raise RuntimeError(log.value.decode(errors="replace"))
    return size.value
