"""The one look of all pictures. The colours are Okabe and Ito's: colour-blind readers tell them apart."""

import contextlib
import math

BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
SHARES = "Blues"  # 0 to 1, from light to dark, in every kind of sight
SIGNED = "PuOr_r"  # below and above 0: orange is positive, purple negative, white 0

LOOK = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "figure.dpi": 120,
    "figure.titlesize": "medium",
    "font.size": 9,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def pyplot():
    """matplotlib.pyplot; ModuleNotFoundError with the command that installs it."""
    try:
        import matplotlib.pyplot
    except ModuleNotFoundError:
        raise ModuleNotFoundError('pictures need matplotlib: pip install "cyconv[demos]"') from None
    return matplotlib.pyplot


@contextlib.contextmanager
def look():
    """Within it, pyplot draws in cyconv's look; the user's own settings come back after it."""
    plt = pyplot()
    with plt.rc_context(LOOK):
        yield plt


def grid(plt, count, columns=None, size=1.0, above=0.0, beside=0.0):
    """(figure, list of `count` bare axes) in rows of `columns`, a square of `size` inches each.

    `above` is the height in inches of the text above each, `beside` the width of what stands right of all.
    """
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * size + beside, rows * (size + above) + 0.4),
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, list(axes.flat)[:count]
