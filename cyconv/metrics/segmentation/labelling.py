"""From a border map to numbered cells: connected components, and borders thinned to a line."""

import numpy as np

from .inputs import section


def label_cells(interior):
    """The number of the cell that each pixel of a 0/1 section lies in, from 1 on; 0 on borders.

    A cell is a 4-connected set of pixels: cells that meet at a corner only are two.
    """
    return _ndimage().label(section(interior, "interior"))[0]


def thin_borders(cells):
    """Numbered cells (H, W), 0 on borders, grown until only lines of one pixel lie between them.

    Each border pixel joins the cell that is nearest in city-block distance, which is where a flood from all
    cells at once would reach it; where two cells meet, the pixel farther from its cell stays 0. So the width
    at which borders are drawn no longer counts. Without any cell, all is one: there is nothing to tell apart.
    """
    border = cells == 0
    if border.all():
        return np.ones_like(cells)
    if not border.any():
        return cells
    distance, nearest = _ndimage().distance_transform_cdt(border, "taxicab", return_indices=True)
    grown = cells[tuple(nearest)]
    for one, other in (np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:]):
        a, b = grown[one], grown[other]  # every pixel and its neighbour on the right, then the one below
        y, x = np.nonzero((a != b) & (a > 0) & (b > 0))
        far_a, far_b = distance[one][y, x], distance[other][y, x]
        first = (far_a > far_b) | ((far_a == far_b) & (a[y, x] > b[y, x]))
        a[y[first], x[first]] = 0
        b[y[~first], x[~first]] = 0
    return grown


def _ndimage():
    try:
        from scipy import ndimage
    except ModuleNotFoundError:
        raise ModuleNotFoundError('segmentation scores need SciPy: pip install "cyconv[demos]"') from None
    return ndimage
