"""CuPy and the device, or an error that says which of them is missing. CuPy is imported here alone."""

INSTALL = 'pip install "cyconv[gpu]" (CUDA 12), or pip install "cyconv[gpu-cuda13]" (CUDA 13)'


class GpuUnavailable(RuntimeError):
    """The gpu backend was asked for and cannot run here."""


def open_cupy():
    """The module `cupy`, with a device behind it.

    Errors: ImportError without CuPy, GpuUnavailable without a driver or device; no falling back to the CPU.
    """
    try:
        import cupy
    except ImportError as error:
        raise ImportError(f"the gpu backend needs CuPy, and there is none ({error}): {INSTALL}") from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise GpuUnavailable(reason(str(error))) from error
    if not count:
        raise GpuUnavailable(reason("cudaErrorNoDevice"))
    return cupy


def reason(text):
    """What an error of the CUDA runtime means for who reads it."""
    if "InsufficientDriver" in text:  # as CUDA says where there is no driver at all
        return (
            "the gpu backend needs an NVIDIA driver, new enough for CuPy's CUDA; there is none, or an older "
            f"one ({text}). nvidia-smi shows the driver and its CUDA version; {INSTALL}"
        )
    if "NoDevice" in text:
        return f"the gpu backend found no NVIDIA GPU ({text}); nvidia-smi lists those that the driver sees"
    return f"the gpu backend cannot reach the GPU: {text}"


def describe(cupy):
    """The device's name, compute capability and memory, in a line."""
    facts = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.runtime.getDevice())
    name = facts["name"].decode() if isinstance(facts["name"], bytes) else facts["name"]
    return f"{name}, sm_{facts['major']}{facts['minor']}, {facts['totalGlobalMem'] / 1e9:.1f} GB"
