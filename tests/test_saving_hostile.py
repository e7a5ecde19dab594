"""Damaged, foreign and hostile files: one clear error, nothing run, nothing asked for, nothing changed."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest
from saved import same_weights, trained
from safetensors.numpy import save_file

import cyconv as keras
from cyconv import layers

FORMATS = [".keras", ".safetensors", ".weights.h5"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(model, {suffix: bytes of its file})."""
    folder, (model, *_) = tmp_path_factory.mktemp("files"), trained()
    for suffix in FORMATS:
        (model.save_weights if suffix == ".weights.h5" else model.save)(folder / f"net{suffix}")
    return model, {suffix: (folder / f"net{suffix}").read_bytes() for suffix in FORMATS}


def refused(path, model, match="net"):
    """Neither way of reading takes the file, and the model keeps its weights."""
    before = model.get_weights()
    for read in (keras.models.load_model, model.load_weights):
        with pytest.raises(ValueError, match=match) as error:
            read(path)
        assert str(path) in str(error.value)
    same_weights(model.get_weights(), before)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("cut", [0, 1, 4, 8, 100, 0.5, 0.99])
def test_truncated_files(tmp_path, files, suffix, cut):
    model, contents = files
    path, content = tmp_path / f"net{suffix}", contents[suffix]
    path.write_bytes(content[: int(cut * len(content)) if isinstance(cut, float) else cut])
    refused(path, model)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_give_a_model_or_a_clear_error(tmp_path, files, suffix, seed):
    model, contents = files
    generator = np.random.default_rng(seed)
    content = bytearray(contents[suffix])
    for place in generator.integers(0, len(content), generator.integers(1, 20)):
        content[place] ^= 1 << int(generator.integers(8))
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    other, before = keras.models.clone_model(model), None
    before = other.get_weights()
    try:
        other.load_weights(path)
    except ValueError as error:
        assert str(path) in str(error)
        same_weights(other.get_weights(), before)
    try:
        keras.models.load_model(path)
    except ValueError as error:
        assert str(path) in str(error)


def archive(path, config="{}", weights=None, extra=(), **arguments):
    """Writes a .keras file of these entries."""
    with zipfile.ZipFile(path, "w", **arguments) as file:
        for name, content in [("metadata.json", "{}"), ("config.json", config), *extra]:
            file.writestr(name, content)
        if weights is None:
            weights = io.BytesIO()
            h5py.File(weights, "w").close()
            weights = weights.getvalue()
        file.writestr("model.weights.h5", weights)
    return path


def described(path, description):
    return archive(path, description if isinstance(description, str) else json.dumps(description))


def sequential(*entries, **config):
    """The description of a Sequential model of these layers."""
    start = {"module": "keras.layers", "class_name": "InputLayer",
             "config": {"batch_shape": [None, 4], "dtype": "float32", "name": "in"}}  # fmt: skip
    inner = {"name": "s", "layers": [start, *entries], **config}
    return {"module": "keras", "class_name": "Sequential", "config": inner, "registered_name": None}


def layer(class_name, module="keras.layers", /, **config):
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wEAAAAA", "defaults": None, "closure": None}}


@pytest.mark.parametrize(
    "description, match",
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"class_name": "Sequential", "class_name": "Model"}', "stands twice"),
        ("3", "describes no model"),
        ("null", "describes no model"),
        ("[]", "describes no model"),
        ('"Sequential"', "describes no model"),
        ({}, "describes no model"),
        (layer("Dense", units=3, name="d"), "describes no model but Dense"),
        (layer("system", "os", command="true"), "'system' .of 'os'. is not known"),
        (layer("Popen", "subprocess", args=["true"]), "is not known"),
        (layer("Sequential", "cyconv.antigravity"), "configuration"),
        (sequential(layer("Popen", "subprocess", args="true")), "is not known"),
        (sequential(layer("Layer", "cyconv.configurable.base")), "is not known"),
        (sequential(layer("Lambda", function=LAMBDA)), "never run"),
        (sequential(layer("Activation", activation=LAMBDA, name="a")), "never run"),
        (sequential(layer("Dense", units="3", name="d")), "units"),
        (sequential(layer("Dense", units=-3, name="d")), "units"),
        (sequential(layer("Dense", units=3, name="d", evil=1)), "evil"),
        (sequential(layer("Dense", units=10**12, name="d")), "more than the file can hold"),
        (sequential(layer("Dense", units=10**4, name="d"), layer("Dense", units=10**6, name="e")),
         "more than the file can hold"),
        (sequential(layer("Dense", units=3, name="d"), layer("Dense", units=3, name="d")), "named 'd'"),
        (sequential(layer("Dense", units=3, name="d")), "dense|d/kernel"),
        (sequential(name=["s"]), "."),
        (sequential(layers=7), "."),
        (layer("Functional", "keras.src.models.functional", layers=3), "."),
        (layer("Functional", "keras.src.models.functional", name="f", layers=[], input_layers=["a", 0, 0],
               output_layers=["a", 0, 0]), "no tensor"),
    ],
)  # fmt: skip
def test_descriptions_that_are_wrong(tmp_path, description, match):
    path = described(tmp_path / "net.keras", description)
    with pytest.raises(ValueError, match=match) as error:
        keras.models.load_model(path)
    assert str(path) in str(error.value)
    text = description if isinstance(description, str) else json.dumps(description)
    save_file({"a": np.ones(3)}, tmp_path / "net.safetensors", metadata={"cyconv": "2", "model": text})
    with pytest.raises(ValueError, match=match):
        keras.models.load_model(tmp_path / "net.safetensors")


def test_wiring_that_goes_nowhere(tmp_path):
    """A layer that needs its own output, and a deep chain written backwards."""
    inputs = keras.Input((2,), name="in")
    x = inputs
    for i in range(300):
        x = layers.ReLU(name=f"r{i}")(x)
    description = json.loads(keras.Model(inputs, x).to_json())
    description["config"]["layers"].reverse()
    assert len(keras.models.model_from_json(json.dumps(description)).layers) == 301
    first = next(e for e in description["config"]["layers"] if e["name"] == "r0")
    first["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = ["r0", 0, 0]
    with pytest.raises(ValueError, match="has no beginning"):
        keras.models.load_model(described(tmp_path / "net.keras", description))


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "a\\..\\out", "C:out"])
def test_names_that_lead_out_of_the_archive(tmp_path, name):
    with pytest.raises(ValueError, match="leads out"):
        keras.models.load_model(archive(tmp_path / "net.keras", extra=[(name, "x")]))
    assert [p.name for p in tmp_path.iterdir()] == ["net.keras"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_that_are_none(tmp_path):
    path = tmp_path / "net.keras"
    with pytest.raises(ValueError, match="two entries are named 'config.json'"):
        keras.models.load_model(archive(path, extra=[("config.json", "{}")]))
    with pytest.raises(ValueError, match="compressed by a method"):
        keras.models.load_model(archive(path, compression=zipfile.ZIP_BZIP2))
    with pytest.raises(ValueError, match="no .keras file: it has no config.json"):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("word/document.xml", "<x/>")
        keras.models.load_model(path)


@pytest.mark.parametrize("entry", ["config", "weights"])
def test_a_zip_bomb(tmp_path, entry):
    path = archive(tmp_path / "net.keras", **{entry: b"\0" * 10**8}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 10**6
    with pytest.raises(ValueError, match="claims 100000000 bytes"):
        keras.models.load_model(path)


def small():
    return keras.Sequential([layers.Input((3,)), layers.Dense(2, use_bias=False)])


@pytest.mark.parametrize(
    "shape, more, match",
    [
        ((2**20, 2**20, 2**10), {}, "has shape"),  # declared, never written: four petabytes
        ((3, 2), {"dtype": h5py.string_dtype()}, "no numbers"),
        ((3, 2), {"dtype": h5py.ref_dtype}, "no numbers"),
        ((3, 2), {"dtype": [("a", "f4")]}, "no numbers"),
        ((3, 2), {"external": "/etc/hostname"}, "another file"),
        ((3, 2), {"chunks": (2**14, 2**14), "maxshape": (None, None)}, "claims pieces"),
        ((2, 3), {}, "has shape"),
    ],
)
def test_datasets_that_are_traps(tmp_path, shape, more, match):
    path = tmp_path / "net.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/dense/vars/0", shape, **{"dtype": "f4", **more})
    with pytest.raises(ValueError, match=match):
        small().load_weights(path)


def test_links_are_not_followed(tmp_path):
    path, secret = tmp_path / "net.weights.h5", tmp_path / "secret.weights.h5"
    model = small()
    model.save_weights(secret)
    for link in (h5py.ExternalLink(str(secret), "layers"), h5py.SoftLink("/elsewhere")):
        with h5py.File(path, "w") as file:
            file["layers"] = link
            file["elsewhere/dense/vars/0"] = np.ones((3, 2))
        with pytest.raises(ValueError, match="is not in it"):
            model.load_weights(path)


def test_files_of_others(tmp_path, files):
    model, _ = files
    path = tmp_path / "net.keras"
    pickled, numpy, image = b"\x80\x04\x95cos\nsystem\n", b"\x93NUMPY", b"GIF89a"
    for content in (pickled, numpy, image, b"PK\3\4", b"\x89HDF\r\n\x1a\n", b""):
        path.write_bytes(content)
        refused(path, model)
    path = tmp_path / "net.safetensors"
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")  # a header that claims to be huge
    refused(path, model)
    header = b'{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    refused(path, model)
    save_file({"a": np.ones(3)}, path)
    refused(path, model, "not one that cyconv wrote")
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.attrs["model_config"] = "{}"
    refused(tmp_path / "net.h5", model, "Keras 2")


@pytest.mark.parametrize(
    "place, value, match",
    [(17, None, "has 18 variables, the file 17"), (1, np.nan, "impossible"), (1, -0.1, "impossible"),
     (0, -1, "impossible"), (5, np.zeros((1, 2)), "first that differs is optimizer/vars/5")],
)  # fmt: skip
def test_an_impossible_state_of_the_optimizer(tmp_path, files, place, value, match):
    model, contents = files
    path = tmp_path / "net.weights.h5"
    path.write_bytes(contents[".weights.h5"])
    with h5py.File(path, "a") as file:
        del file[f"optimizer/vars/{place}"]
        if value is not None:
            file[f"optimizer/vars/{place}"] = value
    before = model.optimizer.state()
    with pytest.warns(UserWarning, match=match):
        model.load_weights(path)
    same_weights(model.optimizer.state(), before)


def test_the_optimizer_of_another_model(tmp_path, files):
    model, _ = files
    arrays = {n: np.zeros(3, np.float32) for n in (f"optimizer/vars/{i}" for i in range(5))}
    arrays |= {f"layers/dense/vars/{i}": v for i, v in enumerate(small().get_weights())}
    net = small()
    net.compile("adam", "mse")
    save_file(arrays, tmp_path / "net.safetensors", metadata={"cyconv": "2", "model": net.to_json()})
    with pytest.raises(ValueError, match="optimiser state does not fit"):
        keras.models.load_model(tmp_path / "net.safetensors")
