"""Adaptive pooling, against Keras."""

import keras
import numpy as np
import pytest

import cyconv
from cyconv.testing import assert_close


@pytest.mark.parametrize("kind", ["Average", "Max"])
@pytest.mark.parametrize(("shape", "grid"), [
    ((2, 7, 3), 3), ((2, 5, 3), 8), ((2, 9, 6, 2), (4, 3)), ((2, 8, 10, 2), 5), ((1, 5, 6, 7, 2), (2, 3, 4)),
])  # fmt: skip
def test_pools_as_keras(kind, shape, grid):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    name = f"Adaptive{kind}Pooling{len(shape) - 2}D"
    ours, theirs = (getattr(k.layers, name)(grid) for k in (cyconv, keras))
    assert_close(ours(x), keras.ops.convert_to_numpy(theirs(x)), "sum", x.size)
