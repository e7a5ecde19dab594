"""fit, evaluate and train_on_batch against Keras 3: the same weights at the start, the same histories and
weights at the end, for every form of data and weights."""

import warnings

import keras
import numpy as np
import pytest

import cyconv
from cyconv.testing import assert_close

GENERATOR = np.random.default_rng(0)
X = GENERATOR.random((20, 4, 4, 2)).astype(np.float32)
Y = GENERATOR.integers(0, 3, 20)
MASK = GENERATOR.integers(0, 3, (20, 4, 4))
WEIGHT, PIXELS = GENERATOR.random(20).astype(np.float32), GENERATOR.random((20, 4, 4)).astype(np.float32)


def classifier(library, loss="sparse_categorical_crossentropy", **options):
    layers = library.layers
    model = library.Sequential(
        [
            library.Input((4, 4, 2)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    return compiled(library, model, loss, **options)


def segmenter(library):
    layers = library.layers
    model = library.Sequential([library.Input((4, 4, 2)), layers.Conv2D(3, 3, padding="same")])
    return compiled(library, model, library.losses.SparseCategoricalCrossentropy(from_logits=True))


def two_outputs(library):
    layers = library.layers
    inputs = library.Input((4, 4, 2))
    x = layers.Flatten()(inputs)
    outputs = [layers.Dense(3, activation="softmax", name="kind")(x), layers.Dense(1, name="size")(x)]
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    model = library.Model(inputs, outputs if library is cyconv else dict(zip(losses, outputs, strict=True)))
    return compiled(library, model, losses, metrics={"kind": ["accuracy"], "size": ["mse"]},
                    loss_weights={"kind": 1.0, "size": 0.5})  # fmt: skip


def compiled(library, model, loss, metrics=("accuracy",), **options):
    model.compile(library.optimizers.SGD(0.05, momentum=0.9), loss, metrics=list(metrics)
                  if isinstance(metrics, tuple) else metrics, **options)  # fmt: skip
    generator = np.random.default_rng(1)
    model.set_weights([generator.uniform(0, 0.4, w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def batches(size, *arrays, repeats=1):
    for _ in range(repeats):
        for i in range(0, len(arrays[0]), size):
            yield tuple(a[i : i + size] for a in arrays)


def dataset(library, *arrays):
    class Batches(library.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return tuple(a[i * 7 : i * 7 + 7] for a in arrays)

    return Batches()


SIZES = {"size": WEIGHT[:, None]}
TWO = {"kind": Y, **SIZES}
FITS = {
    "arrays": (classifier, lambda lib: (X, Y), {}),
    "split": (classifier, lambda lib: (X, Y), {"validation_split": 0.3}),
    "validation": (classifier, lambda lib: (X, Y), {"validation_data": (X[:9], Y[:9], WEIGHT[:9]),
                                                    "validation_batch_size": 4, "validation_freq": 2}),
    "validation steps": (classifier, lambda lib: (X, Y), {"validation_data": (X, Y), "validation_steps": 2}),
    "weights": (classifier, lambda lib: (X, Y), {"sample_weight": WEIGHT}),
    "weights in a column": (classifier, lambda lib: (X, Y), {"sample_weight": WEIGHT[:, None]}),
    "class weights": (classifier, lambda lib: (X, Y), {"class_weight": {0: 2.0, 2: 0.25}}),
    "steps": (classifier, lambda lib: (X, Y), {"steps_per_epoch": 2}),
    "generator": (classifier, lambda lib: (batches(6, X, Y, repeats=4),), {"steps_per_epoch": 4}),
    "weighted generator": (classifier, lambda lib: (batches(6, X, Y, WEIGHT, repeats=4),),
                           {"steps_per_epoch": 5}),
    "one pass": (classifier, lambda lib: (batches(6, X, Y),), {"epochs": 1}),
    "dataset": (classifier, lambda lib: (dataset(lib, X, Y),), {}),
    "dataset, class weights": (classifier, lambda lib: (dataset(lib, X, Y),), {"class_weight": {1: 3.0}}),
    "dataset validates": (classifier, lambda lib: (X, Y), {"validation_data": dataset}),
    "later epochs": (classifier, lambda lib: (X, Y), {"initial_epoch": 1}),
    "pixels": (segmenter, lambda lib: (X, MASK), {}),
    "weights of pixels": (segmenter, lambda lib: (X, MASK), {"sample_weight": PIXELS}),
    "weighted pixels, drawn": (segmenter, lambda lib: (batches(6, X, MASK, PIXELS),), {"epochs": 1}),
    "two outputs": (two_outputs, lambda lib: (X, TWO), {"validation_split": 0.25}),
    "two outputs, weights": (two_outputs, lambda lib: (X, TWO), {"sample_weight": {"kind": WEIGHT,
                                                                                   "size": 1 - WEIGHT}}),
}  # fmt: skip


@pytest.mark.parametrize("case", FITS)
def test_fit(case):
    make, data, options = FITS[case]
    results = []
    for library in (cyconv, keras):
        model = make(library)
        given = {"epochs": 3, "batch_size": 6, "shuffle": False, "verbose": 0, **options}
        if given.get("validation_data") is dataset:
            given["validation_data"] = dataset(library, X, Y)
        if not isinstance(data(library)[0], np.ndarray) or "steps_per_epoch" in options:
            del given["batch_size"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            history = model.fit(*data(library), **given)
        results.append((history, model.get_weights()))
    (ours, weights), (theirs, expected) = results
    assert list(ours.history) == list(theirs.history)
    assert ours.epoch == theirs.epoch and ours.params == theirs.params
    for name, values in theirs.history.items():
        assert_close(np.float32(ours.history[name]), np.array(values), "network", 1000)
    for mine, other in zip(weights, expected, strict=True):
        assert_close(mine, other, "network", 1000)


def test_on_single_batches():
    ours, theirs = classifier(cyconv), classifier(keras)
    for i in range(3):
        x, y, weight = X[i : i + 5 + i], Y[i : i + 5 + i], WEIGHT[i : i + 5 + i]
        for options in ({}, {"sample_weight": weight}, {"class_weight": {0: 3.0}}):
            mine, other = ours.train_on_batch(x, y, **options), theirs.train_on_batch(x, y, **options)
            assert_close(np.float32(mine), np.array(other), "network", 1000)
    mine, other = ours.test_on_batch(X, Y, return_dict=True), theirs.test_on_batch(X, Y, return_dict=True)
    assert list(mine) == list(other)
    assert_close(np.float32(list(mine.values())), np.array(list(other.values())), "network", 1000)
    assert_close(ours.predict_on_batch(X), np.array(theirs.predict_on_batch(X)), "network", 1000)


def test_evaluate_and_predict():
    for make, y in ((classifier, Y), (two_outputs, TWO)):
        ours, theirs = make(cyconv), make(keras)
        for options in ({}, {"batch_size": 6}, {"steps": 2}):
            mine, other = (m.evaluate(X, y, verbose=0, **options) for m in (ours, theirs))
            assert_close(np.float32(mine), np.array(other), "network", 1000)
        other = theirs.predict(X, batch_size=6, verbose=0)
        mine = ours.predict(X, batch_size=6, verbose=0)
        pairs = zip(mine, other.values(), strict=True) if isinstance(other, dict) else [(mine, other)]
        for a, b in pairs:
            assert_close(a, b, "network", 1000)
