"""Reading an image between its pixels and beyond its borders, where it goes on mirrored (c b | a b c | b a).

Float32 and flat look-ups throughout: 256 x 256 pixels take a few milliseconds.
"""

import numpy as np

BEFORE = 1  # pixels that bicubic reading needs before and after the four around a place
TAPS = {0: 1, 1: 2, 3: 4}


class Mirrored:
    """An array (H, W) or (H, W, C), ready to be read at any place.

    order: 0 the nearest pixel, so that labels stay labels; 1 bilinear; 3 bicubic (the cubic convolution of
    Keys 1981, a = -1/2), which blurs least.
    """

    def __init__(self, array, order):
        if order not in TAPS:
            raise ValueError(f"`order` is 0 (nearest), 1 (bilinear) or 3 (bicubic). Received: {order!r}")
        array = np.asarray(array)
        if array.ndim not in (2, 3) or min(array.shape[:2]) < 4:
            raise ValueError(
                f"an image is (H, W) or (H, W, C), at least 4 x 4 pixels. Received: shape {array.shape}"
            )
        self.order, self.size, self.channels = order, array.shape[:2], array.shape[2:]
        self.dtype = array.dtype if order == 0 else np.float32
        planes = array.reshape(*self.size, -1).astype(self.dtype, copy=False)
        widths = ((BEFORE, BEFORE + 1), (BEFORE, BEFORE + 1), (0, 0))
        padded = np.pad(planes, widths, mode="reflect")
        self.row = padded.shape[1]
        self.planes = [np.ascontiguousarray(padded[..., c]).reshape(-1) for c in range(padded.shape[2])]

    def read(self, rows, columns):
        """The values at the places (rows, columns), float32 arrays of one shape (h, w), 0 the first pixel."""
        r, c = (folded(places, n) for places, n in zip((rows, columns), self.size))
        if self.order == 0:
            r, c = np.floor(r + np.float32(0.5)), np.floor(c + np.float32(0.5))
        top, left = np.floor(r), np.floor(c)
        start = top.astype(np.intp)
        start *= self.row
        start += left.astype(np.intp)
        down, across = taps(r - top, self.order), taps(c - left, self.order)
        first = BEFORE - (self.order == 3)
        read = [self._sum(plane, start, down, across, first) for plane in self.planes]
        if not self.channels:
            return read[0]
        return np.stack(read, -1)

    def _sum(self, plane, start, down, across, first):
        """Sum over the taps i, j of down[i] * across[j] * pixel (i, j), counted from (first, first)."""
        if self.order == 0:
            return plane[first * self.row + first :].take(start, mode="clip")
        total = None
        for i, weight in enumerate(down):
            line = None
            for j, share in enumerate(across):
                value = plane[(first + i) * self.row + first + j :].take(start, mode="clip")
                value *= share
                line = value if line is None else np.add(line, value, out=line)
            line *= weight
            total = line if total is None else np.add(total, line, out=total)
        return total


def folded(places, size):
    """Places brought into 0..size - 1 by mirroring at the first and the last pixel."""
    places = np.abs(places)
    if places.max(initial=0) <= size - 1:
        return places
    period = np.float32(2 * (size - 1))
    places = places - period * np.floor(places / period)
    return np.minimum(places, period - places)


def taps(t, order):
    """The weights of the pixels around a place that is t = 0..1 behind one of them."""
    if order == 0:
        return [None]
    if order == 1:
        return [1 - t, t]
    # Keys 1981, a = -1/2, for the pixels at -1, 0, 1, 2.
    t2 = t * t
    t3 = t2 * t
    half = np.float32(0.5)
    return [
        half * (2 * t2 - t3 - t),
        half * (3 * t3 - 5 * t2 + 2),
        half * (4 * t2 - 3 * t3 + t),
        half * (t3 - t2),
    ]
