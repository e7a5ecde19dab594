"""Every layer against Keras 3 with the same weights: names, shapes, predictions, and one step of training."""

import keras
import numpy as np
import pytest

import cyconv
from cyconv.testing import assert_close

TERMS = 4 * 7 * 7 * 6  # more than any sum below has

# (class, arguments that may be combined freely, input shapes without the batch axis). Each row is tried with
# the first value of every argument, then with a drawn one of each, TRIES times.
TRIES = 3
CONV = dict(padding=["valid", "same"], use_bias=[True, False], activation=[None, "relu", "gelu", "softmax"],
            kernel_size=[3, 2], strides=[1, 2], dilation_rate=[1])  # fmt: skip
DILATED = {**CONV, "strides": [1], "dilation_rate": [2]}
TRANSPOSED = {**CONV, "strides": [2, 3, 1], "activation": [None, "tanh", "silu"]}
OTHER_SIZES = dict(padding=["valid", "same"], strides=[None, 1, 3])
ROWS = [
    ("Dense", dict(units=[3], activation=["relu", "tanh", "sigmoid", "mish", "log_softmax"],
                   use_bias=[True, False]), [(4, 5)]),
    ("Conv1D", {**CONV, "filters": [4], "groups": [1, 2], "padding": ["valid", "same", "causal"]}, [(9, 4)]),
    ("Conv1D", {**DILATED, "filters": [4], "padding": ["causal", "same"]}, [(9, 4)]),
    ("Conv2D", {**CONV, "filters": [4], "groups": [1, 2], "kernel_size": [3, (3, 2)]}, [(7, 6, 4)]),
    ("Conv2D", {**DILATED, "filters": [4]}, [(7, 6, 4)]),
    ("Conv3D", {**CONV, "filters": [3], "kernel_size": [2, (1, 2, 2)]}, [(4, 4, 5, 2)]),
    ("Conv1DTranspose", {**TRANSPOSED, "filters": [3]}, [(5, 4)]),
    ("Conv2DTranspose", {**TRANSPOSED, "filters": [3], "kernel_size": [3, (2, 4)]}, [(4, 3, 4)]),
    ("Conv2DTranspose", {**TRANSPOSED, "filters": [3], "strides": [2], "output_padding": [1]}, [(4, 3, 2)]),
    ("Conv2DTranspose", {**TRANSPOSED, "filters": [3], "strides": [1], "dilation_rate": [2]}, [(4, 3, 2)]),
    ("Conv3DTranspose", {**TRANSPOSED, "filters": [2], "kernel_size": [2, 3], "strides": [2]},
     [(2, 3, 2, 2)]),
    ("DepthwiseConv1D", {**CONV, "depth_multiplier": [1, 2]}, [(8, 3)]),
    ("DepthwiseConv2D", {**CONV, "depth_multiplier": [1, 2]}, [(7, 6, 3)]),
    ("SeparableConv1D", {**CONV, "filters": [4], "depth_multiplier": [1, 2]}, [(8, 3)]),
    ("SeparableConv2D", {**CONV, "filters": [4], "depth_multiplier": [1, 2]}, [(7, 6, 3)]),
    ("MaxPooling1D", {**OTHER_SIZES, "pool_size": [2, 3]}, [(9, 3)]),
    ("MaxPooling2D", {**OTHER_SIZES, "pool_size": [2, (3, 2)]}, [(7, 6, 3)]),
    ("MaxPooling3D", {**OTHER_SIZES, "pool_size": [2]}, [(4, 5, 4, 2)]),
    ("AveragePooling1D", {**OTHER_SIZES, "pool_size": [2, 3]}, [(9, 3)]),
    ("AveragePooling2D", {**OTHER_SIZES, "pool_size": [2, (3, 2)]}, [(7, 6, 3)]),
    ("AveragePooling3D", {**OTHER_SIZES, "pool_size": [2]}, [(4, 5, 4, 2)]),
    *[(f"Global{kind}Pooling{r}D", dict(keepdims=[False, True]), [(3, 4, 3)[:r] + (2,)])
      for kind in ("Average", "Max") for r in (1, 2, 3)],
    ("UpSampling1D", dict(size=[2, 3]), [(4, 3)]),
    ("UpSampling2D", dict(size=[2, (1, 3)], interpolation=["nearest", "bilinear"]), [(4, 3, 2)]),
    ("UpSampling3D", dict(size=[2, (1, 2, 3)]), [(2, 3, 2, 2)]),
    ("ZeroPadding1D", dict(padding=[1, (2, 1)]), [(4, 2)]),
    ("ZeroPadding2D", dict(padding=[1, (2, 1), ((0, 1), (2, 0))]), [(4, 3, 2)]),
    ("ZeroPadding3D", dict(padding=[1, (2, 1, 0), ((0, 1), (2, 0), (1, 1))]), [(2, 3, 2, 2)]),
    ("Cropping1D", dict(cropping=[1, (2, 1)]), [(5, 2)]),
    ("Cropping2D", dict(cropping=[1, (2, 1), ((0, 1), (2, 0))]), [(5, 4, 2)]),
    ("Cropping3D", dict(cropping=[1, (2, 1, 0), ((0, 1), (2, 0), (1, 0))]), [(5, 3, 3, 2)]),
    ("Permute", dict(dims=[(2, 1, 3), (3, 1, 2)]), [(2, 3, 4)]),
    ("RepeatVector", dict(n=[3]), [(4,)]),
    ("Reshape", dict(target_shape=[(4, -1), (3, 8), (2, 3, 4)]), [(2, 12)]),
    ("Flatten", {}, [(2, 3, 4)]),
    *[(kind, {}, shapes) for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum")
      for shapes in ([(3, 4)] * 3, [(3, 4), (1, 4)], [(2, 3, 4), (4,)])],
    ("Subtract", {}, [(3, 4)] * 2),
    ("Concatenate", dict(axis=[-1, 2]), [(3, 4), (3, 2)]),
    ("Concatenate", dict(axis=[1]), [(3, 4), (2, 4)]),
    ("Dot", dict(axes=[1, -1], normalize=[False, True]), [(4,), (4,)]),
    ("Dot", dict(axes=[(1, 2), (2, 1)], normalize=[False, True]), [(4, 4), (4, 4)]),
    ("BatchNormalization", dict(center=[True, False], scale=[True, False], epsilon=[1e-3, 0.1],
                                momentum=[0.99, 0.5], axis=[-1, 1]), [(4, 3, 3)]),
    ("LayerNormalization", dict(center=[True, False], scale=[True, False], axis=[-1, (2, 3), (1, 2, 3)]),
     [(3, 4, 2)]),
    ("GroupNormalization", dict(groups=[2, 4, -1], center=[True, False], scale=[True, False]), [(3, 4, 4)]),
    ("UnitNormalization", dict(axis=[-1, 1, (1, 2)]), [(3, 4)]),
    ("ReLU", dict(max_value=[None, 6.0, 0.8], negative_slope=[0.0, 0.1], threshold=[0.0, 0.2]), [(3, 4)]),
    ("LeakyReLU", dict(negative_slope=[0.3, 0.1]), [(3, 4)]),
    ("PReLU", dict(shared_axes=[None, [1]], alpha_initializer=["zeros", "ones"]), [(3, 4)]),
    ("ELU", dict(alpha=[1.0, 0.5]), [(3, 4)]),
    ("Softmax", dict(axis=[-1, 1]), [(3, 4)]),
    ("Activation", dict(activation=[
        "relu", "relu6", "leaky_relu", "softmax", "log_softmax", "elu", "selu", "celu", "softplus",
        "softsign", "silu", "swish", "gelu", "tanh", "sigmoid", "hard_sigmoid", "hard_silu", "hard_swish",
        "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink", "sparse_plus", "squareplus",
        "exponential", "linear", "mish", "log_sigmoid", "sparse_sigmoid"]), [(5, 7)]),
    ("Rescaling", dict(scale=[0.5, [1.0, 2.0, 3.0, 4.0]], offset=[0.0, -1.0]), [(3, 4)]),
    ("Resizing", dict(height=[6, 3], width=[4, 7], interpolation=["bilinear", "nearest"]), [(5, 4, 2)]),
    ("CenterCrop", dict(height=[3, 2], width=[2, 3]), [(5, 4, 2)]),
    ("Identity", {}, [(3,)]),
]  # fmt: skip
# In inference these do nothing, and so they do here.
IDLE = [("Dropout", dict(rate=0.5)), ("SpatialDropout2D", dict(rate=0.5)),
        ("GaussianNoise", dict(stddev=1.0)), ("GaussianDropout", dict(rate=0.5)),
        ("AlphaDropout", dict(rate=0.5))]  # fmt: skip
# Not differentiable in Keras on PyTorch, or without weights before them.
FORWARD_ONLY = {"Resizing", "CenterCrop"}


def cases():
    """(class, arguments, shapes) with the first values of all arguments, then with drawn ones."""
    generator = np.random.default_rng(7)
    for kind, options, shapes in ROWS:
        tries = {name: values[0] for name, values in options.items()}, *(
            {name: values[generator.integers(len(values))] for name, values in options.items()}
            for _ in range(TRIES if len(options) > 1 else 0)
        )
        if len(options) == 1:
            ((name, values),) = options.items()
            tries = [{name: value} for value in values]
        seen = []
        for arguments in tries:
            if arguments not in seen:
                seen.append(arguments)
                yield kind, arguments, shapes


CASES = list(cases())


def network(library, kind, arguments, shapes):
    """The layer between dense layers with weights (so that its gradient is seen) and a mean."""
    layers = library.layers
    inputs = [library.Input(shape) for shape in shapes]
    entries = inputs
    if kind not in FORWARD_ONLY:
        entries = [layers.Dense(shape[-1], name=f"before_{i}")(x)
                   for i, (x, shape) in enumerate(zip(inputs, shapes, strict=True))]  # fmt: skip
    layer = getattr(layers, kind)(**arguments, name="layer")
    y = layer(entries if len(entries) > 1 or kind in ("Add", "Concatenate") else entries[0])
    return library.Model(inputs, layers.Dense(2, name="after")(layers.Flatten()(y)), name="network"), layer


@pytest.mark.parametrize(("kind", "arguments", "shapes"), CASES,
                         ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)])  # fmt: skip
def test_same_numbers_as_keras(kind, arguments, shapes):
    theirs, their_layer = network(keras, kind, arguments, shapes)
    ours, our_layer = network(cyconv, kind, arguments, shapes)
    assert ours.get_layer("layer").output.shape == tuple(their_layer.output.shape)
    assert [(v.name, v.shape) for v in our_layer.weights] == [
        (v.name, tuple(v.shape)) for v in their_layer.weights
    ]
    assert our_layer.count_params() == their_layer.count_params()
    generator = np.random.default_rng(3)
    start = [(w + generator.uniform(0, 0.1, w.shape)).astype("float32") for w in theirs.get_weights()]
    theirs.set_weights(start)
    ours.set_weights(start)
    x = [generator.normal(size=(4, *shape)).astype("float32") for shape in shapes]
    y = generator.normal(size=(4, 2)).astype("float32")
    assert_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), "network", TERMS)
    for library, model in ((keras, theirs), (cyconv, ours)):
        model.compile(optimizer=library.optimizers.SGD(1.0), loss="mse")  # so the step is the gradient
        model.train_on_batch(x, y)
    for mine, other in zip(ours.weights, theirs.get_weights(), strict=True):
        assert_close(mine.numpy(), other, "network", TERMS, what=mine.path)


@pytest.mark.parametrize(("kind", "arguments"), IDLE)
def test_noise_is_off_in_inference(kind, arguments):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    np.testing.assert_array_equal(getattr(cyconv.layers, kind)(**arguments)(x), x)
    np.testing.assert_array_equal(np.array(getattr(keras.layers, kind)(**arguments)(x)), x)


@pytest.mark.parametrize("kind", sorted({row[0] for row in ROWS} | {row[0] for row in IDLE}))
def test_same_signature_as_keras(kind):
    """Keras's arguments in Keras's order and with its defaults; ours may follow."""
    import inspect

    def arguments(library):
        found = inspect.signature(getattr(library.layers, kind).__init__).parameters.values()
        return {p.name: p.default for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}

    theirs, ours = arguments(keras), arguments(cyconv)
    other = ("self", "name", "dtype", "lora_rank", "lora_alpha", "quantization_config")
    wanted = [name for name in theirs if name not in other]
    assert [name for name in ours if name in wanted] == wanted

    def plain(value):  # (1, 1) and 1 mean the same for two axes
        same = isinstance(value, tuple) and len(set(value)) == 1
        return plain(value[0]) if same else value

    for name in wanted:
        if (kind[:7], name) != ("Average", "pool_size"):  # cyconv gives it the default that MaxPooling has
            assert plain(ours[name]) == plain(theirs[name]), name
