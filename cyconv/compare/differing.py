"""How far two arrays are apart: absolute, relative to the largest value, and in units in the last place."""

import math
from dataclasses import dataclass, replace

import numpy as np

MOST = 99  # per cent of the values that lie within `ulps_most`


@dataclass(frozen=True)
class Difference:
    """What one result of one layer (or of the whole model) differs by.

    what: "output", "gradient of input", "gradient of kernel", ... absolute: the largest |actual - expected|.
    relative: the same over the largest |expected|: the measure of the table of tolerances. ulps: the most
    floats that lie between a value and the one expected: large where a sum cancels to nearly 0; `ulps_most`
    tells within how many 99 % of the values lie. allowed: the tolerance for `relative`; None: it is not
    judged. Values that are not finite in other places than expected make both infinite.
    """

    what: str
    absolute: float
    relative: float
    ulps: int
    ulps_most: int
    allowed: float | None = None

    @property
    def over(self):
        """Whether it is more than is allowed."""
        return self.allowed is not None and not self.relative <= self.allowed

    @property
    def share(self):
        """Of what is allowed, how much there is: over 1 is too much."""
        if self.allowed is None or self.relative == 0:
            return 0.0
        return self.relative / self.allowed if self.allowed else math.inf


def largest(*arrays):
    """The largest finite |value| in some arrays, at least the smallest normal float."""
    found = [float(np.abs(a[np.isfinite(a)]).max(initial=0)) for a in map(np.asarray, arrays)]
    return max(*found, float(np.finfo(np.float32).tiny))


def difference(what, actual, expected, allowed=None, scale=None):
    """The Difference of two arrays of one shape. scale: what `relative` is relative to, if not the largest
    |expected|.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        raise ValueError(f"{what}: shape {actual.shape}, where {expected.shape} was expected")
    rounded = expected.astype(actual.dtype)
    same = (actual == rounded) | (np.isnan(actual) & np.isnan(rounded))
    finite = np.isfinite(actual) & np.isfinite(expected)
    if not (same | finite).all():
        return Difference(what, math.inf, math.inf, *_ulps(actual, rounded), allowed)
    apart = np.abs(actual[finite].astype(np.float64) - expected[finite])
    absolute = float(apart.max(initial=0))
    relative = absolute / (largest(expected) if scale is None else scale)
    return Difference(what, absolute, relative, *_ulps(actual, rounded), allowed)


def distance(what, actual, expected, allowed=None, unit=0.0):
    """The Difference of two gradients of a whole network: `relative` is the norm of the difference over
    that of `expected`, at least `unit`. Where a relu's input rounds to the other side of 0, single values
    change a lot, the norm by little.
    """
    apart = difference(what, actual, expected, allowed)
    norm = max(float(np.linalg.norm(expected)), unit, float(np.finfo(np.float32).tiny))
    relative = float(np.linalg.norm(actual.astype(np.float64) - expected)) / norm
    return replace(apart, relative=math.inf if math.isinf(apart.absolute) else relative)


def _ulps(actual, expected):
    """(largest, that of 99 %) number of floats from one value to the other."""
    if not actual.size:
        return 0, 0
    a, b = _counted(actual), _counted(expected)
    apart = np.maximum(a, b).astype(np.uint64) - np.minimum(a, b).astype(np.uint64)
    apart[(np.isnan(actual) & np.isnan(expected)).ravel()] = 0
    place = min(math.ceil(apart.size * MOST / 100), apart.size) - 1
    return int(apart.max()), int(np.partition(apart, place)[place])


def _counted(values):
    """Floats as whole numbers in their order: neighbours are 1 apart, +0 and -0 are 0."""
    bits = np.ascontiguousarray(values).view(f"i{values.itemsize}").ravel()
    return np.where(bits < 0, np.iinfo(bits.dtype).min - bits, bits).astype(np.int64)
