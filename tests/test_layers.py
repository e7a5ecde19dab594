"""What single layers do, beyond what `test_layer_harness.py` asks of all of them."""

import numpy as np
import pytest

import cyconv
from cyconv import activations, layers
from cyconv.testing import assert_close, check_layer_gradients, tolerance


def test_dropout_drops_its_share_and_keeps_the_mean():
    x = np.ones((200, 200), np.float32)
    y = layers.Dropout(0.3, seed=1)(x, training=True)
    dropped = (y == 0).mean()
    assert abs(dropped - 0.3) < 0.01  # 40,000 draws: standard deviation 0.0023
    np.testing.assert_array_equal(np.unique(y), np.float32([0, 1 / 0.7]))
    np.testing.assert_array_equal(layers.Dropout(0.3)(x), x)
    np.testing.assert_array_equal(layers.Dropout(0.0)(x, training=True), x)
    assert (layers.Dropout(1.0)(x, training=True) == 0).all()


def test_dropout_masks_change_from_call_to_call():
    layer, x = layers.Dropout(0.5, seed=1), np.ones((4, 100), np.float32)
    assert (layer(x, training=True) != layer(x, training=True)).any()


def test_weights_have_kerass_shapes_and_order():
    conv = layers.Conv2D(8, (3, 5), groups=2)
    conv.build((None, 9, 9, 4))
    assert [w.shape for w in conv.get_weights()] == [(3, 5, 2, 8), (8,)]
    norm = layers.BatchNormalization()
    norm.build((None, 3))
    assert [v.name for v in norm.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [v.name for v in norm.trainable_weights] == ["gamma", "beta"]
    assert conv.count_params() == 3 * 5 * 2 * 8 + 8


def test_unbuilt_layers_say_so():
    with pytest.raises(ValueError, match="not built yet"):
        layers.Dense(3).count_params()
    layer = layers.Dense(3)
    layer(np.ones((1, 2)))
    with pytest.raises(ValueError, match="has 2 weights. Received: 1"):
        layer.set_weights([np.zeros((2, 3))])
    with pytest.raises(ValueError, match="has shape"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(3)])


def test_transposed_convolution_of_ones():
    """The values that Keras gives, worked by hand: each input adds a 3x3 block of ones."""
    x = np.ones((1, 2, 2, 1))
    for padding, expected in {
        "same": [[1, 1, 2, 1], [1, 1, 2, 1], [2, 2, 4, 2], [1, 1, 2, 1]],
        "valid": np.outer([1, 1, 2, 1, 1], [1, 1, 2, 1, 1]),
    }.items():
        layer = layers.Conv2DTranspose(1, 3, strides=2, padding=padding, kernel_initializer="ones")
        np.testing.assert_array_equal(layer(x)[0, ..., 0], expected)
    with pytest.raises(ValueError, match="smaller than `strides`"):
        layers.Conv2DTranspose(1, 3, strides=2, output_padding=2)


def test_bilinear_enlargement_has_half_pixel_centres():
    y = layers.UpSampling2D(2, interpolation="bilinear")(np.float32([[0, 1], [2, 3]])[None, ..., None])
    expected = [[0, 0.25, 0.75, 1], [0.5, 0.75, 1.25, 1.5], [1.5, 1.75, 2.25, 2.5], [2, 2.25, 2.75, 3]]
    np.testing.assert_array_equal(y[0, ..., 0], expected)
    with pytest.raises(ValueError, match="nearest.*bilinear"):
        layers.UpSampling2D(2, interpolation="bicubic")


def test_padding_and_cropping_are_slices():
    x = np.arange(24, dtype=np.float32).reshape(1, 4, 3, 2)
    y = layers.ZeroPadding2D(((1, 0), (0, 2)))(x)
    np.testing.assert_array_equal(y, np.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0))))
    np.testing.assert_array_equal(layers.Cropping2D(((1, 2), (0, 1)))(x), x[:, 1:-2, :-1])
    with pytest.raises(ValueError, match="at most 3 may go"):
        layers.Cropping2D(2)(x)
    with pytest.raises(ValueError, match="2 integers or 2"):
        layers.ZeroPadding2D((1, 2, 3))


def test_dropout_of_whole_maps():
    x = np.ones((50, 3, 4, 40), np.float32)
    y = layers.SpatialDropout2D(0.3, seed=1)(x, training=True)
    assert (y == y[:, :1, :1]).all()
    np.testing.assert_array_equal(np.unique(y), np.float32([0, 1 / 0.7]))
    assert abs((y[:, 0, 0] == 0).mean() - 0.3) < 0.04  # 2,000 draws: standard deviation 0.01
    rows = layers.Dropout(0.5, noise_shape=(None, 1, 1, 1), seed=2)(x, training=True)
    assert set(np.unique(rows)) == {0, 2} and (rows == rows[:, :1, :1, :1]).all()
    with pytest.raises(ValueError, match="noise_shape"):
        layers.Dropout(0.5, noise_shape=(None, 2, 1, 1))(x)


class Mean(layers.Layer):
    """Two inputs to one number for each image, in NumPy; the output's shape is found by a call on zeros."""

    def call(self, inputs, training=False):
        self.shapes = [a.shape for a in inputs]
        return sum(a.reshape(len(a), -1).mean(1, keepdims=True) for a in inputs) * (2 if training else 1)

    def backward(self, dy):
        return [2 * np.broadcast_to(dy, (s[0], s[1])) / s[1] for s in self.shapes]


class TwiceMean(Mean):
    """Inherits `backward`."""

    def call(self, inputs, training=False):
        return super().call(inputs, training)


@pytest.mark.parametrize("kind", [Mean, TwiceMean])
def test_layer_of_ones_own_with_two_inputs(kind):
    arrays = [np.ones((3, 4)), np.full((3, 2), 2.0)]
    layer = kind(dtype="float64")
    assert layer.compute_output_shape([(None, 4), (None, 2)]) == (None, 1)
    np.testing.assert_array_equal(layer(arrays), np.full((3, 1), 3.0))
    check_layer_gradients(layer, *arrays, training=True)


def test_lambda_is_trained_through_where_it_is_element_by_element():
    layer = layers.Lambda(lambda x, power: np.tanh(x) ** power / 2, arguments={"power": 2}, dtype="float64")
    check_layer_gradients(layer, np.linspace(-1, 1, 12).reshape(3, 4))
    means = layers.Lambda(lambda x: x.mean(1))
    assert means.compute_output_shape((None, 4, 5)) == (None, 5)
    np.testing.assert_array_equal(means(np.ones((2, 4, 5))), np.ones((2, 5)))
    with pytest.raises(NotImplementedError, match="write a Layer"):
        means.backward(None, None, None, True)
    with pytest.raises(ValueError, match="files hold no code"):
        layer.get_config()


def test_arithmetic_on_symbolic_tensors():
    x = cyconv.Input((3, 4))
    y = (2 * x - 1) / 4 + x**2 - (-x[..., 1:3] + 0.5)[..., :1] + (1 - x)
    a = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    expected = (2 * a - 1) / 4 + a**2 - (-a[..., 1:3] + 0.5)[..., :1] + (1 - a)
    assert_close(cyconv.Model(x, y).predict(a, verbose=0), expected, "elementwise", terms=4)
    with pytest.raises(ValueError, match="batch axis"):
        x[0]
    with pytest.raises(TypeError):
        list(x)


def test_activations_of_symbolic_tensors():
    x = cyconv.Input((5,))
    a = np.linspace(-3, 3, 10).reshape(2, 5).astype("float32")
    for f in (activations.relu, activations.celu, lambda t: activations.relu(t, 0.1, 1.0, 0.5),
              lambda t: activations.softmax(t, axis=1), activations.log_softmax):  # fmt: skip
        assert_close(cyconv.Model(x, f(x)).predict(a, verbose=0), f(a), "elementwise", terms=5)


def test_a_layer_knows_its_place():
    inputs = cyconv.Input((4,))
    dense = layers.Dense(3, "relu")
    with pytest.raises(AttributeError, match="was not called"):
        dense.output  # noqa: B018
    y = dense(inputs)
    model = cyconv.Model(inputs, layers.Dense(2)(y))
    assert dense.input is inputs and dense.output is y is not model.output
    assert dense.input_shape == (None, 4) and dense.output_shape == (None, 3)
    inside = cyconv.Model(model.inputs, model.layers[1].output)
    a = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(inside.predict(a, verbose=0), dense(a))
    dense.activation = None  # as a Grad-CAM script does
    assert (inside.predict(a, verbose=0) == a @ dense.kernel.numpy()).all()


@pytest.mark.parametrize("old", [{"input_shape": (4,)}, {"input_dim": 4}, {"batch_input_shape": (None, 4)},
                                 {"batch_shape": (None, 4)}])  # fmt: skip
def test_old_ways_to_say_the_first_shape(old):
    model = cyconv.Sequential([layers.Dense(3, **old)])
    assert model.built and model.input_shape == (None, 4)
    assert not set(old) & set(model.layers[0].get_config())


def test_activity_regularization_is_part_of_the_loss():
    model = cyconv.Sequential([cyconv.Input((3,)), layers.ActivityRegularization(l1=0.5, l2=0.25),
                               layers.Dense(1, kernel_initializer="zeros")])  # fmt: skip
    model.compile(loss="mse")
    x = np.float32([[1, -2, 0], [0, 1, 1]])
    expected = (0.5 * np.abs(x).sum() + 0.25 * (x**2).sum()) / 2
    assert_close(model.evaluate(x, np.zeros((2, 1)), verbose=0), expected, "sum", terms=6)


def test_normalization_learns_its_statistics():
    data = np.random.default_rng(0).normal(3, 2, size=(50, 4, 2)).astype("float32")
    layer = layers.Normalization()
    layer.adapt(data)
    y = layer(data)
    np.testing.assert_allclose(y.mean((0, 1)), 0, atol=tolerance("sum", terms=200))
    np.testing.assert_allclose(y.var((0, 1)), 1, atol=tolerance("sum", terms=200))


@pytest.mark.parametrize(("name", "x", "y"), [
    ("relu6", [-1, 3, 7], [0, 3, 6]), ("celu", [-1, 0, 2], [np.expm1(-1), 0, 2]),
    ("hard_shrink", [-1, 0.4, 2], [-1, 0, 2]), ("soft_shrink", [-1, 0.4, 2], [-0.5, 0, 1.5]),
    ("tanh_shrink", [0, 1], [0, 1 - np.tanh(1)]), ("squareplus", [0, 3], [1, (3 + 13**0.5) / 2]),
    ("sparse_plus", [-2, 0, 1, 3], [0, 0.25, 1, 3]), ("sparse_sigmoid", [-2, 0, 2], [0, 0.5, 1]),
    ("log_softmax", [0, np.log(3)], [np.log(0.25), np.log(0.75)]), ("softmax", [0, np.log(3)], [0.25, 0.75]),
    ("sparsemax", [1, 0.5, -2], [0.75, 0.25, 0]), ("glu", [4, 2, 0, 0], [2, 1]),
])  # fmt: skip
def test_activations_worked_by_hand(name, x, y):
    function = getattr(activations, name)
    assert function is getattr(cyconv.ops, name)
    assert_close(function(x), np.asarray(y, float), "elementwise", what=name)
    if name not in ("glu", "sparsemax"):
        assert activations.get(name) is function and activations.get(function) is function
        assert_close(layers.Activation(function)(np.float32([x])), np.float32([y]), "elementwise", what=name)


def test_activations_with_arguments():
    x = np.float32([-2, -0.5, 0.5, 2])
    assert_close(activations.relu(x, 0.1, 1.5, 1.0), np.float32([-0.3, -0.15, -0.05, 1.5]), "elementwise")
    assert_close(activations.leaky_relu(x), np.float32([-0.4, -0.1, 0.5, 2]), "elementwise")
    assert_close(activations.elu(x, 2.0), np.where(x > 0, x, 2 * np.expm1(x)), "elementwise")
    assert_close(activations.threshold(x, 0.0, 9.0), np.float32([9, 9, 0.5, 2]), "elementwise")
    assert_close(activations.softmax([[0.0], [0.0]], axis=0), np.full((2, 1), 0.5), "elementwise")
    dense = layers.Dense(2, activation=lambda t: activations.celu(t, alpha=0.5) ** 2, dtype="float64")
    check_layer_gradients(dense, np.linspace(-1, 1, 6).reshape(2, 3))
    for wrong in ("rleu", "glu", np.sort):
        with pytest.raises((ValueError, TypeError)):
            layers.Dense(2, activation=wrong)
    with pytest.raises(ValueError, match="did you mean 'relu'"):
        layers.Dense(2, activation="rleu")


@pytest.mark.parametrize(("make", "shape", "message"), [
    (lambda: layers.LayerNormalization(axis=1.5), (2, 3), "`axis` is the number of an axis"),
    (lambda: layers.LayerNormalization(axis=0), (2, 3), "1..1"),
    (lambda: layers.UnitNormalization(axis=(1, -1)), (2, 3), "axes must lie"),
    (lambda: layers.GroupNormalization(4), (2, 6), r"use one of \[1, 2, 3, 6\]"),
    (lambda: layers.Normalization(axis="x"), (2, 3), "`axis` is the number of an axis"),
    (lambda: layers.Normalization(mean=1.0), (2, 3), "both `mean` and `variance`"),
    (lambda: layers.Rescaling([1.0, 2.0]), (2, 3), "do not fit"),
    (lambda: layers.Rescaling("x"), (2, 3), "expected numbers"),
    (lambda: layers.Resizing(2, 2), (2, 4, 0, 2), "no pixel"),
    (lambda: layers.Dropout(0.5, noise_shape=3), (2, 3), "noise_shape"),
    (lambda: layers.ReLU(max_value=-1), (2, 3), "must not be negative"),
    (lambda: layers.Permute((1, 3)), (2, 3, 4), "each of 1..2 once"),
    (lambda: layers.RepeatVector(2), (2, 3, 4), "batch, channels"),
    (lambda: layers.Conv1DTranspose(2, 2, padding="causal"), (2, 3, 4), '"valid" or "same"'),
    (lambda: layers.Dot(0), (2, 3), "not 0"),
    (lambda: layers.Lambda(3), (2, 3), "must be a function"),
    (lambda: layers.Dense(2, dtype="mixed_float16"), (2, 3), '"float32" or "float64"'),
])  # fmt: skip
def test_wrong_arguments_and_inputs(make, shape, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()(np.zeros(shape))


@pytest.mark.parametrize("make", [layers.Add, layers.Multiply, layers.Maximum, lambda: layers.Dot(1)])
def test_merging_says_what_does_not_fit(make):
    with pytest.raises(ValueError, match="list of"):
        make()(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="differ|one size"):
        make()([np.zeros((2, 3)), np.zeros((2, 4))])


@pytest.mark.parametrize("make", [
    lambda: layers.Dropout(0.5),
    lambda: cyconv.Sequential([cyconv.Input((3,)), layers.Dropout(0.5)]),
])  # fmt: skip
def test_training_belongs_to_the_call_of_the_whole_model(make):
    with pytest.raises(ValueError, match=r"model\(x, training=True\)"):
        make()(cyconv.Input((3,)), training=True)
    with pytest.warns(UserWarning, match="layer.trainable = False"):
        make()(cyconv.Input((3,)), training=False)
    x = np.ones((50, 3))
    np.testing.assert_array_equal(make()(x, training=False), x)
    assert (make()(x, training=True) == 0).any()
