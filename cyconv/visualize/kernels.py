"""The filters that a convolution has learned."""

import numpy as np

from . import _style


def filters(layer, most=64):
    """The filters of a 2-D convolution, as images on one scale: orange is positive, purple negative, white 0.

    Filters of one channel stand side by side. Those of three are drawn in colour, each stretched to its own
    range. Those of more are drawn as a table: a row for each filter, a column for each channel.

    Arguments:
        layer: a Conv2D layer, or its kernel (height, width, channels, filters).
        most: how many filters (and channels of a table) are drawn at most.
    Returns: the matplotlib figure.
    Errors: ValueError for anything that is no 2-D kernel.
    """
    kernel = np.asarray(layer.get_weights()[0] if hasattr(layer, "get_weights") else layer, np.float32)
    if kernel.ndim != 4 or not kernel.size:
        raise ValueError(
            "filters draws the kernel of a 2-D convolution, (height, width, channels, filters). "
            f"Received: shape {kernel.shape}"
        )
    channels, count = kernel.shape[2:]
    with _style.look() as plt:
        if channels in (1, 3):
            figure, image = in_a_row(plt, kernel[..., :most])
        else:
            figure, image = as_a_table(plt, kernel[:, :, : min(most, 16), : min(most, 16)])
        shown = len([axis for axis in figure.axes if axis.images])
        total = count if channels in (1, 3) else count * channels
        some = "" if shown == total else f" (the first {shown} of {total} images)"
        name = getattr(layer, "name", "kernel")
        size = " x ".join(map(str, kernel.shape[:2]))
        figure.suptitle(f"{name}: {count} filters of {size}, {channels} channel{'s' * (channels > 1)}{some}")
        if image is not None:
            figure.colorbar(image, ax=figure.axes, shrink=0.8, label="weight")
        return figure


def in_a_row(plt, kernel):
    """One image a filter; (figure, the last image, which carries the scale, or None for colour images)."""
    channels, count = kernel.shape[2:]
    figure, axes = _style.grid(
        plt, count, columns=min(count, 8), size=0.8, beside=1.0 if channels == 1 else 0.0
    )
    if channels == 1:
        image = None
        for k, axis in enumerate(axes):
            image = show(axis, kernel[:, :, 0, k], np.abs(kernel).max())
        return figure, image
    low, high = kernel.min((0, 1, 2)), kernel.max((0, 1, 2))
    stretched = (kernel - low) / np.maximum(high - low, 1e-12)
    for k, axis in enumerate(axes):
        axis.imshow(stretched[..., k])
    return figure, None


def as_a_table(plt, kernel):
    """A row a filter, a column a channel; (figure, an image that carries the scale)."""
    channels, count = kernel.shape[2:]
    figure, axes = _style.grid(plt, count * channels, columns=channels, size=0.5, beside=1)
    image = None
    for place, axis in enumerate(axes):
        image = show(axis, kernel[:, :, place % channels, place // channels], np.abs(kernel).max())
    return figure, image


def show(axis, weights, largest):
    """Draws one filter on the scale -largest to largest."""
    return axis.imshow(weights, cmap=_style.SIGNED, vmin=-largest, vmax=largest)
