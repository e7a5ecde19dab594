"""The summary's text, character by character, wherever Keras does not cut something short."""

import keras
import numpy as np
import pytest

import cyconv


def sequential(k):
    return k.Sequential([
        k.Input((28, 28, 1)),
        k.layers.Conv2D(8, 3),
        k.layers.MaxPooling2D(),
        k.Sequential([k.layers.Conv2D(4, 3, name="c1"),
                      k.Sequential([k.layers.BatchNormalization(name="b")], name="deep")], name="inner"),
        k.layers.Flatten(),
        k.layers.Dense(10),
    ])  # fmt: skip


def branched(k):
    inputs = k.Input((16, 16, 3), name="img")
    x = k.layers.Conv2D(8, 3, padding="same")(inputs)
    y = k.layers.Conv2D(8, 3, padding="same", name="again")(x)
    z = k.layers.Concatenate(name="join")([k.layers.Add(name="sum")([x, y]), y, x])
    shared = k.layers.Dense(5, name="shared")
    return k.Model(inputs, k.layers.Add()([shared(z), shared(z)]), name="net")


def unbuilt(k):
    return k.Sequential([k.layers.Dense(3), k.layers.Dense(2)])


def text_of(model, options):
    texts = []
    model.summary(print_fn=texts.append, **options)
    return "".join(texts)


@pytest.mark.parametrize(("columns", "options"), [
    (80, {}), (100, {}), (200, {}), (200, {"expand_nested": True}),
    (80, {"layer_range": ("max.*", "flatten")}),
    (200, {"line_length": 100}), (200, {"line_length": 91, "positions": [0.5, 0.8, 1.0]}),
    (200, {"line_length": 121, "show_trainable": True}),
])  # fmt: skip
def test_sequential(options, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert text_of(sequential(cyconv), options) == text_of(sequential(keras), options)


@pytest.mark.parametrize(("columns", "options"), [
    (90, {}), (120, {}), (200, {}), (200, {"line_length": 100}), (200, {"show_trainable": True}),
    (200, {"line_length": 100, "positions": [0.3, 0.5, 0.7, 1.0]}),
    (200, {"line_length": 131, "show_trainable": True}),
])  # fmt: skip
def test_branched(options, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert text_of(branched(cyconv), options) == text_of(branched(keras), options)


def test_unbuilt():
    assert text_of(unbuilt(cyconv), {}) == text_of(unbuilt(keras), {})


def test_after_training():
    texts = []
    for k in (cyconv, keras):
        model = k.Sequential([k.Input((3,)), k.layers.Dense(4), k.layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
        texts.append(text_of(model, {}))
    assert texts[0] == texts[1]
