"""Every layer through one harness: shape, dtype, gradients, configuration, backends, inference."""

import numpy as np
import pytest

import cyconv
from cyconv import activations, backends, layers
from cyconv.testing import assert_close, check_layer_gradients, tolerance


class Cube(layers.Layer):
    """A layer in NumPy, with a weight: y = w * x**3."""

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1],), "ones", "w")

    def call(self, x):
        self.x = x
        return self.w.numpy() * x**3

    def backward(self, dy):
        self.w.gradient += (dy * self.x**3).reshape(-1, dy.shape[-1]).sum(0)
        return 3 * self.w.numpy() * self.x**2 * dy


def of(arguments):
    """What a layer inside a composite shares with it: the dtype, not the name."""
    return {k: v for k, v in arguments.items() if k == "dtype"}


# (factory, input shapes, output shape): a new layer is one row.
TABLE = [
    (lambda **k: layers.Conv1D(4, 3, **k), [(2, 9, 3)], (2, 7, 4)),
    (lambda **k: layers.Conv1D(4, 3, padding="causal", dilation_rate=2, **k), [(2, 9, 3)], (2, 9, 4)),
    (lambda **k: layers.Conv2D(4, 3, activation="relu", **k), [(2, 6, 5, 3)], (2, 4, 3, 4)),
    (lambda **k: layers.Conv2D(4, (3, 2), strides=2, padding="same", activation="tanh", **k), [(2, 7, 6, 3)],
     (2, 4, 3, 4)),
    (lambda **k: layers.Conv2D(6, 3, groups=3, use_bias=False, activation="gelu", **k), [(2, 5, 5, 3)],
     (2, 3, 3, 6)),
    (lambda **k: layers.Conv2D(2, 2, padding=((1, 0), (0, 2)), activation="softmax", **k), [(1, 4, 4, 2)],
     (1, 4, 5, 2)),
    (lambda **k: layers.Conv3D(3, 2, strides=(1, 2, 1), **k), [(2, 3, 4, 3, 2)], (2, 2, 2, 2, 3)),
    (lambda **k: layers.Conv1DTranspose(4, 3, strides=2, activation="relu", **k), [(2, 5, 3)], (2, 11, 4)),
    (lambda **k: layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="tanh", **k),
     [(2, 4, 3, 2)], (2, 8, 6, 4)),
    (lambda **k: layers.Conv2DTranspose(2, 1, strides=(2, 3), use_bias=False, **k), [(2, 4, 3, 2)],
     (2, 8, 9, 2)),
    (lambda **k: layers.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1,
                                        activation="softmax", **k), [(1, 3, 4, 2)], (1, 6, 8, 2)),
    (lambda **k: layers.Conv3DTranspose(2, 2, strides=(1, 2, 1), dilation_rate=(1, 1, 2), **k),
     [(1, 2, 3, 2, 2)], (1, 3, 6, 4, 2)),
    (lambda **k: layers.DepthwiseConv1D(3, depth_multiplier=2, dilation_rate=2, **k), [(2, 9, 3)], (2, 5, 6)),
    (lambda **k: layers.DepthwiseConv2D((3, 2), 2, "same", activation="silu", **k), [(2, 5, 6, 3)],
     (2, 3, 3, 3)),
    (lambda **k: layers.SeparableConv1D(4, 3, activation="softmax", **k), [(2, 7, 3)], (2, 5, 4)),
    (lambda **k: layers.SeparableConv2D(4, 3, strides=2, padding="same", depth_multiplier=2,
                                        activation="relu", **k), [(2, 5, 6, 3)], (2, 3, 3, 4)),
    (lambda **k: layers.UpSampling1D(3, **k), [(2, 4, 3)], (2, 12, 3)),
    (lambda **k: layers.UpSampling2D((2, 3), **k), [(2, 3, 2, 3)], (2, 6, 6, 3)),
    (lambda **k: layers.UpSampling2D(2, interpolation="bilinear", **k), [(2, 3, 4, 2)], (2, 6, 8, 2)),
    (lambda **k: layers.UpSampling3D(**k), [(1, 2, 3, 2, 2)], (1, 4, 6, 4, 2)),
    (lambda **k: layers.ZeroPadding1D((1, 2), **k), [(2, 4, 3)], (2, 7, 3)),
    (lambda **k: layers.ZeroPadding2D(((1, 0), (2, 3)), **k), [(2, 4, 3, 3)], (2, 5, 8, 3)),
    (lambda **k: layers.ZeroPadding2D((1, 2), **k), [(2, 4, 3, 3)], (2, 6, 7, 3)),
    (lambda **k: layers.ZeroPadding3D(**k), [(1, 2, 3, 2, 2)], (1, 4, 5, 4, 2)),
    (lambda **k: layers.Cropping1D(**k), [(2, 4, 3)], (2, 2, 3)),
    (lambda **k: layers.Cropping2D(((1, 0), (2, 1)), **k), [(2, 4, 5, 3)], (2, 3, 2, 3)),
    (lambda **k: layers.Cropping3D((0, 1, 1), **k), [(1, 2, 3, 5, 2)], (1, 2, 1, 3, 2)),
    (lambda **k: layers.Dropout(0.4, noise_shape=(None, 1), seed=3, **k), [(9, 6)], (9, 6)),
    (lambda **k: layers.SpatialDropout1D(0.4, seed=3, **k), [(4, 3, 6)], (4, 3, 6)),
    (lambda **k: layers.SpatialDropout2D(0.4, seed=3, **k), [(4, 2, 3, 6)], (4, 2, 3, 6)),
    (lambda **k: layers.SpatialDropout3D(0.4, seed=3, **k), [(4, 2, 3, 2, 6)], (4, 2, 3, 2, 6)),
    (lambda **k: layers.Dense(4, activation="sigmoid", **k), [(3, 5)], (3, 4)),
    (lambda **k: layers.Dense(4, activation="softmax", **k), [(3, 2, 5)], (3, 2, 4)),
    (lambda **k: layers.Dense(4, activation="mish", use_bias=False, **k), [(3, 5)], (3, 4)),
    (lambda **k: layers.MaxPooling1D(2, **k), [(2, 7, 3)], (2, 3, 3)),
    (
        lambda **k: layers.MaxPooling2D((2, 3), strides=(1, 2), padding="same", **k),
        [(2, 5, 6, 3)],
        (2, 5, 3, 3),
    ),
    (lambda **k: layers.MaxPooling3D(2, **k), [(2, 4, 4, 5, 2)], (2, 2, 2, 2, 2)),
    (lambda **k: layers.AveragePooling1D(3, strides=2, padding="same", **k), [(2, 7, 3)], (2, 4, 3)),
    (lambda **k: layers.AveragePooling2D(2, **k), [(2, 4, 6, 3)], (2, 2, 3, 3)),
    (lambda **k: layers.AveragePooling3D((1, 2, 2), **k), [(2, 3, 4, 4, 2)], (2, 3, 2, 2, 2)),
    (lambda **k: layers.GlobalAveragePooling1D(**k), [(2, 5, 3)], (2, 3)),
    (lambda **k: layers.GlobalAveragePooling2D(keepdims=True, **k), [(2, 4, 3, 3)], (2, 1, 1, 3)),
    (lambda **k: layers.GlobalAveragePooling3D(**k), [(2, 2, 4, 3, 3)], (2, 3)),
    (lambda **k: layers.GlobalMaxPooling1D(**k), [(2, 5, 3)], (2, 3)),
    (lambda **k: layers.GlobalMaxPooling2D(**k), [(2, 4, 3, 3)], (2, 3)),
    (lambda **k: layers.GlobalMaxPooling3D(**k), [(2, 2, 4, 3, 3)], (2, 3)),
    (lambda **k: layers.AdaptiveAveragePooling1D(3, **k), [(2, 7, 3)], (2, 3, 3)),
    (lambda **k: layers.AdaptiveAveragePooling2D((2, 3), **k), [(2, 5, 2, 3)], (2, 2, 3, 3)),
    (lambda **k: layers.AdaptiveAveragePooling3D(2, **k), [(2, 3, 4, 5, 2)], (2, 2, 2, 2, 2)),
    (lambda **k: layers.AdaptiveAveragePooling2D(2, **k), [(2, 4, 6, 3)], (2, 2, 2, 3)),
    (lambda **k: layers.AdaptiveMaxPooling2D((2, 3), **k), [(2, 4, 3, 3)], (2, 2, 3, 3)),
    (lambda **k: layers.AdaptiveMaxPooling1D(4, **k), [(2, 9, 3)], (2, 4, 3)),
    (lambda **k: layers.AdaptiveMaxPooling2D((3, 2), **k), [(2, 5, 6, 3)], (2, 3, 2, 3)),
    (lambda **k: layers.AdaptiveMaxPooling3D(2, **k), [(2, 3, 2, 5, 2)], (2, 2, 2, 2, 2)),
    (lambda **k: layers.PadChannels(5, **k), [(2, 3, 4, 3)], (2, 3, 4, 5)),
    (lambda **k: layers.Residual(layers.Dense(4, "tanh", **of(k)), **k), [(3, 4)], (3, 4)),
    (lambda **k: layers.Residual([layers.Dense(3, "tanh", **of(k)), layers.Dense(5, **of(k))],
                                 layers.Dense(5, use_bias=False, **of(k)), **k), [(3, 4)], (3, 5)),
    (lambda **k: layers.Residual(layers.Residual(layers.Conv1D(2, 3, padding="same", **of(k)), **of(k)),
                                 **k), [(2, 5, 2)], (2, 5, 2)),
    (lambda **k: layers.Skip(layers.Conv2D(3, 3, padding="same", **of(k)), **k), [(2, 4, 4, 2)],
     (2, 4, 4, 5)),
    (lambda **k: layers.Skip(
        [layers.Conv2D(3, 2, **of(k)), layers.Skip(layers.Conv2D(1, 3, **of(k)), crop=True)],
        inner_first=True, crop=True, **k), [(2, 6, 5, 2)], (2, 3, 2, 6)),
    (lambda **k: layers.BatchNormalization(**k), [(4, 5, 3)], (4, 5, 3)),
    (lambda **k: layers.BatchNormalization(center=False, scale=False, **k), [(8, 3)], (8, 3)),
    (lambda **k: layers.Dropout(0.4, seed=3, **k), [(4, 6)], (4, 6)),
    (lambda **k: layers.Flatten(**k), [(2, 3, 4, 5)], (2, 60)),
    (lambda **k: layers.Reshape((-1, 6), **k), [(2, 3, 4)], (2, 2, 6)),
    (lambda **k: layers.Add(**k), [(2, 3, 4)] * 3, (2, 3, 4)),
    (lambda **k: layers.Subtract(**k), [(2, 3)] * 2, (2, 3)),
    (lambda **k: layers.Multiply(**k), [(2, 3)] * 3, (2, 3)),
    (lambda **k: layers.Concatenate(**k), [(2, 3, 4), (2, 3, 1), (2, 3, 2)], (2, 3, 7)),
    (lambda **k: layers.Concatenate(axis=1, **k), [(2, 3, 4), (2, 1, 4)], (2, 4, 4)),
    (lambda **k: layers.Add(**k), [(2, 3, 4), (2, 1, 4), (2, 4)], (2, 3, 4)),
    (lambda **k: layers.Subtract(**k), [(2, 1, 3), (2, 4, 1)], (2, 4, 3)),
    (lambda **k: layers.Multiply(**k), [(2, 3, 2, 4), (2, 1, 1, 4)], (2, 3, 2, 4)),
    (lambda **k: layers.Average(**k), [(2, 3, 4)] * 3, (2, 3, 4)),
    (lambda **k: layers.Maximum(**k), [(2, 3, 4), (2, 3, 1), (2, 3, 4)], (2, 3, 4)),
    (lambda **k: layers.Minimum(**k), [(2, 3)] * 3, (2, 3)),
    (lambda **k: layers.Dot(1, **k), [(3, 4), (3, 4)], (3, 1)),
    (lambda **k: layers.Dot((2, 1), **k), [(2, 3, 4), (2, 4, 5)], (2, 3, 5)),
    (lambda **k: layers.Dot(1, normalize=True, **k), [(2, 4, 3), (2, 4, 2, 2)], (2, 3, 2, 2)),
    (lambda **k: layers.Permute((2, 3, 1), **k), [(2, 3, 4, 5)], (2, 4, 5, 3)),
    (lambda **k: layers.RepeatVector(3, **k), [(2, 4)], (2, 3, 4)),
    (lambda **k: layers.Identity(**k), [(2, 4)], (2, 4)),
    (lambda **k: layers.GetItem((slice(None), slice(1, None, 2), 0, Ellipsis, slice(0, 2)), **k),
     [(2, 6, 3, 2, 4)], (2, 3, 2, 2)),
    (lambda **k: layers.BatchNormalization(axis=1, **k), [(4, 3, 5)], (4, 3, 5)),
    (lambda **k: layers.LayerNormalization(**k), [(2, 3, 5)], (2, 3, 5)),
    (lambda **k: layers.LayerNormalization(axis=[1, 2], center=False, **k), [(2, 3, 4, 2)], (2, 3, 4, 2)),
    (lambda **k: layers.GroupNormalization(2, **k), [(2, 3, 2, 4)], (2, 3, 2, 4)),
    (lambda **k: layers.GroupNormalization(-1, axis=1, scale=False, **k), [(2, 3, 5)], (2, 3, 5)),
    (lambda **k: layers.UnitNormalization(**k), [(2, 3, 4)], (2, 3, 4)),
    (lambda **k: layers.UnitNormalization(axis=(1, 2), **k), [(2, 3, 4)], (2, 3, 4)),
    (lambda **k: layers.GaussianNoise(0.4, seed=3, **k), [(4, 6)], (4, 6)),
    (lambda **k: layers.GaussianDropout(0.4, seed=3, **k), [(4, 6)], (4, 6)),
    (lambda **k: layers.AlphaDropout(0.4, seed=3, **k), [(4, 6)], (4, 6)),
    (lambda **k: layers.AlphaDropout(0.4, noise_shape=(None, 1), seed=3, **k), [(9, 6)], (9, 6)),
    (lambda **k: layers.Rescaling(0.5, 1, **k), [(2, 3)], (2, 3)),
    (lambda **k: layers.Rescaling([0.5, 2, 3], [1, 0, 1], **k), [(2, 4, 3)], (2, 4, 3)),
    (lambda **k: layers.Normalization(mean=[1, 2, 3], variance=[1, 2, 4], **k), [(2, 4, 3)], (2, 4, 3)),
    (lambda **k: layers.Normalization(axis=None, mean=1, variance=4, invert=True, **k), [(2, 3)], (2, 3)),
    (lambda **k: layers.Resizing(5, 3, **k), [(2, 3, 4, 2)], (2, 5, 3, 2)),
    (lambda **k: layers.Resizing(4, 4, "nearest", pad_to_aspect_ratio=True, **k), [(2, 3, 5, 2)],
     (2, 4, 4, 2)),
    (lambda **k: layers.CenterCrop(3, 2, **k), [(2, 4, 5, 2)], (2, 3, 2, 2)),
    (lambda **k: layers.CenterCrop(5, 2, **k), [(2, 4, 5, 2)], (2, 5, 2, 2)),
    (lambda **k: layers.PReLU(shared_axes=[1, 3], alpha_initializer="ones", **k), [(2, 3, 4, 2, 3)],
     (2, 3, 4, 2, 3)),
    (lambda **k: layers.PReLU(**k), [(3, 4)], (3, 4)),
    (lambda **k: layers.ReLU(2.0, 0.1, 0.5, **k), [(3, 7)], (3, 7)),
    (lambda **k: layers.Softmax(axis=1, **k), [(3, 7, 2)], (3, 7, 2)),
    (lambda **k: layers.Activation("log_softmax", **k), [(3, 7)], (3, 7)),
    (lambda **k: layers.Conv1D(4, 3, activation="celu", **k), [(2, 5, 3)], (2, 3, 4)),
    *[(lambda kind=kind, **k: layers.Dense(3, kind, **k), [(3, 7)], (3, 3))
      for kind in ("celu", "hard_shrink", "soft_shrink", "tanh_shrink", "squareplus", "sparse_plus",
                   "sparse_sigmoid")],
    (lambda **k: Cube(**k), [(3, 4)], (3, 4)),
    *[(lambda kind=kind, **k: layers.Activation(kind, **k), [(3, 7)], (3, 7))
      for kind in ("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "hard_sigmoid",
                   "hard_tanh", "exponential", "softplus", "softsign", "log_sigmoid", "silu", "gelu",
                   "gelu_tanh", "mish", "hard_silu", "softmax")],
    (lambda **k: layers.ReLU(negative_slope=0.1, **k), [(3, 7)], (3, 7)),
    (lambda **k: layers.ReLU(max_value=6.0, **k), [(3, 7)], (3, 7)),
    (lambda **k: layers.LeakyReLU(**k), [(3, 7)], (3, 7)),
    (lambda **k: layers.ELU(0.7, **k), [(3, 7)], (3, 7)),
    (lambda **k: layers.Softmax(**k), [(3, 7)], (3, 7)),
]  # fmt: skip
NAMES = [f"{i}-{type(row[0]()).__name__}" for i, row in enumerate(TABLE)]


def inputs_for(shapes, seed=0):
    """Normal inputs, pushed away from 0 where relu and its kin have a kink."""
    generator = np.random.default_rng(seed)
    arrays = [generator.standard_normal(s) for s in shapes]
    return [a + 0.05 * np.sign(a) for a in arrays]


def given(arrays):
    return arrays[0] if len(arrays) == 1 else arrays


@pytest.mark.parametrize(("factory", "shapes", "expected"), TABLE, ids=NAMES)
def test_shape_and_dtype(factory, shapes, expected):
    layer, arrays = factory(), inputs_for(shapes)
    assert layer.compute_output_shape(given(shapes)) == expected
    y = layer(given([a.astype(np.float32) for a in arrays]))
    assert y.shape == expected and y.dtype == np.float32


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("factory", "shapes", "expected"), TABLE, ids=NAMES)
def test_gradients_against_central_differences(factory, shapes, expected, training):
    check_layer_gradients(factory(dtype="float64"), *inputs_for(shapes), training=training)


@pytest.mark.parametrize(("factory", "shapes", "expected"), TABLE, ids=NAMES)
def test_configuration_round_trip(factory, shapes, expected):
    import json

    layer = factory(name="mine")
    config = json.loads(json.dumps(layer.get_config()))
    twin = type(layer).from_config(config)
    assert twin.name == "mine" and twin.get_config() == layer.get_config()
    arrays = given([a.astype(np.float32) for a in inputs_for(shapes)])
    layer(arrays), twin(arrays)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(arrays), layer(arrays))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("factory", "shapes", "expected"), TABLE, ids=NAMES)
def test_backends_agree(factory, shapes, expected, training):
    arrays = inputs_for(shapes)
    layer = factory()
    with backends.use("cpu"):
        layer(given(arrays))
        layer.set_weights([w + 0.1 for w in layer.get_weights()])
        start = layer.get_weights()
        fast = run_both_ways(layer, arrays, training)
    with backends.use("reference"):
        layer.set_weights(start)
        slow = run_both_ways(layer, arrays, training)
    for a, b in zip(fast, slow, strict=True):
        assert_close(a, b, "network", terms=64)


def run_both_ways(layer, arrays, training):
    """Output, input gradients and weight gradients, for dy = cos(0, 1, 2, ...)."""
    ops = backends.active()
    ops.random_state[...], ops.node = 1, 0
    x = given([ops.asarray(a, "float32") for a in arrays])
    y, saved = layer.forward(ops, x, training)
    y = np.array(y)
    for variable in layer.weights:
        variable.gradient = np.zeros(variable.shape, np.float32)
    dy = np.cos(np.arange(y.size, dtype=np.float32)).reshape(y.shape)
    dx = layer.backward(ops, dy, saved, True)
    dx = dx if isinstance(dx, list) else [dx]
    return [y, *map(np.array, dx), *[v.gradient for v in layer.weights], *layer.get_weights()]


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
