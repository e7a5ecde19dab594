"""CUDA C kernels on a processor: compiled by g++ with `cuda_on_cpu.h`, used like CuPy's RawModule.

    module = RawModule(code=text, options=("-DTILE=4",))
    module.get_function("name")((grid,), (block,), (array, np.int32(5)))

An argument is an array (anything with `.data.ptr`, as CuPy's, or a NumPy array), a NumPy scalar of just the
parameter's type, or `np.uintp(0)` for no array. What a GPU would silently misread is a TypeError here.
`thread_order(seed)` chooses the order of the threads between barriers. Where the process runs under
AddressSanitizer (`make debug`), so do the kernels.
"""

import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
COMPILER = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
SANITIZED = hasattr(ctypes.CDLL(None), "__asan_init")
FLAGS = ["-std=c++17", "-O1", "-g1", "-fPIC", "-shared", "-w", "-ffp-contract=off"]
SANITIZE = ["-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined",
            "-fsanitize-sections=cuda_shared"]  # fmt: skip
KERNEL = re.compile(r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(')
MOST_THREADS = 1024

_order = 0


@contextmanager
def thread_order(seed):
    """0: threads run forwards between barriers, 1: backwards, other numbers: shuffled."""
    global _order
    before, _order = _order, seed
    try:
        yield
    finally:
        _order = before


class RawModule:
    """Kernels compiled from text. options: as NVRTC's; -D and -U count, others are of no consequence here."""

    def __init__(self, code, options=(), backend="nvrtc"):
        macros = tuple(option for option in options if option.startswith(("-D", "-U")))
        self.library = ctypes.CDLL(_compiled(code, macros))
        self.names = KERNEL.findall(code)

    def get_function(self, name):
        if name not in self.names:
            raise AttributeError(f"no kernel {name!r}; there are {', '.join(self.names)}")
        return Kernel(self.library, name)


class Kernel:
    """One kernel: kernel(grid, block, args)."""

    def __init__(self, library, name):
        self.name = name
        self.run = getattr(library, f"run_{name}")
        self.run.restype = ctypes.c_char_p
        signature = getattr(library, f"signature_{name}")
        signature.restype = ctypes.c_char_p
        self.parameters = signature().decode().split()

    def __call__(self, grid, block, args, shared_mem=0):
        if shared_mem:
            raise ValueError(f"{self.name}: declare shared memory in the kernel, not at the launch")
        grid, block = ((*map(int, sizes), 1, 1)[:3] for sizes in (grid, block))
        if min(*grid, *block) < 1 or np.prod(block) > MOST_THREADS or max(grid[1:]) > 65535:
            raise ValueError(f"{self.name}: no GPU runs a grid {grid} of blocks {block}")
        if len(args) != len(self.parameters):
            raise TypeError(f"{self.name} takes {len(self.parameters)} arguments. Received: {len(args)}")
        values = [self._value(i, a) for i, a in enumerate(args)]
        pointers = (ctypes.c_void_p * len(values))(*(v.ctypes.data for v in values))
        three = ctypes.c_uint * 3
        error = self.run(three(*grid), three(*block), pointers, _order)
        if error:
            raise RuntimeError(f"{self.name}: {error.decode()}")

    def _value(self, position, argument):
        """An argument as a NumPy array of one element, or a TypeError."""
        wanted = self.parameters[position]
        if wanted[0] != "*":
            if isinstance(argument, np.generic) and argument.dtype == np.dtype(wanted):
                return np.array([argument])
        elif isinstance(argument, np.uintp) and argument == 0:
            return np.zeros(1, np.uintp)
        elif getattr(argument, "dtype", None) == np.dtype(wanted[1:]) and argument.ndim:
            data = argument.ctypes.data if isinstance(argument, np.ndarray) else argument.data.ptr
            return np.array([data], np.uintp)
        kind = f"an array of {np.dtype(wanted[1:])}" if wanted[0] == "*" else f"np.{np.dtype(wanted)}"
        raise TypeError(f"{self.name}: argument {position} must be {kind}. Received: {argument!r:.80}, "
                        f"{getattr(argument, 'dtype', type(argument).__name__)}")


@functools.cache
def _compiled(code, macros):
    """The path of the shared object, compiled unless an equal one was before."""
    if COMPILER is None:
        raise RuntimeError("a C++ compiler is needed: g++ or clang++")
    text = "\n".join([f'#include "{HEADER}"', '#line 1 "kernel.cu"', code,
                      *(f"CUDA_ON_CPU_KERNEL({name})" for name in KERNEL.findall(code))])
    flags = [*FLAGS, *(SANITIZE if SANITIZED else []), *macros]
    key = hashlib.sha256("\0".join([COMPILER, HEADER.read_text(), text, *flags]).encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"cyconv-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{key}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=folder) as place:
            source, built = Path(place) / "kernel.cpp", Path(place) / "kernel.so"
            source.write_text(text)
            environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
            done = subprocess.run([COMPILER, *flags, "-o", built, source], capture_output=True, text=True,
                                  env=environment)
            if done.returncode:
                raise RuntimeError(f"the kernels do not compile:\n{done.stderr[:4000]}")
            os.replace(built, path)
    return str(path)
