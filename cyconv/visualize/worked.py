"""The picture of one output worked out: `layer.explain(x, position)`, drawn."""

import numpy as np

from . import _style

MOST_PLANES = 4
TEXTS = 49  # windows up to this many numbers have them written in


def working(worked):
    """One output of a layer: the input with its window, the window, the weights, the products, their sum.

        cyconv.visualize.working(layer.explain(images, position=(4, 7, 0)))

    Orange is positive, purple negative, white 0; hatched places lie in the padding. Of batch normalisation:
    the channel's values before and after, and where this one lies among them.

    Arguments: `worked`, what `layer.explain` returned for a position.
    Returns: the matplotlib figure.
    Errors: TypeError for the text of an explanation without a position.
    """
    if not hasattr(worked, "planes"):
        raise TypeError("working draws one output: give layer.explain(x, position=...)")
    with _style.look() as plt:
        figure = _normalised(plt, worked) if worked.values else _windows(plt, worked)
        figure.suptitle(f"{worked.layer}: how output {worked.position} came about: {worked.computed:.5g}")
        return figure


def _windows(plt, worked):
    planes = worked.planes[:MOST_PLANES]
    products = planes[0].products is not None
    columns = [*(["input"] if worked.places else []), "x", *(["weights", "products"] if products else [])]
    rows, places = max(p.x.shape[0] for p in planes), max(p.x.shape[1] for p in planes)
    wide = min(max(1.2, 0.55 * places), 3.4)
    tall = min(max(0.6, wide * rows / places), 3.4)
    height = len(planes) * (tall + 0.45) + 0.7 + 0.16 * len(worked.lines)
    figure, axes = plt.subplots(len(planes), len(columns), squeeze=False, layout="constrained",
                                figsize=(max(wide * len(columns) + 1.5, 6.0), height))  # fmt: skip
    for plane, row in zip(planes, axes):
        for name, axis in zip(columns, row):
            if name == "input":
                _input(axis, plane, worked, plt)
                continue
            values, scale = getattr(plane, name), max(float(np.abs(getattr(p, name)).max()) for p in planes)
            present = np.ones(values.shape, bool) if name == "weights" else plane.present
            _table(axis, values, present, scale or 1.0, plt)
            if plane is planes[0]:
                axis.set_title({"weights": "× ", "products": "= "}.get(name, "") + name, loc="center")
        if products:
            row[-1].set_xlabel(f"sum {plane.products.sum():.5g}")
    if worked.switch is not None:
        _mark_largest([row[-1] for row in axes], planes, plt)
    more = len(worked.planes) - len(planes)
    lines = [f"and {more} more like these"] if more else []
    lines += [f"{label}: {text}" for label, text in worked.lines]
    figure.supxlabel("\n".join(lines), size="medium", ha="left", x=0.02)
    return figure


def _input(axis, plane, worked, plt):
    """The channel of the input (in three dimensions its depth), and a frame around the window."""
    _style.frame(axis)
    axis.set_title(f"input, {plane.label}", loc="center")
    values = worked.image[..., plane.channel]
    if values.ndim == 3 and plane.depth < 0:
        return
    values = np.atleast_2d(values[plane.depth] if values.ndim == 3 else values)
    axis.imshow(values, cmap="gray")
    rows, columns = ([i for i in p if i >= 0] for p in [np.zeros(1, int), *worked.places][-2:])
    if not rows or not columns:
        return
    left, top = min(columns) - 0.5, min(rows) - 0.5
    width, height = max(columns) + 0.5 - left, max(rows) + 0.5 - top
    axis.add_patch(_style.outline(plt, (left, top), width, height))
    if max(width, height) < max(values.shape) / 20:  # too small to be found
        axis.axvline(left + width / 2, color=_style.VERMILION, lw=0.6)
        axis.axhline(top + height / 2, color=_style.VERMILION, lw=0.6)


def _table(axis, values, present, largest, plt):
    """Numbers as coloured squares; the padding is hatched."""
    _style.frame(axis)
    axis.imshow(np.where(present, values, np.nan), cmap=_style.SIGNED, vmin=-largest, vmax=largest,
                aspect="equal" if values.shape[0] <= 2 * values.shape[1] else "auto")  # fmt: skip
    for r, c in np.argwhere(~present):
        corner = (c - 0.5, r - 0.5)
        axis.add_patch(plt.Rectangle(corner, 1, 1, fill=False, hatch="////", color="#AAAAAA", lw=0))
    if values.size <= TEXTS:
        for (r, c), value in np.ndenumerate(values):
            if present[r, c]:
                dark = abs(value) > 0.6 * largest
                axis.text(c, r, f"{value + 0.0:.3g}", ha="center", va="center", size="x-small",
                          color="white" if dark else "black")  # fmt: skip


def _mark_largest(axes, planes, plt):
    """A frame around the largest value of all planes."""
    places = [(k, r, c) for k, plane in enumerate(planes) for r, c in np.argwhere(plane.present)]
    k, r, c = places[int(np.argmax([planes[k].x[r, c] for k, r, c in places]))]
    axes[k].add_patch(_style.outline(plt, (c - 0.5, r - 0.5), 1, 1, lw=3.5))


def _normalised(plt, worked):
    values = worked.values
    figure, axes = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
    for axis, name, marked in zip(axes, ("before", "after"), (values["x"], worked.value)):
        axis.hist(values[name], bins=30, color=_style.SKY, edgecolor="white", linewidth=0.3)
        axis.axvline(marked, color=_style.VERMILION, label=f"this one: {marked:.4g}")
        mean, deviation = values[name].mean().round(9) + 0.0, values[name].std()
        axis.axvline(mean, color="black", ls="--", lw=1, label=f"mean {mean:.3g}, deviation {deviation:.3g}")
        axis.set(title=f"channel {name}", xlabel="value", ylabel="how many")
        axis.legend(loc="upper left", bbox_to_anchor=(0, -0.2))
    lines = "\n".join(f"{label}: {text}" for label, text in worked.lines)
    figure.supxlabel(lines, size="small", ha="left", x=0.02)
    return figure
