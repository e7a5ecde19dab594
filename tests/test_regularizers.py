"""Regularisers and constraints: numbers worked by hand, gradients by central differences."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, constraints, layers, regularizers
from cyconv.testing import assert_close, check_gradients


def test_penalties_by_hand():
    assert regularizers.L2(0.1)([2.0, 3.0]) == pytest.approx(1.3)
    assert regularizers.get("l1")([[-2.0], [3.0]]) == pytest.approx(0.05)
    assert regularizers.L1L2(1.0, 2.0)([-2.0]) == 10.0
    # The cosines of the three angles between (1, 0), (0, 1) and (1, 1) are 0 and twice 1 / sqrt(2).
    rows = [[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]
    assert regularizers.OrthogonalRegularizer(1.0)(rows) == pytest.approx(2 / np.sqrt(2) / 3)
    with pytest.raises(ValueError, match="did you mean 'L1'"):
        regularizers.get("l11")


@pytest.mark.parametrize("backend", backends.NAMES)
@pytest.mark.parametrize(
    "regularizer",
    [regularizers.L1L2(0.3, 0.7), regularizers.OrthogonalRegularizer(2.0),
     regularizers.OrthogonalRegularizer(2.0, "columns")],
    ids=lambda r: type(r).__name__,
)  # fmt: skip
def test_gradients_of_penalties(regularizer, backend):
    ops, x = backends.get(backend), np.random.default_rng(0).standard_normal((4, 3))
    _, gradient = regularizer.record(ops, x, scale=0.5)
    check_gradients(lambda x: float(regularizer.record(ops, x, scale=0.5)[0][0]), [x], [gradient])
    added = np.ones_like(x)
    regularizer.record(ops, x, added, scale=0.5)
    assert_close(added, gradient + 1, "elementwise")


def test_constraints_by_hand():
    w = np.array([[3.0, -0.3], [4.0, 0.4]])
    assert_close(constraints.NonNeg()(w), np.array([[3, 0], [4, 0.4]]), "elementwise")
    assert_close(constraints.MaxNorm(2)(w), np.array([[1.2, -0.3], [1.6, 0.4]]), "elementwise", 8)
    assert_close(constraints.UnitNorm()(w), np.array([[0.6, -0.6], [0.8, 0.8]]), "elementwise", 8)
    halfway = constraints.MinMaxNorm(1.0, 3.0, rate=0.5)(w)  # norms 5 and 0.5 go half the way to 3 and 1
    assert_close(halfway, np.array([[2.4, -0.45], [3.2, 0.6]]), "elementwise", 16)


class Quartic(regularizers.Regularizer):
    """sum w**4, in NumPy."""

    def __call__(self, x):
        return (x**4).sum()

    def gradient(self, x):
        return 4 * x**3


class Rounded(constraints.Constraint):
    """Weights are tenths, in NumPy."""

    def __call__(self, w):
        return np.round(w, 1)


@pytest.mark.parametrize("backend", backends.NAMES)
def test_penalties_are_part_of_loss_and_step(backend):
    """w = 2, x = 1, y = 2: no error, so only the penalties move w: d/dw (0.1 w**2 + 0.5 |w| + w**4)."""
    with backends.use(backend):
        for options, penalty, slope in (
            (dict(kernel_regularizer=regularizers.L2(0.1)), 0.4, 0.4),
            (dict(activity_regularizer=regularizers.L1(0.5)), 1.0, 0.5),  # a mean over the samples
            (dict(kernel_regularizer=Quartic()), 16.0, 32.0),
        ):
            inputs = keras.Input((1,))
            model = keras.Model(inputs, layers.Dense(1, use_bias=False, **options)(inputs))
            model.set_weights([np.array([[2.0]])])
            model.compile(keras.optimizers.SGD(0.01), "mse")
            x, y = np.ones((4, 1)), np.full((4, 1), 2.0)
            assert_close(np.float32(model.evaluate(x, y, verbose=0)), np.array(penalty), "elementwise")
            assert_close(np.float32(model.train_on_batch(x, y)), np.array(penalty), "elementwise")
            assert_close(model.get_weights()[0], np.array([[2 - 0.01 * slope]]), "elementwise")
            model.set_weights([np.array([[2.0]])])
            model.trainable = False  # weights that are not trained have no penalty
            frozen = penalty if "activity_regularizer" in options else 0.0
            assert_close(np.float32(model.evaluate(x, y, verbose=0)), np.array(frozen), "elementwise")


@pytest.mark.parametrize("backend", backends.NAMES)
def test_constraints_hold_after_every_step(backend):
    with backends.use(backend):
        for constraint, check in (
            ("non_neg", lambda w: (w >= 0).all()),
            (constraints.UnitNorm(), lambda w: np.allclose((w**2).sum(0), 1)),
            (Rounded(), lambda w: np.allclose(w * 10, np.round(w * 10))),
        ):
            model = keras.Sequential([keras.Input((3,)), layers.Dense(2, kernel_constraint=constraint)])
            model.compile(keras.optimizers.SGD(0.1), "mse")
            for step in range(3):
                model.train_on_batch(np.full((2, 3), 1.0 + step), -np.ones((2, 2)))
                assert check(model.get_weights()[0])


def test_a_regularizer_without_a_gradient_says_so():
    class Half(regularizers.Regularizer):
        def __call__(self, x):
            return 0.5 * (x**2).sum()

    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, kernel_regularizer=Half())])
    model.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match="Half needs gradient"):
        model.train_on_batch(np.ones((1, 1)), np.ones((1, 1)))
