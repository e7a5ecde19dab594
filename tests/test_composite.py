"""Residual and Skip, and what makes two tensors fit: against their formulas written out in NumPy."""

import copy
import pickle

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers
from cyconv.testing import assert_close


def images(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_the_three_residuals_of_the_lecture():
    x, f = images(5, 4), layers.Dense(4, "tanh")
    assert_close(layers.Residual(f)(x), f(x) + x, "elementwise", what="f(x) + x")
    f, W = layers.Dense(3, "tanh"), layers.Dense(3, use_bias=False)
    assert_close(layers.Residual(f, W)(x), f(x) + x @ W.get_weights()[0], "sum", 4, "f(x) + Wx")
    x, conv = images(2, 7, 7, 2), layers.Conv2D(3, 1, strides=2)
    f = layers.Conv2D(3, 3, strides=2, padding="same")
    y = layers.Residual(f, shortcut=conv)(x)
    assert_close(y, f(x) + x[:, ::2, ::2] @ conv.get_weights()[0][0, 0], "sum", 32, "f(x) + conv(x)")


def test_a_way_is_a_layer_a_list_or_a_sequential():
    x = images(3, 4)
    a, b = layers.Dense(6, "relu"), layers.Dense(4)
    expected = b(a(x)) + x
    for branch in ([a, b], (a, b), keras.Sequential([a, b])):
        np.testing.assert_array_equal(layers.Residual(branch)(x), expected)


def test_skip_joins_in_either_order():
    x, f = images(2, 4, 4, 2), layers.Conv2D(3, 3, padding="same")
    np.testing.assert_array_equal(layers.Skip(f)(x), np.concatenate([x, f(x)], -1))
    np.testing.assert_array_equal(layers.Skip(f, inner_first=True)(x), np.concatenate([f(x), x], -1))


def test_skip_crops_the_middle():
    x, f = images(2, 9, 8, 2), layers.Conv2D(3, 4)
    np.testing.assert_array_equal(layers.Skip(f, crop=True)(x), np.concatenate([x[:, 1:7, 1:6], f(x)], -1))


def test_option_a_shortcut_of_a_resnet():
    x = images(2, 6, 6, 3)
    y = keras.Sequential([layers.AveragePooling2D(1, strides=2), layers.PadChannels(5)]).predict(x, verbose=0)
    np.testing.assert_array_equal(y, np.pad(x[:, ::2, ::2], [(0, 0)] * 3 + [(0, 2)]))


def block(filters, stride):
    conv = layers.Conv2D(filters, 3, strides=stride, padding="same")
    return layers.Residual(
        [conv, layers.BatchNormalization(), layers.ReLU()],
        [layers.AveragePooling2D(1, strides=stride), layers.PadChannels(filters)],
    )


def nested():
    """Sequential, Residual and Skip in one another."""
    return keras.Sequential([
        layers.Input((8, 8, 3)),
        block(4, 1),
        layers.Skip([layers.MaxPooling2D(2), keras.Sequential([block(4, 1), block(8, 1)]),
                     layers.Residual(layers.Conv2D(8, 1)), layers.Reshape((8, 8, -1))]),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, "softmax"),
    ])  # fmt: skip


def same_in_the_functional_api(model):
    """The layers of `nested`, wired by hand."""

    def through_block(residual, x):
        conv, norm, relu, pool, pad = residual.layers[:5]
        return layers.Add()([relu(norm(conv(x))), pad(pool(x))])

    first, skip, pooling, dense = model.layers
    pool, inner, residual, reshape = skip.layers[:4]
    inputs = keras.Input((8, 8, 3))
    x = through_block(first, inputs)
    y = through_block(inner.layers[1], through_block(inner.layers[0], pool(x)))
    y = reshape(layers.add([residual.layers[0](y), y]))
    return keras.Model(inputs, dense(pooling(layers.concatenate([x, y]))))


def trained(model, x, y):
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=3, batch_size=4, shuffle=False, verbose=0)
    return model


def test_training_is_that_of_the_functional_model():
    x, y = images(8, 8, 8, 3), np.arange(8) % 3
    model = nested()
    start = model.get_weights()
    by_hand = same_in_the_functional_api(model)
    expected = trained(by_hand, x, y).predict(x, verbose=0)
    model.set_weights(start)
    got = trained(model, x, y).predict(x, verbose=0)
    assert_close(got, expected, "network", terms=64)
    assert [w.shape for w in model.get_weights()] == [w.shape for w in start]
    assert model.count_params() == by_hand.count_params()


def test_copies_and_files_keep_what_is_inside(tmp_path):
    x = images(2, 8, 8, 3)
    model = nested()
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "net.safetensors")
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)),
                 keras.models.load_model(tmp_path / "net.safetensors")):  # fmt: skip
        np.testing.assert_array_equal(twin.predict(x, verbose=0), expected)
    fresh = keras.models.clone_model(model)
    assert fresh.count_params() == model.count_params()


class Twice(layers.Layer):
    def call(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


def test_layers_of_ones_own_inside(tmp_path):
    x = images(2, 3)
    block = layers.Residual(Twice())
    assert_close(copy.deepcopy(block)(x), 3 * x, "elementwise")
    model = keras.Sequential([layers.Input((3,)), block, layers.Dense(1)])
    model.save(tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match="custom_objects={'Twice'"):
        keras.models.load_model(tmp_path / "net.safetensors")
    twin = keras.models.load_model(tmp_path / "net.safetensors", custom_objects={"Twice": Twice})
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))


def test_freezing_reaches_the_inside():
    model = nested()
    model.layers[0].trainable = False
    assert not model.layers[0].trainable_weights
    x, y = images(8, 8, 8, 3), np.arange(8) % 3
    before, other = model.layers[0].get_weights(), model.layers[1].get_weights()
    trained(model, x, y)
    for a, b in zip(before, model.layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(other, model.layers[1].get_weights(), strict=True))
    frozen = layers.Residual(layers.Dense(3), trainable=False)
    frozen(images(2, 3))
    assert not frozen.trainable_weights and len(frozen.weights) == 2


def test_inner_layers_by_path():
    model = nested()
    block = model.layers[1].name
    pool = model.get_layer(f"{block}/max_pooling2d")
    assert isinstance(pool, layers.MaxPooling2D)
    deep = model.get_layer(f"{block}/sequential").layers[0]
    assert model.get_layer(f"{block}/sequential/{deep.name}/{deep.layers[0].name}") is deep.layers[0]
    with pytest.raises(ValueError, match="has no layer 'nothing'"):
        model.get_layer(f"{block}/nothing")
    inner = f"{block}/sequential/{deep.name}/{deep.layers[0].name}"
    with pytest.raises(ValueError, match=f"no layer '{deep.layers[0].name}'; inside there is '{inner}'"):
        model.get_layer(deep.layers[0].name)


def test_a_shared_block_is_trained_once_and_checks_its_input():
    block, inputs = layers.Residual(layers.Dense(4, "tanh")), layers.Input((4,))
    model = keras.Model(inputs, block(block(inputs)))
    assert model.count_params() == 20
    with pytest.raises(ValueError, match="built for 4 channels"):
        block(layers.Input((5,)))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: layers.Residual(layers.Conv2D(8, 3, strides=2, padding="same")),
     r"shortcut=layers.Conv2D\(8, 1, strides=2\)"),
    (lambda: layers.Residual(layers.Conv2D(8, 3, strides=(2, 1), padding="same")),
     r"shortcut=layers.Conv2D\(8, 1, strides=\(2, 1\)\)"),
    (lambda: layers.Residual(layers.Conv2D(5, 1)), r"shortcut=layers.Conv2D\(5, 1\)"),
    (lambda: layers.Residual(layers.Conv2D(4, 3)), 'padding="same"'),
    (lambda: layers.Residual(layers.Flatten()), "keep the number of axes: it makes 2 of 4"),
    (lambda: layers.Residual(layers.Conv2D(8, 3), layers.Conv2D(8, 1)), "and the shortcut has shape"),
    (lambda: layers.Skip(layers.Conv2D(4, 3)), "crop=True"),
    (lambda: layers.Skip(layers.Flatten()), "agree in every other axis"),
])  # fmt: skip
def test_errors_say_what_would_fit(make, message):
    with pytest.raises(ValueError, match=message) as caught:
        make()(images(2, 6, 6, 4))
    assert 'layer "' in str(caught.value)


def test_dense_shortcut_is_suggested_for_vectors():
    with pytest.raises(ValueError, match=r"shortcut=layers.Dense\(3\)"):
        layers.Residual(layers.Dense(3))(images(2, 5))


@pytest.mark.parametrize("branch", [None, [], 3, [layers.Dense(2), "relu"]])
def test_what_is_no_way_is_refused(branch):
    with pytest.raises(TypeError, match="a layer, a list of layers or a Sequential"):
        layers.Residual(branch)


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(ValueError, match="'d' is there twice"):
        layers.Skip([layers.Dense(2, name="d"), layers.Dense(2, name="d")])


def test_pad_channels_takes_no_more_than_it_gives():
    with pytest.raises(ValueError, match="pads to 3 channels. Received: 4"):
        layers.PadChannels(3)(images(2, 4))


def test_adaptive_pooling_windows_by_hand():
    """7 positions in 3 windows: 0..2, 2..4, 4..6 (floor(i * 7 / 3) to ceil((i + 1) * 7 / 3))."""
    x = np.arange(7, dtype=np.float32).reshape(1, 7, 1) ** 2
    mean = layers.AdaptiveAveragePooling1D(3)(x)[0, :, 0]
    assert_close(mean, [(0 + 1 + 4) / 3, (4 + 9 + 16) / 3, (16 + 25 + 36) / 3], "sum", 3)
    np.testing.assert_array_equal(layers.AdaptiveMaxPooling1D(3)(x)[0, :, 0], [4, 16, 36])


def test_adaptive_pooling_takes_images_of_any_size():
    model = keras.Sequential([layers.AdaptiveMaxPooling2D(3), layers.Flatten()])
    model.build((None, None, None, 2))
    assert model.output_shape == (None, 18)
    for size in (3, 5, 8):
        assert model.predict(images(2, size, size + 1, 2), verbose=0).shape == (2, 18)
