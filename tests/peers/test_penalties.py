"""Regularisers and constraints against Keras 3: the loss, and the weights after some steps."""

import keras
import numpy as np
import pytest

import cyconv
from cyconv.testing import assert_close

PENALTIES = [
    lambda k: dict(kernel_regularizer="l2"),
    lambda k: dict(kernel_regularizer=k.regularizers.L1(0.02), bias_regularizer=k.regularizers.L2(0.3)),
    lambda k: dict(kernel_regularizer=k.regularizers.L1L2(0.1, 0.2), use_bias=False),
    lambda k: dict(activity_regularizer=k.regularizers.L1L2(0.03, 0.04)),
    lambda k: dict(kernel_constraint="max_norm", bias_constraint="non_neg"),
    lambda k: dict(kernel_constraint=k.constraints.UnitNorm(axis=[0, 1])),
    lambda k: dict(kernel_constraint=k.constraints.MinMaxNorm(0.5, 0.8, 0.3, axis=1)),
]


def network(library, options):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((5, 5, 2)),
            layers.Conv2D(3, 3, activation="tanh", **options),
            layers.Flatten(),
            layers.Dense(4, activation="relu", **options),
            layers.Dense(2, kernel_regularizer=library.regularizers.OrthogonalRegularizer(0.5, "columns")),
        ]
    )


@pytest.mark.parametrize("number", range(len(PENALTIES)))
def test_penalties_and_constraints_train_alike(number):
    generator = np.random.default_rng(number)
    x = generator.standard_normal((6, 5, 5, 2)).astype("float32")
    y = generator.standard_normal((6, 2)).astype("float32")
    models = [network(library, PENALTIES[number](library)) for library in (keras, cyconv)]
    models[1].set_weights(models[0].get_weights())
    losses = []
    for model, library in zip(models, (keras, cyconv), strict=True):
        model.compile(library.optimizers.SGD(0.1), "mse")
        losses.append([model.train_on_batch(x, y) for _ in range(3)] + [model.test_on_batch(x, y)])
        losses[-1].append(model.evaluate(x, y, batch_size=4, verbose=0))
    assert_close(np.float32(losses[1]), np.float32(losses[0]), "network", terms=18)
    for ours, theirs in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        assert_close(ours, theirs, "network", terms=18)


def test_values():
    w = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")
    for name, options in (
        ("L1", dict(l1=0.1)), ("L2", dict(l2=0.1)), ("L1L2", dict(l1=0.3, l2=0.2)),
        ("OrthogonalRegularizer", {}), ("OrthogonalRegularizer", dict(factor=2.0, mode="columns")),
    ):  # fmt: skip
        ours, theirs = (getattr(k.regularizers, name)(**options) for k in (cyconv, keras))
        expected = keras.ops.convert_to_numpy(theirs(keras.ops.convert_to_tensor(w)))
        assert_close(np.float32(ours(w)), np.asarray(expected).reshape(()), terms=12)
        assert ours.get_config() == pytest.approx(theirs.get_config())
    for name, options in (
        ("NonNeg", {}), ("MaxNorm", {}), ("MaxNorm", dict(max_value=0.5, axis=1)), ("UnitNorm", {}),
        ("MinMaxNorm", dict(min_value=0.2, max_value=0.7, rate=0.5, axis=[0, 1])),
    ):  # fmt: skip
        ours, theirs = (getattr(k.constraints, name)(**options) for k in (cyconv, keras))
        assert_close(ours(w), keras.ops.convert_to_numpy(theirs(w)), terms=12)
        assert ours.get_config() == theirs.get_config()
