"""Losses: numbers worked by hand, gradients by central differences in float64, users' own losses."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers, losses
from cyconv.testing import assert_close, check_gradients

LOG2, LOG4_3 = np.log(2), np.log(4 / 3)
ONE_HOT, P = [[0.0, 1.0], [1.0, 0.0]], [[0.25, 0.75], [0.5, 0.5]]
# (loss, y_true, y_pred, its value)
BY_HAND = [
    ("sparse_categorical_crossentropy", [1, 0], P, (LOG4_3 + LOG2) / 2),
    (losses.SparseCategoricalCrossentropy(ignore_class=0), [1, 0], P, LOG4_3),  # the mean of those that count
    (losses.SparseCategoricalCrossentropy(ignore_class=-1, reduction="sum"), [-1, 0], P, LOG2),
    ("categorical_crossentropy", ONE_HOT, P, (LOG4_3 + LOG2) / 2),
    (losses.CategoricalCrossentropy(from_logits=True), ONE_HOT, np.log(P) + 5, (LOG4_3 + LOG2) / 2),
    (losses.CategoricalCrossentropy(label_smoothing=0.5), [[0.0, 1.0]], [[0.25, 0.75]],
     0.75 * LOG4_3 + 0.25 * np.log(4)),
    # Keras prints 1.19e-07 for a perfect binary prediction and 16.118095 for a fully wrong one.
    ("bce", [[1.0]], [[1.0]], 1.1920929e-07),
    ("categorical_crossentropy", [[1.0, 0.0]], [[0.0, 1.0]], 16.118095),
    ("binary_focal_crossentropy", [[1.0, 0.0]], [[0.5, 0.25]], (0.25 * LOG2 + 0.0625 * LOG4_3) / 2),
    ("categorical_focal_crossentropy", [[0.0, 1.0]], [[0.5, 0.5]], 0.25 * 0.25 * LOG2),
    ("mse", [[1.0, 3.0]], [[2.0, 1.0]], 2.5), ("mae", [[1.0, 3.0]], [[2.0, 1.0]], 1.5),
    ("mape", [[1.0, 4.0]], [[2.0, 1.0]], 87.5), ("msle", [[1.0]], [[3.0]], LOG2**2),
    ("huber", [[0.0, 0.0]], [[0.5, -3.0]], (0.125 + 2.5) / 2),
    ("log_cosh", [[0.0]], [[1.0]], np.log(np.cosh(1))),
    ("kld", [[0.5, 0.5]], [[0.25, 0.75]], 0.5 * np.log(4 / 3)), ("poisson", [[2.0]], [[1.0]], 1.0),
    ("hinge", [[1.0, -1.0]], [[0.25, 0.5]], 1.125), ("hinge", [[1, 0]], [[0.25, 0.5]], 1.125),
    ("squared_hinge", [[1.0, -1.0]], [[0.5, -2.0]], 0.125),
    ("categorical_hinge", [[0.0, 1.0, 0.0]], [[0.5, 1.0, 0.75]], 0.75),
    ("cosine_similarity", [[3.0, 4.0]], [[6.0, 8.0]], -1.0),
    ("dice", [[1.0, 1.0, 0.0]], [[0.5, 0.0, 0.5]], 1 - 2 * 0.5 / 3),
    # two images of two pixels: I = 0.5 and 0.5, T + P = 2 and 1.5
    (losses.DiceCoefLoss(smooth=0.5), [[[[1.0], [0.0]]], [[[0.0], [1.0]]]],
     [[[[0.5], [0.5]]], [[[0.0], [0.5]]]], -np.log(2 * 1.0) + np.log((2.5 + 2.0) / 2)),
    (losses.Tversky(0.25, 1.0), [[1.0, 1.0, 0.0]], [[0.5, 0.0, 0.5]], 1 - 0.5 / (0.5 + 0.25 * 1.5 + 0.5)),
]  # fmt: skip


@pytest.mark.parametrize("backend", backends.NAMES)
@pytest.mark.parametrize("case", BY_HAND, ids=lambda c: str(c[0] if isinstance(c[0], str) else c[0].name))
def test_values_by_hand(case, backend):
    loss, y_true, y_pred, expected = case
    with backends.use(backend):
        assert_close(np.float32(losses.get(loss)(y_true, y_pred)), np.array(expected), "elementwise", 4)


ALL = [
    losses.SparseCategoricalCrossentropy(), losses.SparseCategoricalCrossentropy(True, ignore_class=1),
    losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight", ignore_class=2),
    losses.CategoricalCrossentropy(label_smoothing=0.1), losses.CategoricalCrossentropy(from_logits=True),
    losses.CategoricalCrossentropy(axis=1), losses.BinaryCrossentropy(label_smoothing=0.2),
    losses.BinaryCrossentropy(from_logits=True, axis=1),
    losses.BinaryFocalCrossentropy(True), losses.BinaryFocalCrossentropy(gamma=1.5, from_logits=True),
    losses.CategoricalFocalCrossentropy(), losses.CategoricalFocalCrossentropy(0.5, 1.5, True, 0.1),
    losses.DiceCoefLoss(), losses.CombinedDiceCeLoss(), losses.CombinedDiceCeLoss(1, 0.1, 0.3),
    losses.Dice(), losses.Dice(axis=(1, 2)), losses.Tversky(0.3, 0.9), losses.Tversky(axis=[1]),
    losses.MeanSquaredError(), losses.MeanSquaredError("sum"),
    losses.MeanSquaredError("mean_with_sample_weight"),
    losses.MeanAbsoluteError(), losses.MeanAbsolutePercentageError(), losses.MeanSquaredLogarithmicError(),
    losses.Huber(0.2), losses.LogCosh(), losses.KLDivergence(), losses.Poisson(), losses.Hinge(),
    losses.SquaredHinge(), losses.CategoricalHinge(), losses.CosineSimilarity(), losses.CosineSimilarity(1),
]  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("backend", backends.NAMES)
@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_gradients_against_central_differences(loss, backend, weighted):
    generator = np.random.default_rng(0)
    ops, p = backends.get(backend), generator.random((3, 4, 5)) * 0.8 + 0.1
    target = np.eye(5)[generator.integers(0, 5, (3, 4))]
    if loss.target_dtype("float64") == "int32":
        target = target.argmax(-1).astype(np.int32)
    weight = generator.random(loss.row_shape(target.shape)) if weighted else None
    _, gradient = loss.record(ops, target, p, weight, 0.7)
    check_gradients(lambda q: 0.7 * float(loss.record(ops, target, q, weight)[0][0]), [p], [gradient])


def test_reductions_by_hand():
    y, p, w = [[0.0], [0.0]], [[1.0], [2.0]], [3.0, 0.5]  # values 1 and 4
    for reduction, plain, weighted in (
        ("sum_over_batch_size", 2.5, 2.5), ("mean", 2.5, 2.5), ("sum", 5.0, 5.0),
        ("mean_with_sample_weight", 2.5, 5 / 3.5),
    ):  # fmt: skip
        loss = losses.MeanSquaredError(reduction)
        assert loss(y, p) == plain
        assert loss(y, p, sample_weight=w) == pytest.approx(weighted)
        assert loss(y, p, sample_weight=[[3.0], [0.5]]) == pytest.approx(weighted)
    for reduction in ("none", None):
        np.testing.assert_array_equal(losses.MeanSquaredError(reduction)(y, p, sample_weight=w), [3, 2])
    np.testing.assert_array_equal(losses.mse(y, p), [1, 4])
    assert losses.huber([[0.0]], [[3.0]], 2.0) == 4.0
    with pytest.raises(ValueError, match="'mean_with_sample_weight'.*Received: 'average'"):
        losses.MeanSquaredError(reduction="average")
    with pytest.raises(ValueError, match=r"`sample_weight` must have shape \(2,\)"):
        losses.MeanSquaredError()(y, p, sample_weight=[1.0, 2.0, 3.0])
    nothing = losses.SparseCategoricalCrossentropy(ignore_class=0)
    assert nothing([0, 0], P) == 0.0  # nothing counts: no division by 0


class Cubic(losses.Loss):
    """|p - t|**3, in NumPy."""

    def call(self, y_true, y_pred):
        return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)

    def gradient(self, y_true, y_pred):
        return 3 * (y_pred - y_true) * np.abs(y_pred - y_true) / y_pred.shape[-1]


def cubic(y_true, y_pred):
    """The same as a formula."""
    return np.where(y_pred > y_true, 1.0, -1.0) * (y_pred - y_true) ** 3


@pytest.mark.parametrize("backend", backends.NAMES)
def test_losses_of_ones_own(backend):
    with backends.use(backend):
        x, y, weight = np.array([[1.0], [2.0]]), np.array([[3.0], [0.0]]), [1.0, 0.5]
        for loss in (Cubic(), cubic):
            model = keras.Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)])
            model.set_weights([np.array([[1.0]])])
            model.compile(keras.optimizers.SGD(0.1), loss, metrics=["mse"])
            # errors -2 and 2: values 8 and 8, slopes -12 and 12 times x, the second with half its weight
            assert_close(np.float32(model.evaluate(x, y, sample_weight=weight, verbose=0)[0]), np.array(6.0))
            assert_close(np.float32(model.train_on_batch(x, y, sample_weight=weight)[0]), np.array(6.0))
            assert_close(model.get_weights()[0], np.array([[1 - 0.1 * (-12 + 12) / 2]]), "elementwise", 4)
        assert_close(np.float32(Cubic(reduction="sum")(y, x)), np.array(16.0))
        assert_close(np.float32(losses.get(cubic)(y, x)), np.array(8.0))


FORMULAS = [
    lambda t, p: (p - t) ** 2 / 2 + np.abs(p) - -p,
    lambda t, p: t / p + np.power(p, 2.5) + np.power(t, p) + np.sqrt(p),
    lambda t, p: np.maximum(p, t) * np.minimum(p, 0.6) + np.clip(p, 0.2, t),
    lambda t, p: np.where(p > t, np.exp(p) + np.expm1(-p), np.log(p) + np.log1p(t * p)),
    lambda t, p: np.tanh(p) * np.sin(p) + np.cos(2 * p) + np.floor(p) + np.sign(p) + t,
    lambda t, p: t * t,
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_derivatives_of_formulas(formula):
    from cyconv.backends.derivative import RULES
    from cyconv.backends.formula import trace

    generator = np.random.default_rng(0)
    t, p = generator.random((3, 4)) + 0.1, generator.random((3, 4)) + 0.2
    for backend in backends.NAMES:
        ops, loss = backends.get(backend), losses.get(formula)
        _, gradient = loss.record(ops, t, p)
        check_gradients(lambda q, ops=ops, loss=loss: float(loss.record(ops, t, q)[0][0]), [p], [gradient])
    used = {i[0] for f in FORMULAS for i in trace(f, 2).instructions}
    assert set(RULES) <= used, "a rule that no formula here tries"


def test_what_cannot_be_differentiated_says_what_to_write():
    with pytest.raises(TypeError, match="takes the mean over the last axis.*losses.Loss"):
        losses.get(lambda t, p: np.mean((p - t) ** 2, axis=-1))

    class Half(losses.Loss):
        def call(self, y_true, y_pred):
            return ((y_pred - y_true) ** 2).mean(-1)

    model = keras.Sequential([layers.Input((1,)), layers.Dense(1)])
    model.compile("sgd", Half())
    with pytest.raises(NotImplementedError, match="Half defines `call` but no `gradient"):
        model.train_on_batch(np.ones((1, 1)), np.ones((1, 1)))


def test_names_and_configurations():
    for cls in losses.CLASSES:
        made = losses.get(cls.__name__)
        assert isinstance(losses.get(made.name) if made.name != "huber_loss" else made, cls)
        assert type(made).from_config(made.get_config()).get_config() == made.get_config()
        assert isinstance(losses.get(getattr(losses, losses.functions.snake_case(cls.__name__))), cls)
    with pytest.raises(ValueError, match="did you mean 'MeanSquaredError'"):
        losses.get("mean_square_error")


@pytest.mark.parametrize(
    ("units", "labels", "expected"),
    [(1, [0, 1], "binary"), (3, [0, 2], "sparse_categorical"), (3, [[1, 0, 0], [0, 0, 1]], "categorical")],
)
def test_crossentropy_by_shape(units, labels, expected):
    model = keras.Sequential([layers.Input((2,)), layers.Dense(units, activation="sigmoid")])
    x, values = np.ones((2, 2)), []
    for loss in ("crossentropy", f"{expected}_crossentropy"):
        model.compile("sgd", loss)
        values.append(model.evaluate(x, np.array(labels), verbose=0))
    assert values[0] == values[1]


def test_weights_of_pixels_and_of_several_outputs():
    inputs = keras.Input((2, 2, 1))
    image = layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="image")(inputs)
    mean = layers.GlobalAveragePooling2D(name="mean")(image)
    model = keras.Model(inputs, [image, mean])
    x = np.arange(8.0).reshape(2, 2, 2, 1)
    y, weight = np.zeros((2, 2, 2, 1)), np.arange(8.0).reshape(2, 2, 2)
    model.compile("sgd", ["mse", "mae"], loss_weights=[2.0, 10.0])
    logs = model.evaluate(x, [y, np.zeros((2, 1))], sample_weight=[weight, np.array([1.0, 3.0])], verbose=0,
                          return_dict=True)  # fmt: skip
    each = np.mean(np.arange(8.0) ** 3), (1.5 + 3 * 5.5) / 2
    total = 2 * each[0] + 10 * each[1]
    assert logs == pytest.approx({"image_loss": each[0], "mean_loss": each[1], "loss": total})
