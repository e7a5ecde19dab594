"""Images that nobody photographed, for tests and demos that must run without data."""

import numpy as np


def synthetic_membranes(count=8, size=256, cells=None, seed=0):
    """SYNTHETIC sections that look a little like electron micrographs: (sections, labels), as `isbi2012`.

    Cells are the regions nearest to random points (Voronoi), their borders bent by smooth noise; membranes
    are dark, the insides grey and uneven; organelles (dark discs and small rings) lie in the cells as clutter
    that is no membrane; then blur and grain. Results on them say nothing about real tissue.

    count: how many sections. size: pixels a side. cells: in a section, by default one for 1,100 pixels. seed:
    the same one gives the same bytes. Section i does not depend on count.
    Returns: uint8 arrays (count, size, size); labels are 1 inside cells and 0 on membranes.
    """
    for name, value, least in (("count", count, 1), ("size", size, 32), ("cells", cells, 2)):
        if value is None and name == "cells":
            continue
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"`{name}` is an integer, at least {least}. Received: {value!r}")
    cells = cells or max(size * size // 1100, 2)
    pairs = [_section(size, cells, np.random.default_rng([seed, i])) for i in range(count)]
    return tuple(np.stack(stack) for stack in zip(*pairs))


def _section(size, cells, generator):
    """(section, label) of one seed."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    apart = size / np.sqrt(cells)  # the mean distance of neighbours
    bend = 0.12 * apart
    moved_y = y + bend * _smooth_noise(size, int(1.2 * size / apart), generator)
    moved_x = x + bend * _smooth_noise(size, int(1.2 * size / apart), generator)
    owner, gap = _nearest_two(moved_y / apart, moved_x / apart, generator)
    wide = np.clip(2.2 + 0.5 * _smooth_noise(size, size // 24, generator), 1.2, 4)  # half a membrane's width
    gap *= apart
    label = (gap > wide).astype(np.uint8)

    grey = 0.64 + 0.07 * generator.standard_normal(owner.max() + 1).astype(np.float32)[owner]
    grey += 0.05 * _smooth_noise(size, max(size // 4, 2), generator)
    grey -= 0.12 * _organelles(y, x, generator, size)
    shade = 0.3 + 0.12 * _smooth_noise(size, size // 12, generator)  # some are paler than others
    membrane = np.clip(1.2 - gap / np.maximum(wide, 1), 0, 1)
    grey = grey * (1 - membrane) + shade * membrane
    grey = _blurred(grey, 0.8) + 0.07 * generator.standard_normal(grey.shape, np.float32)
    return (255 * np.clip(grey, 0, 1)).astype(np.uint8), label


def _nearest_two(y, x, generator):
    """(number of the nearest point, distance to the border with the second nearest one) for each pixel, one
    random point lying in each square of side 1. Those in the 5 x 5 squares around a pixel are looked at."""
    margin = 4
    side = int(np.ceil(max(y.max(), x.max()))) + 2 * margin
    corners = np.mgrid[:side, :side].reshape(2, -1).T - margin
    points = (corners + generator.uniform(0.02, 0.98, corners.shape)).astype(np.float32)
    square = (np.floor(y).astype(np.intp) + margin) * side + np.floor(x).astype(np.intp) + margin
    first = np.full(y.shape, np.inf, np.float32)
    second = first.copy()
    owner, rival = square.copy(), square.copy()
    for step in (i * side + j for i in range(-2, 3) for j in range(-2, 3)):
        other = square + step
        d = (y - points[other, 0]) ** 2 + (x - points[other, 1]) ** 2
        nearer, between = d < first, d < second
        rival = np.where(nearer, owner, np.where(between, other, rival))
        second = np.where(nearer, first, np.where(between, d, second))
        owner, first = np.where(nearer, other, owner), np.minimum(first, d)
    apart = np.linalg.norm(points[owner] - points[rival], axis=-1)
    return owner, (second - first) / (2 * np.maximum(apart, 1e-3))  # how far the line between the two is


def _organelles(y, x, generator, size):
    """Dark discs (mitochondria) and small rings (vesicles), as darkness from 0 to about 2."""
    dark = np.zeros(y.shape, np.float32)
    for _ in range(max(size * size // 20000, 1)):
        (py, px), turn = generator.uniform(0, size, 2), generator.uniform(0, np.pi)
        long, short = generator.uniform(0.03, 0.06, 2) * size
        dy, dx, cos, sin = y - py, x - px, np.cos(turn), np.sin(turn)
        u, v = dy * cos + dx * sin, dx * cos - dy * sin
        inside = (u / long) ** 2 + (v / short) ** 2 < 1
        dark[inside] = 1.5 + 0.5 * np.sin(u[inside] * 1.5)
    for _ in range(max(size * size // 1500, 1)):
        py, px = generator.uniform(0, size, 2)
        top, left = max(int(py) - 6, 0), max(int(px) - 6, 0)
        part = slice(top, int(py) + 7), slice(left, int(px) + 7)
        radius = np.hypot(y[part] - py, x[part] - px)
        dark[part] = np.maximum(dark[part], 1.2 * np.exp(-((radius - generator.uniform(2, 4)) ** 2)))
    return dark


def _smooth_noise(size, nodes, generator):
    """Noise of about unit size whose values change over size / nodes pixels: bilinear between random nodes,
    smoothed by a cosine."""
    nodes = max(nodes, 2)
    values = generator.standard_normal((nodes + 1, nodes + 1)).astype(np.float32)
    place = np.linspace(0, nodes, size, endpoint=False, dtype=np.float32)
    i = place.astype(int)
    t = (1 - np.cos(np.pi * (place - i))) / 2
    rows = values[i] * (1 - t[:, None]) + values[i + 1] * t[:, None]
    return rows[:, i] * (1 - t) + rows[:, i + 1] * t


def _blurred(image, sigma):
    """The image under a Gaussian window of standard deviation sigma, borders repeated."""
    radius = int(np.ceil(3 * sigma))
    window = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2).astype(np.float32)
    window /= window.sum()
    for axis in (0, 1):
        widths = [(radius, radius) if a == axis else (0, 0) for a in (0, 1)]
        padded = np.pad(image, widths, mode="edge")
        parts = (np.take(padded, np.arange(image.shape[axis]) + k, axis) for k in range(2 * radius + 1))
        image = sum(w * part for w, part in zip(window, parts))
    return image
