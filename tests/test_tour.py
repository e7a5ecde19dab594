"""A tour of the library in seconds, from one convolution to a trained, saved and loaded model (`make smoke`).

Read it from top to bottom: each stop uses what the ones before it showed.
"""

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers, ops

pytestmark = pytest.mark.smoke

X = np.array([1, 2, 3, 2, 5, 1], "float32").reshape(1, 6, 1)  # one signal of six values, one channel
F = np.array([1, 2], "float32").reshape(2, 1, 1)  # one filter of two taps


def test_1_a_convolution_slides_a_filter():
    assert ops.conv(X, F).ravel().tolist() == [5, 8, 7, 12, 7]
    assert ops.conv(X, F, strides=2).ravel().tolist() == [5, 7, 7]
    assert ops.conv(X, F, padding=1).ravel().tolist() == [2, 5, 8, 7, 12, 7, 1]


def test_2_every_backend_gives_the_same_answer():
    image = np.random.default_rng(0).normal(size=(2, 7, 6, 4)).astype("float32")
    kernel = np.random.default_rng(1).normal(size=(3, 3, 4, 5)).astype("float32")
    fast = ops.conv(image, kernel, padding="same")
    with keras.backends.use("reference"):
        plain = ops.conv(image, kernel, padding="same")
    keras.testing.assert_close(fast, plain, terms=3 * 3 * 4)


def test_3_a_layer_owns_weights():
    layer = layers.Conv2D(8, 3, activation="relu")
    y = layer(np.ones((1, 28, 28, 1), "float32"))
    assert y.shape == (1, 26, 26, 8)  # 28 - 3 + 1 = 26
    assert layer.count_params() == 3 * 3 * 1 * 8 + 8
    assert [w.shape for w in layer.get_weights()] == [(3, 3, 1, 8), (8,)]


def test_4_layers_make_a_model_in_a_row_or_in_branches():
    row = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)])
    assert row.output_shape == (None, 2) and row.count_params() == 40 + 36 * 4 * 2 + 2
    inputs = keras.Input((8, 8, 4))
    branch = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    sum_of_both = layers.Add()([inputs, branch])
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(sum_of_both))
    x = np.ones((3, 8, 8, 4), "float32")
    assert model.predict(x, verbose=0).shape == (3, 4)


def bars(n, seed):
    """n images 8x8 with one bright bar in noise: label 0 if it lies, 1 if it stands."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0, 0.3, (n, 8, 8, 1)).astype("float32"), rng.integers(0, 2, n)
    for image, stands, place in zip(x, y, rng.integers(0, 8, n)):
        image[(slice(None), place) if stands else place] += 1
    return x, y


def test_5_a_model_learns_is_saved_and_comes_back(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(*bars(512, seed=1), epochs=10, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0] / 2

    x, y = bars(256, seed=2)
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy > 0.95

    model.save(tmp_path / "bars.safetensors")
    again = keras.models.load_model(tmp_path / "bars.safetensors")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_6_nothing_is_hidden(capsys):
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.summary()
    model.plan(batch_size=4)
    shown = capsys.readouterr().out
    for word in ("Conv2D", "(None, 6, 6, 4)", "40", "convolution", "convolution_kernel_gradient", "sgd"):
        assert word in shown
