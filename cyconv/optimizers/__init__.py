"""Optimisers under Keras's names."""

from ..configurable import lookup
from . import schedules
from .adafactor import Adafactor
from .adam import Adam, Adamax, AdamW, Lamb, Nadam
from .adaptive import Adadelta, Adagrad, Ftrl, RMSprop
from .base import Optimizer
from .gradient_descent import SGD, Lion
from .muon import Muon

TABLE = {
    cls.__name__: cls
    for cls in (
        SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adafactor, Adamax, Nadam, Ftrl, Lion, Lamb, Muon,
    )
}  # fmt: skip


def get(identifier):
    """The optimiser that a name, configuration, class or object means."""
    return lookup(identifier, TABLE, "optimizer", Optimizer)


__all__ = ["Optimizer", *TABLE, "get", "schedules"]
