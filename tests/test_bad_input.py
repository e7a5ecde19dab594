"""Wrong input: it works exactly as its contiguous float32 copy would, or one clear error names the place."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers, ops


@pytest.fixture
def model():
    net = keras.Sequential(
        [
            layers.Input((6, 6, 2), name="image"),
            layers.Conv2D(3, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net


X = np.random.default_rng(0).integers(0, 9, (10, 6, 6, 2)).astype(np.float32)
Y = np.arange(10) % 4


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def unaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


SAME = {
    "float64": lambda a: a.astype(np.float64),
    "float16": lambda a: a.astype(np.float16),
    "int": lambda a: a.astype(np.int64),
    "uint8": lambda a: a.astype(np.uint8),
    "big-endian": lambda a: a.astype(">f4"),
    "Fortran order": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=0)[::2],
    "reversed twice": lambda a: a[:, ::-1].copy()[:, ::-1],
    "read-only": read_only,
    "unaligned": unaligned,
    "list": lambda a: a.tolist(),
}


@pytest.mark.parametrize("kind", SAME)
def test_every_kind_of_array_gives_the_same_bytes(model, kind):
    other = SAME[kind](X)
    np.testing.assert_array_equal(model.predict(other, verbose=0), model.predict(X, verbose=0))
    start = model.get_weights()
    model.fit(X, Y, shuffle=False, verbose=0)
    expected = model.get_weights()
    fresh = keras.models.clone_model(model)
    fresh.set_weights(start)
    fresh.compile("adam", "sparse_categorical_crossentropy")
    fresh.fit(other, Y.astype(np.float64), shuffle=False, verbose=0)
    for a, b in zip(fresh.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    kernel = np.ones((3, 3, 2, 1), np.float32)
    np.testing.assert_array_equal(ops.conv(other, SAME[kind](kernel)), ops.conv(X, kernel))
    np.testing.assert_array_equal(ops.max_pool(other, 2), ops.max_pool(X, 2))
    if kind != "list":  # a layer takes a list as several inputs, as in Keras
        np.testing.assert_array_equal(layers.ReLU()(other), layers.ReLU()(X))


def test_the_users_arrays_are_never_written(model):
    x, y = X.copy(), Y.copy()
    model.fit(x, y, verbose=0)
    model.predict(x, verbose=0)
    layers.Dropout(0.5)(x, training=True)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X[..., 0], r"input 'image' takes arrays of shape \(None, 6, 6, 2\).*Received: \(10, 6, 6\)"),
        (X[0], r"needs a batch axis: x\[None\]"),
        (X[..., :1], r"Received: \(10, 6, 6, 1\)"),
        (X.transpose(0, 3, 1, 2), r"channels first: x.transpose\(0, 2, 3, 1\)"),
        (np.zeros((10, 5, 6, 2)), r"Received: \(10, 5, 6, 2\)"),
        (X[:0], "empty: it has 0 samples"),
        (np.array(["a"] * 10), "expected numbers"),
        (X.astype(complex), "expected numbers"),
        (None, "`x` is missing"),
        (3.0, "batch axis"),
        ([X, X], "Received: 2"),
        ([[1, 2], [3]], "not an array of numbers"),
    ],
)
def test_wrong_inputs(model, x, message):
    with pytest.raises((ValueError, TypeError), match=message):
        model.predict(x, verbose=0)
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(x, Y, verbose=0)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y + 1, r"labels must lie in 0..3.*Received: 1..4"),
        (Y - 1, r"Received: -1..2"),
        (Y + 0.5, "must be whole"),
        (Y * np.nan, "must be whole"),
        (Y[:9], "`x` has 10 samples, `y` for output 'dense' has 9"),
        (np.eye(4)[Y], "categorical_crossentropy"),
        (None, "`y` is missing"),
        (["a"] * 10, "expected numbers"),
        (7, "has none"),
    ],
)
def test_wrong_labels(model, y, message):
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(X, y, verbose=0)
    with pytest.raises((ValueError, TypeError), match=message):
        model.evaluate(X, y, verbose=0)


def test_class_numbers_for_a_categorical_loss(model):
    model.compile("adam", "categorical_crossentropy")
    with pytest.raises(ValueError, match="sparse_categorical_crossentropy.*to_categorical"):
        model.fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="labels must lie in 0..2"):
        keras.utils.to_categorical(Y, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Conv2D(4, 7)(keras.Input((6, 6, 2))), r'layer "conv2d".*floor\(\(6 \+ 0 \+ 0 - 7\)'),
        (lambda: layers.Conv2D(4, 3, dilation_rate=3)(keras.Input((6, 6, 2))), "spans 7"),
        (lambda: layers.MaxPooling2D(7)(keras.Input((6, 6, 2))), "smallest input that fits is 7"),
        (lambda: layers.Conv2D(4, 3, strides=0), "`strides` must be at least 1"),
        (lambda: layers.Conv2D(0, 3), "`filters` must be at least 1"),
        (lambda: layers.Conv2D(4, 3.5), "made of integers"),
        (lambda: layers.Conv2D(4, (3, 3, 3)), "one per spatial axis"),
        (lambda: layers.Conv2D(4, 3, padding="full"), '"valid", "same"'),
        (lambda: layers.Conv2D(4, 3, padding="causal"), '"valid", "same"'),
        (lambda: layers.Conv2D(4, 3, groups=3), "multiple of `groups`"),
        (lambda: layers.Conv2D(6, 3, groups=3)(keras.Input((6, 6, 2))), "do not divide into 3 groups"),
        (lambda: layers.Conv2D(4, 3, activation="rleu"), "did you mean 'relu'"),
        (lambda: layers.Conv2D(4, 3, kernel_initializer="glorot"), "unknown initializer"),
        (lambda: layers.Conv2D(4, 3, data_format="channels_first"), r"x.transpose\(0, 2, 3, 1\)"),
        (lambda: layers.Conv2D(4, 3)(keras.Input((6, 6))), "channel axis"),
        (lambda: layers.Conv2D(4, 3)(keras.Input((6, 6, None))), "must be known"),
        (lambda: layers.Dense(4)(keras.Input(())), "batch axis and channels"),
        (lambda: layers.Dropout(1.5), "between 0 and 1"),
        (lambda: layers.Reshape((5,))(keras.Input((6,))), "6 elements"),
        (lambda: layers.Add()([keras.Input((6,)), keras.Input((5,))]), "must have one shape"),
        (
            lambda: layers.Concatenate()([keras.Input((6, 6, 1)), keras.Input((5, 6, 1))]),
            "agree in every axis",
        ),
        (lambda: layers.BatchNormalization(axis=0)(keras.Input((6, 6, 2))), "behind the batch"),
        (lambda: keras.Input((0, 3)), "positive integers"),
        (lambda: keras.optimizers.SGD(-1.0), "must not be negative"),
        (lambda: layers.Dense(3)([keras.Input((3,)), keras.Input((3,))]), 'layer "dense.*takes one input'),
        (lambda: layers.Conv2D(3, 2)(np.ones((1, 4, 4, 1)).tolist()), r"one input.*np.array"),
        (lambda: layers.Flatten()(3.0), "batch axis"),
        (lambda: layers.Conv2D(4, 3, padding=None), "made of integers"),
        (lambda: layers.Dropout("half"), "between 0 and 1"),
        (lambda: layers.BatchNormalization(epsilon=None), "`epsilon` above 0"),
        (lambda: layers.Concatenate(axis=1.5), "`axis` must be an integer"),
        (lambda: layers.Reshape((2, None)), "tuple of integers"),
        (lambda: layers.Dense(3, dtype="int8"), '"float32" or "float64"'),
    ],
)
def test_wrong_layers(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_layer_refuses_other_channels_than_it_was_built_for():
    layer = layers.Conv2D(4, 3, name="edges")
    layer(np.ones((1, 5, 5, 2)))
    with pytest.raises(ValueError, match='layer "edges".*built for 2 channels'):
        layer(np.ones((1, 5, 5, 3)))


@pytest.mark.parametrize("backend", backends.NAMES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_in_the_data_shows_in_the_result(backend, value):
    """Never silently dropped: relu, max pooling and convolution pass it on."""
    x = np.ones((1, 6, 6, 2), np.float32)
    x[0, 3, 3, 1] = value
    with backends.use(backend):
        for name in ("relu", "relu6", "leaky_relu", "tanh", "sigmoid", "elu", "softplus", "silu"):
            y = getattr(ops, name)(x)
            assert np.isnan(y).any() == np.isnan(value), name
        assert not np.isfinite(ops.max_pool(x, 2)).all()
        assert not np.isfinite(ops.average_pool(x, 2)).all()
        assert not np.isfinite(ops.conv(x, np.ones((3, 3, 2, 4)))).all()
        assert not np.isfinite(ops.matmul(x[0, 3], np.ones((2, 3)))).all()
        assert np.isnan(ops.softmax(x)[0, 3, 3]).any()


def test_nan_in_training_shows_in_the_loss(model):
    x = X.copy()
    x[3] = np.nan
    history = model.fit(x, Y, verbose=0)
    assert np.isnan(history.history["loss"][0])


def test_batches_of_new_sizes_mid_training(model):
    for size in (10, 3, 1, 7, 10):
        assert np.isfinite(model.train_on_batch(X[:size], Y[:size])[0])
    assert model.optimizer.iterations == 5


def test_uncompiled_models_say_what_to_do():
    net = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    with pytest.raises(RuntimeError, match="not compiled"):
        net.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    with pytest.raises(ValueError, match="`loss` is missing"):
        net.compile("adam")
    with pytest.raises(ValueError, match="did you mean"):
        net.compile("adam", "categorical_crossentropie")
    with pytest.raises(ValueError, match="`batch_size` must be a positive integer"):
        net.compile("adam", "mse")
        net.fit(np.ones((2, 3)), np.ones((2, 2)), batch_size=-1, verbose=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.conv(np.ones((4, 4)), np.ones((2, 2))), r"x\[None\]"),
        (lambda: ops.conv(np.ones((1, 4, 4, 1)), np.ones((2, 2, 1))), "kernel must have 4 axes"),
        (lambda: ops.conv(np.ones((1, 4, 4, 3)), np.ones((2, 2, 2, 1))), "3 channels"),
        (lambda: ops.conv(np.ones((1, 4, 4, 1)), np.ones((5, 5, 1, 1))), "does not fit"),
        (lambda: ops.conv(np.ones((1, 4, 4, 1)), np.ones((2, 2, 1, 1)), algorithm="fft"), "`algorithm`"),
        (lambda: ops.conv(np.ones((1, 4, 4, 1)), np.ones((0, 2, 1, 1))), "size 0"),
        (lambda: ops.conv(["a"], np.ones((2, 2, 1, 1))), "expected numbers"),
        (lambda: ops.relu(np.array([1 + 2j])), "expected numbers.*x.real"),
        (lambda: ops.relu(["1"]), "expected numbers"),
        (lambda: ops.softmax(np.array(["2020"], "M8")), "expected numbers"),
        (lambda: ops.softmax([[1], [2, 3]]), "not an array of numbers"),
        (lambda: ops.softmax(np.ones((2, 3)), axis=2), "one of the input's 2 axes"),
        (lambda: ops.depthwise_conv(np.ones((1, 4, 2)), np.ones(2)), "channels, multiplier"),
        (lambda: ops.batch_normalization(1.0, 1.0, 1.0), "last axis"),
        (lambda: ops.max_pool(np.ones((1, 4, 4, 1)), 2, padding=2), "nothing but padding"),
        (lambda: ops.max_pool(np.ones((1, 4, 4, 1)), 0), "at least 1"),
        (lambda: ops.matmul(np.ones((2, 3)), np.ones((2, 3))), "needs"),
        (lambda: ops.batch_normalization(np.ones((2, 3)), np.ones(2), np.ones(3)), "per-channel"),
    ],
)
@pytest.mark.parametrize("backend", backends.NAMES)
def test_wrong_arguments_of_ops(call, message, backend):
    with backends.use(backend), pytest.raises((ValueError, TypeError), match=message):
        call()


@pytest.mark.parametrize("backend", backends.NAMES)
def test_empty_batches_of_single_operations_are_empty_results(backend):
    """A layer or an operation on 0 samples gives 0 samples; a model refuses them (above)."""
    x = np.ones((0, 6, 6, 2), np.float32)
    with backends.use(backend):
        assert ops.conv(x, np.ones((3, 3, 2, 4))).shape == (0, 4, 4, 4)
        assert ops.max_pool(x, 2).shape == (0, 3, 3, 2)
        assert ops.average_pool(x, 2).shape == (0, 3, 3, 2)
        assert ops.relu(x).shape == x.shape
        assert ops.softmax(x).shape == x.shape
        assert layers.Dense(3)(np.ones((0, 4))).shape == (0, 3)


@pytest.mark.parametrize("wrong", [np.ones(4) * 1j, np.array(["a"] * 4), None])
def test_refused_weights_change_nothing(model, wrong):
    before = model.get_weights()
    with pytest.raises(TypeError, match="expected numbers"):
        model.set_weights([w + 1 for w in before[:-1]] + [wrong])
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"class_weight": {"1": 2.0}}, "class numbers their weights"),
        ({"class_weight": {1.5: 2.0}}, "class numbers their weights"),
        ({"class_weight": {1: "heavy"}}, "class numbers their weights"),
        ({"validation_split": "half"}, r"lies in \[0, 1\)"),
        ({"verbose": None}, "`verbose` is"),
        ({"batch_size": 0}, "positive integer"),
    ],
)
def test_wrong_arguments_of_fit(model, argument, message):
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(X, Y, **{"verbose": 0, **argument})


def test_losses_of_plain_arrays_take_numbers_only():
    loss = keras.losses.MeanSquaredError()
    with pytest.raises(TypeError, match="predictions: expected numbers"):
        loss([[1.0]], [["1"]])
    with pytest.raises(TypeError, match="labels: expected numbers"):
        loss([[1j]], [[1.0]])


@pytest.mark.parametrize(("loss", "labels"), [
    ("sparse_categorical_crossentropy", Y), ("categorical_crossentropy", np.eye(4)[Y]),
])  # fmt: skip
def test_where_flatten_was_forgotten_it_is_named(loss, labels):
    net = keras.Sequential([layers.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.Dense(4, "softmax")])
    net.compile("sgd", loss)
    with pytest.raises(ValueError, match=r"put Flatten\(\) or GlobalAveragePooling2D\(\) before the last"):
        net.fit(X, labels, verbose=0)
