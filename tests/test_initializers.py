"""First values of parameters: ranges, moments, orthogonality, names."""

import numpy as np
import pytest

from cyconv import initializers
from cyconv.testing import assert_close

SHAPE = (3, 3, 40, 90)
N_IN, N_OUT = 360, 810
# name: variance
VARIANCES = {
    "glorot_uniform": 2 / (N_IN + N_OUT), "glorot_normal": 2 / (N_IN + N_OUT), "he_uniform": 2 / N_IN,
    "he_normal": 2 / N_IN, "lecun_uniform": 1 / N_IN, "lecun_normal": 1 / N_IN, "random_normal": 0.05**2,
    "random_uniform": 0.05**2 / 3, "variance_scaling": 1 / N_IN,
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANCES)
def test_variances(name):
    values = getattr(initializers, name)(seed=1)(SHAPE)
    count = values.size
    assert values.dtype == np.float32 and abs(values.mean()) < 5 * np.sqrt(VARIANCES[name] / count)
    # The variance of a sample variance is at most 2 / count times its square (normal numbers).
    assert abs(values.var() / VARIANCES[name] - 1) < 5 * np.sqrt(2 / count)
    if name.endswith("uniform"):
        assert np.abs(values).max() <= np.sqrt(3 * VARIANCES[name])
    np.testing.assert_array_equal(values, initializers.get(name).__class__(seed=1)(SHAPE))


def test_axes_that_count():
    made = initializers.VarianceScaling(1.0, "fan_out", "uniform", 3, input_axes=[0], output_axes=[1, 2])
    assert np.abs(made((5, 4, 75))).max() <= np.sqrt(3 / 300)
    assert np.abs(made((5, 4, 75))).max() > 0.95 * np.sqrt(3 / 300)
    assert type(made).from_config(made.get_config()).get_config() == made.get_config()


def test_orthogonal_identity_constant():
    for shape in ((6, 4), (4, 6), (2, 3, 5)):
        matrix = initializers.Orthogonal(2.0, seed=0)(shape, "float64").reshape(-1, shape[-1])
        small = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
        assert_close(small, 4 * np.eye(len(small)), "sum", 6)
    np.testing.assert_array_equal(initializers.identity(3.0)((2, 3)), [[3, 0, 0], [0, 3, 0]])
    np.testing.assert_array_equal(initializers.get("constant")((2,)), [0, 0])
    np.testing.assert_array_equal(initializers.constant(0.5)((2,)), [0.5, 0.5])
    with pytest.raises(ValueError, match="at least two axes"):
        initializers.Orthogonal()((3,))
    assert np.abs(initializers.truncated_normal(stddev=1.0, seed=0)((1000,))).max() <= 2


def test_every_class_has_kerass_other_name():
    for name in ("zeros", "ones", "constant", "identity", "orthogonal", "truncated_normal", *VARIANCES):
        assert isinstance(initializers.get(name), getattr(initializers, name))
