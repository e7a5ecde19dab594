"""Every layer on the gpu backend: what each asks of a backend beyond operations."""

import warnings

import numpy as np
import pytest
from test_layer_harness import every_layer, given, inputs_for

import cyconv as keras
from cyconv import backends
from cyconv.testing import assert_close


pytestmark = pytest.mark.usefixtures("by_definition")


def run_both_ways(layer, arrays, training):
    """Output, input gradients and weight gradients, for dy = cos(0, 1, 2, ...), as NumPy arrays."""
    ops = backends.active()
    for variable in layer.weights:
        variable.on(ops)
        variable.gradient = ops.asarray(np.zeros(variable.shape), variable.dtype)
    ops.node = 0
    y, saved = layer.forward(ops, given([ops.asarray(a, layer.dtype) for a in arrays]), training)
    dy = np.cos(np.arange(y.size)).reshape(y.shape)
    dx = layer.backward(ops, ops.asarray(dy, layer.dtype), saved, True)
    results = [y, *(dx if isinstance(dx, list) else [dx]), *(v.gradient for v in layer.weights)]
    return [*(np.array(ops.to_host(a)) for a in results), *layer.get_weights()]


def draws_numbers(layer):
    return isinstance(getattr(layer, "seed", None), int)


@every_layer
def test_forward_and_backward(factory, shapes, expected):
    layer, arrays = factory(), inputs_for(shapes)
    layer(given([a.astype(np.float32) for a in arrays]))
    start, both = layer.get_weights(), []
    for name in ("cpu", "gpu"):
        with backends.use(name) as ops:
            if draws_numbers(layer):
                ops.random_state = ops.asarray(np.ones(1), "uint64")
            layer.set_weights(start)
            both.append(run_both_ways(layer, arrays, True))
    for a, b in zip(*both, strict=True):
        assert_close(b, a, "network", 1000)


@every_layer
def test_a_model_of_it_trains(factory, shapes, expected):
    results = []
    for place in ("cpu", "gpu"):
        keras.utils.set_random_seed(5)
        layer = factory()
        inputs = [keras.Input(s[1:]) for s in shapes]
        output = layer(given(inputs))
        first = keras.layers.Rescaling(0.5)(output)
        model = keras.Model(inputs, keras.layers.PReLU(alpha_initializer="ones")(first)).to(place)
        model.compile("sgd", "mse", metrics=["mae"])  # Adam would make rounding of tiny gradients large
        arrays = given([np.concatenate([a, a, a]).astype("float32") for a in inputs_for(shapes)])
        target = np.zeros((3 * shapes[0][0], *model.output_shape[1:]), np.float32)
        size = shapes[0][0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # steps in Python
            history = model.fit(arrays, target, batch_size=size, epochs=2, verbose=0, shuffle=False).history
        results.append([*history["loss"], *history["mae"], *(w.ravel() for w in model.get_weights())])
    for a, b in zip(*results, strict=True):
        assert_close(np.float32(b), a, "network", 1000)
