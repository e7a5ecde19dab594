"""Images changed at random: what moves where, masks with their images, repetition by seed, no inference."""

import numpy as np
import pytest

import cyconv
from cyconv import backends, layers
from cyconv.testing import assert_close, tolerance

LAYERS = {
    "flip": lambda **k: layers.RandomFlip(**k),
    "rotation": lambda **k: layers.RandomRotation(0.2, **k),
    "translation": lambda **k: layers.RandomTranslation(0.3, 0.2, fill_mode="wrap", **k),
    "zoom": lambda **k: layers.RandomZoom(0.3, 0.2, fill_mode="nearest", **k),
    "elastic": lambda **k: layers.RandomElasticTransform(**k),
    "crop": lambda **k: layers.RandomCrop(8, 9, **k),
    "contrast": lambda **k: layers.RandomContrast(0.5, **k),
    "brightness": lambda **k: layers.RandomBrightness(0.3, **k),
}


def images(N=6, H=12, W=10, C=2):
    return np.random.default_rng(0).uniform(0, 255, size=(N, H, W, C)).astype("float32")


@pytest.mark.parametrize("kind", LAYERS)
def test_repeats_by_seed_on_every_backend(kind):
    x, results = images(), []
    for name in ("cpu", "reference", "cpu"):
        with backends.use(name):
            backends.active().random_state[...] = 5
            results.append(LAYERS[kind](seed=3)(x))
    np.testing.assert_array_equal(results[0], results[2])
    assert_close(results[1], results[0], "network")
    assert not np.array_equal(LAYERS[kind](seed=4)(x), results[0])
    assert results[0].dtype == np.float32


@pytest.mark.parametrize("kind", LAYERS)
def test_changes_in_training_only(kind):
    x = images()
    model = cyconv.Sequential([cyconv.Input((12, 10, 2)), LAYERS[kind](seed=3)])
    y = model.predict(x, verbose=0)
    if kind == "crop":
        assert y.shape == (6, 8, 9, 2)
    else:
        np.testing.assert_array_equal(y, x)
    layer = LAYERS[kind](seed=3)
    assert not np.array_equal(layer(x), layer(x))
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()


@pytest.mark.parametrize("kind", LAYERS)
def test_masks_move_with_their_images(kind):
    labels = np.random.default_rng(1).integers(0, 5, size=(6, 12, 10)).astype("int32")
    options = {} if kind in ("flip", "crop", "contrast", "brightness") else {"interpolation": "nearest"}
    layer = LAYERS[kind](seed=3, **options)
    data = {"images": labels[..., None] * 10, "segmentation_masks": labels, "labels": [1, 2]}
    result = layer(data)
    masks = result["segmentation_masks"]
    assert masks.dtype == np.int32 and set(np.unique(masks)) <= set(range(5)) and result["labels"] == [1, 2]
    if kind in ("contrast", "brightness"):
        np.testing.assert_array_equal(masks, labels)
    else:
        np.testing.assert_array_equal(result["images"][..., 0], masks * 10)
    with_axis = layer({"images": labels[0, ..., None], "segmentation_masks": labels[0, ..., None]})
    assert with_axis["segmentation_masks"].shape[2:] == (1,) and with_axis["images"].ndim == 3


def test_flip_mirrors_about_half_of_the_images():
    x = images(N=200, H=3, W=4, C=1)
    y = layers.RandomFlip("horizontal", seed=1)(x)
    flipped = np.array([np.array_equal(b, a[:, ::-1]) for a, b in zip(x, y, strict=True)])
    same = np.array([np.array_equal(b, a) for a, b in zip(x, y, strict=True)])
    assert (flipped | same).all() and 60 < flipped.sum() < 140
    both = layers.RandomFlip(seed=1)(x)
    assert len({(np.array_equal(b, a[::-1]), np.array_equal(b, a[:, ::-1]), np.array_equal(b, a))
                for a, b in zip(x, both, strict=True)}) == 4  # fmt: skip


@pytest.mark.parametrize(("factor", "quarter_turns"), [(0.25, 1), (0.5, 2), (-0.25, -1)])
def test_rotation_is_anticlockwise(factor, quarter_turns):
    x = images(N=1, H=5, W=5, C=1)
    y = layers.RandomRotation((factor, factor), seed=1)(x)[0]
    assert_close(y, np.rot90(x[0], quarter_turns), "network")


@pytest.mark.parametrize(("fill_mode", "moved"), [
    ("wrap", [3, 4, 1, 2]), ("nearest", [1, 1, 1, 2]), ("reflect", [2, 1, 1, 2]), ("constant", [9, 9, 1, 2])
])  # fmt: skip
def test_translation_to_the_right_and_what_lies_outside(fill_mode, moved):
    x = np.float32([1, 2, 3, 4]).reshape(1, 1, 4, 1)
    layer = layers.RandomTranslation((0.0, 0.0), (0.5, 0.5), fill_mode=fill_mode, fill_value=9.0)
    np.testing.assert_array_equal(layer(x).ravel(), moved)


def test_zoom_out_shows_more():
    x = np.zeros((1, 8, 8, 1), np.float32)
    x[0, 2:6, 2:6] = 1
    out = layers.RandomZoom((1.0, 1.0), fill_mode="constant", interpolation="nearest")(x)
    assert out.sum() == 4 and out[0, 3:5, 3:5].sum() == 4
    near = layers.RandomZoom((-0.5, -0.5), interpolation="nearest")(x)
    assert near.sum() == 64


def test_crop_is_a_piece_and_light_keeps_its_range():
    x = images(N=3)
    for image, piece in zip(x, layers.RandomCrop(5, 4, seed=2)(x), strict=True):
        assert any(np.array_equal(image[i : i + 5, j : j + 4], piece) for i in range(8) for j in range(7))
    bright = layers.RandomBrightness((0.5, 0.5))(x)
    np.testing.assert_allclose(bright, np.minimum(x + 127.5, 255), rtol=tolerance("elementwise"))
    grey = layers.RandomContrast((1.0, -1.0))(x)
    np.testing.assert_allclose(grey, np.broadcast_to(x.mean((1, 2), keepdims=True), x.shape),
                               rtol=tolerance("sum", terms=120))  # fmt: skip


def test_elastic_transform_is_smooth_and_keeps_the_probability():
    x = np.broadcast_to(np.arange(64, dtype=np.float32)[:, None, None], (40, 64, 64, 1))
    y = layers.RandomElasticTransform(factor=(0.5, 0.5), scale=(1.0, 1.0), seed=1)(x)
    bent = (y != x).any((1, 2, 3))
    assert abs(bent.sum() - 20) < 5 * 10**0.5  # five standard deviations of 40 tosses
    steps = np.abs(np.diff(y[bent], axis=2))  # a row's neighbours move together
    assert steps.max() < 4 and np.abs(y - x)[bent].max() > 1


def test_a_model_of_augmentation_changes_what_it_is_called_on():
    """The habit of tutorials: augmented = data_augmentation(images)."""
    x = images()
    augment = cyconv.Sequential([layers.RandomFlip(seed=1), layers.RandomTranslation(0.2, 0.2, seed=2)])
    assert not np.array_equal(augment(x), x)
    np.testing.assert_array_equal(augment(x, training=False), x)
    model = cyconv.Sequential([layers.RandomFlip(seed=1), layers.Flatten(), layers.Dense(2)])
    np.testing.assert_array_equal(model(x), model.predict(x, verbose=0))
    dropped = cyconv.Sequential([layers.Dropout(0.5, seed=1)])
    assert (dropped(x, training=True) == 0).any() and (dropped(x) != 0).all()


def test_training_through_augmentation():
    model = cyconv.Sequential([cyconv.Input((6, 6, 1)), layers.RandomFlip(seed=1), layers.RandomZoom(0.1),
                               layers.Flatten(), layers.Dense(2)])  # fmt: skip
    model.compile("sgd", "mse")
    x = images(N=8, H=6, W=6, C=1) / 255
    model.fit(x, np.zeros((8, 2)), epochs=2, verbose=0)
    late = cyconv.Sequential([cyconv.Input((6, 6, 1)), layers.Conv2D(1, 1), layers.RandomFlip(),
                              layers.Flatten(), layers.Dense(2)])  # fmt: skip
    late.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match="at the model's beginning"):
        late.train_on_batch(x, np.zeros((8, 2)))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: layers.RandomFlip("diagonal"), "mode"),
    (lambda: layers.RandomRotation(2.0), "between -1 and 1"),
    (lambda: layers.RandomZoom(0.1, fill_mode="mirror"), "reflect, wrap"),
    (lambda: layers.RandomTranslation(0.1, 0.1, interpolation="cubic"), "bilinear"),
    (lambda: layers.RandomFlip()({"image": 1}), "segmentation_masks"),
])  # fmt: skip
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
