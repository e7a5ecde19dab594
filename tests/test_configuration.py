"""Objects as JSON values in Keras 3's form (recorded from Keras 3.15), and back."""

import json

import numpy as np
import pytest
from saved import same_weights, trained

import cyconv as keras
from cyconv import layers
from cyconv.saving import deserialize_keras_object, serialize_keras_object

POLICY = {
    "module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None,
}  # fmt: skip


def initializer(name, **config):
    return {"module": "keras.initializers", "class_name": name, "config": config, "registered_name": None}


def test_a_convolution_as_keras_writes_it():
    layer = layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2", name="conv")
    assert serialize_keras_object(layer) == {
        "module": "keras.layers",
        "class_name": "Conv2D",
        "config": {
            "name": "conv", "trainable": True, "dtype": POLICY, "filters": 4, "kernel_size": [3, 3],
            "strides": [1, 1], "padding": "valid", "data_format": None, "dilation_rate": [1, 1], "groups": 1,
            "activation": "relu", "use_bias": True,
            "kernel_initializer": initializer("GlorotUniform", seed=None, input_axes=None, output_axes=None),
            "bias_initializer": initializer("Zeros"),
            "kernel_regularizer": {"module": "keras.regularizers", "class_name": "L2",
                                   "config": {"l2": 0.01}, "registered_name": None},
            "bias_regularizer": None, "activity_regularizer": None, "kernel_constraint": None,
            "bias_constraint": None,
        },
        "registered_name": None,
    }  # fmt: skip
    assert layers.Conv2D(4, 3, algorithm="naive").get_config()["algorithm"] == "naive"
    layer.build((None, 8, 8, 1))
    assert serialize_keras_object(layer)["build_config"] == {"input_shape": [None, 8, 8, 1]}


def test_arguments_that_only_keras_has():
    config = {**layers.Dense(2, name="d").get_config(), "quantization_config": None, "autocast": True}
    assert layers.Dense.from_config(config).name == "d"
    with pytest.raises(TypeError, match="quantization_config"):
        layers.Dense.from_config({**config, "quantization_config": {"mode": "int8"}})


def test_a_functional_model_as_keras_writes_it():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    dense = layers.Dense(2, name="dense")
    model = keras.Model([a, b], layers.Add(name="sum")([dense(a), dense(b)]), name="net")
    entry = json.loads(model.to_json())
    assert (entry["module"], entry["class_name"]) == ("keras.src.models.functional", "Functional")
    assert entry["registered_name"] == "Functional" and entry["compile_config"] == {}
    config = entry["config"]
    assert config["input_layers"] == [["a", 0, 0], ["b", 0, 0]]
    assert config["output_layers"] == ["sum", 0, 0]  # one tensor: no list around it

    def tensor(name, call, size):
        history = {"shape": [None, size], "dtype": "float32", "keras_history": [name, call, 0]}
        return {"class_name": "__keras_tensor__", "config": history}

    nodes = {e["name"]: e["inbound_nodes"] for e in config["layers"]}
    assert nodes == {
        "a": [],
        "b": [],
        "dense": [{"args": [tensor("a", 0, 3)], "kwargs": {}}, {"args": [tensor("b", 0, 3)], "kwargs": {}}],
        "sum": [{"args": [[tensor("dense", 0, 2), tensor("dense", 1, 2)]], "kwargs": {}}],
    }


def test_keras_operations_and_keyword_inputs_are_layers_here():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    model = keras.Model({"a": a, "b": b}, {"sum": layers.Add(name="sum")([a, b])})
    entry = json.loads(model.to_json())
    assert entry["config"]["input_layers"] == {"a": ["a", 0, 0], "b": ["b", 0, 0]}
    add = entry["config"]["layers"][-1]
    add.update(module="keras.src.ops.numpy", class_name="Add", config={"name": "sum"}, registered_name="Add")
    tensors = add["inbound_nodes"][0]["args"][0]
    x = {"a": np.ones((2, 3), "f4"), "b": np.ones((2, 3), "f4")}
    named = {"x1": tensors[0], "x2": tensors[1]}
    for args, kwargs in [(tensors, {}), ([tensors], {"mask": None}), ([], named)]:
        add["inbound_nodes"] = [{"args": args, "kwargs": kwargs}]
        again = keras.models.model_from_json(json.dumps(entry))
        assert (again.predict([x["a"], x["b"]], verbose=0) == 2).all()
    add["class_name"] = "Arctan2"
    with pytest.raises(ValueError, match="'Arctan2' of keras.src.ops.numpy"):
        keras.models.model_from_json(json.dumps(entry))


@pytest.mark.parametrize(
    "thing",
    [
        keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
        keras.metrics.BinaryAccuracy(threshold=0.3),
        keras.metrics.MeanSquaredError(),
        keras.losses.MeanSquaredError(),
        keras.initializers.HeNormal(seed=3),
        keras.initializers.Constant(2.0),
        keras.regularizers.L1L2(0.1, 0.2),
        keras.constraints.MaxNorm(3),
        keras.optimizers.Adam(0.1, clipnorm=1.0, use_ema=True, ema_momentum=0.5),
        keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5), momentum=0.9),
        layers.Residual([layers.Dense(2), layers.Dense(3)], layers.Dense(3)),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_everything_comes_back(thing):
    entry = json.loads(json.dumps(serialize_keras_object(thing)))
    again = deserialize_keras_object(entry)
    assert type(again) is type(thing)
    assert serialize_keras_object(again) == entry


def test_schedules_are_where_keras_has_them():
    entry = serialize_keras_object(keras.optimizers.schedules.CosineDecay(0.1, 10))
    assert entry["module"] == "keras.optimizers.schedules"
    # As Keras on PyTorch writes its Adam: by where the class lies.
    module, config = "keras.src.backend.torch.optimizers.torch_adam", {"learning_rate": entry}
    adam = {"module": module, "class_name": "Adam", "config": config, "registered_name": "Adam"}
    assert float(deserialize_keras_object(adam).learning_rate) == pytest.approx(0.1)


def test_plain_values():
    values = {"a": [1, 2.5, True, None, "x"], "b": {"c": []}}
    assert deserialize_keras_object(serialize_keras_object(values)) == values
    array = np.arange(6, dtype="int32").reshape(2, 3)
    back = deserialize_keras_object(json.loads(json.dumps(serialize_keras_object(array))))
    np.testing.assert_array_equal(back, array)
    assert back.dtype == np.int32
    assert serialize_keras_object(np.float32(2)) == 2.0 and serialize_keras_object((1, (2,))) == [1, [2]]
    with pytest.raises(TypeError, match="cannot be written down"):
        serialize_keras_object(object())


def test_functions():
    def doubled(x):
        return 2 * x

    layer = layers.Dense(2, activation=doubled)
    entry = json.loads(json.dumps(serialize_keras_object(layer)))
    assert entry["config"]["activation"]["class_name"] == "function"
    again = deserialize_keras_object(entry, custom_objects={"doubled": doubled})
    assert again.activation is doubled
    with pytest.raises(ValueError, match="unknown activation 'doubled'"):
        deserialize_keras_object(entry)
    assert layers.Dense(2, activation=keras.activations.relu).get_config()["activation"] == "relu"
    leaky = layers.Dense(2, activation=layers.LeakyReLU(0.1)).get_config()["activation"]
    assert leaky["class_name"] == "LeakyReLU" and leaky["config"]["negative_slope"] == 0.1
    with pytest.raises(TypeError, match="a lambda has no name"):
        serialize_keras_object({"f": lambda x: x})


def test_classes_of_ones_own():
    @keras.saving.register_keras_serializable("pack", "Named")
    class Mine(layers.Dense):
        pass

    class Other(layers.Dense):
        pass

    try:
        entry = serialize_keras_object(Mine(2, name="m"))
        assert entry["module"] is None and entry["class_name"] == "Mine"
        assert entry["registered_name"] == "pack>Named"
        assert type(deserialize_keras_object(entry)) is Mine
        assert keras.saving.get_registered_name(Mine) == "pack>Named"
        assert keras.saving.get_registered_object("pack>Named") is Mine
    finally:
        keras.saving.get_custom_objects().clear()
    entry = serialize_keras_object(Other(2))
    with pytest.raises(ValueError, match="'Other'"):
        deserialize_keras_object(entry)
    with keras.utils.custom_object_scope({"Other": Other}):
        assert type(deserialize_keras_object(entry)) is Other
    with pytest.raises(ValueError, match="has no get_config"):
        keras.saving.register_keras_serializable()(type("Bare", (), {}))


def test_a_copy_has_the_architecture_and_weights_of_its_own():
    model, x, _ = trained()
    copy = keras.models.clone_model(model)
    assert copy.get_config() == model.get_config()
    assert not set(map(id, copy.weights)) & set(map(id, model.weights))
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(x, verbose=0), model.predict(x, verbose=0))

    def frozen(layer):
        twin = type(layer).from_config(layer.get_config())
        twin.trainable = False
        return twin

    assert not keras.models.clone_model(model, clone_function=frozen).trainable_weights
    start = keras.Input((6, 6, 1), name="other")
    moved = keras.models.clone_model(model, input_tensors=start)
    assert moved.inputs == [start]
    row = keras.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dense(1)])
    twin = keras.models.clone_model(row)
    twin.set_weights(row.get_weights())
    same_weights(twin.get_weights(), row.get_weights())


def test_json_brings_the_settings_of_compile():
    model, x, y = trained()
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    assert again.optimizer.get_config() == model.optimizer.get_config()
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
