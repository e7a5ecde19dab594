"""From grey sections to the probability of being inside a cell: the same way in training, test and use."""

import numpy as np

from .tiling import predict_tiles
from .views import average_of_views


def standardized(sections):
    """Sections (N, H, W) or (N, H, W, 1) as float32 (N, H, W, 1), each with mean 0 and standard deviation 1:
    sections differ in brightness and contrast."""
    x = np.asarray(sections, np.float32)
    if x.ndim not in (3, 4) or (x.ndim == 4 and x.shape[-1] != 1):
        raise ValueError(f"sections are grey images (N, H, W) or (N, H, W, 1). Received: shape {x.shape}")
    x = x.reshape(*x.shape[:3], 1)
    mean, std = x.mean((1, 2, 3), keepdims=True), x.std((1, 2, 3), keepdims=True)
    return (x - mean) / np.where(std > 0, std, 1)


def segment(model, sections, views=8, tile=640, border=32):
    """The probability (N, H, W) that each pixel lies inside a cell.

    model: a network with one output map, trained on `standardized` sections. views: 8, the mean over all
    turned and mirrored versions, or 1. tile, border: see `predict_tiles`.
    """
    if views not in (1, 8):
        raise ValueError(f"`views` is 8 (turned and mirrored in all ways) or 1. Received: {views!r}")

    def predict(x):
        return predict_tiles(model, x, tile, border)

    x = standardized(sections)
    found = average_of_views(predict, x) if views == 8 else predict(x)
    if found.shape[-1] != 1:
        raise ValueError(f"segment: the model gives {found.shape[-1]} maps; it must give one")
    return np.clip(found[..., 0], 0, 1)
