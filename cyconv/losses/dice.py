"""The Dice losses of IntelAI's U-Net, and Dice with cross-entropy: batch sums first, then one ratio."""

import numpy as np

from .base import Loss
from .crossentropy import BinaryCrossentropy


class DiceCoefLoss(Loss):
    """-log(2 * mean(I + s)) + log(mean(T + P + s)), with I = sum(t * p), T = sum(t), P = sum(p) over `axis`,
    the pixels of an image, s = `smooth`, and means over all images and channels.

    As IntelAI's U-Net has it (github.com/IntelAI/unet): the means are taken before the ratio, so an image
    without any object costs little, and the batch has one value; weights of samples multiply it.
    """

    def __init__(self, axis=(1, 2), smooth=1e-4, reduction="sum_over_batch_size", name="dice_coef_loss",
                 dtype=None):  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.axes, self.smooth = axis, above_zero(smooth)

    axis = None  # nothing is moved: the sums are taken where the axes are

    def row_shape(self, target_shape):
        return (target_shape[0],)

    def count(self, target_shape, weight):
        return 1 if weight is None else super().count(target_shape, weight)

    def rows(self, ops, target, prediction, weight, scale):
        sums, extra = batch_sums(ops, target, prediction, self.axes, self.smooth)
        weights = [] if weight is None else [weight]

        def value(shared, both, weight=1.0):
            return weight * np.log((both + extra) / (2 * (shared + extra)))

        def slope(t, shared, both, weight=1.0):
            return scale * weight * (1 / (both + extra) - t / (shared + extra))

        values = ops.map(value, *sums, *weights)
        return values, ops.map(slope, target, *sums, *map(ops.reduce, weights))


class CombinedDiceCeLoss(Loss):
    """weight_dice_loss * DiceCoefLoss + (1 - weight_dice_loss) * binary cross-entropy, IntelAI's mixture.

    Each pixel has a value, and may have a weight: its own cross-entropy and the batch's Dice loss.
    """

    axis = None

    def __init__(self, axis=(1, 2), smooth=1e-4, weight_dice_loss=0.85, reduction="sum_over_batch_size",
                 name="combined_dice_ce_loss", dtype=None):  # fmt: skip
        super().__init__(name, reduction, dtype)
        if not 0 <= weight_dice_loss <= 1:
            raise ValueError(f"`weight_dice_loss` lies in [0, 1]. Received: {weight_dice_loss}")
        self.axes, self.smooth, self.weight_dice_loss = axis, above_zero(smooth), weight_dice_loss
        self.crossentropy = BinaryCrossentropy()

    def row_shape(self, target_shape):
        return self.crossentropy.row_shape(target_shape)

    def rows(self, ops, target, prediction, weight, scale):
        share = self.weight_dice_loss
        sums, extra = batch_sums(ops, target, prediction, self.axes, self.smooth)
        entropies, slopes = self.crossentropy.rows(ops, target, prediction, weight, scale * (1 - share))
        weights = [] if weight is None else [weight]
        rows = int(np.prod(self.row_shape(target.shape)))
        total = [ops.reduce(w, scale=1 / rows) for w in weights]  # the Dice loss counts once for every row

        def value(entropy, shared, both, weight=1.0):
            return (1 - share) * entropy + share * weight * np.log((both + extra) / (2 * (shared + extra)))

        def slope(t, of_entropy, shared, both, total=1.0):
            return of_entropy + scale * share * rows * total * (1 / (both + extra) - t / (shared + extra))

        values = ops.map(value, entropies, *sums, *weights)
        return values, ops.map(slope, target, slopes, *sums, *total)


def batch_sums(ops, target, prediction, axes, smooth):
    """([sum of t * p, sum of t + p] over the whole batch, `smooth` times the images and channels)."""
    axes, shape = axes if isinstance(axes, (list, tuple)) else [axes], target.shape
    if not all(0 < a % len(shape) < len(shape) and -len(shape) < a < len(shape) for a in axes):
        raise ValueError(
            f"`axis` holds the axes of an image's pixels, (1, 2) for (N, H, W, C). Received: {tuple(axes)} "
            f"for predictions {tuple(shape)}"
        )
    pixels = np.prod([shape[a] for a in {a % len(shape) for a in axes}])
    shared, both = ops.map(lambda t, p: (t * p, t + p), target, prediction)
    return [ops.reduce(shared), ops.reduce(both)], smooth * float(np.prod(shape) / max(pixels, 1))


def above_zero(smooth):
    """A `smooth`, checked: without it a batch of empty images has a logarithm of 0."""
    if not smooth > 0:
        raise ValueError(f"`smooth` must be above 0, such as 1e-4. Received: {smooth}")
    return smooth
