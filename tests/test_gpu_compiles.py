"""Every CUDA kernel is taken by NVIDIA's own compilers, where they are: NVRTC as CuPy uses it, and nvcc."""

import re
import shutil
import subprocess

import numpy as np
import nvrtc
import pytest

from cyconv.backends.formula import FUNCTIONS, trace
from cyconv.backends.gpu import formulas, tiles
from cyconv.backends.gpu.kernels import FOLDER, source

needs_nvrtc = pytest.mark.skipif(nvrtc.library() is None, reason="needs NVRTC: pip install nvidia-cuda-nvrtc")
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="needs nvcc")
NAMES = sorted(path.stem for path in FOLDER.glob("*.cu"))
PRODUCTS = ("convolution", "input_gradient", "kernel_gradient", "matmul")
HOT = [(tiles.TILES[0], False), (tiles.TILES[2], False), (tiles.TILES[0], True)]
OLDEST, TENSOR_CORES, NEWEST = 75, 80, 120


def every_function(*arrays):
    return tuple(getattr(np, name)(*arrays[:count]) for name, count in FUNCTIONS.items())


def texts():
    """(name, text, oldest architecture) of each file as it stands, and as it is used where speed counts."""
    for name in NAMES:
        yield name, source(name), OLDEST
    for name in ("pooling", "batch_norm", "depthwise"):
        yield f"{name} by quads", source(name, WIDTH=4), OLDEST
    yield "every function of formulas", formulas.source(trace(every_function, 3), 2), OLDEST
    for name in PRODUCTS:
        for tile, tf32 in HOT:
            text = tiles.code(name, tile, (True, True, True), "relu", tf32)
            kind = "tf32" if tf32 else "float32"
            yield f"{name} {tile.m}x{tile.n} {kind}", text, TENSOR_CORES if tf32 else OLDEST


TEXTS = {name: (text, oldest) for name, text, oldest in texts()}


@needs_nvrtc
@pytest.mark.parametrize("name", TEXTS)
def test_nvrtc_compiles_it_for_the_oldest_and_the_newest(name):
    """Those between compile the same text; `python tests/test_gpu_compiles.py` goes through all."""
    text, oldest = TEXTS[name]
    supported = [a for a in nvrtc.architectures() if oldest <= a <= NEWEST]
    for architecture in (supported[0], supported[-1]):
        assert nvrtc.compile(text, architecture) > 0


@needs_nvrtc
@pytest.mark.parametrize("name", [name for name in NAMES if name != "feed"])
def test_nvrtc_compiles_it_for_doubles(name):
    assert nvrtc.compile(source(name), TENSOR_CORES, ("-DREAL=double",)) > 0


@needs_nvrtc
def test_nvrtc_says_what_is_wrong():
    with pytest.raises(RuntimeError, match="identifier"):
        nvrtc.compile('extern "C" __global__ void k(float *y) { y[0] = nothing; }', OLDEST)


def resources(text, architecture, folder):
    """{kernel: (registers, bytes spilled)} by ptxas."""
    path, cubin = folder / "kernel.cu", folder / "kernel.cubin"
    path.write_text(text)
    command = ["nvcc", "-cubin", f"-arch=sm_{architecture}", "-Xptxas", "-v", path, "-o", cubin]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    line = (r"entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads"
            r".*?Used (\d+) registers")  # fmt: skip
    found = re.findall(line, done.stderr, re.S)
    return {name: (int(registers), int(stores) + int(loads)) for name, stores, loads, registers in found}


@needs_nvcc
@pytest.mark.parametrize("name", [n for n in TEXTS if n.endswith(("float32", "tf32", "quads"))])
def test_nothing_spills(name, tmp_path):
    """Registers are enough: what does not fit would go to memory and back in the innermost loop."""
    found = resources(TEXTS[name][0], 90, tmp_path)
    assert found
    for kernel, (registers, spilled) in found.items():
        print(f"{name}: {kernel}: {registers} registers")
        assert spilled == 0, f"{kernel} spills {spilled} bytes"


if __name__ == "__main__":
    for name, (text, oldest) in TEXTS.items():
        sizes = {a: nvrtc.compile(text, a) for a in nvrtc.architectures() if oldest <= a <= NEWEST}
        print(name, "; ".join(f"sm_{a}: {size} bytes" for a, size in sizes.items()), flush=True)
