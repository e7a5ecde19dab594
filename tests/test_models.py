"""Models: wiring, names, weights, summary, nesting, sharing, configuration."""

import copy
import pickle

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers
from cyconv.testing import assert_close


def small():
    return keras.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def test_names_are_kerass():
    first, second = small(), small()
    assert [layer.name for layer in first.layers] == ["conv2d", "batch_normalization", "flatten", "dense"]
    assert [layer.name for layer in second.layers][0] == "conv2d_1"
    assert (first.name, second.name) == ("sequential", "sequential_1")
    assert first.get_layer("dense").units == 3 and first.get_layer(index=0) is first.layers[0]
    with pytest.raises(ValueError, match="it has: conv2d"):
        first.get_layer("nothing")


def test_weights_go_layer_by_layer():
    shapes = [w.shape for w in small().get_weights()]
    assert shapes == [(3, 3, 1, 2), (2,), (2,), (2,), (2,), (2,), (32, 3), (3,)]
    model = small()
    assert model.count_params() == 20 + 8 + 99
    assert [v.name for v in model.non_trainable_weights] == ["moving_mean", "moving_variance"]


def test_functional_equals_sequential():
    inputs = keras.Input((6, 6, 1))
    x = layers.Conv2D(2, 3, activation="relu")(inputs)
    x = layers.BatchNormalization()(x)
    outputs = layers.Dense(3, activation="softmax")(layers.Flatten()(x))
    functional, sequential = keras.Model(inputs, outputs), small()
    functional.set_weights(sequential.get_weights())
    x = np.random.default_rng(0).random((4, 6, 6, 1), np.float32)
    np.testing.assert_array_equal(functional.predict(x, verbose=0), sequential.predict(x, verbose=0))


def test_branches_add_up_forward_and_backward():
    """y = x + 2x by two Dense layers with fixed weights; one step of SGD moves both by the same gradient."""
    inputs = keras.Input((1,))
    a = layers.Dense(1, use_bias=False, kernel_initializer="ones", name="a")
    b = layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(2.0), name="b")
    model = keras.Model(inputs, layers.add([a(inputs), b(inputs)]))
    assert model.predict(np.array([[5.0]]), verbose=0) == 15
    model.compile(keras.optimizers.SGD(0.1), "mse")
    # loss (15 - 14)^2 = 1, dloss/dy = 2, each weight's gradient 2 * 5 = 10, step -1
    assert model.train_on_batch(np.array([[5.0]]), np.array([[14.0]])) == 1
    np.testing.assert_array_equal([w.item() for w in model.get_weights()], np.float32([0, 1]))


def test_a_shared_layer_sums_its_gradients():
    """y = w * (w * x): dy/dw = 2 w x."""
    inputs = keras.Input((1,))
    shared = layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(3.0))
    model = keras.Model(inputs, shared(shared(inputs)))
    assert len(model.weights) == 1
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.train_on_batch(np.array([[1.0]]), np.array([[8.0]]))  # y = 9, dloss/dy = 2, dy/dw = 6
    assert_close(model.get_weights()[0], np.array([[3 - 0.01 * 12]]), "elementwise")


def test_models_nest_and_share_weights():
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="tanh")], name="inner")
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    joined = layers.concatenate([inner(left), inner(right)])
    model = keras.Model([left, right], layers.Dense(1)(joined))
    assert model.count_params() == 15 + 7
    a, b = np.ones((2, 4), np.float32), np.zeros((2, 4), np.float32)
    expected = np.tanh(a @ inner.get_weights()[0]), np.zeros((2, 3))
    kernel = model.get_weights()[2]
    assert_close(model.predict([a, b], verbose=0), np.concatenate(expected, 1) @ kernel, "sum", 8)
    named = model.predict({"right": b, "left": a}, verbose=0)
    np.testing.assert_array_equal(named, model.predict([a, b], verbose=0))
    assert [node.path for node in model.executor.flat.nodes][0] == "inner/dense"


def test_a_part_of_a_model_is_a_model():
    model = small()
    features = keras.Model(model.inputs, model.layers[1].name and model.nodes[1].outputs[0])
    x = np.random.default_rng(1).random((2, 6, 6, 1), np.float32)
    assert features.predict(x, verbose=0).shape == (2, 4, 4, 2)
    assert features.layers[1] is model.layers[0]


def test_several_outputs():
    inputs = keras.Input((3,))
    outputs = [layers.Dense(1, name="first")(inputs), layers.Dense(2, name="second")(inputs)]
    model = keras.Model(inputs, outputs)
    model.compile("sgd", {"first": "mse", "second": "mse"}, loss_weights={"first": 2.0, "second": 0.5})
    x = np.ones((8, 3), np.float32)
    logs = model.evaluate(x, [np.zeros((8, 1)), np.zeros((8, 2))], verbose=0, return_dict=True)
    assert set(logs) == {"loss", "first_loss", "second_loss"}
    expected = np.float32(2) * logs["first_loss"] + np.float32(0.5) * logs["second_loss"]
    assert_close(np.float32([logs["loss"]]), np.array([expected]), "elementwise")
    one, two = model.predict(x, verbose=0)
    assert one.shape == (8, 1) and two.shape == (8, 2)


def test_variable_image_sizes():
    model = keras.Sequential(
        [layers.Input((None, None, 1)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    )
    assert model.output_shape == (None, 2)
    for size in (5, 9, 6):
        assert model.predict(np.ones((3, size, size + 1, 1)), verbose=0).shape == (3, 2)


def test_deferred_building():
    model = keras.Sequential([layers.Flatten(), layers.Dense(3)])
    assert not model.built
    model.predict(np.ones((2, 4, 5)), verbose=0)
    assert model.built and model.count_params() == 63
    old_style = keras.Sequential([layers.Dense(3, input_shape=(7,))])
    assert old_style.built and old_style.count_params() == 24


def test_add_and_pop():
    model = keras.Sequential()
    model.add(keras.Input((4,)))
    model.add(layers.Dense(3))
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2)
    assert model.pop().units == 2
    assert model.output_shape == (None, 3)
    with pytest.raises(TypeError, match="only layers"):
        model.add("dense")


def pickled(model):
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("copy", [copy.deepcopy, pickled])
def test_copies_are_whole_and_independent(copy):
    model = small()
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).random((4, 6, 6, 1), np.float32), np.arange(4) % 3
    twin, expected = copy(model), model.predict(x, verbose=0)
    np.testing.assert_array_equal(twin.predict(x, verbose=0), expected)
    twin.fit(x, y, verbose=0)
    assert twin.optimizer.learning_rate == 0.5
    assert (twin.predict(x, verbose=0) != expected).any()
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    layer = layers.Dense(3)
    layer.build((None, 4))
    np.testing.assert_array_equal(copy(layer).get_weights()[0], layer.get_weights()[0])


def test_trainable_false_freezes():
    model = small()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(np.random.default_rng(0).random((8, 6, 6, 1)), np.arange(8) % 3, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[6] != after[6]).any()
    model.trainable = False
    assert not model.trainable_weights
    with pytest.raises(ValueError, match="nothing to train"):
        model.fit(np.ones((8, 6, 6, 1)), np.arange(8) % 3, verbose=0)


def test_configuration_round_trip():
    inputs = keras.Input((6, 6, 1), name="image")
    x = layers.Conv2D(2, 3, name="conv")(inputs)
    y = layers.Conv2D(2, 3, padding="same", name="again")(x)
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.add([x, y]))), name="net")
    twin = keras.models.model_from_json(model.to_json())
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    twin.set_weights(model.get_weights())
    data = np.random.default_rng(0).random((2, 6, 6, 1))
    np.testing.assert_array_equal(twin.predict(data, verbose=0), model.predict(data, verbose=0))
    clone = keras.models.clone_model(small())
    assert clone.count_params() == 127


def test_wiring_errors_teach():
    inputs = keras.Input((4,))
    stray = layers.Dense(2)(keras.Input((3,)))
    with pytest.raises(ValueError, match="not among the model's inputs"):
        keras.Model(inputs, stray)
    with pytest.raises(TypeError, match="symbolic tensors"):
        keras.Model(inputs, np.ones(3))
    with pytest.raises(ValueError, match="names must differ"):
        keras.Sequential([layers.Dense(2, name="x"), layers.Dense(2, name="x")])
    with pytest.raises(TypeError, match="Keras 1"):
        keras.Model(input=inputs, output=inputs)
    with pytest.raises(TypeError, match="does not know the argument 'filtres'"):
        layers.Conv2D(filters=2, kernel_size=3, filtres=3)
