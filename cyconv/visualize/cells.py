"""A segmentation into cells beside its truth: which were split, which merged."""

import numpy as np

from ..metrics import segmentation
from . import _style

COLOURS = {"right": "#D4D4D4", "split": _style.ORANGE, "merged": _style.BLUE, "both": _style.VERMILION}


def splits_and_mergers(truth, prediction, section=None, threshold=0.5, least=0.1):
    """The truth's cells and the found ones, coloured by what became of them.

        cyconv.visualize.splits_and_mergers(truth, model.predict(x)[0, ..., 0], x[0])

    Grey cells are right, orange ones were split, blue ones merged with a neighbour, red ones both. Over the
    truth lie the found borders in black, over the found cells the true ones, each thinned to a line: a black
    line through a coloured cell is the border that one has and the other has not.

    Arguments:
        truth: 1 inside cells, 0 on borders, (height, width).
        prediction: the probability of 1, or a segmentation of 0 and 1, (height, width).
        section: the image (height, width[, 1 or 3]); it is drawn first.
        threshold: above which probability a pixel is inside a cell.
        least: the share of a cell that a found cell must cover to count; see `metrics.segmentation.mistakes`.
    Returns: the matplotlib figure.
    Errors: ValueError for arrays that are not sections of one size; ModuleNotFoundError without SciPy.
    """
    score = segmentation.v_rand(truth, prediction, threshold)  # which refuses what cannot be compared
    truth, found = np.asarray(truth) > 0, np.asarray(prediction) > threshold
    fates = segmentation.mistakes(truth, found, least)
    panels = [("the truth; found borders in black", fates.truth, _lines(found)),
              ("what was found; true borders in black", fates.found, _lines(truth))]  # fmt: skip
    if section is not None and np.shape(section)[:2] != truth.shape:
        raise ValueError(
            "section and truth are of one height and width. Received: shapes "
            f"{np.shape(section)}, {truth.shape}"
        )
    with _style.look() as plt:
        first, aspect = 0 if section is None else 1, truth.shape[0] / truth.shape[1]
        figure, axes = _style.grid(plt, 2 + first, 2 + first, 4.0, 0.35, aspect=aspect)
        if first:
            _style.picture(axes[0], section)
            axes[0].set_title("the section", size="small")
            _style.frame(axes[0])
        table = ["white", *COLOURS.values(), "black"]
        colours = plt.matplotlib.colors.ListedColormap(table)
        for axis, (title, fate, lines) in zip(axes[first:], panels):
            drawn = np.where(lines, len(table) - 1, fate)
            axis.imshow(drawn, cmap=colours, vmin=-0.5, vmax=len(table) - 0.5, interpolation="nearest")
            axis.set_title(title, size="small")
            _style.frame(axis)
        marks = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[name], label=f"{name}: {count}")
                 for name, count in fates.cells.items()]  # fmt: skip
        figure.legend(handles=marks, loc="outside lower center", ncols=4, handlelength=1)
        figure.suptitle(f"{sum(fates.cells.values())} cells; V_Rand {score.value:.3f}, split "
                        f"{score.split:.3f}, merge {score.merge:.3f}")  # fmt: skip
        return figure


def _lines(interior):
    """The borders, thinned."""
    return segmentation.thin_borders(segmentation.label_cells(interior)) == 0
