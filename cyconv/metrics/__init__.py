"""Metrics under Keras's names: what is reported."""

from .. import losses
from ..configurable import lookup
from . import segmentation
from .accuracy import (
    Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy, top_k_categorical_accuracy,
)  # fmt: skip
from .base import Mean, MeanMetricWrapper, Metric, RowMean, Sum
from .confusion import (
    AUC, FalseNegatives, FalsePositives, Precision, Recall, TrueNegatives, TruePositives,
)  # fmt: skip
from .dice import DiceCoef, SoftDiceCoef, dice_coef, soft_dice_coef
from .of_losses import (
    BinaryCrossentropy, CategoricalCrossentropy, CategoricalHinge, CosineSimilarity, Hinge, KLDivergence,
    LogCoshError, LossMean, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
    MeanSquaredLogarithmicError, Poisson, RootMeanSquaredError, SparseCategoricalCrossentropy, SquaredHinge,
)  # fmt: skip
from .overlap import BinaryIoU, F1Score, FBetaScore, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU, R2Score

CLASSES = (
    AUC, Accuracy, BinaryAccuracy, BinaryCrossentropy, BinaryIoU, CategoricalAccuracy,
    CategoricalCrossentropy, CategoricalHinge, CosineSimilarity, DiceCoef, F1Score, FBetaScore,
    FalseNegatives, FalsePositives, Hinge, IoU, KLDivergence, LogCoshError, Mean, MeanAbsoluteError,
    MeanAbsolutePercentageError, MeanIoU, MeanMetricWrapper, MeanSquaredError, MeanSquaredLogarithmicError,
    OneHotIoU, OneHotMeanIoU, Poisson, Precision, R2Score, Recall, RootMeanSquaredError, SoftDiceCoef,
    SparseCategoricalAccuracy, SparseCategoricalCrossentropy, SparseTopKCategoricalAccuracy, SquaredHinge,
    Sum, TopKCategoricalAccuracy, TrueNegatives, TruePositives,
)  # fmt: skip
TABLE = {
    **{cls.__name__: cls for cls in CLASSES},
    "mse": MeanSquaredError, "mae": MeanAbsoluteError, "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError, "rmse": RootMeanSquaredError, "bce": BinaryCrossentropy,
    "kld": KLDivergence, "logcosh": LogCoshError, "log_cosh": LogCoshError,
}  # fmt: skip
BY_SHAPE = {
    "accuracy": (BinaryAccuracy, SparseCategoricalAccuracy, CategoricalAccuracy),
    "crossentropy": (BinaryCrossentropy, SparseCategoricalCrossentropy, CategoricalCrossentropy),
}

# Functions of (y_true, y_pred) that give a value for each row: Keras has those of the losses here too.
FUNCTIONS = {f.__name__: f for f in (
    binary_accuracy, categorical_accuracy, dice_coef, soft_dice_coef, sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy, top_k_categorical_accuracy,
)}  # fmt: skip
# As a metric of another sign, or none.
ELSEWHERE = ("combined_dice_ce_loss", "cosine_similarity", "dice", "dice_coef_loss", "tversky")
FUNCTIONS.update({name: f for name, f in losses.FUNCTIONS.items() if name not in ELSEWHERE})
globals().update(FUNCTIONS)


def get(identifier, label_shape=None, output_shape=None):
    """The metric that a name, object, loss or function of (y_true, y_pred) means.

    "accuracy" ("acc") and "crossentropy" ("ce") are chosen by the shapes, as in Keras: one output unit:
    binary; labels of lower rank than the output: sparse; else categorical. A name stays the metric's name.
    """
    chosen = {"acc": "accuracy", "ce": "crossentropy", "Accuracy": "accuracy"}.get(identifier, identifier) \
        if isinstance(identifier, str) else None  # fmt: skip
    if chosen in BY_SHAPE and output_shape is not None:
        binary, sparse, categorical = BY_SHAPE[chosen]
        fewer = len(label_shape) < len(output_shape) or label_shape[-1] == 1
        cls = binary if output_shape[-1] == 1 else sparse if fewer else categorical
        return cls(name=identifier)
    if isinstance(identifier, losses.Loss):
        return LossMean(identifier)
    if hasattr(identifier, "loss_class"):
        return LossMean(identifier.loss_class(), identifier.__name__)
    if callable(identifier) and not isinstance(identifier, (Metric, type)):
        return MeanMetricWrapper(identifier)
    metric = lookup(identifier, TABLE, "metric", Metric)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


__all__ = ["Metric", "RowMean", *(cls.__name__ for cls in CLASSES), *FUNCTIONS, "get", "segmentation"]
