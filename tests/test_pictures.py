"""The pictures of layers, networks and images: their numbers, read from the axes, against hand-made ones."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers, visualize, zoo

matplotlib = pytest.importorskip("matplotlib")


def silent(text):
    pass


def texts(figure):
    """All that is written in a figure, which is drawn for it."""
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def images(axis_or_figure):
    axes = getattr(axis_or_figure, "axes", None)
    axes = axes if isinstance(axes, list) else [axis_or_figure]
    return [np.asarray(image.get_array()) for axis in axes for image in axis.images]


def random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# Images ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(30, 4, 5), (3, 4, 5, 1), (2, 8, 4, 3)])
def test_a_batch_with_labels(shape):
    x = np.abs(random(shape))
    figure = visualize.images(x, np.arange(len(x)) % 2, names=["cat", "dog"], n=25)
    drawn = images(figure)
    assert len(drawn) == min(25, len(x))
    if shape[-1] != 3:
        np.testing.assert_array_equal(drawn[1], x[1].reshape(shape[1:3]))
    assert {"cat", "dog"} <= set(texts(figure))
    assert len(images(visualize.images(x))) == len(drawn)


@pytest.mark.parametrize("x, labels, names, says", [
    (np.ones((4, 4)), None, None, "x holds images"),
    (np.ones((0, 4, 4)), None, None, "x holds images"),
    (np.ones((3, 4, 4)), [1, 2], None, "3 images and 2 labels"),
    (np.ones((3, 4, 4)), [0, 1, 2], ["a"], "1 names, and labels up to 2"),
    (np.ones((3, 4, 4, 2)), None, None, "an image is"),
])  # fmt: skip
def test_a_batch_that_is_none(x, labels, names, says):
    with pytest.raises(ValueError, match=says):
        visualize.images(x, labels, names)


def test_feature_maps_are_on_one_scale():
    maps = np.zeros((1, 5, 7, 40), "float32")
    maps[0, 1, 2, 3] = 9
    figure = visualize.feature_maps(maps, np.ones((5, 7)), "conv", most=10)
    drawn = images(figure)
    assert len(drawn) == 11  # the image, ten maps
    assert drawn[1 + 3][1, 2] == 9
    assert {axis.images[0].get_clim() for axis in figure.axes[1:11]} == {(0, 9)}
    assert "conv: the first 10 of 40 channels of 5 x 7; 39 of them 0 everywhere" in texts(figure)
    signed = visualize.feature_maps(-maps)
    assert signed.axes[0].images[0].get_clim() == (-9, 9)
    with pytest.raises(ValueError, match="for one image"):
        visualize.feature_maps(np.ones((2, 5, 7, 3)))


def test_segmentation_counts_its_errors():
    truth = np.array([[1, 1, 0], [0, 0, 0]])
    probability = np.array([[0.9, 0.2, 0.1], [0.6, 0.1, 0.5]])
    figure = visualize.segmentation(np.ones((2, 3, 1)), truth[..., None], probability)
    section, drawn_truth, drawn_probability, found, errors = figure.axes[:5]
    np.testing.assert_array_equal(images(drawn_truth)[0], truth)
    np.testing.assert_array_equal(images(drawn_probability)[0], probability)
    np.testing.assert_array_equal(images(found)[0], [[1, 0, 0], [1, 0, 1]])
    np.testing.assert_array_equal(images(errors)[1][..., 3], [[0, 1, 0], [1, 0, 1]])
    written = texts(figure)
    assert "missed: 1" in written and "too many: 2" in written
    assert "50.00% of the pixels right, Dice 0.400" in written  # 2 * 1 / (2 + 3)


def test_segmentation_of_several_classes():
    truth = np.array([[0, 1], [2, 2]])
    found = np.array([[0, 1], [2, 1]])
    figure = visualize.segmentation(np.ones((2, 2, 3)), truth, np.eye(3)[found] * 0.7 + 0.1)
    np.testing.assert_array_equal(images(figure.axes[3])[0], found)
    np.testing.assert_allclose(images(figure.axes[2])[0], 0.8)
    assert "wrong: 1" in texts(figure)
    with pytest.raises(ValueError, match="one height and width"):
        visualize.segmentation(np.ones((2, 3)), truth, truth)


# One output worked out -------------------------------------------------------------------------------------


def test_the_window_weights_and_products_of_a_convolution():
    layer, x = layers.Conv2D(2, (2, 3), padding="same", name="c"), random((2, 4, 5, 2))
    worked = layer.explain(x, position=(1, 3, 0, 1), print_fn=silent)
    figure = visualize.working(worked)
    kernel = layer.get_weights()[0]
    rows = np.array(figure.axes).reshape(2, 4)
    for channel, (input_, window, weights, products) in enumerate(rows):
        np.testing.assert_array_equal(images(input_)[0], x[1, :, :, channel])
        frame = input_.patches[0]
        assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (-0.5, 2.5, 2, 1)
        seen = np.full((2, 3), np.nan)
        seen[0, 1:] = x[1, 3, :2, channel]
        np.testing.assert_array_equal(images(window)[0], seen)
        assert len(window.patches) == 4  # hatched: below and left of the image
        np.testing.assert_array_equal(images(weights)[0], kernel[:, :, channel, 1])
        np.testing.assert_allclose(images(products)[0], seen * kernel[:, :, channel, 1].astype(float))
        assert products.get_xlabel() == f"sum {np.nansum(seen * kernel[:, :, channel, 1]):.5g}"
    assert f"c: how output (1, 3, 0, 1) came about: {worked.computed:.5g}" in texts(figure)


def test_the_switch_is_framed():
    x = np.float32([[1, 2, 0, 9], [3, 4, 5, 8]])[None, :, :, None]
    figure = visualize.working(layers.MaxPooling2D(2).explain(x, (0, 1, 0), print_fn=silent))
    (frame,) = figure.axes[1].patches
    assert (frame.get_x(), frame.get_y()) == (0.5, -0.5)
    assert any("it comes from input (0, 3, 0)" in text for text in texts(figure))


def test_batch_norm_shows_the_channel_before_and_after():
    x = random((8, 3, 3, 2))
    worked = layers.BatchNormalization(epsilon=1e-9).explain(x, (2, 1, 1, 1), training=True, print_fn=silent)
    before, after = visualize.working(worked).axes
    assert sum(bar.get_height() for bar in before.patches) == 72
    assert before.lines[0].get_xdata()[0] == pytest.approx(x[2, 1, 1, 1])
    assert after.lines[1].get_label() == "mean 0, deviation 1"


@pytest.mark.parametrize("layer, shape, position", [
    (layers.Conv1D(2, 3), (1, 6, 1), (1, 1)),
    (layers.Conv3D(1, 2, padding="same"), (1, 2, 2, 2, 1), (1, 1, 1, 0)),
    (layers.Dense(2), (1, 200), (1,)), (layers.Conv2D(1, 1), (1, 3, 3, 9), (0, 0, 0)),
    (layers.Conv2D(1, 9), (1, 90, 90, 7), (0, 0, 0)), (layers.GlobalMaxPooling3D(), (1, 2, 2, 2, 1), (0,)),
    (layers.Conv2DTranspose(1, 2, 3), (1, 2, 2, 1), (0, 2, 0)),
])  # fmt: skip
def test_every_kind_of_window_can_be_drawn(layer, shape, position):
    assert texts(visualize.working(layer.explain(random(shape), position, print_fn=silent)))


def test_working_refuses_a_text_without_a_position():
    with pytest.raises(TypeError, match="position"):
        visualize.working(layers.Dense(1).explain((None, 2), print_fn=silent))


# Layers and networks ---------------------------------------------------------------------------------------


def chain(kernel=3, size=5):
    conv = layers.Conv1D(1, kernel, padding="same", use_bias=False)
    conv.build((None, size, 1))
    return conv


def lines(axis, bold):
    """{(from, to)} of the lines between circles, in the numbers of a row of five."""
    found = [line for line in axis.lines if len(line.get_xdata()) == 2 and (line.get_linewidth() > 1) == bold]
    return {tuple(round(x + 2) for x in line.get_xdata()) for line in found}


def test_connections_are_those_of_figures_9_2_to_9_5():
    dense = layers.Dense(5)
    dense.build((None, 5))
    for mark, bold in (({"output": 2}, {(1, 2), (2, 2), (3, 2)}), ({"input": 2}, {(2, 1), (2, 2), (2, 3)}),
                       ({"weight": 1}, {(i, i) for i in range(5)})):  # fmt: skip
        figure = visualize.connections(chain(), dense, **mark)
        sparse, full = figure.axes
        assert lines(sparse, True) == bold
        assert len(lines(sparse, False)) == 13 - len(bold)
        assert len(lines(full, True)) == (1 if "weight" in mark else 5)
        assert "Conv1D: 13 of 25 possible connections" in texts(figure)


def test_the_receptive_field_grows_with_depth():
    (axis,) = visualize.connections([chain(), chain()], output=0).axes
    circles = [line for line in axis.lines if line.get_marker() == "o"]
    dark = [(round(c.get_xdata()[0] + 2), c.get_ydata()[0]) for c in circles
            if c.get_markerfacecolor() != "white"]  # fmt: skip
    assert sorted(dark) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]


@pytest.mark.parametrize("stacks, mark, says", [
    ((), {}, "at least one"), (([chain(), chain(3, 7)],), {}, "takes 7 inputs, but there are 5"),
    ((chain(3, 41),), {}, "41 circles"), ((chain(),), {"output": 5}, "one of the 5 circles. Received: 5"),
])  # fmt: skip
def test_connections_refuses(stacks, mark, says):
    with pytest.raises(ValueError, match=says):
        visualize.connections(*stacks, **mark)


@pytest.mark.parametrize("stack", [3, [], [chain(), "conv"]])
def test_connections_are_of_layers(stack):
    with pytest.raises(TypeError, match="draws layers, or lists of them"):
        visualize.connections(stack)


def test_receptive_fields_lie_where_the_model_says():
    figure = visualize.receptive_field(zoo.lenet5(), np.ones((28, 28, 1)), ["C1", "S4"], at=(10, 20))
    boxes = [(p.get_x() + 0.5, p.get_y() + 0.5, p.get_width(), p.get_height())
             for p in figure.axes[0].patches]  # fmt: skip
    # C1: 5 x 5 around the pixel. S4 (Araujo et al. 2019): size 16, jump 4, first -2; centres at 5.5 + 4 i.
    assert boxes == [(18, 8, 5, 5), (14, 2, 16, 16)]
    written = texts(figure)
    assert "C1: 5 x 5, moves by 1 x 1" in written and "S4: 16 x 16, moves by 4 x 4" in written
    assert len(visualize.receptive_field(zoo.lenet5(), np.ones((28, 28))).axes[0].patches) == 4
    with pytest.raises(ValueError, match="a pixel of 28 x 28"):
        visualize.receptive_field(zoo.lenet5(), np.ones((28, 28)), at=(28, 0))


def test_the_blocks_of_an_architecture():
    figure = visualize.architecture(zoo.lenet5())
    written = texts(figure)
    images = ["28 x 28 x 1", "28 x 28 x 6", "14 x 14 x 6", "10 x 10 x 16", "5 x 5 x 16"]
    shapes = [*images, "400", "120", "84", "10"]
    assert [text for text in written if text[0].isdigit()] == shapes
    boxes = figure.axes[0].patches[: len(shapes)]
    heights = [box.get_height() for box in boxes[:5]]
    assert heights == sorted(heights, reverse=True) and boxes[3].get_width() > boxes[2].get_width()
    assert any(text.startswith("lenet5: 61,706 parameters") for text in written)


def test_skips_run_above_and_branches_below():
    a = keras.Input((8, 8, 4))
    b = layers.Conv2D(4, 3, padding="same")(a)
    c = layers.ReLU()(layers.Conv2D(8, 3, padding="same")(b))
    d = layers.Add()([c, layers.Conv2D(8, 1)(b)])
    e = layers.Concatenate()([d, b])
    from cyconv.visualize.architecture import arcs, blocks, placed

    found, arrows = blocks(keras.Model(a, e))
    assert [block.kinds for block in found] == [
        ["input"], ["Conv2D 3x3"], ["Conv2D 3x3", "ReLU"], ["Conv2D 1x1"], ["Add"], ["Concat"]]  # fmt: skip
    columns, lanes = placed(found, arrows)
    assert columns == [0, 1, 2, 2, 3, 4] and lanes == [0, 0, 0, 1, 0, 0]
    assert arcs(arrows, columns, lanes) == {(1, 5): 0}
    assert texts(visualize.architecture(keras.Model(a, e)))
    with pytest.raises(ValueError, match="not built"):
        visualize.architecture(keras.Sequential([layers.Dense(1)]))


def test_no_arrow_of_a_branch_runs_through_a_block():
    x = keras.Input((None, None, 32))
    short, pooled = layers.Conv2D(16, 1)(x), layers.MaxPooling2D(3, 1, "same")(x)
    deep = layers.Conv2D(24, 3, padding="same")(layers.Conv2D(8, 1)(x))
    model = keras.Model(x, layers.Concatenate()([short, deep, layers.Conv2D(8, 1)(pooled)]))
    from cyconv.visualize.architecture import blocks, placed

    found, arrows = blocks(model)
    columns, lanes = placed(found, arrows)
    where = {block.label[-2:].strip() + block.kinds[0]: (c, k) for block, c, k in zip(found, columns, lanes)}
    assert where["16Conv2D 1x1"][0] == 1 and where["48Concat"] == (3, 0)
    for start, end in arrows:  # in the lane of the branch, until the column of the end
        lane = max(lanes[start], lanes[end])
        between = range(columns[start] + 1, columns[end])
        assert lane == 0 or not {(c, lane) for c in between} & {
            (c, k) for n, (c, k) in enumerate(zip(columns, lanes)) if n not in (start, end)}  # fmt: skip
    figure = visualize.architecture(model)
    assert "? x ? x 48" in texts(figure)


def test_the_arcs_of_a_unet_lie_in_each_other():
    from cyconv.visualize.architecture import arcs, blocks, placed

    found, arrows = blocks(zoo.unet(filters=4))
    columns, lanes = placed(found, arrows)
    levels = arcs(arrows, columns, lanes)
    assert set(lanes) == {0}
    spans = {level: columns[e] - columns[s] for (s, e), level in levels.items()}
    assert sorted(spans) == list(range(len(spans))) and len(spans) == 5  # the lowest is of the crops
    assert list(map(spans.get, sorted(spans))) == sorted(spans.values())


# Functions and values --------------------------------------------------------------------------------------


def test_slopes_of_activation_functions():
    functions = ["relu", "sigmoid", lambda x: x * x, layers.LeakyReLU(0.1)]
    figure = visualize.activation_functions(functions, -2, 2)
    slopes = {"relu": lambda x: (x > 0) * 1.0, "sigmoid": lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
              "<lambda>": lambda x: 2 * x}  # fmt: skip
    for axis in figure.axes[:3]:
        value, slope = axis.lines[2:]
        x, expected = value.get_xdata(), slopes[axis.get_title(loc="left")]
        away = np.abs(x) > 0.01
        keras.testing.assert_close(slope.get_ydata()[away], expected(x[away]), "elementwise")
    assert figure.axes[3].lines[2].get_ydata()[0] == pytest.approx(-0.2)
    assert len(visualize.activation_functions("tanh").axes) == 1
    with pytest.raises(ValueError, match="low < high"):
        visualize.activation_functions("tanh", 2, -2)


def test_histograms_count_every_value_that_is_not_0():
    values = {"conv": np.array([0, 0, 1.0, 2.0, 3.0, -1.0]), "dense": random((50, 2))}
    figure = visualize.activation_histograms({"plain": values, "normalised": {"conv": values["conv"]}})
    conv = figure.axes[0]
    assert sum(bar.get_height() for bar in conv.patches) == 4
    written = texts(figure)
    assert "mean 0.83\nstd 1.3\n33% are 0" in written and "normalised" in written
    assert len(figure.axes) == 4 and not figure.axes[3].axison
    assert len(visualize.activation_histograms(values).axes) == 2
    for empty in ({}, {"a": []}, {"a": {}}):
        with pytest.raises(ValueError, match="every array with values"):
            visualize.activation_histograms(empty)
