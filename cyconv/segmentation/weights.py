"""How much each pixel of a training mask counts (Ronneberger, Fischer, Brox 2015, equation 2)."""

import numpy as np


def weight_map(mask, w0=10.0, sigma=5.0, balance=True):
    """w(x) = w_c(x) + w0 exp(-(d1(x) + d2(x))^2 / (2 sigma^2)) as float32, of the mask's shape.

    mask: (H, W) or a stack (N, H, W), 1 inside cells and 0 on membranes. d1, d2: the distances to the nearest
    and to the second nearest cell, in pixels; cells are the 4-connected regions of ones, and the second term
    is for membranes only. w_c balances the classes: both the same total, the mean over the mask 1 (with
    balance=False: 1 everywhere). Where fewer than two cells are near (5 sigma), the second term is below
    4e-6 w0, and taken as 0.
    Errors: ValueError for values other than 0 and 1; ModuleNotFoundError without SciPy.
    """
    mask = np.asarray(mask)
    if mask.ndim not in (2, 3) or not np.isin(mask, (0, 1)).all():
        raise ValueError(
            "a mask is (H, W) or (N, H, W) of zeros (membrane) and ones (inside). Received: shape "
            f"{mask.shape}, values {mask.min()} to {mask.max()}"
        )
    if mask.ndim == 3:
        return np.stack([weight_map(one, w0, sigma, balance) for one in mask])
    inside = mask == 1
    weights = np.ones(mask.shape, np.float32)
    if balance and 0 < inside.sum() < inside.size:
        for kind in (inside, ~inside):
            weights[kind] = 0.5 * inside.size / kind.sum()
    if w0:
        first, second = two_distances(inside, reach=int(np.ceil(5 * sigma)))
        separating = w0 * np.exp(-((first + second) ** 2) / (2 * sigma**2))
        weights[~inside] += separating[~inside]
    return weights


def two_distances(inside, reach):
    """(d1, d2): each pixel's distance to the nearest and the second nearest cell; infinite beyond `reach`.

    A cell's distances are worked out in the rectangle around it, `reach` pixels larger on each side.
    """
    try:
        from scipy import ndimage
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'weight maps need SciPy, which is not installed: pip install "cyconv[isbi]"'
        ) from None
    cells, _ = ndimage.label(inside)
    first = np.full(inside.shape, np.inf, np.float32)
    second = first.copy()
    for number, (rows, columns) in enumerate(ndimage.find_objects(cells), 1):
        around = tuple(slice(max(s.start - reach, 0), s.stop + reach) for s in (rows, columns))
        d = ndimage.distance_transform_edt(cells[around] != number).astype(np.float32)
        near, far = first[around], second[around]
        np.minimum(far, np.maximum(near, d), out=far)
        np.minimum(near, d, out=near)
    return first, second
