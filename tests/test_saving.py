"""Files: what comes back is what went in, in every format; a save is whole or it is not there."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np
import pytest
from saved import same_weights, trained

import cyconv as keras
from cyconv import layers

MODELS = [".keras", ".safetensors"]
WEIGHTS = [".weights.h5", ".safetensors", ".keras"]


@pytest.mark.parametrize("suffix", MODELS)
def test_a_loaded_model_predicts_and_goes_on_training_the_same(tmp_path, suffix):
    model, x, y = trained()
    model.save(tmp_path / f"net{suffix}")
    twin = keras.models.load_model(tmp_path / f"net{suffix}")
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))
    for net in (model, twin):
        net.fit(x, y, epochs=2, shuffle=False, verbose=0)
    assert twin.optimizer.iterations == model.optimizer.iterations
    same_weights(model.get_weights(), twin.get_weights())


@pytest.mark.parametrize("suffix", WEIGHTS)
def test_weights_alone(tmp_path, suffix):
    model, x, _ = trained()
    path = tmp_path / f"w{suffix}"
    (model.save if suffix == ".keras" else model.save_weights)(path)
    other = keras.models.clone_model(model)
    other.load_weights(path)
    np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
    if suffix != ".keras":
        with pytest.raises(ValueError, match="weights only"):
            keras.models.load_model(path)


def test_an_archive_has_the_entries_and_names_of_keras(tmp_path):
    """As Keras 3.15 writes them; tests/peers opens such files in Keras itself."""
    trained()[0].save(tmp_path / "net.keras")
    with zipfile.ZipFile(tmp_path / "net.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        config = json.loads(archive.read("config.json"))
        content = io.BytesIO(archive.read("model.weights.h5"))
    assert list(config) == [
        "module", "class_name", "config", "registered_name", "build_config", "compile_config",
    ]  # fmt: skip
    names = {}
    with h5py.File(content) as file:
        file.visititems(lambda name, thing: names.update({name: getattr(thing, "shape", None)}))
        assert file["layers/conv2d/vars"].attrs["name"] == "conv2d"
    slots = {f"optimizer/vars/{i}" for i in range(2 + 2 * 8)}
    assert {n for n in names if n.startswith("optimizer/vars/")} == slots
    assert names["layers/conv2d/vars/0"] == (3, 3, 1, 3)
    assert names["layers/sequential/layers/conv2d/vars/0"] == (1, 1, 3, 2)
    assert [names[f"layers/batch_normalization/vars/{i}"] for i in range(4)] == [(3,)] * 4
    assert "layers/dropout/vars" in names and "layers/input_layer/vars" in names


@pytest.mark.parametrize("suffix", MODELS)
def test_layers_inside_layers_and_shared_ones(tmp_path, suffix):
    shared = layers.Dense(3)
    inputs = keras.Input((3,))
    block = layers.Residual([layers.Dense(3), layers.BatchNormalization()])
    once = keras.Sequential([shared, layers.Dense(3)])
    model = keras.Model(inputs, [once(shared(block(inputs))), shared(shared(inputs))])
    model.save(tmp_path / f"net{suffix}")
    twin = keras.models.load_model(tmp_path / f"net{suffix}")
    assert len(twin.weights) == len(model.weights) == 3 * 2 + 4
    x = np.random.default_rng(0).random((4, 3), np.float32)
    for a, b in zip(model.predict(x, verbose=0), twin.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(a, b)


def test_skip_mismatch_keeps_what_does_not_fit(tmp_path):
    def net(units):
        return keras.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(units)])

    source, target = net(2), net(5)
    source.save_weights(tmp_path / "w.weights.h5")
    before = target.get_weights()
    with pytest.raises(ValueError, match=r"w.weights.h5.*dense_3/kernel.*\(4, 5\), in the file \(4, 2\)"):
        target.load_weights(tmp_path / "w.weights.h5")
    same_weights(target.get_weights(), before)
    with pytest.warns(UserWarning, match="skipped"):
        target.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)
    same_weights(target.get_weights(), source.get_weights()[:2] + before[2:])


def test_a_file_with_more_layers_does_not_fit(tmp_path):
    long = keras.Sequential([layers.Input((3,)), layers.Dense(3), layers.Dense(3)])
    long.save_weights(tmp_path / "w.weights.h5")
    short = keras.Sequential([layers.Input((3,)), layers.Dense(3)])
    with pytest.raises(ValueError, match="layers/dense_1/vars/0 has no place"):
        short.load_weights(tmp_path / "w.weights.h5")


def test_state_that_only_keras_keeps_is_passed_over(tmp_path):
    model, *_ = trained()
    path = tmp_path / "w.weights.h5"
    model.save_weights(path)
    with h5py.File(path, "a") as file:
        file["layers/dropout/seed_generator/vars/0"] = np.zeros(2, np.uint32)
        file["_metrics/mean/vars/0"] = np.zeros(1)
    model.load_weights(path)


@pytest.mark.parametrize("suffix", WEIGHTS)
def test_weights_bring_the_optimizer_with_them(tmp_path, suffix):
    model, x, y = trained()
    path = tmp_path / f"w{suffix}"
    (model.save if suffix == ".keras" else model.save_weights)(path)
    twin = keras.models.model_from_json(model.to_json())
    twin.load_weights(path)
    for net in (model, twin):
        net.fit(x, y, epochs=1, shuffle=False, verbose=0)
    same_weights(model.get_weights(), twin.get_weights())
    twin.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.warns(UserWarning, match="the optimiser starts anew"):
        twin.load_weights(path)
    assert twin.optimizer.iterations == 0


def test_settings_that_are_not_known_can_be_left_out(tmp_path):
    class Mine(keras.losses.MeanSquaredError):
        pass

    model = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("adam", Mine())
    model.save(tmp_path / "net.keras")
    with pytest.raises(ValueError, match=r"'Mine'(.|\n)*compile=False"):
        keras.models.load_model(tmp_path / "net.keras")
    assert keras.models.load_model(tmp_path / "net.keras", compile=False).optimizer is None
    twin = keras.models.load_model(tmp_path / "net.keras", custom_objects={"Mine": Mine})
    assert type(twin.compiled.losses[0]) is Mine


def test_a_model_that_was_compiled_but_never_trained(tmp_path):
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("adam", "mse")
    model.save(tmp_path / "net.keras")
    twin = keras.models.load_model(tmp_path / "net.keras")
    assert twin.optimizer.iterations == 0
    assert keras.models.load_model(tmp_path / "net.keras", compile=False).optimizer is None


@pytest.mark.parametrize("suffix", MODELS)
def test_a_custom_layer_needs_to_be_named(tmp_path, suffix):
    class Twice(layers.Layer):
        def call(self, x):
            return 2 * x

    model = keras.Sequential([layers.Input((2,)), Twice(), layers.Dense(1)])
    path = tmp_path / f"net{suffix}"
    model.save(path)
    with pytest.raises(ValueError, match="custom_objects={'Twice'"):
        keras.models.load_model(path)
    x = np.ones((3, 2))
    twin = keras.models.load_model(path, custom_objects={"Twice": Twice})
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))
    with keras.saving.custom_object_scope({"Twice": Twice}):
        keras.models.load_model(path)


def test_names_and_overwriting(tmp_path):
    model, *_ = trained()
    with pytest.raises(ValueError, match=r"must end in \.keras or \.safetensors"):
        model.save(tmp_path / "net.pkl")
    with pytest.raises(ValueError, match=r"must end in \.weights\.h5 or \.safetensors"):
        model.save_weights(tmp_path / "net.keras")
    path = tmp_path / "net.safetensors"
    model.save(path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(path, overwrite=False)
    for load in (keras.models.load_model, model.load_weights):
        with pytest.raises(FileNotFoundError, match="none.safetensors"):
            load(tmp_path / "none.safetensors")
        with pytest.raises(ValueError, match="is a folder"):
            load(tmp_path)
    shards = tmp_path / "net.weights.json"
    with pytest.raises(ValueError, match=r"in several files; here they are one file.*net\.weights\.h5$"):
        model.save_weights(shards)
    shards.write_text('{"metadata": {}, "weight_map": {}}')
    with pytest.raises(ValueError, match=r"max_shard_size.*save_weights\('.*net\.weights\.h5'\)"):
        model.load_weights(shards)


def test_without_h5py_the_error_names_the_command(run_python, tmp_path):
    code = f"""
import sys
sys.modules["h5py"] = None
import cyconv as keras
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.save({str(tmp_path / "net.safetensors")!r})
keras.models.load_model({str(tmp_path / "net.safetensors")!r})
model.save({str(tmp_path / "net.keras")!r})
"""
    assert 'pip install "cyconv[keras]"' in run_python(code, fails=True)
    assert os.listdir(tmp_path) == ["net.safetensors"]


@pytest.mark.parametrize("suffix", MODELS)
def test_a_failed_save_leaves_the_old_file_whole(tmp_path, monkeypatch, suffix):
    model, *_ = trained()
    path = tmp_path / f"net{suffix}"
    model.save(path)
    content = path.read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        model.save(path)
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == [path.name]


SAVER = """
import sys
import numpy as np
import cyconv as keras
path = sys.argv[1]
model = keras.Sequential([keras.Input((200,)), keras.layers.Dense(1000, use_bias=False)])
number = 0.0
while True:
    model.set_weights([np.full((200, 1000), number, np.float32)])
    model.save(path)
    if number == 0:
        print("saving", flush=True)
    number += 1
"""


@pytest.mark.parametrize("suffix", MODELS)
def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    generator = np.random.default_rng(7)
    for _ in range(3):
        saver = subprocess.Popen([sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE)
        assert saver.stdout.readline() == b"saving\n"
        time.sleep(generator.uniform(0, 0.1))
        saver.send_signal(signal.SIGKILL)
        saver.wait()
        saver.stdout.close()
        (kernel,) = keras.models.load_model(path).get_weights()
        assert (kernel == kernel[0, 0]).all()
