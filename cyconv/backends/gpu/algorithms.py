"""By which algorithm a convolution runs on the device: float32 by kernels of cyconv's own, or TF32.

"direct": implicit products of matrices in float32, as exact as the cpu backend. "tf32": the same on tensor
cores (compute capability 8.0 and later), which round each factor to 10 bits of fraction and add in float32;
a product errs by up to 2**-10 of itself. "auto" is "direct", or "tf32" where the backend's `tf32` says so.
"""

from ..algorithms import Choice

HERE = ("direct", "tf32")
TENSOR_CORES = 8  # the compute capability, in its first number, that has TF32


def choose(asked, tf32, capability):
    """The Choice for what was asked for. ValueError where the device or the backend has no such algorithm."""
    if asked not in ("auto", *HERE):
        raise ValueError(
            f"algorithm={asked!r}: the gpu backend has {' and '.join(map(repr, HERE))}; take one of them, or "
            "'auto'"
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
    }[taken]
    estimates = dict.fromkeys(HERE if capability >= TENSOR_CORES else ("direct",))
    return Choice(taken, estimates, why if asked == "auto" else f'asked for: algorithm="{asked}"')
