"""ImageDataGenerator: each change by hand, all of them against SciPy, and images with their masks."""

import numpy as np
import pytest

import cyconv as keras
from cyconv.preprocessing.image import ImageDataGenerator
from cyconv.testing import assert_close

RAMP = np.arange(16.0, dtype=np.float32).reshape(4, 4, 1)


def changed(image=RAMP, fill_mode="constant", cval=-1.0, **transform):
    return ImageDataGenerator(fill_mode=fill_mode, cval=cval).apply_transform(image, transform)[..., 0]


def test_each_change_by_hand():
    plain = RAMP[..., 0]
    assert_close(changed(ty=1), np.vstack([plain[1:], [[-1] * 4]]), "elementwise")  # shows what lies below
    assert_close(changed(tx=-1), np.hstack([[[-1]] * 4, plain[:, :-1]]), "elementwise")
    assert_close(changed(tx=0.5, fill_mode="nearest")[0], np.array([0.5, 1.5, 2.5, 3.0]), "elementwise")
    assert_close(changed(theta=90, fill_mode="nearest"), np.rot90(plain), "elementwise", 10)
    np.testing.assert_array_equal(changed(flip_horizontal=True), plain[:, ::-1])
    np.testing.assert_array_equal(changed(flip_vertical=True), plain[::-1])
    np.testing.assert_array_equal(changed(channel_shift_intensity=4.0), np.minimum(plain + 4, 15))


@pytest.mark.parametrize(
    ("fill_mode", "row"),
    [
        ("nearest", [2, 3, 3, 3]),
        ("reflect", [2, 3, 3, 2]),
        ("constant", [2, 3, 9, 9]),
        ("wrap", [2, 3, 1, 2]),  # a period of size - 1: the first and last pixel are one, as in SciPy
    ],
)
def test_what_comes_in_from_outside(fill_mode, row):
    assert_close(changed(tx=2, fill_mode=fill_mode, cval=9.0)[0], np.array(row), "elementwise")


@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "constant", "wrap"])
@pytest.mark.parametrize("order", [0, 1])
def test_all_changes_together_against_scipy(fill_mode, order):
    ndimage = pytest.importorskip("scipy.ndimage")
    generator = np.random.default_rng(0)
    for size in ((9, 9), (7, 12), (5, 3)):
        image = generator.random((*size, 2)).astype(np.float32)
        h, w = size
        for _ in range(5):
            theta, shear = np.deg2rad(generator.uniform(-90, 90, 2) / [1, 4])
            tx, ty, zx, zy = *generator.uniform(-3, 3, 2), *generator.uniform(0.6, 1.5, 2)
            # Keras's matrices, in x and y, about (h / 2, w / 2); then the axes change places.
            a = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
            a = a @ np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
            a = a @ np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
            a = a @ np.diag([zx, zy, 1])
            there, back = np.eye(3), np.eye(3)
            there[:2, 2], back[:2, 2] = [h / 2 - 0.5, w / 2 - 0.5], [0.5 - h / 2, 0.5 - w / 2]
            a = (there @ a @ back)[[1, 0, 2]][:, [1, 0, 2]]
            expected = np.stack([
                ndimage.affine_transform(c, a[:2, :2], a[:2, 2], order=order, mode=fill_mode, cval=0.5)
                for c in np.moveaxis(image, -1, 0)
            ], -1)  # fmt: skip
            flow = ImageDataGenerator(fill_mode=fill_mode, cval=0.5, interpolation_order=order)
            given = dict(theta=np.rad2deg(theta), shear=np.rad2deg(shear), tx=tx, ty=ty, zx=zx, zy=zy)
            assert_close(flow.apply_transform(image, given), expected, "network")


ALL = dict(rotation_range=30, width_shift_range=0.1, height_shift_range=0.1, shear_range=5.0, zoom_range=0.2,
           horizontal_flip=True, vertical_flip=True, channel_shift_range=0.1)  # fmt: skip


def images(count=10, channels=1, seed=0):
    return np.random.default_rng(seed).random((count, 8, 6, channels)).astype(np.float32)


def test_an_image_and_its_mask_change_alike():
    x = images()
    pairs = zip(ImageDataGenerator(**ALL).flow(x, batch_size=4, seed=7),
                ImageDataGenerator(**ALL).flow(x.copy(), batch_size=4, seed=7), strict=False)  # fmt: skip
    seen = []
    for _, (image, mask) in zip(range(7), pairs, strict=False):
        np.testing.assert_array_equal(image, mask)
        seen.append(image.tobytes())
    assert [len(s) for s in seen[:3]] == [4 * 192, 4 * 192, 2 * 192] and len(set(seen)) == 7
    other = next(ImageDataGenerator(**ALL).flow(x, batch_size=4, seed=8))
    assert other.tobytes() != seen[0]


def test_every_image_comes_once_an_epoch_with_its_label():
    x, y, weight = images(), np.arange(10), np.arange(10.0) / 2
    flow = ImageDataGenerator(rescale=2.0).flow(x, y, batch_size=3, sample_weight=weight)
    for epoch in range(2):
        batches = [next(flow) for _ in range(4)] if epoch else [flow[i] for i in range(len(flow))]
        flow.on_epoch_end() if not epoch else None
        got = np.concatenate([b[1] for b in batches])
        assert sorted(got) == list(range(10)) and list(got) != list(range(10))
        np.testing.assert_array_equal(np.concatenate([b[0] for b in batches]), 2 * x[got])
        np.testing.assert_array_equal(np.concatenate([b[2] for b in batches]), weight[got])
    plain = ImageDataGenerator().flow(x, y, batch_size=3, shuffle=False)
    assert np.concatenate([plain[i][1] for i in range(4)]).tolist() == list(range(10))
    kept = x.copy()
    next(ImageDataGenerator(**ALL, samplewise_center=True).flow(x))
    np.testing.assert_array_equal(x, kept)


def test_standardisation():
    x = images(6, 3)
    one = ImageDataGenerator(samplewise_std_normalization=True).standardize(x[0])
    assert_close(one, (x[0] - x[0].mean()) / (x[0].std() + 1e-6), "network")
    maker = ImageDataGenerator(featurewise_std_normalization=True, rescale=0.5)
    with pytest.warns(UserWarning, match="fit it first|Fit it first"):
        maker.standardize(x[0])
    maker.fit(x)
    half = x / 2
    expected = (half - half.mean((0, 1, 2))) / (half.std((0, 1, 2)) + 1e-6)
    assert_close(np.stack([maker.standardize(i) for i in x]), expected, "network")
    doubled = ImageDataGenerator(preprocessing_function=lambda image: image * 2).standardize(x[0])
    np.testing.assert_array_equal(doubled, x[0] * 2)


def test_subsets():
    x, maker = images(), ImageDataGenerator(validation_split=0.3)
    held_out = maker.flow(x, shuffle=False, subset="validation")[0]
    trained_on = maker.flow(x, shuffle=False, subset="training")[0]
    np.testing.assert_array_equal(np.concatenate([held_out, trained_on]), x)
    assert len(held_out) == 3


def test_fit_takes_a_flow():
    x, y = images(20), np.arange(20) % 2
    for workers in (1, 2):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((8, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        flow = ImageDataGenerator(**ALL).flow(x, y, batch_size=6)
        flow.workers = workers
        history = model.fit(flow, epochs=3, verbose=0)
        weights = model.get_weights()[0]
        if workers == 1:
            once = weights
    assert history.params["steps"] == 4 and model.optimizer.iterations == 12
    np.testing.assert_array_equal(weights, once)


def test_folders_of_images(tmp_path, capsys):
    image_module = pytest.importorskip("PIL.Image")
    for name, values in (("cats", [10, 20, 30]), ("dogs", [110, 120])):
        (tmp_path / name).mkdir()
        for i, value in enumerate(values):
            picture = np.full((4, 6, 3), value, np.uint8)
            image_module.fromarray(picture).save(tmp_path / name / f"{i}.png")
    maker = ImageDataGenerator(rescale=1 / 10)
    flow = maker.flow_from_directory(tmp_path, target_size=(8, 5), batch_size=5, shuffle=False)
    assert capsys.readouterr().out == "Found 5 images belonging to 2 classes.\n"
    x, y = next(flow)
    assert x.shape == (5, 8, 5, 3) and flow.class_indices == {"cats": 0, "dogs": 1}
    assert_close(x[:, 0, 0, 0], np.array([1.0, 2, 3, 11, 12]), "elementwise")
    np.testing.assert_array_equal(y, np.eye(2)[[0, 0, 0, 1, 1]])
    options = dict(target_size=(4, 4), color_mode="grayscale", shuffle=False)
    assert next(maker.flow_from_directory(tmp_path, class_mode=None, **options)).shape == (5, 4, 4, 1)
    only = maker.flow_from_directory(tmp_path, classes=["dogs"], class_mode="binary", **options)
    np.testing.assert_array_equal(next(only)[1], [0, 0])
    with pytest.raises(ValueError, match="there is no folder .*birds"):
        maker.flow_from_directory(tmp_path, classes=["birds"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ImageDataGenerator(fill_mode="mirror"), "nearest, reflect, constant, wrap"),
        (lambda: ImageDataGenerator(data_format="channels_first"), r"x.transpose\(0, 2, 3, 1\)"),
        (lambda: ImageDataGenerator(zoom_range=(1, 2, 3)), "`zoom_range`"),
        (lambda: ImageDataGenerator(zca_whitening=True), "`preprocessing_function` can do it"),
        (lambda: ImageDataGenerator(interpolation_order=3), "0 or 1"),
        (lambda: ImageDataGenerator().flow(np.ones((4, 4))), r"\(N, H, W, C\)"),
        (lambda: ImageDataGenerator().flow(images(), np.ones(9)), "10 images, `y` has 9"),
        (lambda: ImageDataGenerator().flow(images(0)), "no images"),
        (lambda: ImageDataGenerator().flow(images(), subset="test"), "`subset`"),
        (lambda: ImageDataGenerator().flow(images(), batch_size=0), "`batch_size`"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises((ValueError, NotImplementedError), match=message):
        make()
