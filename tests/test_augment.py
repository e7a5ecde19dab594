"""Augmentation for segmentation: SciPy reads the same places, labels stay labels, seeds repeat everything."""

import numpy as np
import pytest

from cyconv.augment import Augment, Tiles, displacements
from cyconv.augment.elastic import spline
from cyconv.augment.mirrored import Mirrored
from cyconv.testing import assert_close

ndimage = pytest.importorskip("scipy.ndimage")


def rng(seed=0):
    return np.random.default_rng(seed)


def coordinates(H, W):
    """An image whose two channels are each pixel's row and column: what is read from it says where."""
    return np.stack(np.meshgrid(np.arange(H), np.arange(W), indexing="ij"), -1).astype(np.float32)


# Where pixels are read -------------------------------------------------------------------------------------


@pytest.mark.parametrize("nodes", [2, 3, 4, 7])
def test_between_the_nodes_lies_the_natural_cubic_spline(nodes):
    from scipy.interpolate import CubicSpline

    values = rng().standard_normal(nodes)
    if nodes == 2:
        expected = np.linspace(*values, 33)
    else:
        expected = CubicSpline(np.arange(nodes), values, bc_type="natural")(np.linspace(0, nodes - 1, 33))
    assert_close((spline(33, nodes) @ values).astype(np.float32), expected, "sum", nodes)


def test_displacements_are_the_papers():
    """Gaussian with standard deviation 10 at the nodes of a 3 x 3 grid, at corners, edges and middle."""
    drawn = np.stack([displacements((41, 61), rng(seed)) for seed in range(400)])
    nodes = drawn[:, :, ::20, ::30]
    assert nodes.shape == (400, 2, 3, 3)
    assert abs(nodes.std() - 10) < 0.5 and abs(nodes.mean()) < 0.5
    np.testing.assert_array_equal(drawn[7], displacements((41, 61), rng(7)))


@pytest.mark.parametrize("order", [0, 1])
def test_places_inside_and_outside_are_read_as_scipy_reads_them(order):
    image = rng().standard_normal((23, 17)).astype(np.float32)
    rows, columns = rng(1).uniform(-30, 60, (2, 40, 50)).astype(np.float32)
    found = Mirrored(image, order).read(rows, columns)
    expected = ndimage.map_coordinates(image, [rows, columns], order=order, mode="mirror")
    # A place in float32 is off by up to its size times epsilon: 60 terms of rounding.
    assert_close(found, expected, "sum", 60)


def test_bicubic_reading_is_exact_for_parabolas_and_at_pixels():
    """Keys 1981: with a = -1/2 the cubic convolution reproduces polynomials of second degree."""
    y, x = np.mgrid[:20, :24]
    image = 0.3 * y * y - 0.2 * x * x + 0.1 * x * y - y + 2 * x
    rows, columns = rng().uniform(2, 17, (2, 100)).astype(np.float32)
    expected = 0.3 * rows**2 - 0.2 * columns**2 + 0.1 * rows * columns - rows + 2 * columns
    assert_close(Mirrored(image, 3).read(rows, columns), expected, "sum", 16)
    at_pixels = Mirrored(image, 3).read(y.astype(np.float32), x.astype(np.float32))
    np.testing.assert_array_equal(at_pixels, image.astype(np.float32))


def test_image_mask_and_weights_are_read_at_the_same_places():
    H, W = 60, 70
    mask = rng().integers(0, 5, (H, W)).astype(np.uint8)
    weights = rng().uniform(1, 9, (H, W)).astype(np.float32)
    image, found, weighed = Augment(elastic=3, scale=0.2, shift=4)(
        coordinates(H, W), mask, weights, seed=3, size=(40, 30)
    )
    assert image.shape == (40, 30, 2) and found.shape == weighed.shape == (40, 30)
    # Away from the borders the image is the place itself.
    inside = ((image > 3) & (image < np.array([H, W]) - 4)).all(-1)
    rows, columns = image[inside].T
    assert inside.sum() > 600
    far_from_half = (np.abs(image[inside] % 1 - 0.5) > 1e-3).all(-1)
    expected = mask[np.round(rows).astype(int), np.round(columns).astype(int)]
    np.testing.assert_array_equal(found[inside][far_from_half], expected[far_from_half])
    # The places are read from the image, and so are rounded once more.
    assert_close(weighed[inside], ndimage.map_coordinates(weights, [rows, columns], order=1), "network", 60)


def test_without_elastic_the_change_turns_and_mirrors_and_keeps_distances():
    turns, sides = [], []
    for seed in range(200):
        image, _, _ = Augment(elastic=0)(coordinates(80, 80), seed=seed, size=(20, 20))
        down, right = image[11, 10] - image[10, 10], image[10, 11] - image[10, 10]
        jacobian = np.stack([down, right])
        # Differences of numbers up to 80 that are 1: 80 times the rounding.
        assert_close(jacobian @ jacobian.T, np.eye(2), "sum", 80**2)
        assert_close(image[9:11, 9:11].mean((0, 1)), np.array([39.5, 39.5]), "sum", 16)
        sides.append(np.linalg.det(jacobian) > 0)
        turns.append(np.arctan2(down[1], down[0]))
    assert 70 < sum(sides) < 130
    assert np.histogram(turns, 4, (-np.pi, np.pi))[0].min() > 25


def test_nothing_asked_for_changes_nothing():
    image = rng().standard_normal((30, 20, 3)).astype(np.float32)
    mask = rng().integers(0, 2, (30, 20))
    found, labels, weights = Augment(rotation=0, flip=False, elastic=0)(image, mask, seed=0)
    np.testing.assert_array_equal(found, image)
    np.testing.assert_array_equal(labels, mask)
    assert labels.dtype == mask.dtype and weights is None


def test_a_centre_comes_to_the_middle():
    changed, _, _ = Augment(rotation=0, flip=False, elastic=0)(
        coordinates(50, 50), seed=0, size=(9, 11), centre=(20, 30)
    )
    assert_close(changed[4, 5], np.array([20, 30]), "sum")
    assert_close(changed[0, 0], np.array([16, 25]), "sum")


# Grey values -----------------------------------------------------------------------------------------------


def test_grey_values_change_in_the_image_only_and_within_the_limits():
    image = rng().standard_normal((40, 40)).astype(np.float32)
    mask = (image > 0).astype(np.uint8)
    still = dict(rotation=0, flip=False, elastic=0)
    slopes, shifts, noises = [], [], []
    for seed in range(100):
        found, labels, _ = Augment(**still, contrast=0.2, brightness=0.5)(image, mask, seed=seed)
        np.testing.assert_array_equal(labels, mask)
        slopes.append(np.polyfit(image.ravel(), found.ravel(), 1)[0])
        shifts.append(found.mean() - image.mean())
        noises.append((Augment(**still, noise=0.3)(image, seed=seed)[0] - image).std())
    assert 0.8 <= min(slopes) < 0.85 and 1.15 < max(slopes) <= 1.2001
    assert -0.5001 <= min(shifts) < -0.4 and 0.4 < max(shifts) <= 0.5001
    assert min(noises) < 0.05 and 0.25 < max(noises) < 0.31


# Batches ---------------------------------------------------------------------------------------------------


def sections(count=4, size=48):
    x = rng().standard_normal((count, size, size)).astype(np.float32)
    return x, (x > 0).astype(np.uint8), np.abs(x)


def test_batches_of_tiles_have_the_shapes_that_fit_takes():
    x, y, w = Tiles(*sections(), size=32, batch_size=3, batches=5)[0]
    assert x.shape == y.shape == (3, 32, 32, 1) and w.shape == (3, 32, 32)
    assert x.dtype == y.dtype == w.dtype == np.float32
    assert set(np.unique(y)) == {0, 1}
    assert len(Tiles(*sections()[:2], size=32)[0]) == 2


def test_masks_and_weights_with_an_axis_of_one_channel_give_the_same_tiles():
    masks, weights = np.arange(128.0).reshape(2, 8, 8) % 2, np.arange(128.0).reshape(2, 8, 8)
    plain, with_axis = Tiles(EMPTY, masks, weights, 8), Tiles(EMPTY, masks[..., None], weights[..., None], 8)
    for one, other in zip(plain[0], with_axis[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_tile_may_be_larger_than_its_section():
    assert Tiles(*sections(size=20), size=64, batch_size=1)[0][0].shape == (1, 64, 64, 1)


def test_batches_depend_on_seed_and_epoch_alone():
    def first(tiles):
        return tiles[1][0]

    one, same, other = (Tiles(*sections(), size=16, batches=3, seed=s) for s in (1, 1, 2))
    _ = same[2], same[0]  # the order of asking does not matter
    np.testing.assert_array_equal(first(one), first(same))
    assert not np.array_equal(first(one), first(other))
    before = first(one)
    one.on_epoch_end()
    assert not np.array_equal(before, first(one))
    same.restore(one.state())
    np.testing.assert_array_equal(first(one), first(same))


def test_all_sections_give_tiles_in_turn():
    x = np.broadcast_to(np.arange(5, dtype=np.float32)[:, None, None], (5, 20, 20))
    tiles = Tiles(x, np.zeros(x.shape, np.uint8), size=8, batch_size=1, batches=20)
    found = [int(tiles[i][0].mean().round()) for i in range(20)]
    for turn in range(0, 20, 5):
        assert sorted(found[turn : turn + 5]) == [0, 1, 2, 3, 4]
    assert found[:5] != found[5:10] or found[5:10] != found[10:15]


def test_training_on_tiles_gives_the_same_bytes_with_any_number_of_workers():
    import cyconv as keras

    def trained(workers):
        keras.utils.set_random_seed(0)
        layer = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")
        model = keras.Sequential([keras.Input((None, None, 1)), layer])
        model.compile("adam", "binary_crossentropy")
        model.fit(Tiles(*sections(), size=16, batches=6, workers=workers), epochs=2, verbose=0, shuffle=False)
        return model.get_weights()

    for a, b in zip(trained(1), trained(3)):
        np.testing.assert_array_equal(a, b)


# Bad input -------------------------------------------------------------------------------------------------


EMPTY = np.zeros((2, 8, 8))


@pytest.mark.parametrize("call, says", [
    (lambda: Augment(rotation=-1), "`rotation` is a number from 0 on. Received: -1"),
    (lambda: Augment(elastic=float("nan")), "`elastic` is a number"),
    (lambda: Augment(shift="far"), "`shift` is a number from 0 on. Received: 'far'"),
    (lambda: Augment(scale=1.0), "`scale` lies below 1"),
    (lambda: Augment(grid=1), "at least 2 nodes"),
    (lambda: Augment(order=2)(np.zeros((8, 8))), "0 (nearest), 1 (bilinear) or 3 (bicubic). Received: 2"),
    (lambda: Augment()(np.zeros(8)), "an image is (H, W) or (H, W, C)"),
    (lambda: Augment()(np.zeros((8, 8)), np.zeros((8, 9))), "must have one size"),
    (lambda: Tiles(EMPTY, np.zeros((3, 8, 8))), "2 images, but 3 masks"),
    (lambda: Tiles(EMPTY, np.zeros((2, 8, 9))), "masks[0] has shape (8, 9); with an image of shape"),
    (lambda: Tiles(EMPTY, EMPTY, np.zeros((2, 8, 8, 2))), "weights[0] has shape (8, 8, 2)"),
    (lambda: Tiles([], []), "there are no images"),
    (lambda: Tiles(EMPTY, EMPTY, size=0), "`size` is one number of pixels or two"),
    (lambda: Tiles(EMPTY, EMPTY, batches=0), "`batches` is an integer, at least 1"),
])  # fmt: skip
def test_bad_input_is_refused_with_what_would_do(call, says):
    with pytest.raises(ValueError) as error:
        call()
    assert says in str(error.value)
