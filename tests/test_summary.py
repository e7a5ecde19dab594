"""The summary's own promises; its agreement with Keras's text is tested in tests/peers."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers, zoo


def text_of(model, **options):
    texts = []
    model.summary(print_fn=texts.append, **options)
    assert len(texts) == 1 and texts[0].endswith("\n")  # as Keras calls print_fn
    return texts[0]


def row_of(text, name):
    """The cells of the table's row that begins with `name`."""
    (line,) = [
        line for line in text.splitlines() if line.startswith("│") and f" {name} " in line.split("│")[1]
    ]
    return [cell.strip() for cell in line.strip("│").split("│")]


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_a_notebook_gets_the_whole_text(monkeypatch):
    model = zoo.lenet5()
    plain = text_of(model)
    shell = type("ZMQInteractiveShell", (), {})()  # by which a notebook is known
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    assert text_of(model) == plain and "C5 (Dense)" in plain


def test_a_name_is_never_cut_short():
    inputs = keras.Input((4,), name="an_input_with_a_very_long_name_indeed")
    a = layers.Dense(4, name="a_dense_layer_with_a_name_that_would_not_fit_into_eighty_columns")(inputs)
    text = text_of(keras.Model(inputs, layers.add([inputs, a])), line_length=60)
    assert "Connected to" in text and "…" not in text
    assert "a_dense_layer_with_a_name_that_would_not_fit_into_eighty_columns[0][0]" in text


def small():
    return keras.Sequential([
        layers.Input((8, 8, 4), name="image"),
        layers.Conv2D(4, 3, padding="same", name="first"),
        layers.Residual([layers.Skip(layers.Conv2D(3, 3, padding="same", name="inside"), name="skip"),
                         layers.Conv2D(4, 1, name="last")], name="block"),
        layers.GlobalAveragePooling2D(name="pool"),
    ], name="net")  # fmt: skip


def test_skip_connections_are_shown():
    text = text_of(small(), line_length=140)
    assert row_of(text, "first (Conv2D)")[1:] == ["(None, 8, 8, 4)", "148", "image[0][0]"]
    assert row_of(text, "block (Residual)")[2:] == ["143", "first[0][0]"]
    assert row_of(text, "└ skip (Skip)")[2:] == ["111", "first[0][0]"]
    assert row_of(text, "└ inside (Conv2D)")[2:] == ["111", "first[0][0]"]
    assert row_of(text, "└ concatenate (Concatenate)")[3] == "first[0][0], inside[0][0]"
    assert row_of(text, "└ last (Conv2D)")[2:] == ["32", "skip[0][0]"]
    assert row_of(text, "└ add (Add)")[3] == "last[0][0], first[0][0]"
    assert row_of(text, "pool (GlobalAveragePooling2D)")[3] == "block[0][0]"
    assert " Total params: 291 (1.14 KB)" in text


def test_every_connection_of_a_resnet_is_there():
    text = text_of(zoo.resnet20(input_shape=(8, 8, 3)))
    assert text.count("(Add)") == 9 and "…" not in text


def test_columns_of_costs():
    text = text_of(small(), line_length=140, columns=("receptive_field", "macs", "memory"))
    assert row_of(text, "first (Conv2D)")[-3:] == ["3x3", f"{64 * 9 * 16:,}", "1.00 KB"]
    assert row_of(text, "└ inside (Conv2D)")[-3:] == ["5x5", f"{64 * 9 * 12:,}", "768.00 B"]
    assert row_of(text, "block (Residual)")[-3:-1] == ["5x5", f"{64 * (9 * 12 + 7 * 4):,}"]
    assert row_of(text, "pool (GlobalAveragePooling2D)")[-3:] == ["all", "0", "16.00 B"]
    assert f" Multiply-adds: {64 * (9 * 16 + 9 * 12 + 28):,} a sample" in text
    assert text_of(small(), columns="macs").count("Receptive") == 0
    assert "?" in text_of(zoo.variable_size(), columns="macs")


def test_trainable_and_optimizer():
    model = keras.Sequential([layers.Input((2,)), layers.Dense(3, name="a"), layers.Dense(1, name="b")])
    model.layers[0].trainable = False
    text = text_of(model, show_trainable=True)
    assert row_of(text, "a (Dense)")[-1] == "N" and row_of(text, "b (Dense)")[-1] == "Y"
    model.compile(keras.optimizers.Adam(), "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    # Both moments of the 4 trained weights, and the number of steps and the learning rate.
    assert " Optimizer params: 10 (40.00 B)" in text_of(model)


def test_wrong_arguments_are_named():
    model = small()
    with pytest.raises(ValueError, match="no column 'flops'; there are: receptive_field, macs, memory"):
        model.summary(columns=("flops",))
    with pytest.raises(ValueError, match="first, block, pool"):
        model.summary(layer_range=("first", "nowhere"))
    with pytest.raises(ValueError, match="`positions` needs 4 numbers"):
        model.summary(positions=[0.5, 1.0])
    with pytest.raises(ValueError, match="not built"):
        keras.Sequential([layers.Dense(2)]).summary(columns="macs")
