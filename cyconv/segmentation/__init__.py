"""Segmenting large images with a U-Net, as the paper does it: weights of pixels, tiles, turned versions."""

from .pipeline import segment, standardized
from .tiling import predict_tiles
from .views import average_of_views
from .weights import weight_map

__all__ = ["average_of_views", "predict_tiles", "segment", "standardized", "weight_map"]
