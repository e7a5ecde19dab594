"""Weight maps, tiles, views: against formulas worked out pixel by pixel, and networks run on the whole."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers, segmentation
from cyconv.testing import assert_close

pytest.importorskip("scipy")


def rng(seed=0):
    return np.random.default_rng(seed)


# Weight maps -----------------------------------------------------------------------------------------------


def two_cells(gap):
    """Two cells with `gap` columns of membrane between them."""
    mask = np.ones((20, 20 + gap), np.uint8)
    mask[:, 10 : 10 + gap] = 0
    return mask


def test_a_line_between_two_cells_by_hand():
    """One column: d1 = d2 = 1. Three: (1, 3), (2, 2), (3, 1), all with d1 + d2 = 4."""
    one = segmentation.weight_map(two_cells(1), balance=False)
    np.testing.assert_allclose(one[:, 10], 1 + 10 * np.exp(-4 / 50), rtol=1e-6)
    np.testing.assert_array_equal(np.delete(one, 10, axis=1), 1)
    three = segmentation.weight_map(two_cells(3), w0=2, sigma=3, balance=False)
    np.testing.assert_allclose(three[:, 10:13], 1 + 2 * np.exp(-16 / 18), rtol=1e-6)


def test_classes_are_balanced():
    mask = two_cells(4)
    weights = segmentation.weight_map(mask, w0=0)
    np.testing.assert_allclose(weights[mask == 1].sum(), weights[mask == 0].sum(), rtol=1e-5)
    np.testing.assert_allclose(weights.mean(), 1, rtol=1e-5)
    for same in (np.ones((8, 8)), np.zeros((8, 8))):
        np.testing.assert_array_equal(segmentation.weight_map(same), 1)


def test_the_formula_pixel_by_pixel():
    """Distances to every cell by definition: the least over its pixels."""
    from scipy import ndimage

    mask = (ndimage.gaussian_filter(rng().standard_normal((48, 56)), 2) > 0.04).astype(np.uint8)
    cells, count = ndimage.label(mask)
    assert count >= 4
    places = np.argwhere(mask == 0)
    distances = np.stack([
        np.sqrt(((places[:, None] - np.argwhere(cells == i)[None]) ** 2).sum(-1)).min(1)
        for i in range(1, count + 1)
    ])  # fmt: skip
    d1, d2 = np.sort(distances, axis=0)[:2]
    expected = 1 + 10 * np.exp(-((d1 + d2) ** 2) / (2 * 3.0**2))
    found = segmentation.weight_map(mask, sigma=3.0, balance=False)
    np.testing.assert_allclose(found[mask == 0], expected, atol=4e-5)  # what the docstring leaves out
    np.testing.assert_array_equal(found[mask == 1], 1)
    stack = segmentation.weight_map(np.stack([mask, 1 - mask]), sigma=3.0, balance=False)
    np.testing.assert_array_equal(stack[0], found)


# Tiles -----------------------------------------------------------------------------------------------------


def small_net(padding="same"):
    keras.utils.set_random_seed(1)
    return keras.Sequential([
        keras.Input((None, None, 1)),
        layers.Conv2D(3, 3, padding=padding, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(4, 3, padding=padding, activation="relu"),
        layers.Conv2DTranspose(2, 2, 2),
        layers.Conv2D(1, 3, padding=padding, activation="sigmoid"),
    ])  # fmt: skip


@pytest.mark.parametrize("size", [(64, 64), (75, 101), (33, 90), (5, 7)])
def test_tiles_give_what_the_network_gives_for_the_whole(size):
    """The whole: mirrored by NumPy, far enough that no zero of the padding comes near."""
    model, x = small_net(), rng().standard_normal((2, *size, 1)).astype(np.float32)
    H, W = size
    margin = ((0, 0), (16, 16 + H % 2), (16, 16 + W % 2), (0, 0))
    whole = model.predict(np.pad(x, margin, mode="reflect"), verbose=0)[:, 16 : 16 + H, 16 : 16 + W]
    for tile, border in ((32, 8), (48, 9), (640, 8)):
        found = segmentation.predict_tiles(model, x, tile=tile, border=border)
        assert_close(found, whole, "network")


def test_the_papers_network_is_tiled_by_its_own_sizes():
    """188 -> 4 at depth 4; here 68 -> 28 at depth 2, with mirrored surroundings of 20."""
    model = keras.zoo.unet((68, 68, 1), filters=2, depth=2, dropout=0)
    assert model.output_shape[1:3] == (28, 28)
    x = rng().standard_normal((1, 60, 50, 1)).astype(np.float32)
    found = segmentation.predict_tiles(model, x)
    assert found.shape == (1, 60, 50, 2)
    padded = np.pad(x, ((0, 0), (20, 44), (20, 26), (0, 0)), mode="reflect")
    piece = padded[:, 28 : 28 + 68, 28 : 28 + 68]
    assert_close(found[:, 28:56, 28:50], model.predict(piece, verbose=0)[:, :, :22], "network")


def test_a_network_of_one_size_is_tiled_too():
    model = keras.zoo.unet_same((32, 32, 1), filters=2, depth=2, dropout=0)
    x = rng().standard_normal((1, 40, 70, 1)).astype(np.float32)
    assert segmentation.predict_tiles(model, x, border=8).shape == (1, 40, 70, 1)
    with pytest.raises(ValueError, match="the largest border is 15"):
        segmentation.predict_tiles(model, x, border=16)


def test_a_tile_without_a_middle_is_refused_with_the_least_that_works():
    model, x = small_net(), np.zeros((1, 100, 100, 1))
    with pytest.raises(ValueError, match="`tile` must be at least 66"):
        segmentation.predict_tiles(model, x, tile=65, border=32)
    assert segmentation.predict_tiles(model, x, tile=66, border=32).shape == x.shape
    with pytest.raises(ValueError, match="images are"):
        segmentation.predict_tiles(model, x[..., 0])


# Views -----------------------------------------------------------------------------------------------------


def test_the_mean_of_all_views_turns_with_the_image():
    def predict(x):
        upright = x.shape[1] == 4
        return x * np.arange(12.0).reshape(1, 4, 3, 1) if upright else x + np.arange(4.0).reshape(4, 1)

    x = rng().standard_normal((2, 4, 3, 1))
    mean = segmentation.average_of_views(predict, x)
    for turns in range(4):
        for side in (1, -1):
            other = segmentation.average_of_views(predict, np.rot90(x, turns, (1, 2))[:, :, ::side])
            np.testing.assert_allclose(other, np.rot90(mean, turns, (1, 2))[:, :, ::side], atol=1e-12)


def test_the_mean_of_views_by_hand():
    """A predictor that only sees the first pixel: each corner is first in two of the eight views."""
    x = np.array([[1.0, 2.0], [3.0, 4.0]])[None, ..., None]
    first = lambda x: np.where(np.arange(4).reshape(1, 2, 2, 1) == 0, x, 0)  # noqa: E731
    np.testing.assert_allclose(segmentation.average_of_views(first, x), x / 4)


# Sections --------------------------------------------------------------------------------------------------


def test_sections_are_standardised_each_for_itself():
    x = segmentation.standardized(rng().integers(0, 200, (3, 20, 30)).astype(np.uint8))
    assert x.shape == (3, 20, 30, 1) and x.dtype == np.float32
    np.testing.assert_allclose(x.mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(x.std((1, 2, 3)), 1, atol=1e-5)
    np.testing.assert_array_equal(segmentation.standardized(np.full((1, 4, 4), 7)), 0)


def test_segment_does_not_mind_brightness_contrast_and_direction():
    model, x = small_net(), rng().integers(0, 100, (1, 30, 41))
    found = segmentation.segment(model, x)
    assert found.shape == (1, 30, 41) and 0 <= found.min() and found.max() <= 1
    assert_close(segmentation.segment(model, 2 * x + 50), found, "network")
    turned = segmentation.segment(model, np.rot90(x, 1, (1, 2)))
    assert_close(turned, np.rot90(found, 1, (1, 2)), "network")
    assert not np.allclose(segmentation.segment(model, x, views=1), found)


@pytest.mark.parametrize("call, says", [
    (lambda: segmentation.weight_map(np.full((8, 8), 255)), "zeros (membrane) and ones (inside)"),
    (lambda: segmentation.weight_map(np.zeros(8)), "a mask is (H, W) or (N, H, W)"),
    (lambda: segmentation.standardized(np.zeros((8, 8))), "sections are grey images (N, H, W)"),
    (lambda: segmentation.segment(small_net(), np.zeros((1, 8, 8)), views=4), "`views` is 8"),
    (lambda: segmentation.segment(keras.zoo.unet_same((None, None, 1), classes=2, filters=2, depth=1),
                                  np.zeros((1, 8, 8))), "gives 2 maps"),
])  # fmt: skip
def test_bad_input_is_refused_with_what_would_do(call, says):
    with pytest.raises(ValueError) as error:
        call()
    assert says in str(error.value)
