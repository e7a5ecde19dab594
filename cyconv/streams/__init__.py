"""Batches that come from elsewhere than arrays: datasets of batches, and drawing them ahead of their use."""

from .ahead import ahead
from .pydataset import PyDataset

__all__ = ["PyDataset", "ahead"]
