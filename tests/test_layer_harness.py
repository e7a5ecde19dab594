"""Every layer through one harness: shape, dtype, gradients, configuration, backends, inference."""

import numpy as np
import pytest

import cyconv
from cyconv import backends, layers
from cyconv.testing import assert_close, check_layer_gradients


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
    (lambda **k: layers.ActivityRegularization(0.1, 0.2, **k), [(2, 3)], (2, 3)),
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
every_layer = pytest.mark.parametrize(
    ("factory", "shapes", "expected"), TABLE,
    ids=[f"{i}-{type(row[0]()).__name__}" for i, row in enumerate(TABLE)])  # fmt: skip


def inputs_for(shapes, seed=0):
    """Normal inputs, pushed away from 0 where relu and its kin have a kink."""
    generator = np.random.default_rng(seed)
    arrays = [generator.standard_normal(s) for s in shapes]
    return [a + 0.05 * np.sign(a) for a in arrays]


def given(arrays):
    return arrays[0] if len(arrays) == 1 else arrays


@every_layer
def test_shape_and_dtype(factory, shapes, expected):
    layer, arrays = factory(), inputs_for(shapes)
    assert layer.compute_output_shape(given(shapes)) == expected
    y = layer(given([a.astype(np.float32) for a in arrays]))
    assert y.shape == expected and y.dtype == np.float32


@every_layer
def test_a_model_of_it_gives_the_same_for_any_batch_size(factory, shapes, expected):
    layer = factory()
    inputs = [cyconv.Input(s[1:]) for s in shapes]
    y = layer(given(inputs))
    assert y.shape == (None, *expected[1:]) == layer.output_shape
    arrays = given([np.concatenate([a, a, a]).astype("float32") for a in inputs_for(shapes)])
    # Threads and places in memory differ, sums do not.
    np.testing.assert_array_equal(cyconv.Model(inputs, y).predict(arrays, verbose=0), layer(arrays))


@pytest.mark.parametrize("training", [True, False])
@every_layer
def test_gradients_against_central_differences(factory, shapes, expected, training):
    check_layer_gradients(factory(dtype="float64"), *inputs_for(shapes), training=training)


@every_layer
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("training", [True, False])
@every_layer
def test_backends_agree(factory, shapes, expected, training, dtype):
    arrays = inputs_for(shapes)
    layer = factory(dtype=dtype)
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
    x = given([ops.asarray(a, layer.dtype) for a in arrays])
    y, saved = layer.forward(ops, x, training)
    y = np.array(y)
    for variable in layer.weights:
        variable.gradient = np.zeros(variable.shape, variable.dtype)
    dy = np.cos(np.arange(y.size, dtype=layer.dtype)).reshape(y.shape)
    dx = layer.backward(ops, dy, saved, True)
    dx = dx if isinstance(dx, list) else [dx]
    return [y, *map(np.array, dx), *[v.gradient for v in layer.weights], *layer.get_weights()]


@every_layer
def test_a_frozen_layer_passes_the_gradient_on_and_learns_nothing(factory, shapes, expected):
    layer, arrays = factory(trainable=False), inputs_for(shapes)
    layer.ensure_built(given(shapes))
    for variable in layer.weights:
        variable.on(backends.active())
    start, count = layer.get_weights(), len(shapes)
    results = run_both_ways(layer, arrays, training=True)
    assert not layer.trainable_weights
    assert all(not g.any() for g in results[1 + count : 1 + count + len(start)])
    for before, after in zip(start, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
