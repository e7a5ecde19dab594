"""One output worked out, the layer as a matrix, and what three forms of it cost: against the layer itself,
which computes by other code, and against numbers worked by hand."""

import itertools
import re
import sys

import numpy as np
import pytest

from cyconv import Input, Sequential, backends, layers
from cyconv.testing import assert_close


def silent(text):
    pass


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


LINEAR = {
    "conv1d": (lambda: layers.Conv1D(3, 2), (2, 6, 2)),
    "causal": (lambda: layers.Conv1D(2, 3, padding="causal", dilation_rate=2), (1, 7, 2)),
    "conv2d": (lambda: layers.Conv2D(3, 3), (2, 5, 6, 2)),
    "strides": (lambda: layers.Conv2D(2, (3, 2), strides=(2, 3), padding="same"), (1, 6, 7, 3)),
    "uneven": (lambda: layers.Conv2D(2, 3, padding=((1, 2), (0, 1)), dilation_rate=(1, 2)), (1, 5, 6, 1)),
    "groups": (lambda: layers.Conv2D(6, 2, groups=2, use_bias=False), (1, 4, 4, 4)),
    "conv3d": (lambda: layers.Conv3D(2, 2, strides=2, padding="same"), (1, 3, 5, 4, 2)),
    "depthwise": (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), (1, 4, 5, 3)),
    "separable": (lambda: layers.SeparableConv2D(3, 2, depth_multiplier=2), (1, 4, 5, 2)),
    "transposed": (lambda: layers.Conv2DTranspose(2, 3, 2, padding="same"), (1, 3, 4, 3)),
    "gaps": (lambda: layers.Conv1DTranspose(2, 2, 3), (1, 4, 2)),
    "transposed3d": (lambda: layers.Conv3DTranspose(1, 2, 2), (1, 2, 3, 2, 2)),
    "dense": (lambda: layers.Dense(3), (2, 4)),
    "dense rows": (lambda: layers.Dense(3), (2, 5, 4)),
    "average": (lambda: layers.AveragePooling2D(3, 2, padding="same"), (1, 6, 5, 2)),
    "average3d": (lambda: layers.AveragePooling3D(2), (1, 4, 5, 2, 2)),
    "global": (lambda: layers.GlobalAveragePooling2D(), (1, 3, 4, 2)),
    "global kept": (lambda: layers.GlobalAveragePooling1D(keepdims=True), (1, 3, 2)),
    "adaptive": (lambda: layers.AdaptiveAveragePooling2D((2, 3)), (1, 5, 7, 2)),
}  # fmt: skip
OTHERS = {
    "relu": (lambda: layers.Conv2D(2, 3, activation="relu"), (1, 5, 5, 2)),
    "softmax": (lambda: layers.Conv2D(4, 1, activation="softmax"), (1, 2, 3, 2)),
    "dense softmax": (lambda: layers.Dense(4, activation="softmax"), (2, 3)),
    "gelu": (lambda: layers.Conv1D(2, 2, activation="gelu"), (1, 4, 2)),
    "formula": (lambda: layers.Dense(2, activation=lambda z: z * z), (1, 3)),
    "leaky": (lambda: layers.Dense(2, activation=layers.LeakyReLU(0.1)), (1, 3)),
    "max": (lambda: layers.MaxPooling2D(3, 2, padding="same"), (2, 5, 6, 2)),
    "max1d": (lambda: layers.MaxPooling1D(2), (1, 5, 2)),
    "global max": (lambda: layers.GlobalMaxPooling3D(), (1, 2, 3, 2, 2)),
    "adaptive max": (lambda: layers.AdaptiveMaxPooling2D(2), (1, 5, 5, 1)),
    "batch norm": (lambda: layers.BatchNormalization(), (3, 2, 2, 2)),
    "batch norm of an axis": (lambda: layers.BatchNormalization(axis=1, scale=False), (3, 2, 4)),
    "batch norm of columns": (lambda: layers.BatchNormalization(center=False), (5, 3)),
}  # fmt: skip


def made(factory, shape):
    """(a layer with random weights, an input)."""
    layer = factory()
    layer.build((None, *shape[1:]))
    layer.set_weights([abs(random(w.shape, 1 + i)) if "variance" in v.name else random(w.shape, 1 + i)
                       for i, (v, w) in enumerate(zip(layer.weights, layer.get_weights()))])  # fmt: skip
    return layer, random(shape)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", [*LINEAR, *OTHERS])
def test_every_output_worked_out_is_what_the_layer_computes(name, training):
    layer, x = made(*{**LINEAR, **OTHERS}[name])
    if training and not isinstance(layer, layers.BatchNormalization):
        return
    before = layer.get_weights()
    worked = [layer.explain(x, position, training, silent) for position in itertools.product(
        *map(range, layer.output_shapes(x.shape)[0]))]  # fmt: skip
    for old, new in zip(before, layer.get_weights()):
        np.testing.assert_array_equal(old, new)  # the moving statistics stay
    y = layer(x, training=training).ravel()
    assert_close(np.float32([w.value for w in worked]), y, terms=x.size, what=name)
    assert_close(np.float32([w.computed for w in worked]), y, what=name)
    for w in worked:
        assert any(text.endswith(f"{w.value + 0.0:.7g}") for _, text in w.lines)
        assert f"the layer computed   {w.computed + 0.0:.7g}" in w


@pytest.mark.parametrize("name", LINEAR)
def test_the_matrix_gives_the_layers_output(name):
    sparse = pytest.importorskip("scipy.sparse")
    layer, x = made(*LINEAR[name])
    matrix = layer.as_matrix(x.shape)
    assert sparse.issparse(matrix)
    y = layer(x)
    biases = y[0].size if getattr(layer, "use_bias", False) else 0
    bias = np.resize(layer.bias.numpy(), biases) if biases else 0
    for image, expected in zip(x, y):
        assert_close((matrix @ image.ravel() + bias).astype("float32"), expected.ravel(), terms=image.size)
    cost = layer.cost(x.shape)
    assert cost.sparse.floats == matrix.nnz + biases
    assert cost.dense.floats == np.prod(matrix.shape) + biases
    assert cost.convolution.floats == sum(w.size for w in layer.get_weights())
    per_row = np.diff(matrix.indptr)
    assert cost.sparse.operations == np.maximum(2 * per_row - 1, 0).sum() + biases


def test_the_matrix_of_the_lectures_convolution_is_toeplitz():
    layer = layers.Conv1D(1, 2, use_bias=False)
    layer.build((None, 6, 1))
    layer.set_weights([np.float32([1, 2]).reshape(2, 1, 1)])
    rows = ["120000", "012000", "001200", "000120", "000012"]
    expected = [list(map(int, row)) for row in rows]
    assert layer.as_matrix().toarray().tolist() == expected
    assert (layer.as_matrix() @ [1, 2, 3, 2, 5, 1]).tolist() == [5, 8, 7, 12, 7]
    edges = layer.connections()
    assert edges.shape == (5, 6)
    assert list(zip(edges.outputs, edges.inputs, edges.weights))[:3] == [(0, 0, 0), (0, 1, 1), (1, 1, 0)]


def test_the_lectures_table_of_efficiency():
    """Goodfellow et al. 2016, section 9.2, and the slide "Efficiency of Convolution"."""
    layer = layers.Conv2D(1, (2, 1), use_bias=False)
    cost = layer.cost((None, 320, 280, 1))
    assert cost.convolution == (2, 267_960)
    assert cost.dense.floats == 8_003_072_000 and cost.dense.operations > 16e9
    assert cost.sparse == (178_640, 267_960)
    assert layer.as_matrix().nnz == 178_640
    assert re.search(r"dense +8,003,072,000 +16,006,054,680", str(cost))


def test_operations_by_hand():
    assert layers.Conv2D(2, 3, padding="same").cost((None, 4, 4, 5)).convolution == (92, 32 * 90)
    # Each of 2x2 positions: 3 channels sum 4 products; then 2 filters sum 3 of them and a bias.
    separable = layers.SeparableConv2D(2, 2).cost((None, 3, 3, 3)).convolution
    assert separable == (12 + 6 + 2, 4 * (3 * 7 + 2 * 6))
    assert layers.Conv1DTranspose(1, 2, 2).cost((None, 3, 1)).convolution == (3, 6 * 2)
    assert layers.AveragePooling1D(2).cost((None, 4, 3)).convolution == (0, 6 * 3)


def test_the_text_of_a_convolution_by_hand():
    layer = layers.Conv2D(1, 2, padding=((1, 0), (0, 0)), activation="relu", name="c")
    layer.build((None, 2, 3, 1))
    layer.set_weights([np.float32([[1, 2], [-0.5, 10]]).reshape(2, 2, 1, 1), np.float32([-3])])
    x = np.float32([[1, 2, 3], [4, 5, 6]])[None, :, :, None]
    assert layer.explain(x, position=(0, 1, 0), print_fn=silent) == """\
c (Conv2D): output (0, 0, 1, 0) of (1, 2, 2, 1)
  window               height ., 0; width 1, 2

  channel 0
    x        weights      products
    .  .      1     2      .   .
    2  3     -0.5  10     -1  30   sum 29
  a dot is padding

  sum of products      29
  bias                 29 - 3 = 26
  activation           relu(26) = 26
  the layer computed   26"""


def test_the_switch_of_max_pooling_is_where_the_gradient_goes():
    layer, x = layers.MaxPooling2D(2), random((2, 4, 4, 2))
    layer.build(x.shape)
    ops = backends.active()
    y, saved = layer.forward(ops, x, True)
    for position in itertools.product(*map(range, y.shape)):
        dy = np.zeros_like(y)
        dy[position] = 1
        dx = layer.backward(ops, dy, saved, True)
        worked = layer.explain(x, position, print_fn=silent)
        assert np.argwhere(dx).tolist() == [[position[0], *worked.switch]]
        assert f"it comes from input {worked.switch}" in worked


def test_batch_norm_by_hand():
    layer = layers.BatchNormalization(momentum=0.9, epsilon=1.0, beta_initializer="ones")
    x = np.float32([[1], [5], [3], [7]])
    text = layer.explain(x, position=(1, 0), training=True, print_fn=silent)
    assert "sum of channel 0 / m = 16 / 4 = 4" in text
    assert "sum of (x - mean)^2 / m = 20 / 4 = 5" in text
    assert "(5 - 4) / sqrt(5 + 1) = 0.4082483" in text
    assert "gamma * normalised + beta = 1 * 0.4082483 + 1 = 1.408248" in text
    assert "0.9 * 0 + 0.1 * 4 = 0.4" in text and "0.9 * 1 + 0.1 * 5 = 1.4" in text
    frozen = layers.BatchNormalization(trainable=False)
    assert "moving mean" in frozen.explain(np.ones((2, 1)), (0, 0), training=True, print_fn=silent)


def test_long_windows_are_cut_and_still_summed():
    layer, x = made(lambda: layers.Conv2D(1, 15), (1, 15, 15, 8))
    text = layer.explain(x, position=(0, 0, 0), print_fn=silent)
    assert "..." in text and "and 2 more tables" in text and len(text.splitlines()) < 280
    assert max(map(len, text.splitlines())) <= 110
    assert_close(np.float32(text.value), layer(x)[0, 0, 0, 0], terms=1800)


def test_positions_count_from_behind_and_the_first_image_is_meant():
    layer, x = made(lambda: layers.Conv1D(2, 2), (2, 4, 1))
    assert layer.explain(x, (-1, -1), print_fn=silent) == layer.explain(x, (0, 2, 1), print_fn=silent)
    assert layers.GlobalMaxPooling1D().explain(x, 0, print_fn=silent).value == x[0].max()


@pytest.mark.parametrize("position", [(0, 5, 0), (0, 0, 2), 1, (1,), (0, 0, 0, 0), (0.5, 0), "a", (2, 0, 0)])
def test_positions_outside_are_refused(position):
    layer, x = made(lambda: layers.Conv1D(2, 2), (2, 4, 1))
    with pytest.raises(ValueError, match=r'"conv1d\w*" .*2 whole numbers below \(3, 2\)'):
        layer.explain(x, position=position)


def test_what_has_no_window_and_no_matrix_says_so():
    with pytest.raises(TypeError, match="only convolutions, pooling and Dense"):
        layers.Dropout(0.5).explain(np.ones((1, 2)), position=(0, 0))
    with pytest.raises(TypeError, match="`x` is the layer's input, an array"):
        layers.Conv1D(1, 2).explain((None, 4, 1), position=(0, 0))
    model = Sequential([Input((4, 1)), layers.Conv1D(1, 2)])
    with pytest.raises(TypeError, match="worked out by one layer: get_layer"):
        model.explain(np.ones((1, 4, 1)), position=(0, 0))
    with pytest.raises(TypeError, match="get_layer.name. gives one"):
        model.as_matrix()
    for method in ("as_matrix", "cost", "connections"):
        with pytest.raises(TypeError, match="so no matrix"):
            getattr(layers.MaxPooling1D(2), method)((None, 4, 1))
        with pytest.raises(ValueError, match=rf"give {method}\(input_shape\)"):
            getattr(layers.Conv1D(1, 2), method)()
        with pytest.raises(ValueError, match="every size must be known"):
            getattr(layers.Conv1D(1, 2), method)((None, None, 1))


def test_a_matrix_that_no_memory_holds_is_refused_and_still_costed():
    layer = layers.Conv2D(64, 3, padding="same")
    with pytest.raises(ValueError, match="would have 1,8.*; take a smaller input_shape"):
        layer.as_matrix((None, 224, 224, 64))
    assert layer.cost().convolution.floats == 3 * 3 * 64 * 64 + 64


def test_the_largest_of_nothing_finite_is_no_padding():
    worked = layers.MaxPooling1D(3, 1, "same").explain(np.full((1, 2, 1), -np.inf), (0, 0), print_fn=silent)
    assert worked.switch == (0, 0) and worked.value == worked.computed == -np.inf


def test_layers_inside_models_of_float64_and_on_the_reference():
    model = Sequential([Input((4, 4, 1)), Sequential([layers.Conv2D(2, 3, name="c")], name="inner")])
    x = random((2, 4, 4, 1))
    worked = model.get_layer("inner/c").explain(x, (1, 0, 1, 1), print_fn=silent)
    assert_close(np.float32(worked.value), model.predict(x, verbose=0)[1, 0, 1, 1], terms=9)
    with backends.use("reference"):
        layer = layers.Conv1D(1, 2, dtype="float64", activation="softplus")
        worked = layer.explain(np.array([[1.0, 2, 3]])[..., None], (1, 0), print_fn=silent)
        assert_close(np.float64(worked.computed), np.float64(worked.value))


def test_without_scipy_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "cyconv\[demos\]"'):
        layers.Conv1D(1, 2).as_matrix((None, 4, 1))
