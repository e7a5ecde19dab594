"""Every loss against Keras 3: values and gradients, with every reduction, weights, smoothing, axis."""

import keras
import numpy as np
import pytest
import torch

import cyconv
from cyconv.testing import assert_close

REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]
PROBABILITIES, LOGITS, NUMBERS, COUNTS, SIGNS = "probabilities", "logits", "numbers", "counts", "signs"
FLAT = "flat"  # probabilities of two axes: on more, PyTorch has no gradient for Keras's sparse loss
CASES = [
    ("MeanSquaredError", {}, NUMBERS), ("MeanAbsoluteError", {}, NUMBERS),
    ("MeanAbsolutePercentageError", {}, NUMBERS), ("MeanSquaredLogarithmicError", {}, COUNTS),
    ("Huber", {}, NUMBERS), ("Huber", dict(delta=0.3), NUMBERS), ("LogCosh", {}, NUMBERS),
    ("KLDivergence", {}, PROBABILITIES), ("Poisson", {}, COUNTS), ("Hinge", {}, SIGNS),
    ("Hinge", {}, LOGITS), ("SquaredHinge", {}, SIGNS), ("SquaredHinge", {}, LOGITS),
    ("CategoricalHinge", {}, LOGITS), ("CosineSimilarity", {}, NUMBERS),
    ("CosineSimilarity", dict(axis=1), NUMBERS),
    ("BinaryCrossentropy", {}, PROBABILITIES), ("BinaryCrossentropy", dict(from_logits=True), LOGITS),
    ("BinaryCrossentropy", dict(label_smoothing=0.2, axis=1), PROBABILITIES),
    ("CategoricalCrossentropy", {}, PROBABILITIES),
    ("CategoricalCrossentropy", dict(from_logits=True, label_smoothing=0.1), LOGITS),
    ("CategoricalCrossentropy", dict(axis=1), PROBABILITIES),
    ("SparseCategoricalCrossentropy", {}, FLAT),
    ("SparseCategoricalCrossentropy", dict(from_logits=True), LOGITS),
    ("SparseCategoricalCrossentropy", dict(ignore_class=1, from_logits=True), LOGITS),
    ("SparseCategoricalCrossentropy", dict(ignore_class=2), FLAT),
    ("BinaryFocalCrossentropy", {}, PROBABILITIES),
    ("BinaryFocalCrossentropy", dict(apply_class_balancing=True, alpha=0.3, gamma=1.5), PROBABILITIES),
    ("BinaryFocalCrossentropy", dict(from_logits=True, label_smoothing=0.1, axis=2), LOGITS),
    ("CategoricalFocalCrossentropy", {}, PROBABILITIES),
    ("CategoricalFocalCrossentropy", dict(from_logits=True, gamma=3.0), LOGITS),
    ("CategoricalFocalCrossentropy", dict(label_smoothing=0.2, alpha=0.6, gamma=1.5), PROBABILITIES),
    ("Dice", {}, PROBABILITIES), ("Dice", dict(axis=(1, 2)), PROBABILITIES),
    ("Dice", dict(axis=(1, 2, 3)), PROBABILITIES), ("Tversky", {}, PROBABILITIES),
    ("Tversky", dict(alpha=0.3, beta=0.9, axis=[1, 2, 3]), PROBABILITIES),
]  # fmt: skip
SHAPE = (5, 4, 3, 4)


def data(kind, sparse):
    generator = np.random.default_rng(0)
    p = generator.standard_normal(SHAPE)
    labels = generator.integers(0, 4, SHAPE[:-1])
    t = np.eye(4)[labels]
    if kind == FLAT:
        p, t, labels = p.reshape(-1, 4), t.reshape(-1, 4), labels.ravel()
    if kind in (PROBABILITIES, FLAT):
        p = np.exp(p) / np.exp(p).sum(-1, keepdims=True)
    elif kind == COUNTS:
        p, t = np.exp(p), generator.integers(0, 5, SHAPE).astype(float)
    elif kind == NUMBERS:
        t = generator.standard_normal(SHAPE)
    elif kind == SIGNS:
        t = np.sign(generator.standard_normal(SHAPE))
    return (labels if sparse else t.astype("float32")), p.astype("float32")


def of_keras(loss, t, p, weight):
    p = torch.tensor(p, requires_grad=True)
    value = loss(t, p, sample_weight=weight)
    value.sum().backward()
    return value.detach().numpy(), p.grad.numpy()


def of_cyconv(loss, t, p, weight):
    ops = cyconv.backends.active()
    target = ops.asarray(loss.prepare(t, p.shape, "labels"), loss.target_dtype("float32"))
    if weight is not None:
        weight = ops.asarray(loss.spread(weight, target.shape), "float32")
    value, gradient = loss.record(ops, target, ops.asarray(p.copy(), "float32"), weight)
    return value[0], gradient


@pytest.mark.parametrize(("name", "options", "kind"), CASES)
def test_values_and_gradients(name, options, kind):
    t, p = data(kind, name.startswith("Sparse"))
    values = getattr(keras.losses, name)(reduction=None, **options)(t, p)
    rows = np.random.default_rng(1).random(values.shape)
    weights = [None] + ([rows.astype("float32")] if rows.ndim else [np.float32([1, 2, 0, 0.5, 3])])
    for weight in weights:
        for reduction in REDUCTIONS:
            ours, theirs = (
                getattr(k.losses, name)(reduction=reduction, **options) for k in (cyconv, keras)
            )
            expected, gradient = of_keras(theirs, t, p, weight)
            what = f"{reduction}, {'weighted' if weight is not None else 'plain'}"
            actual = np.float32(ours(t, p, sample_weight=weight))
            assert_close(np.ravel(actual), np.ravel(expected), "network", terms=240, what=what)
            if reduction not in (None, "none"):
                assert_close(of_cyconv(ours, t, p, weight)[1], gradient, "network", terms=64, what=what)
        assert ours.get_config().keys() >= theirs.get_config().keys()


def test_functions_of_arrays():
    t, p = data(PROBABILITIES, False)
    for name in set(cyconv.losses.FUNCTIONS) & set(dir(keras.losses)):
        function = getattr(keras.losses, name)
        labels = t.argmax(-1) if name.startswith("sparse") else t
        expected = keras.ops.convert_to_numpy(function(labels, p))
        assert_close(np.squeeze(getattr(cyconv.losses, name)(labels, p)), expected, "network", terms=240)


@pytest.mark.parametrize("loss", [
    "crossentropy", "ce", "bce", "kld", "mse", "MAE", "mape", "msle", "dice",
    "categorical_focal_crossentropy", "cosine_similarity", "log_cosh",
])  # fmt: skip
def test_training_with_names(loss):
    """Three steps of SGD with sample weights; history and weights."""
    generator = np.random.default_rng(0)
    x, t = generator.standard_normal((12, 5)).astype("float32"), np.eye(3)[generator.integers(0, 3, 12)]
    weight = generator.random(12).astype("float32")
    models = [k.Sequential([k.Input((5,)), k.layers.Dense(3, activation="softmax")]) for k in (keras, cyconv)]
    models[1].set_weights(models[0].get_weights())
    histories = []
    for k, model in zip((keras, cyconv), models, strict=True):
        model.compile(k.optimizers.SGD(0.1), loss)
        fitted = model.fit(x, t, sample_weight=weight, batch_size=5, shuffle=False, verbose=0)
        histories.append(fitted.history["loss"])
    assert_close(np.float32(histories[1]), np.array(histories[0]), "network", terms=16)
    for ours, theirs in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        assert_close(ours, theirs, "network", terms=16)
