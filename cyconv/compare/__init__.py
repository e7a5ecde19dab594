"""`compare_backends` and `cyconv compare`: one model on several backends; differences, times, a report."""

from .comparing import compare_backends
from .result import Comparison

__all__ = ["Comparison", "compare_backends"]
