"""By which algorithm a convolution runs on the device: float32 by kernels of cyconv's own, TF32, or cuDNN.

"direct": implicit products of matrices in float32, as exact as the cpu backend. "tf32": the same on tensor
cores (compute capability 8.0 and later), which round each factor to 10 bits of fraction and add in float32;
a product errs by up to 2**-10 of itself. "cudnn": NVIDIA's library (cudnn.py), in float32, or on
tensor cores where the backend's `tf32` lets them round. "auto" is "direct", or "tf32" where `tf32` says so;
never "cudnn", whose times have not been measured.
"""

from ..algorithms import Choice

HERE = ("direct", "tf32", "cudnn")
TENSOR_CORES = 8  # the compute capability, in its first number, that has TF32


def choose(asked, tf32, capability):
    """The Choice for what was asked for. ValueError where the device or the backend has no such algorithm."""
    if asked not in ("auto", *HERE):
        raise ValueError(
            f"algorithm={asked!r}: the gpu backend has {', '.join(map(repr, HERE[:-1]))} and {HERE[-1]!r}; "
            "take one of them, or 'auto'"
        )
    taken = asked if asked != "auto" else "tf32" if tf32 else "direct"
    if taken == "tf32" and capability < TENSOR_CORES:
        raise ValueError(
            f"algorithm='tf32' needs tensor cores for TF32, compute capability {TENSOR_CORES}.0; this device "
            f"has {capability}.x; take 'direct' or 'auto'"
        )
    why = {
        "direct": "float32 unless CYCONV_TF32=1, or the backend's `tf32`, lets tensor cores round factors",
        "tf32": "the backend's tf32 is on: tensor cores round each factor to 10 bits of fraction",
    }.get(taken)
    estimates = dict.fromkeys(HERE[:2] if capability >= TENSOR_CORES else HERE[:1])
    rounds = "; the backend's tf32 is on: tensor cores may round factors" * (taken == "cudnn" and tf32)
    return Choice(taken, estimates, why if asked == "auto" else f'asked for: algorithm="{asked}"{rounds}')
