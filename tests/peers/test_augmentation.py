"""Augmentation with nothing left to chance, against Keras 3: which way factors turn, move and zoom."""

import keras
import numpy as np
import pytest

import cyconv
from cyconv.testing import assert_close

X = np.random.default_rng(0).uniform(0, 255, size=(2, 9, 8, 3)).astype("float32")


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize(("kind", "arguments"), [
    ("RandomRotation", dict(factor=(0.07, 0.07))),
    ("RandomTranslation", dict(height_factor=(0.3, 0.3), width_factor=(-0.2, -0.2))),
    ("RandomZoom", dict(height_factor=(0.3, 0.3), width_factor=(-0.2, -0.2))),
    ("RandomZoom", dict(height_factor=(-0.3, -0.3))),
])  # fmt: skip
def test_geometry(kind, arguments, interpolation):
    arguments = dict(**arguments, interpolation=interpolation, fill_mode="constant", fill_value=7.0)
    theirs = np.asarray(getattr(keras.layers, kind)(**arguments)(X, training=True))
    ours = getattr(cyconv.layers, kind)(**arguments)(X)
    inside = (slice(None), slice(3, 6), slice(3, 5))  # away from what lies outside the image
    assert_close(ours[inside], theirs[inside], "network", terms=100)


@pytest.mark.parametrize(("kind", "arguments"), [
    ("RandomBrightness", dict(factor=(0.2, 0.2))),
    ("RandomContrast", dict(factor=(0.0, 0.0))),
])  # fmt: skip
def test_light(kind, arguments):
    theirs = np.asarray(getattr(keras.layers, kind)(**arguments)(X, training=True))
    assert_close(getattr(cyconv.layers, kind)(**arguments)(X), theirs, "network")


def test_masks_keep_their_labels():
    data = {"images": X, "segmentation_masks": (X[..., :1] > 100).astype("int32")}
    for library in (keras, cyconv):
        result = library.layers.RandomRotation(0.1, seed=1)(dict(data), training=True)
        assert set(np.unique(np.asarray(result["segmentation_masks"]))) <= {0, 1}
        assert result["images"].shape == X.shape


@pytest.mark.parametrize("kind", [
    "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "RandomCrop", "RandomContrast",
    "RandomBrightness", "RandomElasticTransform"])  # fmt: skip
def test_same_signature_as_keras(kind):
    import inspect

    theirs, ours = (inspect.signature(getattr(library.layers, kind).__init__) for library in (keras, cyconv))
    assert str(ours) == str(theirs)


def test_crop_in_inference_is_the_middle_resized():
    """What Keras's documentation says of RandomCrop; Keras 3.15 itself passes the image uncut."""
    theirs = np.asarray(keras.layers.Resizing(4, 5, crop_to_aspect_ratio=True)(X))
    assert_close(cyconv.layers.RandomCrop(4, 5)(X, training=False), theirs, "network")
