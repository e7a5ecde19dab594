"""The pictures of what a network looks at: what they show and say, and what they refuse."""

import numpy as np
import pytest

from cyconv import visualize
from cyconv.interpret import EffectiveField, LimeExplanation, Projection
from cyconv.testing import assert_close

matplotlib = pytest.importorskip("matplotlib")


def texts(figure):
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def images(axis):
    return [np.asarray(image.get_array()) for image in axis.images]


def test_heat_is_opaque_where_it_is_strong():
    heat = np.array([[0, 1, 4.0]], np.float32)
    figure = visualize.heat_over_image(heat, np.ones((1, 3, 3)), "a title", opacity=0.8)
    plain, mixed, bar = figure.axes
    assert images(plain)[0].shape == (1, 3, 3) and len(images(mixed)) == 2
    assert_close(images(mixed)[1][0, :, 3].astype(np.float32), np.array([0, 0.4, 0.8]), "elementwise")
    assert "a title" in texts(figure) and bar.get_ylim() == (0, 4)


def test_heat_below_0_is_purple_and_above_it_orange():
    figure = visualize.heat_over_image(np.array([[-2.0, 2]]), np.zeros((1, 2)))
    (purple, orange) = images(figure.axes[1])[1][0]
    assert purple[2] > purple[0] and orange[0] > orange[2]
    assert figure.axes[2].get_ylim() == (-2, 2)


def test_several_maps_stand_below_each_other():
    figure = visualize.heat_over_image(np.zeros((3, 4, 4)), np.zeros((3, 4, 4, 1)), ["a", "b", "c"])
    assert len([axis for axis in figure.axes if axis.images]) == 6 and {"a", "b", "c"} <= set(texts(figure))
    for heat, image in ((np.zeros((3, 3)), np.zeros((4, 4))), (np.zeros((2, 3, 3)), np.zeros((1, 3, 3, 1)))):
        with pytest.raises(ValueError, match="a map lies over an image of its size"):
            visualize.heat_over_image(heat, image)


def test_projections_stand_beside_their_patches():
    found = [
        Projection(k, n, (0, 0), 3.5, (slice(0, 2), slice(0, 2)), np.array([[[1.0], [-2]], [[0], [0]]]),
                   np.full((2, 2, 1), n))
        for k in (4, 6) for n in (0, 1)
    ]  # fmt: skip
    figure = visualize.projections(found)
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == 8
    assert [axis.get_title(loc="center") for axis in shown[:2]] == ["map 4: 3.5", "image 0"]
    assert images(shown[0])[0].tolist() == [[1, -2], [0, 0]] and shown[0].images[0].get_clim() == (-2, 2)
    colour = Projection(0, 0, None, 1.0, (), np.array([[[1.0, -1, 0]]]), np.zeros((1, 1, 3)))
    assert images(visualize.projections([colour]).axes[0])[0].tolist() == [[[1, 0, 0.5]]]
    with pytest.raises(ValueError, match="it got none"):
        visualize.projections([])


def test_superpixels_draws_borders_weights_and_the_best():
    segments = np.array([[0, 0, 1], [2, 2, 1]])
    explanation = LimeExplanation(7, segments, np.array([0.5, -1, 0.25]), 0.0, 0.875)
    figure = visualize.superpixels(explanation, np.ones((2, 3, 3)), most=1)
    said = {"3 superpixels", "class 7; the linear model's R² is 0.88", "the 1 that speak most for it"}
    assert said <= set(texts(figure))
    lines = figure.axes[0].collections[0].get_segments()
    assert len(lines) == 4  # below the first two pixels, and left of the last in both rows
    assert images(figure.axes[2])[1][..., 3].tolist() == [[0, 0, 1], [1, 1, 1]]
    with pytest.raises(ValueError, match="do not lie over"):
        visualize.superpixels(explanation, np.ones((3, 3, 3)))


def test_the_effective_field_stands_inside_what_can_be_seen():
    bell = np.zeros((9, 9), np.float32)
    bell[3:6, 3:6] = 1
    figure = visualize.effective_field(
        EffectiveField(bell, 3.0, (1, 1)), type("Field", (), dict(size=(5, 5), jump=(2, 2), first=(0, 0)))
    )
    boxes = [(b.get_xy(), b.get_width()) for b in figure.axes[0].patches]
    assert boxes == [((1.5, 1.5), 5), ((2.5, 2.5), 3)]
    assert {"can see: 5 x 5", "looks at: 3 x 3", "the unit at (1, 1)"} <= set(texts(figure))
    with pytest.raises(ValueError, match="2-D fields"):
        visualize.effective_field(EffectiveField(np.ones(3), 1.0, (0,)))
