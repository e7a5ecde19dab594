"""Which cells were split and which merged: what a picture shows and a list names."""

from collections import namedtuple

import numpy as np

from .inputs import section
from .labelling import label_cells, thin_borders
from .overlaps import shared_pixels

FATES = ("border", "right", "split", "merged", "both")


class Mistakes(namedtuple("Mistakes", "truth found cells")):
    """The fate of each pixel's cell, as its place in FATES ("border" 0, "right" 1, ...), (H, W).

    truth: of the truth's cells; found: of the found cells, their borders thinned; cells: how many cells of
    the truth have each fate, {"right": 9, "split": 1, "merged": 2, "both": 0}.
    """

    __slots__ = ()


def mistakes(truth, found, least=0.1):
    """Compares two sections of 0 and 1, (H, W), cell by cell, after border thinning.

    A found cell *takes part* in a cell of the truth when it covers at least the share `least` of it. A cell
    in which two or more take part, or none, is split; cells in which one takes part together are merged.
    """
    truth, found = section(truth, "truth"), section(found, "found")
    if truth.shape != found.shape:
        raise ValueError(f"`truth` and `found` must have one shape. Received: {truth.shape}, {found.shape}")
    if not 0 < least <= 1:
        raise ValueError(f"`least` is a share above 0, at most 1. Received: {least}")
    cells, pieces = label_cells(truth), thin_borders(label_cells(found))
    j, i, counts = shared_pixels(cells, pieces)
    taking_part = (i > 0) & (counts >= least * np.bincount(cells.ravel())[j])
    j, i = j[taking_part], i[taking_part]
    split = np.bincount(j, minlength=cells.max() + 1) != 1
    merging = np.bincount(i, minlength=pieces.max() + 1) > 1
    merged, of_split = np.zeros(len(split), bool), np.zeros(len(merging), bool)
    merged[j[merging[i]]] = True
    of_split[i[split[j]]] = True
    fates, piece_fates = (1 + s + 2 * m for s, m in ((split, merged), (of_split, merging)))
    fates[0] = piece_fates[0] = 0
    counted = np.bincount(fates[1:], minlength=len(FATES))
    return Mistakes(fates[cells], piece_fates[pieces], dict(zip(FATES[1:], counted[1:].tolist())))
