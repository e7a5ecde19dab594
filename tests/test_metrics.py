"""Metrics: numbers worked by hand, the same in a step as on arrays, users' own metrics, state."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers, losses, metrics
from cyconv.testing import assert_close

YES, SURE = [[1.0], [0.0], [1.0], [0.0]], [[0.9], [0.6], [0.4], [0.1]]
BY_HAND = [
    (metrics.Accuracy(), [[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [3.0, 4.0]], 0.75),
    (metrics.BinaryAccuracy(), YES, SURE, 0.5), (metrics.BinaryAccuracy(threshold=0.3), YES, SURE, 0.75),
    (metrics.CategoricalAccuracy(), [[0, 1.0], [1.0, 0]], [[0.4, 0.6], [0.2, 0.8]], 0.5),
    (metrics.SparseCategoricalAccuracy(), [1, 0], [[0.4, 0.6], [0.2, 0.8]], 0.5),
    (metrics.SparseTopKCategoricalAccuracy(2), [2, 0], [[0.1, 0.5, 0.3], [0.1, 0.5, 0.3]], 0.5),
    (metrics.TopKCategoricalAccuracy(2), [[0, 0, 1]], [[0.1, 0.5, 0.3]], 1.0),
    (metrics.TruePositives(), YES, SURE, 1.0), (metrics.FalseNegatives(), YES, SURE, 1.0),
    (metrics.Precision(), YES, SURE, 0.5), (metrics.Precision([0.3, 0.7]), YES, SURE, [2 / 3, 1.0]),
    (metrics.Recall(0.3), YES, SURE, 1.0), (metrics.AUC(), YES, SURE, 0.75),
    (metrics.F1Score("macro"), [[1, 0], [1, 0], [0, 1]], [[0.9, 0], [0, 0.9], [0, 0.9]], 2 / 3),
    (metrics.MeanIoU(2), [0, 0, 1, 1], [0, 1, 0, 1], 1 / 3),
    (metrics.BinaryIoU([1]), YES, SURE, 1 / 3),
    (metrics.OneHotIoU(2, [0]), [[1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2]], 0.5),
    (metrics.RootMeanSquaredError(), [[0.0], [0.0]], [[3.0], [4.0]], np.sqrt(12.5)),
    (metrics.R2Score(), [[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]], 1 - 2 / (14 / 3)),
    (metrics.CosineSimilarity(), [[3.0, 4.0]], [[6.0, 8.0]], 1.0),
    (metrics.MeanAbsoluteError(), [[0.0]], [[3.0]], 3.0),
    (metrics.get(losses.Huber(2.0)), [[0.0]], [[3.0]], 4.0),
    (metrics.get(losses.mse), [[0.0]], [[3.0]], 9.0),
    (metrics.get(lambda y_true, y_pred: y_pred[:, 0] - y_true[:, 0]), [[1.0], [1.0]], [[3.0], [4.0]], 2.5),
]  # fmt: skip


@pytest.mark.parametrize("backend", backends.NAMES)
@pytest.mark.parametrize("case", BY_HAND, ids=lambda case: case[0].name)
def test_values_by_hand(case, backend):
    metric, y_true, y_pred, expected = case
    with backends.use(backend):
        metric.reset_state()
        assert_close(np.float32(metric(y_true, np.array(y_pred))), np.array(expected), "elementwise", 64)


def test_functions_of_arrays():
    np.testing.assert_array_equal(metrics.binary_accuracy(YES, SURE, 0.3), [1, 0, 1, 1])
    np.testing.assert_array_equal(metrics.categorical_accuracy([[0, 1], [1, 0]], [[0, 1], [0, 1]]), [1, 0])
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy([1, 0], [[0, 1], [0, 1]]), [1, 0])
    np.testing.assert_array_equal(metrics.top_k_categorical_accuracy([[0, 0, 1]], [[0.1, 0.5, 0.3]], 1), [0])
    np.testing.assert_array_equal(metrics.mean_squared_error([[0.0, 0.0]], [[1.0, 3.0]]), [5])


def test_weights_and_batches():
    metric = metrics.MeanSquaredError()
    metric.update_state([[0.0], [0.0]], [[1.0], [2.0]], sample_weight=[1.0, 0.5])
    assert metric.result() == 2.0
    metric.update_state([[0.0]], [[4.0]])
    assert metric.result() == 19 / 2.5
    metric.reset_state()
    assert metric.result() == 0.0
    assert metrics.Mean()([1.0, 3.0], sample_weight=[3.0, 1.0]) == 1.5
    assert metrics.Sum()([1.0, 3.0]) == 4.0


class Largest(metrics.Metric):
    """The largest error so far: a metric in NumPy."""

    def __init__(self, name="largest", **options):
        super().__init__(name=name, **options)
        self.most = self.add_weight(name="most", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.most.assign(np.maximum(self.most, np.abs(y_pred - y_true).max()))

    def result(self):
        return self.most * 1.0


def test_a_value_for_each_class(capsys):
    model = keras.Sequential([layers.Input((2,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[metrics.F1Score()])
    history = model.fit(np.ones((3, 2)), np.eye(3), verbose=2).history
    assert history["f1_score"][0].shape == (3,)
    assert " - f1_score: 0.1667 - " in capsys.readouterr().out  # their mean: one class of three is found


@pytest.mark.parametrize("backend", backends.NAMES)
def test_in_a_step(backend):
    """Recorded or on the host, weighted or not: what `fit` and `evaluate` report."""
    with backends.use(backend):
        model = keras.Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)])
        model.set_weights([np.array([[1.0]])])
        model.compile(keras.optimizers.SGD(0.0), "mse", metrics=["mae", Largest(), "RootMeanSquaredError"],
                      weighted_metrics=["mae", "mape"])  # fmt: skip
        x, y, weight = np.array([[1.0], [2.0], [6.0]]), np.zeros((3, 1)), np.array([1.0, 2.0, 0.0])
        expected = {"mae": 3.0, "largest": 6.0, "RootMeanSquaredError": np.sqrt(41 / 3), "loss": 3.0,
                    "weighted_mae": 5 / 3, "mape": 1e9 * 5 / 3}  # fmt: skip
        for _ in range(2):
            logs = model.evaluate(x, y, sample_weight=weight, batch_size=2, verbose=0, return_dict=True)
            assert logs == pytest.approx(expected)
        history = model.fit(x, y, sample_weight=weight, batch_size=2, verbose=0).history
        assert {k: v[0] for k, v in history.items()} == pytest.approx(expected)
        assert list(history) == sorted(history)


def test_several_outputs_and_labels_in_another_form():
    inputs = keras.Input((2,))
    a = layers.Dense(3, activation="softmax", name="a")(inputs)
    b = layers.Dense(1, name="b")(inputs)
    model = keras.Model(inputs, [a, b])
    top = metrics.SparseTopKCategoricalAccuracy(3, name="top")
    model.compile("sgd", ["sparse_categorical_crossentropy", "mse"], metrics={"a": ["acc", top], "b": "mae"})
    x = np.ones((4, 2))
    logs = model.evaluate(x, [np.arange(4) % 3, np.ones((4, 1))], verbose=0, return_dict=True)
    assert set(logs) == {"a_acc", "a_top", "b_mae", "a_loss", "b_loss", "loss"}
    assert logs["a_top"] == 1.0
    assert model.metrics_names[0] == "loss" and set(model.metrics_names) == set(logs)
    # A metric of one-hot labels cannot read class numbers, and says so.
    model = keras.Model(inputs, a)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["categorical_accuracy"])
    with pytest.raises(ValueError, match="categorical_accuracy: the labels of a sample have shape"):
        model.evaluate(x, np.zeros(4), verbose=0)


def test_state_of_metrics():
    y, p = np.eye(3)[[0, 1, 2, 1]], np.random.default_rng(0).random((4, 3))
    for make in (metrics.F1Score, metrics.AUC, metrics.R2Score, metrics.Precision, metrics.Mean):
        one, two = make(), make()
        for metric in (one, two):
            metric.update_state(*((y,) if make is metrics.Mean else (y, p)))
        three = make()
        three.load_state(one.state())
        assert_close(np.float32(three.result()), np.float32(two.result()), "exact")


def test_names_and_configurations():
    special = {metrics.MeanMetricWrapper: (abs,), metrics.IoU: (3, [0]), metrics.OneHotIoU: (3, [0]),
               metrics.MeanIoU: (3,), metrics.OneHotMeanIoU: (3,)}  # fmt: skip
    for cls in metrics.CLASSES:
        made = cls(*special.get(cls, ()), name="mine")
        assert made.name == "mine" and isinstance(made, metrics.Metric)
        if cls is not metrics.MeanMetricWrapper:
            assert cls.from_config(made.get_config()).get_config() == made.get_config()
        assert metrics.TABLE[cls.__name__] is cls
    assert metrics.get("mae").name == "mae"
    assert isinstance(metrics.get("acc", (4,), (4, 3)), metrics.SparseCategoricalAccuracy)
    assert isinstance(metrics.get("accuracy", (4, 1), (4, 1)), metrics.BinaryAccuracy)
    assert isinstance(metrics.get("accuracy", (4, 3), (4, 3)), metrics.CategoricalAccuracy)
    with pytest.raises(ValueError, match="did you mean 'Precision'"):
        metrics.get("presision")
