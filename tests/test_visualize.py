"""The pictures: what they say and show, at odd sizes too, and what they refuse."""

import os
import sys

import numpy as np
import pytest

from cyconv import visualize

matplotlib = pytest.importorskip("matplotlib")


def texts(figure):
    """All that is written in a figure."""
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def images(figure):
    return [image.get_array() for axis in figure.axes for image in axis.images]


def test_history_draws_training_and_validation():
    figure = visualize.history(
        {"accuracy": [0.5, 0.9], "loss": [1, 0.3], "val_accuracy": [0.6, 0.8], "val_loss": [1, 2]}
    )
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["loss", "accuracy"]
    loss = figure.axes[0]
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    assert loss.lines[1].get_ydata().tolist() == [1, 2] and loss.lines[1].get_xdata().tolist() == [1, 2]


def test_a_notebook_stays_interactive_after_the_first_picture(run_python, tmp_path):
    """Its backend says so when it is loaded, which the first figure does."""
    (tmp_path / "notebook.py").write_text(
        "import matplotlib\n"
        "from matplotlib.backends.backend_agg import FigureCanvas\n"
        "matplotlib.interactive(True)\n"
    )
    code = """
from cyconv import visualize
visualize.history({"loss": [2, 1]})
import matplotlib
print(matplotlib.is_interactive(), matplotlib.rcParams["axes.grid"])
"""
    path = os.pathsep.join([str(tmp_path), os.getcwd()])
    assert run_python(code, MPLBACKEND="module://notebook", PYTHONPATH=path) == "True False"


def test_history_takes_what_fit_returns_and_refuses_an_empty_one():
    class History:
        history = {"loss": [3.0]}

    assert len(visualize.history(History()).axes) == 1
    for empty in ({}, {"loss": []}):
        with pytest.raises(ValueError, match="no epochs"):
            visualize.history(empty)


@pytest.mark.parametrize(
    "shape, drawn", [((3, 3, 1, 8), 8), ((5, 4, 3, 2), 2), ((3, 3, 2, 3), 6), ((1, 1, 1, 1), 1)]
)
def test_filters_draws_each(shape, drawn):
    kernel = np.random.default_rng(0).normal(size=shape)
    figure = visualize.filters(kernel)
    assert len(images(figure)) == drawn
    assert any(f"{shape[3]} filters of {shape[0]} x {shape[1]}" in text for text in texts(figure))


def test_filters_are_on_one_scale_with_0_in_the_middle():
    kernel = np.zeros((2, 2, 1, 2), "float32")
    kernel[0, 0, 0, 1] = -3
    figure = visualize.filters(kernel)
    for axis in figure.axes[:2]:
        assert axis.images[0].get_clim() == (-3, 3)
    np.testing.assert_array_equal(images(figure)[1], kernel[:, :, 0, 1])


def test_filters_of_a_layer_and_a_cut_that_is_said():
    class Layer:
        name = "conv2d_7"

        def get_weights(self):
            return [np.ones((3, 3, 1, 100)), np.ones(100)]

    figure = visualize.filters(Layer(), most=10)
    assert len(images(figure)) == 10
    assert "conv2d_7: 100 filters of 3 x 3, 1 channel (the first 10 of 100 images)" in texts(figure)


@pytest.mark.parametrize("shape", [(3, 3), (3, 1, 8), (0, 3, 1, 8)])
def test_filters_refuses_what_is_no_kernel(shape):
    with pytest.raises(ValueError, match="2-D convolution"):
        visualize.filters(np.ones(shape))


def test_confusion_matrix_counts_rows_as_truth():
    figure = visualize.confusion_matrix([0, 0, 0, 1, 2], [0, 0, 1, 1, 1], names=["cat", "dog", "eel"])
    np.testing.assert_allclose(images(figure)[0], [[2 / 3, 1 / 3, 0], [0, 1, 0], [0, 1, 0]])
    written = texts(figure)
    assert "3 of 5 right: 60.00%" in written and "eel" in written


def test_confusion_matrix_takes_probabilities_and_columns():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    figure = visualize.confusion_matrix(np.array([[0], [1], [1]]), probabilities)
    np.testing.assert_allclose(images(figure)[0], [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize("true, predicted, names, says", [
    ([0, 1], [0], None, "2 and 1 received"),
    ([], [], None, "0 and 0 received"),
    ([0, 3], [0, 1], ["a", "b"], "2 names, and labels up to 3"),
    (np.zeros((2, 2, 2)), [0, 1], None, "y_true holds class numbers"),
])  # fmt: skip
def test_confusion_matrix_refuses(true, predicted, names, says):
    with pytest.raises(ValueError, match=says):
        visualize.confusion_matrix(true, predicted, names)


@pytest.mark.parametrize("shape", [(4, 8, 8), (4, 8, 8, 1), (4, 8, 8, 3)])
def test_mistakes_shows_the_surest_first(shape):
    x = np.random.default_rng(0).random(shape)
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.01, 0.99]])
    figure = visualize.mistakes(x, [1, 1, 1, 0], probabilities, names=["no", "yes"])
    assert [np.array_equal(image, x[i].squeeze()) for image, i in zip(images(figure), (3, 0, 1))] == [
        True
    ] * 3
    written = texts(figure)
    assert "3 of 4 wrong" in written and "no, taken for yes\n99% sure" in written


def test_mistakes_cuts_and_copes_with_none():
    x, wrong = np.zeros((30, 5, 5)), np.ones(30, int)
    figure = visualize.mistakes(x, 1 - wrong, wrong, n=7)
    assert len(images(figure)) == 7 and "30 of 30 wrong, the 7 surest" in texts(figure)
    assert "No mistakes" in texts(visualize.mistakes(x, wrong, wrong))
    with pytest.raises(ValueError, match="x holds the 30 images"):
        visualize.mistakes(x[:5], wrong, wrong)


def test_without_matplotlib_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "cyconv\[demos\]"'):
        visualize.history({"loss": [1]})
