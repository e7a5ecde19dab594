"""Images read at other places than their pixels: rotated, moved, enlarged, bent. NumPy only."""

import numpy as np

FILL_MODES = ("reflect", "wrap", "nearest", "constant")


def warp(images, rows, columns, interpolation="bilinear", fill_mode="reflect", fill_value=0.0):
    """y[n, i, j, c] = images[n, rows[n, i, j], columns[n, i, j], c], between pixels by interpolation.

    images: (N, H, W, C); rows, columns: (N, h, w) positions, 0 is the centre of the first pixel.
    interpolation: "bilinear", or "nearest", which keeps labels what they are. fill_mode: what lies outside:
    "reflect" (d c b a | a b c d | d c b a), "wrap" (a b c d | a b c d), "nearest" (a a a | a b c d | d d d),
    "constant" (fill_value).
    """
    if interpolation == "nearest":
        return _pixels(images, np.floor(rows + 0.5), np.floor(columns + 0.5), fill_mode, fill_value)
    top, left = np.floor(rows), np.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]

    def at(i, j):
        return _pixels(images, top + i, left + j, fill_mode, fill_value)

    upper = at(0, 0) * (1 - right) + at(0, 1) * right
    lower = at(1, 0) * (1 - right) + at(1, 1) * right
    return upper * (1 - down) + lower * down


def _pixels(images, rows, columns, fill_mode, fill_value):
    """The pixels at whole positions, those outside by `fill_mode`."""
    N, H, W, _ = images.shape
    i, outside_rows = _inside(rows.astype(np.int64), H, fill_mode)
    j, outside_columns = _inside(columns.astype(np.int64), W, fill_mode)
    values = images[np.arange(N)[:, None, None], i, j]
    if fill_mode == "constant":
        values = np.where((outside_rows | outside_columns)[..., None], fill_value, values)
    return values.astype(images.dtype)


def _inside(i, size, fill_mode):
    """Positions brought back into 0..size - 1, and which lay outside."""
    outside = (i < 0) | (i >= size)
    if fill_mode == "reflect":
        i = i % (2 * size)
        return np.where(i < size, i, 2 * size - 1 - i), outside
    if fill_mode == "wrap":
        return i % size, outside
    return np.clip(i, 0, size - 1), outside


def grid(height, width):
    """The positions (rows, columns) of an image's own pixels, each (1, height, width)."""
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return rows[None].astype(np.float64), columns[None].astype(np.float64)


def affine(matrices, height, width):
    """Positions M @ (row - centre, column - centre) + shift + centre for matrices (N, 2, 3) = (M | shift)."""
    rows, columns = grid(height, width)
    middle = (height - 1) / 2, (width - 1) / 2
    y, x = rows - middle[0], columns - middle[1]
    m = np.asarray(matrices, np.float64)[..., None, None]
    return (
        m[:, 0, 0] * y + m[:, 0, 1] * x + m[:, 0, 2] + middle[0],
        m[:, 1, 0] * y + m[:, 1, 1] * x + m[:, 1, 2] + middle[1],
    )


def smooth(fields, sigma):
    """Fields (N, H, W) under a Gaussian window of standard deviation sigma (pixels), edges reflected."""
    radius = max(int(np.ceil(3 * sigma)), 1)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / max(sigma, 1e-6)) ** 2)
    weights /= weights.sum()
    for axis in (1, 2):
        size = fields.shape[axis]
        places, _ = _inside(np.arange(-radius, size + radius), size, "reflect")
        extended = np.take(fields, places, axis)
        fields = sum(w * np.take(extended, np.arange(size) + k, axis) for k, w in enumerate(weights))
    return fields
