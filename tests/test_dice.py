"""IntelAI's Dice losses and metrics against their definition written out in NumPy; in training; bad input."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers, losses, metrics
from cyconv.testing import assert_close

GENERATOR = np.random.default_rng(0)
T = (GENERATOR.random((3, 5, 4, 2)) < 0.3).astype(np.float64)
T[1] = 0  # an image without any object
P = GENERATOR.random((3, 5, 4, 2)) * 0.98 + 0.01
S = 1e-4


def dice_loss(t, p):
    """log of the mean size less log of twice the mean overlap, means over images and channels."""
    overlap = np.array([[(t[n, ..., c] * p[n, ..., c]).sum() for c in range(2)] for n in range(3)])
    size = np.array([[t[n, ..., c].sum() + p[n, ..., c].sum() for c in range(2)] for n in range(3)])
    return -np.log(2 * (overlap + S).mean()) + np.log((size + S).mean())


def entropies(t, p):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(-1)


@pytest.mark.parametrize("backend", backends.NAMES)
def test_losses_are_their_definition(backend):
    with backends.use(backend):
        assert_close(np.float32(losses.DiceCoefLoss()(T, P)), np.array(dice_loss(T, P)), "sum", 120)
        combined = 0.85 * dice_loss(T, P) + 0.15 * entropies(T, P)
        assert_close(losses.combined_dice_ce_loss(T, P), combined, "sum", 120)
        assert_close(np.float32(losses.CombinedDiceCeLoss()(T, P)), combined.mean(), "sum", 120)
        other = losses.CombinedDiceCeLoss(weight_dice_loss=0.25)
        expected = (0.25 * dice_loss(T, P) + 0.75 * entropies(T, P)).mean()
        assert_close(np.float32(other(T, P)), expected, "sum", 120)
        weight = np.random.default_rng(1).random((3, 5, 4))
        assert_close(np.float32(losses.get("combined_dice_ce_loss")(T, P, sample_weight=weight)),
                     (weight * combined).mean(), "sum", 120)  # fmt: skip
        assert_close(np.float32(losses.get("DiceCoefLoss")(T, P, sample_weight=[1.0, 3.0, 0.5])),
                     np.array(1.5 * dice_loss(T, P)), "sum", 120)  # fmt: skip


def test_one_loss_for_the_batch_one_coefficient_for_each_image():
    """What the mean before the ratio does: an empty image does not count as wholly wrong."""
    t, p = np.zeros((2, 2, 2, 1)), np.zeros((2, 2, 2, 1))
    t[0] = p[0] = 1
    p[1, 0, 0] = 1  # one pixel too many where there is nothing: overlap 4 and 0, sizes 8 and 1
    assert losses.DiceCoefLoss()(t, p) == pytest.approx(np.log(9 / 8), abs=1e-4)
    np.testing.assert_allclose(metrics.dice_coef(t, p)[:, 0], [1, S / (1 + S)])
    assert metrics.DiceCoef()(t, p) == pytest.approx((1 + S / (1 + S)) / 2)


def test_metrics_are_their_definition():
    rounded = (P > 0.5).astype(float)
    for metric, p in ((metrics.SoftDiceCoef(), P), (metrics.DiceCoef(), rounded)):
        each = (2 * (T * p).sum((1, 2)) + S) / (T.sum((1, 2)) + p.sum((1, 2)) + S)
        np.testing.assert_allclose(getattr(metrics, metric.name)(T, P), each)
        assert metric(T, P) == pytest.approx(each.mean())
        metric.reset_state()
        metric.update_state(T[:1], P[:1])  # batches of other sizes: every image counts alike
        assert metric(T[1:], P[1:]) == pytest.approx(each.mean())
        metric.reset_state()
        pixels = np.broadcast_to(np.array([2.0, 0.0, 1.0])[:, None, None], (3, 5, 4))
        for weight in ([2.0, 0.0, 1.0], pixels):
            metric.reset_state()
            metric.update_state(T, P, weight)
            assert metric.result() == pytest.approx((2 * each[0].mean() + each[2].mean()) / 3)
    np.testing.assert_allclose(metrics.dice_coef(T[..., 0], P[..., :1], smooth=1.0),
                               metrics.dice_coef(T, P, smooth=1.0)[:, :1])  # fmt: skip


@pytest.mark.parametrize("loss", ["dice_coef_loss", "combined_dice_ce_loss"])
def test_a_network_learns_a_square(loss):
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(0, 0.1, (8, 8, 8, 1))
    x[:, 2:5, 2:6] += 1
    y = np.zeros((8, 8, 8, 1))
    y[:, 2:5, 2:6] = 1
    model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(1, 3, padding="same",
                              activation="sigmoid", kernel_initializer="ones")])  # fmt: skip
    model.compile(keras.optimizers.Adam(0.1), loss, metrics=["dice_coef", metrics.SoftDiceCoef()])
    history = model.fit(x, y, batch_size=4, epochs=40, verbose=0).history
    assert history["dice_coef"][0] < 0.8 < 0.95 < history["dice_coef"][-1]
    assert history["loss"][-1] < history["loss"][0] and history["soft_dice_coef"][-1] > 0.8
    expected = metrics.DiceCoef()(y, model.predict(x, verbose=0))
    assert model.evaluate(x, y, verbose=0, return_dict=True)["dice_coef"] == pytest.approx(expected)
    best = keras.callbacks.EarlyStopping("val_dice_coef", restore_best_weights=True)  # more is better
    model.fit(x, y, validation_data=(x, y), epochs=1, verbose=0, callbacks=[best])


def test_bad_input():
    with pytest.raises(ValueError, match=r"axes of an image's pixels, \(1, 2\) for \(N, H, W, C\).*\(4, 3\)"):
        losses.DiceCoefLoss()(np.ones((4, 3)), np.ones((4, 3)))
    with pytest.raises(ValueError, match="axes of an image's pixels"):
        losses.CombinedDiceCeLoss(axis=(0, 1))(T, P)
    with pytest.raises(ValueError, match="`weight_dice_loss` lies in.*1.5"):
        losses.CombinedDiceCeLoss(weight_dice_loss=1.5)
    with pytest.raises(ValueError, match="`smooth` must be above 0"):
        losses.DiceCoefLoss(smooth=0)
    with pytest.raises(ValueError, match=r"images of one shape.*\(3, 5, 4, 2\) and \(3, 5, 4, 1\)"):
        metrics.dice_coef(T, P[..., :1])
