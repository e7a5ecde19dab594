"""Losses under Keras's names: what a prediction costs, and the gradient that training starts from."""

from ..configurable import lookup
from .base import Loss
from .crossentropy import (
    BinaryCrossentropy, CategoricalCrossentropy, Crossentropy, SparseCategoricalCrossentropy,
)  # fmt: skip
from .custom import from_user
from .dice import CombinedDiceCeLoss, DiceCoefLoss
from .focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from .functions import as_function
from .hinge import CategoricalHinge, Hinge, SquaredHinge
from .regions import Dice, Tversky
from .regression import (
    CosineSimilarity, Huber, KLDivergence, LogCosh, MeanAbsoluteError, MeanAbsolutePercentageError,
    MeanSquaredError, MeanSquaredLogarithmicError, Poisson,
)  # fmt: skip

CLASSES = (
    BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy, CategoricalFocalCrossentropy,
    CategoricalHinge, CombinedDiceCeLoss, CosineSimilarity, Dice, DiceCoefLoss, Hinge, Huber, KLDivergence,
    LogCosh, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError,
    Poisson, SparseCategoricalCrossentropy, SquaredHinge, Tversky,
)  # fmt: skip
ALIASES = {
    "mse": MeanSquaredError, "mae": MeanAbsoluteError, "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError, "bce": BinaryCrossentropy, "kld": KLDivergence,
    "kl": KLDivergence, "huber_loss": Huber, "crossentropy": Crossentropy, "ce": Crossentropy,
}  # fmt: skip
TABLE = {**{cls.__name__: cls for cls in CLASSES}, **ALIASES}

FUNCTIONS = {f.__name__: f for f in map(as_function, CLASSES)}
FUNCTIONS.update({name: as_function(cls) for name, cls in ALIASES.items() if len(name) <= 4 and name != "ce"})
globals().update(FUNCTIONS)


def get(identifier):
    """The loss that a name, configuration, class, object or function of (y_true, y_pred) means."""
    if hasattr(identifier, "loss_class"):
        return identifier.loss_class()
    own = callable(identifier) or hasattr(identifier, "call")
    if own and not isinstance(identifier, (Loss, type)):
        return from_user(identifier)
    return lookup(identifier, TABLE, "loss", Loss)


__all__ = ["Loss", *(cls.__name__ for cls in CLASSES), *FUNCTIONS, "get"]
