"""Fused steps compute what unfused ones do, in fewer operations."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import fusion, layers
from cyconv.recorder import Buffer, Step
from cyconv.testing import assert_close


@pytest.fixture(autouse=True)
def fusion_as_before():
    before = fusion.enabled()
    yield
    fusion.set_fusion(before)


def block(x, filters, shortcut, relu=True):
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    y = layers.Activation("relu")(layers.BatchNormalization(scale=False)(y))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
    y = layers.add([shortcut(x), y])
    return layers.ReLU()(y) if relu else y


def residual_net():
    inputs = keras.Input((9, 9, 3))
    x = layers.Activation("tanh")(layers.Conv2D(6, 3)(inputs))
    x = block(x, 6, lambda x: x)
    x = layers.Dropout(0.3, seed=7)(x)
    x = block(x, 5, lambda x: layers.BatchNormalization(center=False)(layers.Conv2D(5, 1)(x)))
    x = block(x, 5, lambda x: x, relu=False)
    return keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))


def trained(on, build=residual_net, steps=3, frozen=False):
    """Weights, predictions, losses after some steps, from weights and statistics that are not all 0 and 1."""
    fusion.set_fusion(on)
    keras.utils.set_random_seed(3)
    model = build()
    generator = np.random.default_rng(0)
    model.set_weights([w + generator.uniform(0.1, 0.5, w.shape) for w in model.get_weights()])
    if frozen:
        for layer in model.layers[4:7]:
            layer.trainable = False
    model.compile(keras.optimizers.SGD(0.02), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = generator.standard_normal((5, *model.inputs[0].shape[1:])).astype(np.float32)
    y = generator.integers(0, 4, 5)
    losses = np.float32([model.train_on_batch(x, y) for _ in range(steps)])
    recorded = next(iter(model.executor.recorded.values()))
    return model.get_weights(), model.predict(x), losses, [s.operation for s in recorded.steps]


def agreeing(backend, *build, **options):
    """Trains fused and not: weights, predictions and losses agree. Returns the operations of both."""
    with keras.backends.use(backend):
        weights, predicted, losses, fused = trained(True, *build, **options)
        expected, wanted, expected_losses, plain = trained(False, *build, **options)
    for a, b in zip(weights, expected, strict=True):
        assert_close(a, b, "network", 1000)
    assert_close(predicted, wanted, "network", 1000)
    assert_close(losses, expected_losses, "network", 1000)
    return fused, plain


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("frozen", [False, True])
def test_results_agree(backend, frozen):
    fused, plain = agreeing(backend, frozen=frozen)
    gone = {name: plain.count(name) - fused.count(name) for name in set(plain)}
    # Three sums; relu after two of them, inside a block of each, and tanh after the first convolution. Three
    # tensors have two readers, one of them a convolution: their gradients are added as it stores.
    assert {name: count for name, count in gone.items() if count} == {
        "map": 3, "activation": 6, "activation_gradient": 5, "binary": 3
    }  # fmt: skip


def test_what_is_fused_in_training_and_inference():
    fusion.set_fusion(True)
    model = residual_net()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    lines = []
    model.plan(2, "train", print_fn=lines.append)
    forward = [line for line in lines if " forward " in line]
    assert any("conv2d + activation " in line for line in forward)
    assert any("batch_normalization_1 + add + re_lu " in line for line in forward)
    operations = [step.operation for step in next(iter(model.executor.recorded.values())).steps]
    assert "activation" not in operations
    lines.clear()
    model.plan(2, "predict", print_fn=lines.append)
    assert any("conv2d_2 + batch_normalization_1 + add + re_lu " in line for line in lines)
    operations = [step.operation for step in list(model.executor.recorded.values())[-1].steps]
    assert "batch_norm_inference" not in operations and operations.count("convolution") == 8


def joining(channels, axis=-1):
    """A net whose second convolution reads two images; both are read elsewhere too, one is trained."""

    def build():
        inputs = keras.Input((12, 12, channels))
        x = layers.Conv2D(channels, 3, padding="same", activation="tanh")(inputs)
        y = layers.Conv2D(16, 3, padding="same")(layers.Concatenate(axis)([x, inputs]))
        y = layers.Activation("relu")(layers.BatchNormalization()(y))
        z = layers.concatenate([y, layers.Conv2D(16, 1)(y)])
        z = layers.ReLU()(layers.Conv2D(8, 3, padding="same")(z))
        return keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling2D()(z)))

    return build


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("channels, copies", [(16, 0), (32, 0), (5, 2)])
def test_a_convolution_reads_two_images_where_they_lie(backend, channels, copies):
    """On the cpu by Winograd's tiles, from whole vectors; elsewhere they are copied together first."""
    fused, plain = agreeing(backend, joining(channels))
    # Forwards two copies a concatenation; backwards as many.
    assert plain.count("copy") == 8
    assert fused.count("copy") == (2 * copies if backend == "cpu" else 0)


def pooled_net():
    inputs = keras.Input((13, 12, 3))
    x = layers.Conv2D(6, 3, activation="relu")(inputs)
    x = layers.MaxPooling2D(2)(x)
    x = layers.LeakyReLU(0.2)(layers.Conv2D(5, 3, padding="same")(x))
    x = layers.MaxPooling2D(3, strides=1, padding="same")(x)  # overlapping windows
    x = layers.MaxPooling2D(2)(layers.Conv2D(4, 1, activation="tanh")(x))
    x = layers.MaxPooling2D(2, padding="same")(layers.Conv2D(4, 1, activation="silu")(x))  # needs its input
    return keras.Model(inputs, layers.Flatten()(x))


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("frozen", [False, True])
def test_the_slope_before_a_max_pooling_is_taken_behind_it(backend, frozen):
    fused, plain = agreeing(backend, pooled_net, frozen=frozen)
    assert fused.count("max_pool_gradient") == plain.count("max_pool_gradient") == 4
    fusion.set_fusion(True)
    model = pooled_net()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    lines = []
    model.plan(2, "train", print_fn=lines.append)
    steps = next(iter(model.executor.recorded.values())).steps
    shapes = [step.operands[0].shape for step in steps if step.operation == "activation_gradient"]
    assert shapes == [(2, 2, 2, 4), (2, 2, 2, 4), (2, 5, 5, 5), (2, 5, 5, 6)]
    assert any(" + leaky_re_lu" in line and " + max_pooling2d" in line for line in lines)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("size", [12, 13])
def test_windows_of_two_are_pooled_as_the_convolution_stores(backend, size):
    def steps(on):
        fusion.set_fusion(on)
        keras.utils.set_random_seed(4)
        inputs = keras.Input((size, size, 3))
        x = layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
        x = layers.MaxPooling2D(2, padding="same")(x)  # hangs over the edge of 13x13
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(x)))
        x = layers.MaxPooling2D(2)(x)  # in inference behind a folded normalisation
        model = keras.Model(inputs, layers.Flatten()(x))
        images = np.random.default_rng(0).standard_normal((3, size, size, 3)).astype(np.float32)
        answer = model.predict_on_batch(images)
        (recorded,) = model.executor.recorded.values()
        return answer, [step.operation for step in recorded.steps]

    with keras.backends.use(backend):
        (fused, short), (plain, long) = steps(True), steps(False)
    assert_close(fused, plain, "network", 144)
    assert long.count("max_pool") == 2 and short.count("max_pool") == size - 12


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_a_softmax_and_its_cross_entropy_have_one_gradient(backend):
    def steps(on, last):
        fusion.set_fusion(on)
        keras.utils.set_random_seed(2)
        generator = np.random.default_rng(0)
        inputs = keras.Input((6, 6, 2))
        x = layers.Conv2D(4, 3)(inputs)
        model = keras.Model(inputs, last(layers.Flatten()(x) if isinstance(last, layers.Dense) else x))
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        images = generator.standard_normal((4, 6, 6, 2)).astype(np.float32)
        labels = generator.integers(0, 3, (4, *model.output_shape[1:-1]))
        losses = [model.train_on_batch(images, labels) for _ in range(3)]
        steps = next(iter(model.executor.recorded.values())).steps
        return model.get_weights(), np.float32(losses), [s.operation for s in steps]

    kinds = {
        "dense": lambda: layers.Dense(3, activation="softmax"),
        "pixels": lambda: layers.Conv2D(3, 1, activation="softmax"),
        "read twice": lambda: layers.Dense(3, activation="softmax", activity_regularizer="l2"),
    }
    for kind, last in kinds.items():
        with keras.backends.use(backend):
            weights, losses, fused = steps(True, last())
            expected, expected_losses, plain = steps(False, last())
        for a, b in zip([*weights, losses], [*expected, expected_losses], strict=True):
            assert_close(a, b, "network", 100)
        assert plain.count("softmax_gradient") == 1
        assert fused.count("softmax_gradient") == (1 if kind == "read twice" else 0)


def test_channels_alone_are_read_as_two():
    _, predicted, _, fused = trained(True, joining(16, axis=1))
    _, wanted, _, _ = trained(False, joining(16, axis=1))
    assert_close(predicted, wanted, "network", 1000)
    assert fused.count("copy") == 4


def test_tensors_that_others_read_stay():
    def build():
        inputs = keras.Input((6, 6, 2))
        normal = layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs))
        x = layers.Activation("relu")(normal)
        x = layers.add([x, normal])  # reads what lies between
        twice = layers.add([x, x])
        return keras.Model(inputs, layers.Dense(4)(layers.Flatten()(twice)))

    agreeing("cpu", build)


def test_a_normalisation_at_two_places_measures_them_in_their_order():
    inputs = keras.Input((2,))
    normal = layers.BatchNormalization(momentum=0.5)
    model = keras.Model(inputs, layers.add([normal(inputs), normal(layers.Rescaling(3.0)(inputs))]))
    model.compile("sgd", "mse")
    x = np.array([[1.0, 2.0], [3.0, 6.0]], "float32")  # means 2 and 4, then 6 and 12
    model.train_on_batch(x, x)
    assert_close(normal.moving_mean.numpy(), [0.5 * (0.5 * 2) + 0.5 * 6, 0.5 * (0.5 * 4) + 0.5 * 12])


def test_a_model_s_output_is_never_fused_away():
    fusion.set_fusion(True)
    inputs = keras.Input((5, 5, 1))
    conv = layers.Conv2D(2, 3)(inputs)
    model = keras.Model(inputs, [conv, layers.Activation("relu")(conv)])
    a, b = model.predict(np.ones((1, 5, 5, 1)))
    np.testing.assert_array_equal(np.maximum(a, 0), b)


def test_environment_switches_it_off(run_python):
    code = "from cyconv import fusion; print(fusion.enabled())"
    assert run_python(code) == "True"
    assert run_python(code, CYCONV_FUSION="0") == "False"


@pytest.mark.parametrize("follower", [lambda: layers.MaxPooling2D(2), layers.ReLU, layers.BatchNormalization])
def test_a_class_made_from_a_convolution_computes_what_it_says(follower):
    class Called(layers.Conv2D):
        def call(self, x):
            return 2 * x[:, :10, :10, :1].repeat(5, -1)

    class Forwarded(layers.Conv2D):
        def forward(self, ops, x, training):
            y, saved = super().forward(ops, x, training)
            return ops.map(np.abs, y), saved

    images = np.random.default_rng(0).standard_normal((6, 12, 12, 3)).astype(np.float32)
    for kind in (Called, Forwarded):
        answers = []
        for on in (True, False):
            fusion.set_fusion(on)
            keras.utils.set_random_seed(1)
            inputs = keras.Input((12, 12, 3))
            model = keras.Model(inputs, follower()(kind(5, 3, activation="linear")(inputs)))
            answers.append(model.predict_on_batch(images))
        np.testing.assert_array_equal(*answers)


def forking_net():
    """Tensors with several readers: gradients of convolutions, poolings and others, before and after."""
    inputs = keras.Input((12, 12, 3))
    a = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    b = layers.MaxPooling2D(2)(a)
    c = layers.Conv2D(16, 3, padding="same", activation="tanh")(b)
    d = layers.Conv2D(16, 1)(b)
    e = layers.MaxPooling2D(3, strides=1, padding="same")(b)
    f = layers.Concatenate()([c, d, e, layers.Activation("tanh")(b)])
    g = layers.Conv2D(8, 3, strides=2)(a)
    h = layers.DepthwiseConv2D(3)(a)
    return keras.Model(inputs, layers.Concatenate()([layers.Flatten()(t) for t in (f, g, h, b)]))


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_gradients_of_several_readers_are_added_as_they_are_stored(backend):
    fused, plain = agreeing(backend, forking_net)
    assert plain.count("binary") == 6 and fused.count("binary") == 1  # where two others are added


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("merge", ["add", "subtract", "same"])
def test_a_sum_of_gradients_is_read_in_several_shapes(backend, merge):
    """Behind the fan-out a merging layer, which reads its gradient as it is and reshaped."""

    def net():
        inputs = keras.Input((8, 8, 3))
        x = layers.Conv2D(4, 3, padding="same")(inputs)
        other = layers.Conv2D(4, 1)(x) if merge == "same" else layers.GlobalAveragePooling2D(keepdims=True)(x)
        y = (layers.Add() if merge == "add" else layers.Subtract())([x, other])
        both = layers.Conv2D(4, 3, padding="same")(y), layers.Activation("tanh")(y)
        return keras.Model(inputs, layers.Dense(4)(layers.Flatten()(layers.Concatenate()(both))))

    fused, plain = agreeing(backend, net)
    assert fused.count("binary") < plain.count("binary")


def gradient_and_sum(shape=(2, 3), kept=False, fed=False, name="add", late=False, pair=False, **attributes):
    """The steps of a gradient, another one, their sum and its reader; the other's buffer, and the sum's."""
    there, dx, total, result = (Buffer(s, np.float32) for s in (shape, (2, 3), (2, 3), (2, 3)))
    there.storage.kept, there.storage.fed = kept, fed
    beside = Buffer((2, 3), np.float32) if pair else None
    steps = [
        Step("fill", (there,), {}, "", "backward", None),
        Step("convolution_input_gradient", (None, None, None, dx, beside), attributes, "", "backward", None),
        Step("binary", (dx, there, total), {"name": name}, "", "backward", None),
        Step("activation", (there if late else total, result), {}, "", "backward", None),
    ]
    return steps, there, total


def test_a_gradient_is_added_where_the_other_one_lies():
    steps, there, total = gradient_and_sum(activation="linear")
    assert fusion.fuse_steps(steps, adds_gradients=False) == steps
    first, gradient, reader = fusion.fuse_steps(steps, adds_gradients=True)
    assert gradient.operands[3] is there and gradient.attributes["accumulate"]
    assert reader.operands[0].storage is first.operands[0].storage


@pytest.mark.parametrize(
    "different",
    [{"shape": (3,)}, {"kept": True}, {"fed": True}, {"name": "subtract"}, {"late": True}, {"pair": True},
     {"activation": "tanh"}],
    ids=str,
)  # fmt: skip
def test_a_gradient_is_not_added_where(different):
    steps, _, _ = gradient_and_sum(**different)
    assert fusion.fuse_steps(steps, adds_gradients=True) == steps
    assert "accumulate" not in steps[1].attributes
