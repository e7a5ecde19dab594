"""Files and descriptions that Keras 3 wrote are read here, and the other way round."""

import keras
import numpy as np
import pytest

import cyconv

BOTH = pytest.mark.parametrize("writer, reader", [(keras, cyconv), (cyconv, keras)], ids=["read", "written"])


def convnet(library):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((8, 8, 2)),
            layers.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Dropout(0.0),
            layers.SpatialDropout2D(0.0),
            layers.Conv2D(4, (3, 2), activation=layers.LeakyReLU(negative_slope=0.1)),
            layers.Activation(library.activations.tanh),
            layers.SeparableConv2D(3, 2, depthwise_regularizer="l2"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", kernel_regularizer=library.regularizers.L2(0.01)),
        ]
    )


def weighty(library):
    """Every other layer that has weights."""
    layers = library.layers
    normalize = layers.Normalization()
    normalize.adapt(np.random.default_rng(0).normal(2, 3, (20, 8, 8, 4)).astype("float32"))
    return library.Sequential(
        [
            library.Input((8, 8, 4)),
            normalize,
            layers.LayerNormalization(),
            layers.PReLU(shared_axes=[1, 2]),
            layers.DepthwiseConv2D(3, depth_multiplier=2),
            layers.GroupNormalization(4),
            layers.Conv2D(8, 3, groups=2, dilation_rate=2),
            layers.Reshape((4, 8)),
            layers.Conv1D(4, 2, padding="causal"),
            layers.SeparableConv1D(4, 2),
            layers.Conv1DTranspose(3, 2, strides=2),
            layers.Dense(2, use_bias=False),
        ]
    )


def unet(library):
    layers = library.layers
    inputs = library.Input((8, 8, 2), name="image")
    x = down = layers.Conv2D(3, 3, padding="same", activation="relu")(inputs)
    x = layers.BatchNormalization()(layers.MaxPooling2D()(x))
    x = layers.Conv2D(5, 3, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(3, 2, strides=2)(x)
    x = layers.Concatenate()([down, x])
    x = x + layers.Conv2D(6, 3, padding="same")(x)
    return library.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x))


def nested(library):
    """Models inside models and a layer, all called twice."""
    layers = library.layers
    row = library.Sequential([layers.Conv2D(2, 1), layers.BatchNormalization()], name="row")
    entrance = library.Input((8, 8, 2))
    conv = layers.Conv2D(2, 3, padding="same", activation="elu")
    block = library.Model(entrance, layers.add([entrance, conv(row(entrance))]), name="block")
    inputs = library.Input((8, 8, 2))
    shared = layers.Conv2D(2, 3, padding="same")
    x = shared(block(shared(block(inputs))))
    return library.Model(inputs, layers.GlobalAveragePooling2D()(x))


def branches(library):
    """Two inputs, two outputs; inputs at different depths."""
    layers = library.layers
    a, b = library.Input((8, 8, 2), name="a"), library.Input((4,), name="b")
    x = layers.GlobalMaxPooling2D()(layers.Conv2D(4, 3)(a))
    x = layers.Dense(4)(layers.Dense(4)(x))
    joined = layers.multiply([x, layers.Dense(4)(b)])
    return library.Model([a, b], [layers.Dense(2, name="first")(joined), layers.Dense(3, name="second")(x)])


def images(model, seed=0, n=6):
    """An array for each input."""
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=(n, *t.shape[1:])).astype("float32") for t in model.inputs]
    return arrays if len(arrays) > 1 else arrays[0]


def targets(model, seed=1, n=6):
    rng = np.random.default_rng(seed)
    arrays = [rng.random((n, *t.shape[1:])).astype("float32") for t in model.outputs]
    return arrays if len(arrays) > 1 else arrays[0]


def moved(model, seed=2):
    """The model with weights that no initialiser gives; variances stay positive."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.1, 0.5, w.shape).astype("float32") for w in model.get_weights()])
    return model


def agree(ours, theirs, x):
    a, b = ours.predict(x, verbose=0), theirs.predict(x, verbose=0)
    for actual, expected in zip(*[r if isinstance(r, list) else [r] for r in (a, b)], strict=True):
        cyconv.testing.assert_close(np.asarray(actual), expected, "network", terms=100)


NETWORKS = [convnet, weighty, unet, nested, branches]


@BOTH
@pytest.mark.parametrize("network", NETWORKS)
def test_a_model_file_predicts_the_same_in_both(tmp_path, network, writer, reader):
    model = moved(network(writer))
    model.save(tmp_path / "net.keras")
    again = reader.models.load_model(tmp_path / "net.keras")
    assert again.count_params() == model.count_params()
    if network is not unet:  # where Keras's x + y is an operation, and no layer
        assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    agree(again, model, images(model))


@BOTH
@pytest.mark.parametrize("network", NETWORKS)
def test_a_weights_file(tmp_path, network, writer, reader):
    model, other = moved(network(writer)), network(reader)
    model.save_weights(tmp_path / "net.weights.h5")
    other.load_weights(tmp_path / "net.weights.h5")
    agree(other, model, images(model))


@BOTH
@pytest.mark.parametrize("network", NETWORKS)
def test_a_description(network, writer, reader):
    model = moved(network(writer))
    again = reader.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    agree(again, model, images(model))


OPTIMIZERS = {
    "adam": lambda o: o.Adam(0.01, amsgrad=True, clipnorm=1.0),
    "adamw": lambda o: o.AdamW(0.01, weight_decay=0.1),
    "momentum": lambda o: o.SGD(0.01, momentum=0.9, nesterov=True),
    "sgd": lambda o: o.SGD(0.01),
    "rmsprop": lambda o: o.RMSprop(0.001, momentum=0.5, centered=True),
    "nadam": lambda o: o.Nadam(0.01),
    "adagrad": lambda o: o.Adagrad(0.01),
    "mean": lambda o: o.Adam(0.01, use_ema=True, ema_momentum=0.5),
    "scheduled": lambda o: o.Adam(o.schedules.ExponentialDecay(0.01, 1, 0.5)),
}


@BOTH
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_in_the_other_library(tmp_path, name, writer, reader):
    model = moved(unet(writer))
    model.compile(OPTIMIZERS[name](writer.optimizers), "mse", metrics=["mse"])
    x, y = images(model), targets(model)
    for _ in range(3):
        model.train_on_batch(x, y)
    model.save(tmp_path / "net.keras")
    again = reader.models.load_model(tmp_path / "net.keras")
    assert int(again.optimizer.iterations) == 3
    for net in (model, again):
        net.train_on_batch(x, y)
    for a, b, w in zip(again.get_weights(), model.get_weights(), model.weights, strict=True):
        cyconv.testing.assert_close(a, b, "network", terms=10000, what=w.path)


@BOTH
def test_what_was_compiled_comes_back(tmp_path, writer, reader):
    model = branches(writer)
    first = writer.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile("sgd", {"first": first, "second": "mse"}, loss_weights={"first": 0.5, "second": 2.0})
    model.save(tmp_path / "net.keras")
    again = reader.models.load_model(tmp_path / "net.keras")
    x, y = images(model), targets(model)
    a, b = (np.float32(m.evaluate(x, y, verbose=0, return_dict=True)["loss"]) for m in (again, model))
    cyconv.testing.assert_close(a, b, "network", terms=100)


# Positional arguments of the layers that cannot do without.
ARGUMENTS = {
    (0.1,): "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise RandomBrightness "
            "RandomContrast RandomRotation RandomZoom Rescaling SpatialDropout1D SpatialDropout2D "
            "SpatialDropout3D",
    (2,): "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
          "AdaptiveMaxPooling2D AdaptiveMaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D "
          "Dense DepthwiseConv1D DepthwiseConv2D Dot RepeatVector",
    (2, 3): "CenterCrop Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose RandomCrop "
            "Resizing SeparableConv1D SeparableConv2D",
    (0.1, 0.2): "RandomTranslation", ((2, 1),): "Permute Reshape", ("tanh",): "Activation",
}  # fmt: skip
ARGUMENTS = {name: values for values, names in ARGUMENTS.items() for name in names.split()}
NAMES = sorted(
    name
    for name, cls in vars(cyconv.layers).items()
    if isinstance(cls, type) and cls.__name__ == name and hasattr(keras.layers, name)
    if name not in ("Layer", "InputLayer", "Lambda")
)


@BOTH
@pytest.mark.parametrize("name", NAMES)
def test_every_layer_is_described_alike(name, writer, reader):
    """A layer that one library described is the layer that the other would have described so."""
    layer = getattr(writer.layers, name)(*ARGUMENTS.get(name, []), name="it")
    again = reader.layers.deserialize(writer.layers.serialize(layer))
    assert type(again).__name__ == name
    ours, theirs = (layer, again) if writer is cyconv else (again, layer)
    mine, keras_says = cyconv.layers.serialize(ours), keras.layers.serialize(theirs)
    assert {k: mine[k] for k in ("module", "class_name", "registered_name")} == {
        k: keras_says[k] for k in ("module", "class_name", "registered_name")
    }
    common = set(mine["config"]) & set(keras_says["config"]) - {"data_format", "dtype", "seed"}
    for key in common:
        a, b = (_plain(description["config"][key]) for description in (mine, keras_says))
        assert _same(a, b) or _same(b, a), f"{key}: {a}, {b}"


def _same(a, b):
    """Whether a is b, perhaps written out: 3 as [3], a factor 0.1 as [-0.1, 0.1]."""
    return a == b or a == [b] or (isinstance(b, float) and a == [-b, b])


def _plain(value):
    """Tuples as lists; of an object the class."""
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, dict) and "class_name" in value:
        return value["class_name"]
    return value


@pytest.mark.parametrize("seed", range(15))
def test_layers_and_weights_of_any_graph_are_in_keras_order(seed):
    def network(library):
        rng = np.random.default_rng(seed)
        tensors = [library.Input((4,), name=f"in{i}") for i in range(rng.integers(1, 4))]
        inputs = list(tensors)
        kept = [library.layers.Dense(4, name=f"shared{i}") for i in range(2)]
        for i in range(rng.integers(3, 12)):
            group = [tensors[j] for j in rng.integers(0, len(tensors), rng.integers(1, 4))]
            x = library.layers.Add(name=f"add{i}")(group) if len(group) > 1 else group[0]
            shared = rng.random() < 0.2
            tensors.append((kept[i % 2] if shared else library.layers.Dense(4, name=f"dense{i}"))(x))
        joined = library.layers.Concatenate()([*inputs, tensors[-1]])
        return library.Model(inputs, [joined, tensors[rng.integers(len(inputs), len(tensors))]])

    ours, theirs = network(cyconv), network(keras)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]


@pytest.mark.parametrize("kind", ["Resizing", "CenterCrop", "RandomCrop"])
def test_functional_models_with_layers_that_prepare_images(tmp_path, kind):
    """Keras writes training=True beside them, its default."""
    inputs = keras.Input((6, 5, 2))
    theirs = keras.Model(inputs, getattr(keras.layers, kind)(3, 4)(inputs))
    theirs.save(tmp_path / "net.keras")
    ours = cyconv.models.load_model(tmp_path / "net.keras")
    assert ours.output_shape == (None, 3, 4, 2)
