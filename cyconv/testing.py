"""For tests: the one table of tolerances, comparison, and gradient checks by central differences.

The rule: float32 results are compared with a float64 reference; the error allowed is
FACTOR * epsilon * sqrt(length of the sum), relative to the largest reference value. Rounding errors of a sum
of n terms grow like a random walk, so like sqrt(n) (Higham 2002, "Accuracy and stability of numerical
algorithms", section 4.2).
"""

import math

import numpy as np

__all__ = ["assert_close", "check_gradients", "check_layer_gradients", "directional_difference", "tolerance"]

# What one rounding may cost, in units of the dtype's epsilon, by kind of operation.
FACTORS = {
    "exact": 0.0,  # the same bytes
    "elementwise": 8.0,  # a handful of roundings, polynomials for exp and tanh
    "sum": 8.0,  # convolution, matmul, pooling, statistics
    "winograd": 32.0,  # the transforms' factors of up to 8 magnify roundings (Lavin & Gray 2016, section 4.1)
    "network": 64.0,  # many layers one after the other
}
# Gradients against central differences in float64: PyTorch's gradcheck uses the same.
DIFFERENCE_STEP = 1e-6
GRADIENT_ATOL, GRADIENT_RTOL = 1e-5, 1e-3


def tolerance(kind="sum", dtype="float32", terms=1):
    """The error allowed, relative to the largest reference value."""
    return FACTORS[kind] * float(np.finfo(dtype).eps) * math.sqrt(max(terms, 1))


def assert_close(actual, expected, kind="sum", terms=1, what="result"):
    """AssertionError where `actual` strays from `expected` by more than the table allows.

    The dtype of `actual` sets epsilon; terms: the length of the longest sum behind one element. NaN and
    infinities must stand in the same places.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    if actual.size == 0:
        return
    finite = np.isfinite(expected)
    if not np.array_equal(np.isfinite(actual), finite):
        raise AssertionError(f"{what}: not finite in other places than expected")
    np.testing.assert_array_equal(actual[~finite], expected[~finite].astype(actual.dtype), err_msg=what)
    if not finite.any():
        return
    dtype = actual.dtype if actual.dtype.kind == "f" else np.dtype("float64")
    scale = max(float(np.abs(expected[finite]).max()), float(np.finfo(dtype).tiny))
    error = np.abs(actual[finite].astype(np.float64) - expected[finite].astype(np.float64)).max() / scale
    allowed = tolerance(kind, dtype, terms)
    assert error <= allowed, (
        f"{what}: error {error:.3g} of the largest value, allowed {allowed:.3g} ({kind}, {terms} terms)"
    )


def directional_difference(function, arrays, directions, step=DIFFERENCE_STEP):
    """(function(arrays + step * directions) - function(arrays - step * directions)) / (2 * step)."""
    plus = function(*[a + step * d for a, d in zip(arrays, directions, strict=True)])
    minus = function(*[a - step * d for a, d in zip(arrays, directions, strict=True)])
    return (plus - minus) / (2 * step)


def check_gradients(function, arrays, gradients, seed=0, directions=3):
    """Compares gradients (one array for each of `arrays`) of a scalar float64 function with central
    differences, along random directions (Chainer's and PyTorch's method).

    Errors: AssertionError with both numbers.
    """
    generator = np.random.default_rng(seed)
    for _ in range(directions):
        for i, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
            direction = [np.zeros_like(a) for a in arrays]
            direction[i] = generator.standard_normal(array.shape)
            direction[i] /= max(np.linalg.norm(direction[i]), 1e-30)
            measured = directional_difference(function, arrays, direction)
            claimed = float((gradient * direction[i]).sum())
            allowed = GRADIENT_ATOL + GRADIENT_RTOL * abs(measured)
            assert abs(measured - claimed) <= allowed, (
                f"gradient {i}: backward says {claimed:.8g}, the function changes by {measured:.8g}"
            )


def check_layer_gradients(layer, *inputs, training=True, seed=0):
    """Checks a layer's backward pass, for its inputs and all trainable weights, on the reference backend.

    layer: built with dtype="float64". The scalar is sum(y * r) for a fixed random r.
    """
    from .backends import get

    ops = get("reference")
    generator = np.random.default_rng(seed)
    nested = len(inputs) > 1
    arrays = [np.asarray(x, np.float64) for x in inputs]
    shapes = [a.shape for a in arrays]
    layer.ensure_built(shapes if nested else shapes[0])
    weights = layer.trainable_weights
    for variable in layer.weights:
        variable.on(ops)
    start = [v.numpy() for v in layer.weights]

    def run(*values):
        layer.set_weights(start)
        for variable, value in zip(weights, values[len(arrays) :], strict=True):
            variable.assign(value)
        xs = [v.copy() for v in values[: len(arrays)]]
        return layer.forward(ops, xs if nested else xs[0], training)

    values = [*arrays, *(v.numpy() for v in weights)]
    y, saved = run(*values)
    r = generator.standard_normal(y.shape)
    for variable in weights:
        variable.gradient = np.zeros(variable.shape)
    dx = layer.backward(ops, r.copy(), saved, True)
    gradients = [*(dx if nested else [dx]), *(v.gradient for v in weights)]
    check_gradients(lambda *v: float((run(*v)[0] * r).sum()), values, gradients, seed)
    layer.set_weights(start)
