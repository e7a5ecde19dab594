"""Which algorithm a convolution runs by: the rule of "auto", and what it is founded on.

Winograd's F(4x4, 3x3) multiplies a quarter as often as the direct form, but transforms tiles before and
after. The model below counts both in the time of one multiply-add, from the shape alone, so the choice never
differs from run to run. TRANSFORM and WEIGHTS were fitted to the times of 77 shapes in three passes, on one
thread of an AMD EPYC (Zen 4); there the faster form is chosen in all but a tenth of the cases.
"""

from math import prod
from typing import NamedTuple

TILE = 4  # Winograd's tiles are 4x4 outputs, from 6x6 inputs
POSITIONS = 36
TRANSFORM = 7.5  # the time of one channel of one position of a tile, transformed in or out, in multiply-adds
WEIGHTS = 14.0  # the same for one weight of one position
LANES = 16  # channels are worked on in whole vectors


class Choice(NamedTuple):
    """What runs, {algorithm that exists for the shape: its estimate, None where it has no model}, and why."""

    taken: str
    estimates: dict
    why: str


def fits_winograd(window, strides, padding, dilation, groups):
    """Whether Winograd's form exists: a 3x3 window (axes before it 1, not padded), stride, dilation and
    groups of 1.
    """
    return not _hindrance(window, strides, padding, dilation, groups)


def _hindrance(window, strides, padding, dilation, groups):
    """What keeps Winograd's form from a convolution; "" where nothing does."""
    if len(window) < 2 or tuple(window[-2:]) != (3, 3) or prod(window[:-2]) != 1:
        return f"a 3x3 window, and this one is {'x'.join(map(str, window))}"
    if prod(strides) != 1:
        return f"strides of 1, and these are {'x'.join(map(str, strides))}"
    if prod(dilation) != 1:
        return f"a window without gaps, and this one is dilated by {'x'.join(map(str, dilation))}"
    if any(before or after for before, after in padding[:-2]):
        return f"no padding but around planes, and here is {tuple(padding[:-2])} before them"
    return "" if groups == 1 else f"all channels in one group, and here are {groups} groups"


def estimate(batch, out, C, K):
    """{algorithm: time in multiply-adds} of a 3x3 convolution from C to K channels."""
    channels_in, channels_out = map(_whole_vectors, (C, K))
    return {
        "direct": _direct(9.0, batch, out, C, K),
        "winograd": POSITIONS * (
            tiles(batch, out) * (C * channels_out + TRANSFORM * (channels_in + channels_out))
            + WEIGHTS * C * channels_out
        ),
    }  # fmt: skip


def tiles(batch, out):
    """Winograd's tiles of `batch` images with sizes `out`."""
    return batch * prod(out[:-2]) * prod(-(-n // TILE) for n in out[-2:])


def _direct(taps, batch, out, C, K):
    return taps * batch * prod(out) * C * _whole_vectors(K)


def _whole_vectors(channels):
    return -(-channels // LANES) * LANES


def choose(algorithm, batch, out, C, K, window, strides, padding, dilation, groups):
    """The algorithm that runs where `algorithm` was asked for; ValueError for the gpu backend's own."""
    if algorithm in ("tf32", "cudnn"):
        raise ValueError(
            f"algorithm={algorithm!r} is for the gpu backend; the cpu backend has 'naive', 'direct' and "
            "'winograd'; take one of them or 'auto'"
        )
    if algorithm != "auto":
        return algorithm
    if not fits_winograd(window, strides, padding, dilation, groups):
        return "direct"
    times = estimate(batch, out, C, K)
    return min(times, key=times.get)


def explain(algorithm, batch, out, C, K, window, strides, padding, dilation, groups):
    """The Choice for a convolution: what `choose` takes, and why."""
    taken = choose(algorithm, batch, out, C, K, window, strides, padding, dilation, groups)
    hindrance = _hindrance(window, strides, padding, dilation, groups)
    if hindrance:
        # Depthwise vectors run over the groups; other groups have vectors of their own.
        outputs = (K,) if groups == C else (K // groups,) * groups
        direct = sum(_direct(prod(window), batch, out, C // groups, n) for n in outputs)
        times, why = {"direct": direct}, f"Winograd's tiles need {hindrance}"
    else:
        times = estimate(batch, out, C, K)
        share = times["winograd"] / times["direct"]
        verdict = ("save more than their transforms cost" if share < 1 else
                   "cost more in transforms than they save")  # fmt: skip
        why = f"Winograd's tiles {verdict}: {share:.2f} of the direct form's time"
    if algorithm != "auto":
        why = f'asked for: algorithm="{algorithm}"'
    return Choice(taken, {"naive": None, **times}, why)
