"""Files: what comes back is what went in; what is damaged or foreign is refused; nothing is executed."""

import json
import os

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers


def trained():
    inputs = keras.Input((6, 6, 1), name="image")
    x = layers.Conv2D(3, 3, activation="relu")(inputs)
    x = layers.add([x, layers.BatchNormalization()(x)])
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Flatten()(x)))
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    generator = np.random.default_rng(0)
    x, y = generator.random((12, 6, 6, 1), np.float32), np.arange(12) % 2
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    return model, x, y


def test_a_loaded_model_predicts_and_goes_on_training_the_same(tmp_path):
    model, x, y = trained()
    model.save(tmp_path / "net.safetensors")
    twin = keras.models.load_model(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))
    for net in (model, twin):
        net.fit(x, y, epochs=2, shuffle=False, verbose=0)
    assert twin.optimizer.iterations == model.optimizer.iterations
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_alone(tmp_path):
    model, x, _ = trained()
    model.save_weights(tmp_path / "w.safetensors")
    other = keras.models.clone_model(model)
    other.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
    with pytest.raises(ValueError, match="weights only"):
        keras.models.load_model(tmp_path / "w.safetensors")


def test_a_custom_layer_needs_to_be_named(tmp_path):
    class Twice(layers.Layer):
        def call(self, x):
            return 2 * x

    model = keras.Sequential([layers.Input((2,)), Twice(), layers.Dense(1)])
    path = tmp_path / "net.safetensors"
    model.save(path)
    with pytest.raises(ValueError, match="custom_objects={'Twice'"):
        keras.models.load_model(path)
    twin = keras.models.load_model(path, custom_objects={"Twice": Twice})
    x = np.ones((3, 2))
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))


def test_names_and_overwriting(tmp_path):
    model, *_ = trained()
    with pytest.raises(ValueError, match=r"must end in \.safetensors"):
        model.save(tmp_path / "net.pkl")
    path = tmp_path / "net.safetensors"
    model.save(path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(path, overwrite=False)
    with pytest.raises(FileNotFoundError):
        keras.models.load_model(tmp_path / "none.safetensors")


@pytest.mark.parametrize("cut", [0, 4, 8, 100, 0.5, 0.99])
def test_truncated_files(tmp_path, cut):
    model, *_ = trained()
    path = tmp_path / "net.safetensors"
    model.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(cut * len(content)) if isinstance(cut, float) else cut])
    before = model.get_weights()
    with pytest.raises(ValueError, match="not a readable"):
        keras.models.load_model(path)
    with pytest.raises(ValueError, match="not a readable"):
        model.load_weights(path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_foreign_and_hostile_files(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "net.safetensors"
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")  # a header that claims to be huge
    with pytest.raises(ValueError, match="not a readable"):
        keras.models.load_model(path)
    save_file({"a": np.ones(3)}, path)
    with pytest.raises(ValueError, match="not one that cyconv wrote"):
        keras.models.load_model(path)
    for description in [
        {"class_name": "os.system", "config": {"command": "true"}},
        {"class_name": "Layer", "config": {"name": "x"}, "extra": 1},
        {
            "class_name": "Sequential",
            "config": {"name": "s", "layers": [{"class_name": "eval", "config": {}}]},
        },
        {"class_name": "Sequential", "config": {}},
        {"class_name": "Functional", "config": {"layers": 3}},
        [],
        "Sequential",
    ]:
        save_file({"a": np.ones(3)}, path, metadata={"cyconv": "1", "model": json.dumps(description)})
        with pytest.raises((ValueError, TypeError)):
            keras.models.load_model(path)


def test_weights_of_another_model_change_nothing(tmp_path):
    model, *_ = trained()
    model.save_weights(tmp_path / "w.safetensors")
    other = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    before = other.get_weights()
    with pytest.raises(ValueError, match="do not fit this model"):
        other.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(before[0], other.get_weights()[0])


def test_a_failed_save_leaves_the_old_file_whole(tmp_path, monkeypatch):
    model, *_ = trained()
    path = tmp_path / "net.safetensors"
    model.save(path)
    content = path.read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        model.save(path)
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["net.safetensors"]
