"""The warping error: what is left when the truth has been bent towards a segmentation, its topology kept."""

import numpy as np

from .inputs import section


def warp(truth, found):
    """The truth (H, W) of 0 and 1 bent towards `found`: pixels that differ are changed as long as no cell is
    split, merged, made, lost or pierced. What still differs are errors of topology.

    Only *simple* points change: cells being 4-connected and borders 8-connected, those with Yokoi's number
    sum over the four neighbours k of x_k - x_k * x_(k+1) * x_(k+2) = 1, x going round the pixel (Yokoi,
    Toriwaki & Fukumura 1975). Pixels of one parity of row and column are no neighbours, so all of them change
    at once; this is repeated until nothing does. Jain et al. 2010 search greedily, too. What lies outside the
    image counts as border.
    """
    truth, found = section(truth, "truth"), section(found, "found")
    if truth.shape != found.shape:
        raise ValueError(f"`truth` and `found` must have one shape. Received: {truth.shape}, {found.shape}")
    warped, goal = _framed(truth), _framed(found)
    width = warped.shape[1]
    ring = np.array([1, 1 - width, -width, -1 - width, -1, width - 1, width, width + 1])  # from the right on
    y, x = np.nonzero(warped != goal)
    parity = y % 2 + 2 * (x % 2)
    differing = [(y * width + x)[parity == k] for k in range(4)]
    flat, changed = warped.reshape(-1), True  # the same memory
    while changed:
        changed = False
        for k, pixels in enumerate(differing):
            x = flat[pixels + ring[:, None]]
            simple = (x - x * np.roll(x, -1, axis=0) * np.roll(x, -2, axis=0))[::2].sum(0) == 1
            flat[pixels[simple]] ^= 1
            differing[k] = pixels[~simple]
            changed |= bool(simple.any())
    return warped[1:-1, 1:-1] > 0


def _framed(image):
    """As small integers with a frame of border, in C's order of memory."""
    framed = np.zeros((image.shape[0] + 2, image.shape[1] + 2), np.int8)
    framed[1:-1, 1:-1] = image
    return framed
