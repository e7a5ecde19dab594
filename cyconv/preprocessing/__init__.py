"""What Keras 2 scripts prepare images with."""

from . import image

__all__ = ["image"]
