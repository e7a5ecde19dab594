"""The challenge's scores: over thresholds and sections, as one number each, and as a table."""

from dataclasses import dataclass

import numpy as np

from .inputs import stacks, thresholds_of
from .labelling import label_cells, thin_borders
from .overlaps import Overlap
from .warping import warp

THRESHOLDS = tuple(k / 10 for k in range(11))


@dataclass(frozen=True)
class Score:
    """A score or error at its best threshold; float(score) is its value.

    value: the mean over the sections. threshold: the one at which it is best, the lowest such. split, merge:
    the means of its two parts there, 1 without splits or without mergers; None where a score has none.
    sections: the value of each section there (N,). curve: the value at every threshold (T,).
    """

    name: str
    value: float
    threshold: float
    split: float | None
    merge: float | None
    sections: np.ndarray
    curve: np.ndarray

    def __float__(self):
        return self.value

    def __str__(self):
        return f"{HEADER}\n{self.line()}"

    def line(self):
        parts = ["     -" if part is None else f"{part:.4f}" for part in (self.split, self.merge)]
        low, high = self.sections.min(), self.sections.max()
        digits = 6 if 0 < self.value < 0.001 else 4
        return (f"{self.name:<18}{self.value:8.{digits}f}  {parts[0]}  {parts[1]}  {self.threshold:9.2g}  "
                f"{low:.{digits}f} to {high:.{digits}f}, std {self.sections.std():.{digits}f}")  # fmt: skip


HEADER = f"{'':<18}{'value':>8}   split   merge  threshold  sections"


@dataclass(frozen=True)
class Scores:
    """All five; print it for a table. warping_error is None where it was not asked for."""

    v_rand: Score
    v_info: Score
    rand_error: Score
    warping_error: Score | None
    pixel_error: Score

    def __str__(self):
        every = self.v_rand, self.v_info, self.rand_error, self.warping_error, self.pixel_error
        n, lines = len(self.v_rand.sections), [score.line() for score in every if score is not None]
        many = f"{n} section{'s' if n > 1 else ''}; of a V 1 is best, of an error 0"
        return "\n".join([HEADER, *lines, many])

    __repr__ = __str__


def v_rand(truth, prediction, thresholds=THRESHOLDS):
    """V_Rand after border thinning: the score that the challenge ranks by, 0 to 1; see `Overlap.rand`."""
    return _best("V_Rand (thinned)", max, *_measured(truth, prediction, thresholds, _thinned_rand))


def v_info(truth, prediction, thresholds=THRESHOLDS):
    """V_Info after border thinning: mutual information by entropy, from 0 to 1; see `Overlap.information`."""
    return _best("V_Info (thinned)", max, *_measured(truth, prediction, thresholds, _thinned_information))


def rand_error(truth, prediction, thresholds=THRESHOLDS):
    """1 - the largest F-score of pairs of pixels, borders as wide as they are drawn; see `Overlap.pairs`."""
    return _best("Rand error", min, *_measured(truth, prediction, thresholds, _pairs))


def warping_error(truth, prediction, thresholds=THRESHOLDS):
    """The share of pixels that differ after the truth has been warped towards the segmentation; see `warp`.

    About the number of splits, mergers, holes and lost or invented cells by the number of pixels: each leaves
    at least one pixel. The search is greedy: the value is an upper bound of Jain's minimum.
    """
    return _best("warping error", min, *_measured(truth, prediction, thresholds, _warping))


def pixel_error(truth, prediction, thresholds=THRESHOLDS):
    """1 - the largest F-score of the pixels inside cells, 2 TP / (2 TP + FP + FN)."""
    return _best("pixel error", min, *_measured(truth, prediction, thresholds, _pixels))


def scores(truth, prediction, thresholds=THRESHOLDS, warping=True):
    """All five scores of the challenge, as `Scores`. warping=False leaves out the slowest."""

    def measure(truth, cells, interior):
        found = label_cells(interior)
        thinned = Overlap(cells, thin_borders(found))
        warped = _warping(truth, cells, interior) if warping else (0.0,)
        parts = (thinned.rand(), thinned.information(), _errors(Overlap(cells, found).pairs()), warped,
                 _pixels(truth, cells, interior))  # fmt: skip
        return [value for part in parts for value in part]

    thresholds, table = _measured(truth, prediction, thresholds, measure)
    parts = np.split(table, [3, 6, 9, 10], axis=-1)
    rows = (("V_Rand (thinned)", max), ("V_Info (thinned)", max), ("Rand error", min), ("warping error", min),
            ("pixel error", min))  # fmt: skip
    found = [_best(name, best, thresholds, part) for (name, best), part in zip(rows, parts)]
    if not warping:
        found[3] = None
    return Scores(*found)


# What is measured of one section at one threshold: (value[, split part, merge part]) ------------------------


def _thinned_rand(truth, cells, interior):
    return Overlap(cells, thin_borders(label_cells(interior))).rand()


def _thinned_information(truth, cells, interior):
    return Overlap(cells, thin_borders(label_cells(interior))).information()


def _pairs(truth, cells, interior):
    return _errors(Overlap(cells, label_cells(interior)).pairs())


def _errors(parts):
    return 1 - parts[0], *parts[1:]


def _warping(truth, cells, interior):
    return (float((warp(truth, interior) != interior).mean()),)


def _pixels(truth, cells, interior):
    return (1 - 2 * float((truth & interior).sum()) / float(truth.sum() + interior.sum()),)


# Over thresholds and sections ------------------------------------------------------------------------------


def _measured(truth, prediction, thresholds, measure):
    """(thresholds (T,), what was measured (T, N, parts))."""
    truth, prediction = stacks(truth, prediction)
    thresholds = thresholds_of(thresholds)
    columns = []
    for true, probability in zip(truth, prediction):
        cells, column, before = label_cells(true), [], None
        for threshold in thresholds.tolist():
            interior = probability > threshold
            if before is None or not np.array_equal(interior, before):  # a segmentation changes at one only
                measured = measure(true, cells, interior)
            column.append(measured)
            before = interior
        columns.append(column)
    return thresholds, np.array(columns).swapaxes(0, 1)


def _best(name, best, thresholds, table):
    """The Score at the threshold whose mean over the sections is best, the lowest such."""
    curve = table[..., 0].mean(1)
    k = int(curve.argmax() if best is max else curve.argmin())
    split, merge = (float(m) for m in table[k, :, 1:].mean(0)) if table.shape[-1] == 3 else (None, None)
    return Score(name, float(curve[k]), float(thresholds[k]), split, merge, table[k, :, 0], curve)
