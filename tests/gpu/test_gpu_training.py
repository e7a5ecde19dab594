"""Losses, metrics, optimisers, penalties, constraints on the gpu backend: the cpu backend's numbers."""

import warnings

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers, losses, optimizers
from cyconv.testing import assert_close

pytestmark = pytest.mark.usefixtures("by_definition")

X = np.random.default_rng(3).uniform(0.1, 1, (24, 5)).astype(np.float32)
ONE_HOT = np.eye(3, dtype=np.float32)[np.arange(24) % 3]


def compare(target=ONE_HOT, activation="softmax", dense=None, fit=None, **options):
    """Two epochs of three batches on each backend: the same history, weights and optimiser state."""
    results = []
    for place in ("cpu", "gpu"):
        keras.utils.set_random_seed(4)
        model = keras.Sequential(
            [layers.Input((5,)), layers.Dense(4, "tanh"), layers.Dense(3, activation, **(dense or {}))]
        ).to(place)
        chosen = {"optimizer": "sgd", "loss": "categorical_crossentropy", **options}
        if callable(chosen["optimizer"]):  # an optimiser belongs to one model
            chosen["optimizer"] = chosen["optimizer"]()
        model.compile(**chosen)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            history = model.fit(X, target, batch_size=9, epochs=2, verbose=0, **(fit or {})).history
        state = [np.ravel(a) for a in (*model.get_weights(), *model.optimizer.state())]
        results.append([*history.values(), *state])
    for a, b in zip(*results, strict=True):
        assert_close(np.float32(b), a, "network", 1000)


@pytest.mark.parametrize("name", sorted(optimizers.TABLE))
def test_optimisers(name):
    compare(optimizer=name)


@pytest.mark.parametrize("options", [
    dict(clipnorm=0.01), dict(global_clipnorm=0.01), dict(clipvalue=0.01), dict(weight_decay=0.1),
    dict(use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2),
    dict(learning_rate=keras.schedules.ExponentialDecay(0.1, 2, 0.5)), dict(momentum=0.9, nesterov=True),
], ids=str)  # fmt: skip
def test_options_of_optimisers(options):
    compare(optimizer=lambda: optimizers.SGD(**options))


@pytest.mark.parametrize("name", [
    "mse", "mae", "mape", "msle", "huber", "log_cosh", "kl_divergence", "poisson", "categorical_crossentropy",
    "binary_crossentropy", "hinge", "categorical_hinge", "cosine_similarity",
])  # fmt: skip
def test_losses(name):
    compare(loss=name, activation="sigmoid" if name == "binary_crossentropy" else "softmax")


def test_losses_and_layers_of_a_user_s_own():
    class Cubic(losses.Loss):
        def call(self, y_true, y_pred):
            return (np.abs(y_true - y_pred) ** 3).mean(-1)

        def gradient(self, y_true, y_pred):
            return -3 * np.sign(y_true - y_pred) * (y_true - y_pred) ** 2 / y_true.shape[-1]

    compare(loss=Cubic())


@pytest.mark.parametrize("metrics", [
    ["accuracy"], ["mae", "categorical_crossentropy"], ["AUC"], ["Precision", "accuracy"],
], ids=str)  # fmt: skip
def test_metrics(metrics):
    compare(metrics=metrics)


def test_weights_of_samples_and_classes_and_data_held_out():
    weights = np.linspace(0.1, 2, 24).astype(np.float32)
    compare(fit=dict(sample_weight=weights), weighted_metrics=["accuracy"])
    compare(fit=dict(class_weight={0: 1.0, 1: 3.0, 2: 0.5}), metrics=["accuracy"])
    compare(fit=dict(validation_split=0.25, steps_per_epoch=1), metrics=["accuracy"])


def test_penalties_and_constraints():
    compare(dense=dict(kernel_regularizer="l2", activity_regularizer="l1", bias_regularizer="l1_l2"))
    compare(dense=dict(kernel_constraint="max_norm", bias_constraint="non_neg"))
