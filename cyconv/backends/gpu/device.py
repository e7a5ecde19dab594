"""CuPy and the device, or an error that says which of them is missing. CuPy is imported here alone."""

INSTALL = 'pip install "cyconv[gpu]" (CUDA 12), or pip install "cyconv[gpu-cuda13]" (CUDA 13)'


class GpuUnavailable(OSError):
    """The gpu backend was asked for and cannot run here."""


def open_cupy():
    """The module `cupy`, with a device behind it.

    Errors: ModuleNotFoundError without CuPy, GpuUnavailable without a driver or device. Nothing falls back
    to the CPU.
    """
    try:
        import cupy
    except ImportError as error:
        text = f"the gpu backend needs CuPy, and there is none ({error}): {INSTALL}"
        raise ModuleNotFoundError(text, name="cupy") from error
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
    """(the device's name, its compute capability as two numbers)."""
    facts = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.runtime.getDevice())
    name = facts["name"].decode() if isinstance(facts["name"], bytes) else facts["name"]
    return name, (facts["major"], facts["minor"])
