"""The ISBI 2012 scores: cases worked by hand, scikit-image's contingency scores, brute force, bad input."""

import builtins
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage, stats
from skimage import metrics as skimage_metrics
from skimage.segmentation import watershed

from cyconv import visualize
from cyconv.metrics import segmentation
from cyconv.metrics.segmentation import Overlap, label_cells, thin_borders, warp


def row(text):
    """'11.11' as a section of one row: a dot is border."""
    return np.array([[c == "1" for c in text]])


TWO_ROOMS = np.ones((5, 7), int)
TWO_ROOMS[:, 3] = 0
GAP = TWO_ROOMS.copy()
GAP[2, 3] = 1
HALVES = 1 / 3 * np.log2(3) + 1 / 6 * np.log2(6) + 1 / 2  # the entropy of shares 1/3, 1/6 and 1/2, in bits

# truth, segmentation; V_Rand, split, merge; V_Info, split, merge; Rand, warping and pixel error
BY_HAND = {
    "identical": (row("111.111"), row("111.111"), 1, 1, 1, 1, 1, 1, 0, 0, 0),
    # cells of 3 and 3 pixels; found: 2, 3 and one border pixel in the left cell
    "shifted border": (row("111.111"), row("11.1111"), 28 / 32, 14 / 18, 1,
                       2 / (1 + HALVES), 1 / HALVES, 1, 1 - 16 / 20, 0, 1 / 6),
    # as a line of one pixel the wide border is the true one: only the scores without thinning see it
    "wide border": (row("111.111"), row("11...11"), 1, 1, 1, 1, 1, 1, 1 - 8 / 16, 0, 1 - 8 / 10),
    # found: all 6 in one cell
    "missing border": (row("111.111"), row("1111111"), 36 / 54, 1, 18 / 36, 0, 1, 0,
                       1 - 24 / 42, 1 / 7, 1 / 13),
    # one gap of one pixel merges 15 and 15 pixels: nearly all pixels are right
    "merger": (TWO_ROOMS, GAP, 2 / 3, 1, 1 / 2, 0, 1, 0, 1 - 840 / 1290, 1 / 35, 1 / 61),
    # one cell of 5; found: 2, 2 and a border pixel
    "split": (row("11111"), row("11.11"), 18 / 34, 9 / 25, 1, 0, 0, 1, 1 - 8 / 24, 1 / 5, 1 / 9),
    # no cell found: thinned, no border is left; before, each pixel is on its own. The truth's two cells
    # shrink to a pixel each, but cannot vanish.
    "nothing found": (row("111.111"), row("......."), 2 / 3, 1, 1 / 2, 0, 1, 0, 1, 2 / 7, 1),
    "one cell, found": (row("1111"), row("1111"), 1, 1, 1, 1, 1, 1, 0, 0, 0),
    "cells of one pixel": (row("1.1"), row("1.1"), 1, 1, 1, 1, 1, 1, 0, 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("case", BY_HAND, ids=str)
def test_by_hand(case):
    truth, found, *expected = BY_HAND[case]
    result = segmentation.scores(truth, found, thresholds=0.5)
    v, info = result.v_rand, result.v_info
    actual = (v.value, v.split, v.merge, info.value, info.split, info.merge, result.rand_error.value,
              result.warping_error.value, result.pixel_error.value)  # fmt: skip
    np.testing.assert_allclose(actual, expected, atol=1e-12)
    for name in ("v_rand", "v_info", "rand_error", "warping_error", "pixel_error"):
        alone = getattr(segmentation, name)(truth.astype(bool), found.astype("float32"), 0.5)
        assert float(alone) == getattr(result, name).value


def test_the_table_of_the_page():
    page = (Path(__file__).parent.parent / "docs" / "segmentation-scores.md").read_text()
    lines = re.findall(r"^\| `([1.]+)` \| `([1.]+)` \|[^|]*\|(.*)\|$", page, re.M)
    assert len(lines) == 5
    for truth, found, numbers in lines:
        result = segmentation.scores(row(truth), row(found), 0.5)
        every = (result.v_rand, result.v_info, result.rand_error, result.warping_error, result.pixel_error)
        assert [f"{float(score):.3f}" for score in every] == numbers.replace("|", " ").split()


def test_a_split_line_costs_one_pixel_of_warping():
    truth, found = np.ones((6, 6)), np.ones((6, 6))
    found[:, 3] = 0  # six pixels, but five of them can be dug from the edges without cutting the cell
    assert float(segmentation.warping_error(truth, found)) == pytest.approx(1 / 36)
    ring = np.ones((6, 6))
    ring[2, 2] = 0  # a hole
    assert float(segmentation.warping_error(truth, ring)) == pytest.approx(1 / 36)


def test_sections_are_averaged_before_the_best_threshold_is_taken():
    truth = np.stack([row("111.111")] * 2)
    right, wrong = truth[0] * 1.0, np.ones((1, 7))
    # the first section is right from 0.3 on, the second up to 0.6; together from 0.3 up to 0.5
    first = np.where(right == 0, 0.25, 1.0)
    second = np.where(right == 0, 0.0, 0.55)
    score = segmentation.v_rand(truth, np.stack([first, second]))
    assert (score.value, score.threshold) == (1.0, 0.3)
    np.testing.assert_allclose(score.sections, [1, 1])
    np.testing.assert_allclose(score.curve[:3], (2 / 3 + 1) / 2)  # merged by the first section
    np.testing.assert_allclose(score.curve[6:10], (1 + 2 / 3) / 2)  # nothing above 0.55 in the second
    assert len(score.curve) == 11
    never = segmentation.v_rand(truth, np.stack([right, wrong]))
    assert never.value == pytest.approx((1 + 2 / 3) / 2)
    np.testing.assert_allclose(never.sections, [1, 2 / 3])


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0])
def test_constant_predictions(constant):
    """At every threshold one cell over all, or none, which is one over all when it has been thinned."""
    result = segmentation.scores(row("111.111"), np.full((1, 7), constant))
    assert result.v_rand.value == pytest.approx(2 / 3) and result.v_rand.merge == pytest.approx(1 / 2)
    assert (result.v_info.value, result.v_info.split, result.v_info.merge) == pytest.approx((0, 1, 0))
    assert result.rand_error.value == pytest.approx(1 - 24 / 42 if constant else 1)
    assert result.pixel_error.value == pytest.approx(1 / 13 if constant else 1)


# Against independent calculations --------------------------------------------------------------------------


def random_cells(seed, size=40, spread=2.5):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((size, size)), spread)
    return np.abs(noise) > 0.3 * noise.std()


@pytest.mark.parametrize("seed", range(5))
def test_rand_and_information_are_those_of_scikit_image(seed):
    truth, found = label_cells(random_cells(seed)), label_cells(random_cells(seed + 100))
    apart = found.copy()  # scikit-image has no cells of one pixel for border pixels: numbers of their own
    apart[found == 0] = found.max() + 1 + np.arange((found == 0).sum())
    overlap = Overlap(truth, found)
    error, precision, recall = skimage_metrics.adapted_rand_error(truth, apart, ignore_labels=(0,))
    # What scikit-image calls precision divides by the truth's pairs.
    np.testing.assert_allclose(overlap.pairs(), (1 - error, precision, recall), rtol=1e-12)
    table = skimage_metrics.contingency_table(truth, apart, ignore_labels=(0,), normalize=True)
    false_splits, false_mergers = skimage_metrics.variation_of_information(truth, apart, ignore_labels=(0,))
    h_truth, h_found = (stats.entropy(np.asarray(table.sum(axis)).ravel(), base=2) for axis in (1, 0))
    shared = h_truth - false_mergers
    assert shared == pytest.approx(h_found - false_splits)
    expected = 2 * shared / (h_truth + h_found), shared / h_found, shared / h_truth
    np.testing.assert_allclose(overlap.information(), expected, rtol=1e-9)
    both, s, t = ((np.asarray(a) ** 2).sum() for a in (table.toarray(), table.sum(0), table.sum(1)))
    np.testing.assert_allclose(overlap.rand(), (both / (s / 2 + t / 2), both / t, both / s), rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_thinned_borders_are_lines_between_the_nearest_cells(seed):
    interior = random_cells(seed, 30)
    interior[8:20, 8:20] = False  # a wide border
    cells = label_cells(interior)
    grown = thin_borders(cells)
    np.testing.assert_array_equal(grown[interior], cells[interior])
    for a, b in ((grown[1:], grown[:-1]), (grown[:, 1:], grown[:, :-1])):
        assert ((a == b) | (a == 0) | (b == 0)).all(), "two cells touch"
    places = np.argwhere(cells > 0)
    line = grown == 0
    for y, x in np.argwhere(~interior):
        far = np.abs(places - (y, x)).sum(1)
        nearest = set(cells[tuple(places[far == far.min()].T)].tolist())
        around = grown[max(y - 1, 0) : y + 2, x].tolist() + grown[y, max(x - 1, 0) : x + 2].tolist()
        assert grown[y, x] in nearest or (line[y, x] and set(around) - {0, grown[y, x]})
    assert not (line[1:, 1:] & line[1:, :-1] & line[:-1, 1:] & line[:-1, :-1] & interior[1:, 1:]).any()
    flooded = watershed(cells == 0, cells, connectivity=1, watershed_line=True)
    differ = (grown != flooded) & (grown > 0) & (flooded > 0)
    assert differ.mean() < 0.02 and abs(line.sum() - (flooded == 0).sum()) < 0.1 * (flooded == 0).sum()


def topology(image):
    """(cells, 4-connected; borders, 8-connected, with what lies outside the image)."""
    image = np.pad(image, 1)
    return ndimage.label(image)[1], ndimage.label(image == 0, np.ones((3, 3)))[1]


def reachable(start):
    """Every image of changes of single pixels that keep cells and borders: by brute force."""
    seen, new = {start.tobytes()}, [start]
    while new:
        image = new.pop()
        padded = np.pad(image, 1)
        for y, x in np.ndindex(image.shape):
            window = padded[y : y + 3, x : x + 3].copy()
            other = window.copy()
            other[1, 1] = not other[1, 1]
            if topology(window) == topology(other):  # a simple point: its window keeps cells and borders
                changed = image.copy()
                changed[y, x] = not changed[y, x]
                if changed.tobytes() not in seen:
                    seen.add(changed.tobytes())
                    new.append(changed)
    return seen


@pytest.mark.parametrize("start", ["111|1.1|111", "11.|11.|...", "1.1|1.1|1.1", ".1.|1..|..1"])
def test_warping_against_every_warp_there_is(start):
    start = np.concatenate([row(line) for line in start.split("|")])
    every = np.stack([np.frombuffer(b, bool).reshape(3, 3) for b in reachable(start)])
    generator, excess = np.random.default_rng(0), []
    for _ in range(100):
        goal = start ^ (generator.random((3, 3)) < 0.25)
        warped = warp(start, goal)
        assert (every == warped).all((1, 2)).any(), "a warp that single steps cannot reach"
        excess.append((warped != goal).sum() - (every != goal).sum((1, 2)).min())
        np.testing.assert_array_equal(warp(warped, goal), warped)  # no further step
    assert min(excess) == 0 and np.mean(excess) < 0.3, "greedy: near the least number of pixels"


@pytest.mark.parametrize("seed", range(3))
def test_warping_keeps_the_topology_of_sections(seed):
    truth, goal = random_cells(seed), random_cells(seed + 50)
    warped = warp(truth, goal)
    np.testing.assert_array_equal(warped, warp(np.asfortranarray(truth), goal[:, ::-1][:, ::-1]))
    assert topology(warped) == topology(truth)
    assert (warped != goal).sum() < (truth != goal).sum()
    assert (warped == truth)[truth == goal].all(), "only what differs may change"


# Which cells ------------------------------------------------------------------------------------------------


def test_cells_that_were_split_and_merged():
    truth, found = row("1111.1111.111.111111"), row("111111111.111.11.111")
    expected = {"right": 1, "split": 1, "merged": 2, "both": 0}
    result = segmentation.mistakes(truth, found)
    assert result.cells == expected
    np.testing.assert_array_equal(result.truth[0], [3] * 4 + [0] + [3] * 4 + [0, 1, 1, 1, 0] + [2] * 6)
    np.testing.assert_array_equal(result.found[0], [3] * 9 + [0, 1, 1, 1, 0, 2, 2, 0, 2, 2, 2])
    # pieces of 2 and 3 pixels are a third and a half of six: above 0.4 only one takes part
    assert segmentation.mistakes(truth, found, 0.4).cells == {"right": 2, "split": 0, "merged": 2, "both": 0}
    both = segmentation.mistakes(row("111.111"), row("1.11111"), 0.2)
    assert both.cells == {"right": 0, "split": 0, "merged": 1, "both": 1}
    assert both.truth[0].tolist() == [4, 4, 4, 0, 3, 3, 3] and both.found[0].tolist() == [2, 0] + [4] * 5
    assert segmentation.mistakes(truth, truth).cells == {"right": 4, "split": 0, "merged": 0, "both": 0}
    with pytest.raises(ValueError, match="`least` is a share"):
        segmentation.mistakes(truth, found, 0)
    with pytest.raises(ValueError, match="one shape"):
        segmentation.mistakes(truth, found[:, 1:])


def test_the_picture_of_splits_and_mergers():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    truth, found = np.repeat(row("1111.1111.111.111111"), 4, 0), np.repeat(row("111111111.111.11.111"), 4, 0)
    figure = visualize.splits_and_mergers(truth, found * 0.8, np.ones((4, 20, 1)), threshold=0.6)
    figure.canvas.draw()
    section, of_truth, of_found = (np.asarray(axis.images[0].get_array()) for axis in figure.axes)
    assert section.shape == (4, 20)
    np.testing.assert_array_equal(of_truth[0], [3] * 4 + [0] + [3] * 4 + [5, 1, 1, 1, 5, 2, 2, 5, 2, 2, 2])
    np.testing.assert_array_equal(of_found[0], [3] * 4 + [5] + [3] * 4 + [5, 1, 1, 1, 5, 2, 2, 0, 2, 2, 2])
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["right: 1", "split: 1", "merged: 2", "both: 0"]
    assert figure._suptitle.get_text().startswith("4 cells; V_Rand 0.")
    with pytest.raises(ValueError, match="section and truth are of one height and width"):
        visualize.splits_and_mergers(truth, found, np.ones((3, 20)))
    with pytest.raises(ValueError, match="`prediction` holds probabilities"):
        visualize.splits_and_mergers(truth, found * 255)
    matplotlib.pyplot.close("all")


# Printing and errors ---------------------------------------------------------------------------------------


def test_the_table():
    truth = np.stack([row("111.111")] * 2)
    result = segmentation.scores(truth, np.stack([row("111.111"), row("1111111")]), warping=False)
    assert result.warping_error is None
    lines = str(result).splitlines()
    assert len(lines) == 6
    assert lines[1].split() == "V_Rand (thinned) 0.8333 1.0000 0.7500 0 0.6667 to 1.0000, std 0.1667".split()
    assert lines[4].split()[:5] == "pixel error 0.0385 - -".split()
    assert lines[5].startswith("2 sections")
    assert repr(result) == str(result) and "V_Info" in str(result.v_info)


CELLS = np.ones((8, 8))
BAD = [
    (CELLS, np.ones((8, 7)), "one shape. Received: (8, 8) and (8, 7)"),
    (CELLS, np.ones((8, 8, 3)), "3 channels came: take that of the cells' inside, prediction[..., k]. Rec"),
    (CELLS, np.ones((8, 8, 1)), "take prediction[..., 0]. Received: shape (8, 8, 1)"),
    (np.ones((2, 8, 8, 1)), np.ones((2, 8, 8, 1)), "take truth[..., 0]. Received: shape (2, 8, 8, 1)"),
    (np.ones(8), np.ones(8), "a section (H, W) or a stack (N, H, W). Received: shape (8,)"),
    (np.ones((0, 8, 8)), np.ones((0, 8, 8)), "Received: shape (0, 8, 8)"),
    (255 * CELLS, CELLS, "become that by x / 255. Received: values from 255 to 255"),
    (CELLS / 2, CELLS, "`truth` holds 0 (border) and 1 (inside of a cell) only. Received"),
    (CELLS * np.nan, CELLS, "`truth` holds 0"),
    (CELLS, 255 * CELLS, "`prediction` holds probabilities from 0 to 1; bytes become that by x / 255"),
    (CELLS, -3.5 * CELLS, "become probabilities by 1 / (1 + exp(-x)). Received: values from -3.5 to -3.5"),
    (CELLS, np.where(np.eye(8), np.nan, 1), "`prediction` holds NaN"),
    (CELLS, np.inf * CELLS, "`prediction` holds probabilities"),
    (np.stack([CELLS, 0 * CELLS]), np.ones((2, 8, 8)), "section 1 of `truth` has no pixel of 1"),
]


@pytest.mark.parametrize(("truth", "prediction", "message"), BAD)
def test_bad_arrays_say_what_to_do(truth, prediction, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        segmentation.scores(truth, prediction)


def test_other_bad_input():
    with pytest.raises(TypeError, match="`truth`: expected numbers"):
        segmentation.v_rand([["1"]], [[1]])
    for thresholds in (2, [], [0.5, -1], [[0.5]]):
        with pytest.raises(ValueError, match="`thresholds` are numbers from 0 to 1"):
            segmentation.v_rand(CELLS, CELLS, thresholds)
    with pytest.raises(ValueError, match="one section"):
        warp(np.ones((2, 8, 8)), np.ones((2, 8, 8)))
    with pytest.raises(ValueError, match="one shape"):
        warp(CELLS, np.ones((8, 7)))
    with pytest.raises(ValueError, match="`interior` holds 0 and 1 only"):
        label_cells(CELLS / 2)


def test_without_scipy_the_error_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "scipy":
            raise ModuleNotFoundError("No module named 'scipy'", name="scipy")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "cyconv\[demos\]"'):
        segmentation.v_rand(CELLS, CELLS)
