"""The one look of all pictures. The colours are Okabe and Ito's: colour-blind readers tell them apart."""

import contextlib
import math

import numpy as np

BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
ORANGE, SKY, PURPLE, YELLOW = "#E69F00", "#56B4E9", "#CC79A7", "#F0E442"
# One after the other for several things of a kind; neighbours differ in grey too.
SERIES = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW)
STROKES = ("-", "--", "-.", ":")
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
    # Loads the backend, which is put off until the first figure: a notebook's switches `interactive` on as it
    # is loaded. Within rc_context that would be undone, and no later picture would be shown.
    plt.draw_if_interactive()
    with plt.rc_context(LOOK):
        yield plt


def picture(axis, image, **options):
    """Draws an image (H, W), (H, W, 1) or (H, W, 3 or 4) as a camera sees it: 0 is black.

    Colours in bytes, or in floats; floats outside 0..1 are stretched to it. Returns the AxesImage.
    Errors: ValueError for another shape.
    """
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim != 2 and (image.ndim != 3 or image.shape[-1] not in (3, 4)):
        raise ValueError(
            f"an image is (height, width), or (height, width, 1 or 3). Received: shape {image.shape}"
        )
    if image.ndim == 3 and image.dtype.kind == "f":
        low, high = min(float(image.min()), 0.0), max(float(image.max()), 1.0)
        image = (image - low) / (high - low)
    axis.grid(False)
    return axis.imshow(image, cmap="gray" if image.ndim == 2 else None, **options)


def outline(plt, corner, width, height, **options):
    """A frame around part of an image, with a white edge: seen on dark and light ground, and in grey."""
    from matplotlib.patheffects import withStroke

    options = {"color": VERMILION, "lw": 2, "clip_on": False, **options}
    rectangle = plt.Rectangle(corner, width, height, fill=False, **options)
    rectangle.set_path_effects([withStroke(linewidth=options["lw"] + 2, foreground="white")])
    return rectangle


def frame(axis):
    """A bare axis with a thin line around it: white pictures have an edge."""
    axis.set_axis_on()
    axis.grid(False)
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(visible=True, linewidth=0.5, color=GREY)


def names_of(labels, names):
    """Labels as text: their names where given. ValueError where a label has none."""
    if names is None:
        return [str(label) for label in labels]
    if len(labels) and max(labels) >= len(names):
        raise ValueError(f"there are {len(names)} names, and labels up to {max(labels)}.")
    return [str(names[label]) for label in labels]


def grid(plt, count, columns=None, size=1.0, above=0.0, beside=0.0, aspect=1.0):
    """(figure, list of `count` bare axes) in rows of `columns`, each `size` inches wide.

    `above` is the height in inches of the text above each, `beside` the width of what stands right of all;
    `aspect` the height of an image by its width.
    """
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(columns * size + beside, rows * (size * min(max(aspect, 0.2), 4) + above) + 0.4),
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, list(axes.flat)[:count]
