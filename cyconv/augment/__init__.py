"""Augmentation for segmentation: an image, its mask and its weight map are bent and turned as one.

`Augment` changes one section; `Tiles` makes batches of changed pieces in the background, for `fit`.
"""

from .augment import Augment
from .elastic import displacements
from .tiles import Tiles

__all__ = ["Augment", "Tiles", "displacements"]
