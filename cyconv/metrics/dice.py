"""The Dice coefficients that IntelAI's U-Net reports."""

import numpy as np

from .base import Mean


def soft_dice_coef(y_true, y_pred, axis=(1, 2), smooth=1e-4):
    """(2 * I + s) / (T + P + s) of each image and channel, with I = sum(t * p), T = sum(t), P = sum(p) over
    `axis`, the pixels, and s = `smooth`; as IntelAI's U-Net has it (Dice 1945).
    """
    t, p = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
    if p.ndim < 3 or t.size != p.size or t.shape != p.shape[: t.ndim]:
        raise ValueError(
            "y_true and y_pred are images of one shape, (N, H, W, C). "
            f"Received: {np.shape(y_true)} and {np.shape(y_pred)}"
        )
    t, axis = t.reshape(p.shape), tuple(np.atleast_1d(axis))
    return (2 * (t * p).sum(axis) + smooth) / (t.sum(axis) + p.sum(axis) + smooth)


def dice_coef(y_true, y_pred, axis=(1, 2), smooth=1e-4):
    """The same of the prediction rounded to 0 and 1 (0.5 to 0)."""
    return soft_dice_coef(y_true, np.round(y_pred), axis, smooth)


class SoftDiceCoef(Mean):
    """The mean of (2 * I + s) / (T + P + s) over images and channels; `soft_dice_coef` has the formula.

    A weight counts for its image: weights of pixels are averaged.
    """

    coefficient = staticmethod(soft_dice_coef)

    def __init__(self, axis=(1, 2), smooth=1e-4, name="soft_dice_coef", dtype=None):
        super().__init__(name, dtype)
        self.axes, self.smooth = axis, smooth

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = self.coefficient(y_true, y_pred, self.axes, self.smooth)
        if sample_weight is not None:
            sample_weight = np.reshape(sample_weight, (len(values), -1)).mean(1)
        super().update_state(values, sample_weight)


class DiceCoef(SoftDiceCoef):
    """The mean Dice coefficient of the prediction rounded to 0 and 1, over images and channels."""

    coefficient = staticmethod(dice_coef)

    def __init__(self, axis=(1, 2), smooth=1e-4, name="dice_coef", dtype=None):
        super().__init__(axis, smooth, name, dtype)
