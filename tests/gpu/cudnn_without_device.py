"""The real package `cudnn` on a machine without a GPU: plans for a device that is described in words.

cuDNN makes plans "deviceless" from the properties of a device; running them needs one. What it loads wants
the driver's library all the same: `stub` compiles an empty one. `python cudnn_without_device.py NAME` makes
the plans of all geometries of tests/test_kernels_convolution.py, through cyconv's own code, a line for each.
"""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))  # test_kernels_convolution.py

import numpy as np  # noqa: E402
import test_kernels_convolution as convolutions  # noqa: E402

from cyconv.backends.gpu.cudnn import Cudnn  # noqa: E402

# By data sheets: compute capability, processors, shared memory of a block, memory clock in kHz, L2, memory.
DEVICES = {
    "A100": (800, 108, 166_912, 1_215_000, 40 << 20, 40 << 30),
    "H100": (900, 132, 232_448, 2_619_000, 50 << 20, 80 << 30),
}
DRIVER_FUNCTIONS = (
    "cuGetErrorString", "cuModuleGetFunction", "cuModuleLoadData", "cuModuleUnload",
    "cuTensorMapEncodeIm2col", "cuTensorMapEncodeTiled",
)  # fmt: skip


def stub(folder):
    """Compiles a libcuda.so.1 whose functions say that there is no device."""
    text = "".join(f"int {name}(void) {{ return 100; }}\n" for name in DRIVER_FUNCTIONS)
    out = ["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", f"{folder}/libcuda.so.1"]
    subprocess.run(["gcc", "-x", "c", "-", *out], input=text, text=True, check=True)


def described(name):
    """A device as cuDNN's JSON."""
    version, processors, shared, clock, cache, memory = DEVICES[name]
    return json.dumps(dict(
        deviceName=name, deviceVer=version, driverVer=12080, cudaDeviceId=0, pciDeviceId=0, isTccDriver=0,
        multiProcessorCount=processors, smCountOrigin=0, smClockRateKHz=1_410_000, warpSize=32,
        maxGridSize=[2**31 - 1, 65535, 65535], maxBlockSize=[1024, 1024, 64], maxThreadsPerBlock=1024,
        maxThreadsPerSM=2048, maxCtasPerSM=32, regsPerBlock=65536, maxRegistersPerSM=65536,
        maxSharedMemoryPerBlock=49152, maxSharedMemoryPerBlockOptin=shared, reservedSharedMemoryPerBlock=1024,
        oversizedSharedMemoryPerBlock=0, totalGlobalMem=memory, memClockRateKHz=clock, memoryBusWidth=5120,
        l2CacheSize=cache, supportCoopLaunch=1,
    ))  # fmt: skip


class Deviceless:
    """The package, whose graphs are made for a described device and have no handle."""

    def __init__(self, module, name):
        self._module, self._device = module, module.create_device_properties(described(name))

    def __getattr__(self, name):
        return getattr(self._module, name)

    def create_handle(self):
        return None

    def set_stream(self, handle, stream):
        pass

    def pygraph(self, *, handle, **options):
        return self._module.pygraph(device_property=self._device, **options)


def main(name):
    import cudnn

    library = Cudnn(SimpleNamespace(stream=SimpleNamespace(ptr=0)), Deviceless(cudnn, name))
    print(f"cudnn {cudnn.__version__}, library {cudnn.backend_version()}")
    for geometry, case in convolutions.GRID.items():
        C, K = case["channels"]
        x, y = (case["N"], *case["sizes"], C), (case["N"], *convolutions.sizes_out(case), K)
        kernel = (*case["window"], C // case["groups"], K)
        x, y, kernel = (np.empty(shape, np.float32) for shape in (x, y, kernel))
        attributes = {n: case[n] for n in ("strides", "padding", "dilation", "groups")}
        for operation, operands in {
            "convolution": (x, kernel, None, None, y, None),
            "convolution_input_gradient": (y, kernel, None, x, None),
            "convolution_kernel_gradient": (x, y, kernel, None, None),
        }.items():
            for tf32 in (False, True):
                plan = library.plan(operation, operands, attributes, tf32)
                print(f"{geometry}: {operation}, {'tf32' if tf32 else 'float32'}: {plan.workspace} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
