"""ImageDataGenerator against the one that Keras 3 keeps for old scripts: the same seed, the same batches."""

import numpy as np
import pytest
from keras.src.legacy.preprocessing import image as theirs

from cyconv.preprocessing import image as ours
from cyconv.testing import assert_close

OPTIONS = {
    "shapes": dict(rotation_range=40, shear_range=15.0, zoom_range=0.3),
    "shifts": dict(width_shift_range=0.2, height_shift_range=0.3, fill_mode="reflect"),
    "pixels": dict(width_shift_range=3, height_shift_range=[1, 2], fill_mode="wrap"),
    "flips": dict(horizontal_flip=True, vertical_flip=True, channel_shift_range=20.0, samplewise_center=True),
    "all": dict(rotation_range=10, width_shift_range=0.05, height_shift_range=0.05, shear_range=5.0,
                zoom_range=[0.8, 1.1], horizontal_flip=True, fill_mode="constant", cval=7.0, rescale=1 / 255),
}  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", [(7, 9, 9, 3), (5, 6, 11, 1)])
@pytest.mark.parametrize("shuffle", [True, False])
def test_flow(options, shape, shuffle):
    x = np.random.default_rng(0).random(shape).astype(np.float32) * 255
    y = np.arange(len(x))
    flows = [m.ImageDataGenerator(**OPTIONS[options]).flow(x, y, batch_size=3, seed=5, shuffle=shuffle)
             for m in (ours, theirs)]  # fmt: skip
    for _ in range(2 * len(flows[0])):
        mine, other = next(flows[0]), next(flows[1])
        np.testing.assert_array_equal(mine[1], other[1])
        assert_close(mine[0], other[0], "network")
