"""Which algorithm a convolution runs by: the rule of "auto", and what it is founded on.

Winograd's F(4x4, 3x3) multiplies a quarter as often as the direct form, but transforms tiles before and
after. The model below counts both in the time of one multiply-add, from the shape alone, so the choice never
differs from run to run. TRANSFORM and WEIGHTS were fitted to the times of 77 shapes in three passes, on one
thread of an AMD EPYC (Zen 4); there the faster form is chosen in all but a tenth of the cases.
"""

from math import prod

TILE = 4  # Winograd's tiles are 4x4 outputs, from 6x6 inputs
POSITIONS = 36
TRANSFORM = 7.5  # the time of one channel of one position of a tile, transformed in or out, in multiply-adds
WEIGHTS = 14.0  # the same for one weight of one position
LANES = 16  # channels are worked on in whole vectors


def fits_winograd(window, strides, dilation, groups):
    """Whether Winograd's form exists: a 3x3 window (axes before them 1), stride, dilation and groups of 1."""
    return (
        len(window) >= 2
        and tuple(window[-2:]) == (3, 3)
        and prod(window[:-2]) == 1
        and prod(strides) == prod(dilation) == groups == 1
    )


def estimate(batch, out, C, K):
    """{algorithm: time in multiply-adds} of a 3x3 convolution from C to K channels."""
    channels_in, channels_out = (-(-n // LANES) * LANES for n in (C, K))
    tiles = batch * prod(out[:-2]) * prod(-(-n // TILE) for n in out[-2:])
    return {
        "direct": 9.0 * batch * prod(out) * C * channels_out,
        "winograd": POSITIONS * (
            tiles * (C * channels_out + TRANSFORM * (channels_in + channels_out)) + WEIGHTS * C * channels_out
        ),
    }  # fmt: skip


def choose(algorithm, batch, out, C, K, window, strides, dilation, groups):
    """The algorithm that runs where `algorithm` was asked for."""
    if algorithm != "auto":
        return algorithm
    if not fits_winograd(window, strides, dilation, groups):
        return "direct"
    times = estimate(batch, out, C, K)
    return min(times, key=times.get)
