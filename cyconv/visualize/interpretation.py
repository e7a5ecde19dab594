"""What a network looks at, over the image: heat, DeconvNet's projections, LIME's superpixels, fields."""

import numpy as np

from . import _style

WARM = "Oranges"  # how much, from nothing to much; where there is a below 0 too, it is SIGNED
COVER = (0.78, 0.87, 0.95, 1.0)  # no colour of a grey image


def heat_over_image(heat, image, titles=None, opacity=0.85):
    """An image, and a map of it over its greys: the stronger, the less the image shines through.

        heat = cyconv.interpret.grad_cam(model, image)
        cyconv.visualize.heat_over_image(heat, image)

    Orange is positive; where the map has negative values too, they are purple (occlusion, LIME's heat, or
    guided_backprop(...).sum(-1)). Every map has a scale of its own.

    Arguments:
        heat: (height, width) or (n, height, width), of the image's size.
        image: (height, width[, 1 or 3]) or n of them.
        titles: what is written above each; nothing if not given.
        opacity: of the strongest values, 0 to 1.
    Returns: the matplotlib figure.
    Errors: ValueError where map and image differ in size.
    """
    heat, image = np.asarray(heat, np.float32), np.asarray(image)
    if heat.ndim == 2:
        heat, image = heat[None], image[None] if image.shape[:2] == heat.shape else image
    if heat.ndim != 3 or image.ndim not in (3, 4) or heat.shape != image.shape[:3]:
        raise ValueError(
            "a map lies over an image of its size: (height, width) over (height, width[, 1 or 3]), or n of "
            f"both. Received: {heat.shape} over {image.shape}"
        )
    with _style.look() as plt:
        wide = heat.shape[2] / heat.shape[1]
        size = (2 * 2.6 * wide + 1.0, len(heat) * 2.9)
        figure, axes = plt.subplots(len(heat), 2, figsize=size, squeeze=False, layout="constrained")
        for axis in axes.flat:
            axis.set_axis_off()
        for row, (h, picture) in enumerate(zip(heat, image)):
            plain, mixed = axes[row]
            _style.picture(plain, picture)
            _draw_faint(mixed, picture)
            scale = _lay_over(mixed, h, opacity)
            figure.colorbar(scale, ax=mixed, shrink=0.8)
            if titles is not None:
                plain.set_title(titles[row] if not isinstance(titles, str) else titles)
        return figure


def projections(found, columns=None):
    """DeconvNet's projections, each with the part of the image beside it that the unit saw.

        cyconv.visualize.projections(cyconv.interpret.deconvnet(model, x, "conv2d_1", top=3))

    In one channel orange is positive, purple negative, white 0; in three, grey is 0. Every projection has a
    scale of its own.

    Arguments:
        found: the list that `interpret.deconvnet` returns, of 2-D images.
        columns: how many pairs stand in a row; by default the images of a map, or three maps.
    Returns: the matplotlib figure.
    Errors: ValueError for an empty list, or images that are not 2-D.
    """
    if not found or found[0].pixels.ndim != 3:
        raise ValueError("projections draws what interpret.deconvnet returns for 2-D images; it got none")
    top = sum(p.map == found[0].map for p in found)
    columns = columns or (top if top > 1 else min(3, len(found)))
    with _style.look() as plt:
        figure, axes = _style.grid(plt, 2 * len(found), columns=2 * columns, size=1.1, above=0.3)
        for axis in axes:
            _style.frame(axis)
        for p, left, right in zip(found, axes[::2], axes[1::2]):
            _draw_signed(left, p.pixels)
            _style.picture(right, p.patch)
            left.set_title(f"map {p.map}: {p.activation:.3g}", size="x-small", loc="center")
            right.set_title(f"image {p.image}", size="x-small", loc="center")
        figure.suptitle("what made the units answer (left), and where (right)")
        return figure


def superpixels(explanation, image, most=5):
    """LIME's explanation: the superpixels, their weights, and those that speak most for the answer.

        cyconv.visualize.superpixels(cyconv.interpret.lime_image(model, image), image)

    Arguments:
        explanation: what `interpret.lime_image` returns.
        image: the image that was explained, (height, width, 1 or 3).
        most: how many superpixels the last panel shows at most; only such with a positive weight.
    Returns: the matplotlib figure.
    Errors: ValueError where image and superpixels differ in size.
    """
    image = np.asarray(image)
    image = image[0] if image.ndim == 4 and len(image) == 1 else image
    segments, weights = explanation.segments, explanation.weights
    if image.shape[:2] != segments.shape:
        raise ValueError(f"superpixels of {segments.shape} do not lie over an image of {image.shape}")
    best = [k for k in np.argsort(-weights)[:most] if weights[k] > 0]
    with _style.look() as plt:
        wide = segments.shape[1] / segments.shape[0]
        figure, axes = plt.subplots(1, 3, figsize=(3 * 2.6 * wide + 1.0, 3.2), layout="constrained")
        for axis in axes:
            axis.set_axis_off()
        _style.picture(axes[0], image)
        for width, colour in ((2, "white"), (0.8, "black")):  # seen on light and on dark
            style = dict(linewidths=width, colors=colour)
            lines = plt.matplotlib.collections.LineCollection(borders(segments), **style)
            axes[0].add_collection(lines)
        axes[0].set_title(f"{len(weights)} superpixels")
        _draw_faint(axes[1], image)
        figure.colorbar(_lay_over(axes[1], explanation.heat, 0.85, signed=True), ax=axes[1], shrink=0.8)
        axes[1].set_title("for (orange), against (purple)")
        _style.picture(axes[2], image)
        axes[2].imshow(np.where(np.isin(segments, best)[..., None], 0, COVER))
        axes[2].set_title(f"the {len(best)} that speak most for it")
        figure.suptitle(f"class {explanation.target}; the linear model's R² is {explanation.score:.2f}")
        return figure


def effective_field(found, field=None):
    """How strongly each pixel moves a unit, the part that it can see, and the part that it looks at.

        found = cyconv.interpret.effective_receptive_field(model, x, "conv2d_3")
        cyconv.visualize.effective_field(found, cyconv.interpret.receptive_field(model, "conv2d_3"))

    Arguments:
        found: what `interpret.effective_receptive_field` returns for 2-D images.
        field: the theoretical (size, jump, first); not drawn if not given.
    Returns: the matplotlib figure.
    Errors: ValueError for another number of axes.
    """
    if found.map.ndim != 2:
        raise ValueError(f"effective_field draws 2-D fields. Received: a map of shape {found.map.shape}")
    with _style.look() as plt:
        figure, axis = plt.subplots(figsize=(5.2, 4.2), layout="constrained")
        axis.grid(False)
        image = axis.imshow(found.map, cmap=_style.SHARES, vmin=0, vmax=1)
        figure.colorbar(image, label="|d unit / d pixel|, the largest 1", shrink=0.8)
        boxes = []
        if field is not None and field.jump is not None:
            where = zip(field.first, found.position, field.jump)
            corner = [float(first + p * jump) for first, p, jump in where]
            boxes.append((corner, field.size, _style.GREY, "--", "can see"))
        middle = (found.map**2).sum()
        centre = [float((i * found.map**2).sum() / middle) for i in np.indices(found.map.shape)]
        corner = [c + 0.5 - found.size / 2 for c in centre]
        boxes.append((corner, (found.size,) * 2, _style.VERMILION, "-", "looks at"))
        for (row, column), (height, width), colour, stroke, name in boxes:
            label = f"{name}: {width:.3g} x {height:.3g}"
            box = plt.Rectangle((column - 0.5, row - 0.5), width, height, fill=False, edgecolor=colour,
                                linestyle=stroke, linewidth=1.5, label=label)  # fmt: skip
            axis.add_patch(box)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2)
        axis.set_title(f"the unit at {found.position}")
        return figure


def borders(segments):
    """The lines ((column, row), (column, row)) between pixels of different segments."""
    rows, columns = np.nonzero(segments[1:] != segments[:-1])
    lines = [((c - 0.5, r + 0.5), (c + 0.5, r + 0.5)) for r, c in zip(rows, columns)]
    rows, columns = np.nonzero(segments[:, 1:] != segments[:, :-1])
    return lines + [((c + 0.5, r - 0.5), (c + 0.5, r + 0.5)) for r, c in zip(rows, columns)]


def _draw_signed(axis, values):
    """Values around 0 as a picture: one channel on the scale SIGNED, three as colours around grey."""
    largest = max(float(np.abs(values).max(initial=0)), 1e-12)
    if values.shape[-1] == 3:
        return _style.picture(axis, 0.5 + values / (2 * largest))
    return axis.imshow(values[..., 0], cmap=_style.SIGNED, vmin=-largest, vmax=largest)


def _draw_faint(axis, image):
    """The image as brightness, light enough for colours to be seen on it."""
    image = np.asarray(image, np.float32)
    if image.ndim == 3:
        image = image[..., :3] @ np.float32([0.299, 0.587, 0.114]) if image.shape[-1] > 1 else image[..., 0]
    low, high = float(image.min()), float(image.max())
    _style.picture(axis, image, vmin=low - 0.8 * (high - low or 1), vmax=high)


def _lay_over(axis, heat, opacity, signed=False):
    """Draws heat over what is there, opaque where it is strong; returns the scale for a colour bar."""
    from matplotlib import cm, colors

    largest = max(float(np.abs(heat).max(initial=0)), 1e-12)
    signed = signed or heat.min(initial=0) < 0
    scale = cm.ScalarMappable(
        colors.Normalize(-largest if signed else 0, largest), _style.SIGNED if signed else WARM
    )
    colours = scale.to_rgba(heat)
    colours[..., 3] = opacity * np.sqrt(np.abs(heat) / largest)  # the eye misses what is half transparent
    axis.imshow(colours)
    return scale
