"""Every metric over batches, with and without weights, against Keras 3; and in fit and evaluate."""

import keras
import numpy as np
import pytest

import cyconv
from cyconv.testing import assert_close

ONE_HOT, CLASSES, BINARY, NUMBERS, IDS = "one-hot", "classes", "binary", "numbers", "ids"
CASES = [
    ("Accuracy", {}, IDS), ("BinaryAccuracy", {}, BINARY), ("BinaryAccuracy", dict(threshold=0.3), BINARY),
    ("CategoricalAccuracy", {}, ONE_HOT), ("SparseCategoricalAccuracy", {}, CLASSES),
    ("TopKCategoricalAccuracy", dict(k=2), ONE_HOT), ("SparseTopKCategoricalAccuracy", dict(k=3), CLASSES),
    ("TruePositives", {}, BINARY), ("FalsePositives", dict(thresholds=[0.2, 0.6]), BINARY),
    ("TrueNegatives", dict(thresholds=0.4), BINARY), ("FalseNegatives", {}, BINARY),
    ("Precision", {}, BINARY), ("Precision", dict(thresholds=[0.1, 0.5, 0.9]), BINARY),
    ("Precision", dict(top_k=2), ONE_HOT), ("Precision", dict(class_id=1, thresholds=0.2), ONE_HOT),
    ("Recall", {}, BINARY), ("Recall", dict(thresholds=[0.1, 0.9]), BINARY),
    ("Recall", dict(top_k=3), ONE_HOT),
    ("Recall", dict(class_id=2, top_k=2), ONE_HOT), ("AUC", {}, BINARY), ("AUC", dict(curve="PR"), BINARY),
    ("AUC", dict(num_thresholds=20, summation_method="minoring"), BINARY),
    ("AUC", dict(curve="PR", summation_method="majoring", thresholds=[0.2, 0.5, 0.8]), BINARY),
    ("AUC", dict(multi_label=True), ONE_HOT), ("AUC", dict(curve="PR", multi_label=True), ONE_HOT),
    ("AUC", dict(multi_label=True, num_labels=5, label_weights=[1.0, 2, 3, 4, 5]), ONE_HOT),
    ("F1Score", {}, ONE_HOT), ("F1Score", dict(average="micro", threshold=0.2), ONE_HOT),
    ("FBetaScore", dict(average="macro", beta=2.0), ONE_HOT),
    ("FBetaScore", dict(average="weighted", beta=0.5), ONE_HOT),
    ("IoU", dict(num_classes=5, target_class_ids=[0, 2]), IDS), ("MeanIoU", dict(num_classes=5), IDS),
    ("MeanIoU", dict(num_classes=5, ignore_class=1), IDS),
    ("MeanIoU", dict(num_classes=5, sparse_y_pred=False), CLASSES), ("BinaryIoU", {}, BINARY),
    ("BinaryIoU", dict(target_class_ids=[1], threshold=0.3), BINARY),
    ("OneHotIoU", dict(num_classes=5, target_class_ids=[1, 4]), ONE_HOT),
    ("OneHotMeanIoU", dict(num_classes=5), ONE_HOT), ("RootMeanSquaredError", {}, NUMBERS),
    ("R2Score", {}, NUMBERS), ("R2Score", dict(class_aggregation=None), NUMBERS),
    ("R2Score", dict(class_aggregation="variance_weighted_average"), NUMBERS),
    ("R2Score", dict(num_regressors=2), NUMBERS),
    ("MeanSquaredError", {}, NUMBERS), ("MeanAbsoluteError", {}, NUMBERS),
    ("MeanAbsolutePercentageError", {}, NUMBERS), ("MeanSquaredLogarithmicError", {}, ONE_HOT),
    ("LogCoshError", {}, NUMBERS), ("CosineSimilarity", {}, NUMBERS), ("KLDivergence", {}, ONE_HOT),
    ("Poisson", {}, ONE_HOT), ("Hinge", {}, ONE_HOT), ("SquaredHinge", {}, ONE_HOT),
    ("CategoricalHinge", {}, ONE_HOT), ("BinaryCrossentropy", dict(label_smoothing=0.1), ONE_HOT),
    ("CategoricalCrossentropy", {}, ONE_HOT), ("SparseCategoricalCrossentropy", {}, CLASSES),
]  # fmt: skip


def batches(kind):
    """Three batches of (y_true, y_pred, weights), their sizes differing."""
    generator = np.random.default_rng(3)
    for size in (7, 16, 3):
        weight = generator.integers(0, 3, size).astype("float32")
        p = np.exp(generator.standard_normal((size, 5)))
        p, labels = (p / p.sum(1, keepdims=True)).astype("float32"), generator.integers(0, 5, size)
        if kind == ONE_HOT:
            yield np.eye(5, dtype="float32")[labels], p, weight
        elif kind == CLASSES:
            yield labels, p, weight
        elif kind == IDS:
            yield labels[:, None], generator.integers(0, 5, (size, 1)).astype("float32"), weight
        elif kind == BINARY:
            yield labels[:, None] % 2, p[:, :1], weight
        else:
            yield generator.standard_normal((size, 5)).astype("float32"), p, weight


def shown(value):
    return np.float32(keras.ops.convert_to_numpy(value))


@pytest.mark.parametrize(("name", "options", "kind"), CASES)
def test_values_over_batches(name, options, kind):
    for weighted in (False, True):
        ours, theirs = (getattr(k.metrics, name)(**options) for k in (cyconv, keras))
        assert ours.name == theirs.name.removesuffix("_1")
        for _ in range(2):
            for y, p, weight in batches(kind):
                for metric in (ours, theirs):
                    metric.update_state(y, p, sample_weight=weight if weighted else None)
                what = f"{name} {options} weighted={weighted}"
                assert_close(np.float32(ours.result()), shown(theirs.result()), "network", 16, what)
            ours.reset_state(), theirs.reset_state()


def test_mean_and_sum():
    values = np.random.default_rng(0).random((4, 3)).astype("float32")
    for weight in (None, np.float32([1, 0, 2, 3]), values[::-1].copy()):
        for name in ("Mean", "Sum"):
            ours, theirs = (getattr(k.metrics, name)() for k in (cyconv, keras))
            for metric in (ours, theirs):
                metric.update_state(values, sample_weight=weight)
            assert_close(np.float32(ours.result()), shown(theirs.result()), "network")
    assert cyconv.metrics.Mean()(3.0) == 3.0


def of_binary(k):
    metrics = ["accuracy", "mse", k.metrics.Precision(), k.metrics.AUC()]
    return dict(loss="binary_crossentropy", metrics=metrics, weighted_metrics=["accuracy", k.losses.huber])


def of_classes(k):
    top, iou = k.metrics.SparseTopKCategoricalAccuracy(2), k.metrics.MeanIoU(4, sparse_y_pred=False)
    return dict(loss="sparse_categorical_crossentropy", metrics=["acc", top, iou],
                weighted_metrics=["acc", "accuracy"])  # fmt: skip


def of_one_hot(k):
    metrics = ["accuracy", "mae", k.metrics.F1Score("macro"), "cosine_similarity", "poisson", "acc"]
    return dict(loss="categorical_crossentropy", metrics=[*metrics, k.losses.mean_squared_error],
                weighted_metrics=[k.metrics.RootMeanSquaredError(), "mse"])  # fmt: skip


@pytest.mark.parametrize(("units", "options"), [(1, of_binary), (4, of_classes), (4, of_one_hot)])
def test_evaluate(units, options):
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((22, 3)).astype("float32"), generator.integers(0, max(units, 2), (22, 1))
    y = np.eye(units, dtype="float32")[y[:, 0]] if options is of_one_hot else y
    weight, logs, models = generator.random(22).astype("float32"), [], []
    for k in (keras, cyconv):
        last = k.layers.Dense(units, activation="sigmoid" if units == 1 else "softmax")
        models.append(k.Sequential([k.Input((3,)), last]))
        models[-1].set_weights(models[0].get_weights())
        models[-1].compile("sgd", **options(k))
        given = dict(sample_weight=weight, batch_size=6, verbose=0, return_dict=True)
        logs.append(models[-1].evaluate(x, y, **given))
    assert sorted(logs[1]) == sorted(logs[0])
    for name in logs[0]:
        assert_close(np.float32(logs[1][name]), shown(logs[0][name]), "network", 22, name)
