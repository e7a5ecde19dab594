"""Rotating, shifting, shearing and zooming an image: one matrix, one look-up for every pixel."""

import numpy as np

FILL_MODES = ("nearest", "reflect", "constant", "wrap")


def matrix(height, width, theta=0.0, tx=0.0, ty=0.0, shear=0.0, zx=1.0, zy=1.0):
    """The 3x3 matrix from an output pixel (row, column, 1) to the place in the input that it shows.

    theta, shear: degrees. tx, ty: how many pixels further right and down to look. zx, zy: below 1 magnifies,
    along x and y. All about the image's middle; rotation, shift, shear, zoom, in the order of Keras.
    """
    t, s = np.deg2rad(theta), np.deg2rad(shear)
    rotation = np.array([[np.cos(t), np.sin(t), 0], [-np.sin(t), np.cos(t), 0], [0, 0, 1]])
    shift = np.array([[1, 0, ty], [0, 1, tx], [0, 0, 1]])
    sheared = np.array([[np.cos(s), 0, 0], [-np.sin(s), 1, 0], [0, 0, 1]])
    zoom = np.diag([zy, zx, 1.0])
    # Keras composes in (x, y) about (height / 2, width / 2), then swaps the axes; so does this.
    middle = np.array([[1, 0, width / 2 - 0.5], [0, 1, height / 2 - 0.5], [0, 0, 1]])
    return middle @ rotation @ shift @ sheared @ zoom @ np.linalg.inv(middle)


def sample(image, places, fill_mode="nearest", cval=0.0, order=1):
    """The image (H, W, C) read at `places` = matrix: output[r, c] = image[matrix @ (r, c, 1)].

    order: 1 between pixels (bilinear), 0 the nearest pixel. fill_mode: what lies outside: the nearest pixel;
    "reflect" d c b a | a b c d | d c b a; "wrap", the image again; "constant": cval.
    """
    H, W = image.shape[:2]
    grid = np.stack([*np.mgrid[:H, :W], np.ones((H, W))])
    rows, columns = np.tensordot(places[:2], grid, 1)
    outside = (rows < 0) | (rows > H - 1) | (columns < 0) | (columns > W - 1)
    (r, dr), (c, dc) = (_neighbours(v, n, fill_mode, order) for v, n in ((rows, H), (columns, W)))
    dr, dc = dr[..., None], dc[..., None]
    upper = image[r[0], c[0]] * (1 - dc) + image[r[0], c[1]] * dc
    lower = image[r[1], c[0]] * (1 - dc) + image[r[1], c[1]] * dc
    result = upper * (1 - dr) + lower * dr
    if fill_mode == "constant":
        result[outside] = cval
    return result.astype(image.dtype)


def _neighbours(place, size, fill_mode, order):
    """Indices of the pixels before and after each place on an axis, and how far it is towards the second."""
    if fill_mode == "wrap":
        period = max(size - 1, 1)  # SciPy's: the first and the last pixel are one
        place = np.where(place < 0, place + period * (np.floor(-place / period) + 1), place)
        place = np.where(place > size - 1, place - period * np.floor(place / period), place)
    if order == 0:
        place = np.floor(place + 0.5)
    before = np.floor(place).astype(int)
    pair = np.stack([before, before + 1])
    if fill_mode == "reflect":
        pair = pair % (2 * size)
        pair = np.where(pair < size, pair, 2 * size - 1 - pair)
    return np.clip(pair, 0, size - 1), place - before
