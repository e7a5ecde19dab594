"""Softmax, losses, accuracy: every level, both dtypes, against the reference and central differences."""

import numpy as np
import pytest
from kernels import LEVELS, at, check_all, check_threads, draw

from cyconv import backends
from cyconv.testing import assert_close, check_gradients

SHAPES = [(1, 1), (7, 2), (16, 10), (33, 17), (3, 4, 5), (40, 1), (2, 300)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("spread", [1, 50])
def test_softmax_and_gradient(shape, spread):
    x = draw(*shape, low=-1, high=1) * np.float32(spread)
    check_all(lambda ops, x: ops.softmax(x), x, terms=shape[-1])
    check_all(lambda ops, x: ops.softmax(x, out=x), x, terms=shape[-1])
    dy, y = draw(*shape), draw(*shape, seed=1)
    check_all(lambda ops, dy, y: ops.softmax_gradient(dy, y), dy, y, terms=shape[-1])
    check_all(lambda ops, dy, y: ops.softmax_gradient(dy, y, out=dy), dy, y, terms=shape[-1])


def prediction_and_target(kind, shape, from_logits):
    C = shape[-1]
    generator = np.random.default_rng(C)
    prediction = draw(*shape, low=-3, high=3) if from_logits else draw(*shape, low=0.05, high=0.95)
    if kind == "binary":
        return prediction, (draw(*shape, seed=1) > 1).astype(np.float32)
    labels = generator.integers(0, C, shape[:-1]).astype(np.int32)
    return prediction, labels if kind == "sparse" else np.eye(C, dtype=np.float32)[labels]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("kind", ["categorical", "sparse", "binary"])
def test_cross_entropy(kind, from_logits, shape):
    prediction, target = prediction_and_target(kind, shape, from_logits)
    for weight in (draw(*shape[:-1], seed=2), None):
        for smoothing in (0.0, 0.2):
            options = dict(kind=kind, from_logits=from_logits, label_smoothing=smoothing, scale=0.25)

            def both(ops, p, t, w, options=options):
                loss, gradient = ops.cross_entropy(p, t, w, **options)
                # One class: every loss and gradient is 0, and 1 gives the error a scale.
                return loss + 1, gradient + 1

            check_all(both, prediction, target, weight, terms=shape[-1] + 3)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["categorical", "sparse"])
def test_cross_entropy_through_a_softmax(kind, shape):
    """The gradient of what the softmax took: the one that the loss of logits gives, by another formula."""
    logits, target = prediction_and_target(kind, shape, True)
    weight, options = draw(*shape[:-1], seed=2), dict(kind=kind, scale=0.25)

    def both(ops, z, t, w):
        how = dict(from_logits=False, through_softmax=True)
        loss, gradient = ops.cross_entropy(ops.softmax(z), t, w, **how, **options)
        return loss + 1, gradient + 1

    def of_logits(ops, z, t, w):
        loss, gradient = ops.cross_entropy(z, t, w, from_logits=True, **options)
        return loss + 1, gradient + 1

    check_all(both, logits, target, weight, terms=shape[-1] + 3)
    given = [logits, target, weight]
    for actual, wanted in zip(both(backends.get("cpu"), *given), of_logits(backends.get("reference"), *given),
                              strict=True):  # fmt: skip
        assert_close(actual, wanted, terms=shape[-1] + 3)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["categorical", "binary"])
def test_probabilities_are_clipped(kind, level):
    """Certain and wrong: a finite loss, and no gradient where the clip cuts. In float32 on both sides:
    1 - 1e-7 is another number there."""
    target = np.resize(np.float32([1, 0, 0]), (40, 3))
    prediction = np.resize(np.float32([0, 1, 0, 1, 0, 0, 0.5, 0.5, 0]), (40, 3))
    options = dict(kind=kind, from_logits=False)
    expected = backends.get("reference").cross_entropy(prediction, target, **options)
    with at(level) as ops:
        for actual, wanted in zip(ops.cross_entropy(prediction, target, **options), expected, strict=True):
            assert_close(actual, wanted, terms=3)


@pytest.mark.parametrize("from_logits", [False, True])
def test_labels_that_do_not_count(from_logits):
    prediction, labels = prediction_and_target("sparse", (40, 5), from_logits)
    labels[::3] = 2
    check_all(
        lambda ops, p, t: ops.cross_entropy(p, t, kind="sparse", from_logits=from_logits, ignore_class=2),
        prediction, labels, terms=8,
    )  # fmt: skip
    labels[1], labels[17], labels[39] = -1, 5, 2**31 - 1  # no class: NaN, and nothing is read outside
    check_all(
        lambda ops, p, t: ops.cross_entropy(p, t, kind="sparse", from_logits=from_logits, ignore_class=2),
        prediction, labels, terms=8,
    )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["categorical", "sparse", "binary"])
def test_accuracy(kind, shape):
    prediction, target = prediction_and_target(kind, shape, False)
    prediction = np.round(prediction, 1)  # ties: the first counts
    check_all(lambda ops, p, t: ops.accuracy(p, t, kind=kind, threshold=0.45), prediction, target, terms=4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("kind", ["categorical", "sparse", "binary"])
def test_the_gradient_is_the_loss_s_derivative(kind, from_logits, smoothing):
    prediction, target = prediction_and_target(kind, (6, 5), from_logits)
    ops = backends.get("cpu")
    p, t = prediction.astype(np.float64), target if kind == "sparse" else target.astype(np.float64)
    options = dict(kind=kind, from_logits=from_logits, label_smoothing=smoothing)
    gradient = ops.cross_entropy(p, t, **options)[1]
    check_gradients(lambda p: float(ops.cross_entropy(p, t, **options)[0].sum()), [p], [gradient])


def test_any_number_of_threads_gives_the_same_bytes():
    for shape in ((3000, 10), (40_000, 1)):
        x, t = draw(*shape, low=0.1, high=0.9), (draw(*shape) > 1).astype(np.float32)
        labels = np.zeros(shape[0], np.int32)

        def all_of_them(ops, x, t, labels):
            results = [ops.softmax(x), ops.softmax_gradient(x, x)]
            for kind in ("categorical", "sparse", "binary"):
                for from_logits in (False, True):
                    target = labels if kind == "sparse" else t
                    results += ops.cross_entropy(x, target, kind=kind, from_logits=from_logits)
            return tuple(results)

        check_threads(all_of_them, x, t, labels)
