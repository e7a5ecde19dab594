"""plot_model: what stands in the picture, and that nothing lies on anything else."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers, zoo
from cyconv.utils import plot_model


class Picture:
    """The boxes (x, y, width, height), frames, arrows (lists of points) and texts of a drawing."""

    def __init__(self, svg):
        self.boxes, self.frames, self.arrows, self.texts, self.heads = [], [], [], [], 0
        root = ElementTree.fromstring(svg)
        self.size = [float(v) for v in root.get("viewBox").split()]
        for child in root:
            self._read(child, 0, 0)

    def _read(self, element, x, y):
        tag = element.tag.rpartition("}")[2]
        if tag == "g":
            dx, dy = map(float, re.findall(r"[-\d.]+", element.get("transform")))
            for child in element:
                self._read(child, x + dx, y + dy)
        elif tag == "rect" and element.get("rx"):
            box = (x, y, float(element.get("width")), float(element.get("height")))
            (self.frames if element.get("rx") == "8" else self.boxes).append(box)
        elif tag == "path":
            numbers = list(map(float, re.findall(r"-?[\d.]+", element.get("d"))))
            points = zip(numbers[::2], numbers[1::2], strict=True)
            self.arrows.append([(px + x, py + y) for px, py in points])
            self.heads += element.get("marker-end") is not None
        elif tag == "text":
            self.texts.append(element.text)

    def check(self):
        """No two boxes overlap, no arrow runs through a box, everything lies inside the picture."""
        for i, (x, y, w, h) in enumerate(self.boxes):
            assert self.size[0] <= x and x + w <= self.size[0] + self.size[2]
            assert self.size[1] <= y and y + h <= self.size[1] + self.size[3]
            for a, b, c, d in self.boxes[i + 1 :]:
                assert x + w <= a or a + c <= x or y + h <= b or b + d <= y
            for arrow in self.arrows:
                for (px, py), (qx, qy) in zip(arrow, arrow[1:], strict=False):
                    beside = max(px, qx) <= x + 1 or min(px, qx) >= x + w - 1
                    assert beside or max(py, qy) <= y + 1 or min(py, qy) >= y + h - 1


def draw(model, **options):
    picture = Picture(plot_model(model, None, **options))
    if options.get("splines", "ortho") == "ortho":
        picture.check()
    return picture


def residual():
    return keras.Sequential([
        layers.Input((8, 8, 2), name="image"),
        layers.Residual([layers.Conv2D(2, 3, padding="same", activation="relu", name="a"),
                         layers.Conv2D(2, 3, padding="same", name="b")], name="block"),
        layers.Flatten(name="flat"),
    ])  # fmt: skip


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_a_residual_block(rankdir):
    picture = draw(residual(), rankdir=rankdir)
    assert sorted(picture.texts) == ["Add", "Conv2D", "Conv2D", "Flatten", "InputLayer", "Residual"]
    # image -> entrance -> a -> b -> add -> exit -> flat, and the skip from the entrance to add.
    assert len(picture.arrows) == 7 and len(picture.boxes) == 5 and len(picture.frames) == 1
    assert picture.heads == 5  # two of them end in a dot


def test_what_stands_in_the_boxes():
    model = residual()
    model.layers[0].get_layer("a").trainable = False
    texts = draw(model, show_shapes=True, show_layer_names=True, show_dtype=True, show_trainable=True,
                 show_layer_activations=True).texts  # fmt: skip
    assert "a (Conv2D)" in texts and "activation: relu" in texts and "not trainable" in texts
    assert "(None, 8, 8, 2) → (None, 8, 8, 2)" in texts and texts.count("trainable") == 1
    assert "(None, 8, 8, 2), (None, 8, 8, 2) → (None, 8, 8, 2)" in texts and "float32" in texts


def test_nested_models_are_opened_on_request():
    inner = keras.Sequential([layers.Dense(4, name="first"), layers.Dense(4)], name="inner")
    a, b = layers.Input((4,)), layers.Input((4,))
    shared = layers.Dense(4, name="<shared & escaped>")
    model = keras.Model([a, b], [layers.add([shared(a), shared(b), inner(a)]), layers.Dense(2)(b)])
    closed, opened = draw(model), draw(model, expand_nested=True, show_layer_names=True)
    assert not closed.frames and "Sequential" in closed.texts
    assert len(opened.frames) == 1 and "first (Dense)" in opened.texts
    assert opened.texts.count("<shared & escaped> (Dense)") == 2 and "call 2 of 2" in opened.texts


@pytest.mark.parametrize("model", [
    lambda: zoo.unet_same((32, 32, 1), filters=2), lambda: zoo.intel_unet2d((32, 32, 1), fms=1),
    lambda: zoo.resnet20(input_shape=(8, 8, 3)),
])  # fmt: skip
def test_known_networks(model):
    assert draw(model(), show_shapes=True).arrows
    draw(model(), rankdir="LR")


@pytest.mark.parametrize("seed", range(12))
def test_any_wiring(seed):
    """Random graphs, with long skips and several ends."""
    generator = np.random.default_rng(seed)
    tensors = [layers.Input((3,), name=f"in{i}") for i in range(generator.integers(1, 3))]
    inputs = list(tensors)
    for i in range(14):
        count = min(generator.integers(1, 4), len(tensors))
        chosen = [tensors[j] for j in generator.choice(len(tensors), count, replace=False)]
        name = f"layer_{'x' * generator.integers(0, 25)}{i}"
        made = layers.Add(name=name)(chosen) if count > 1 else layers.Dense(3, name=name)(chosen[0])
        tensors.append(made)
    draw(keras.Model(inputs, tensors[-3:]), show_layer_names=True, rankdir="TB" if seed % 2 else "LR")


def test_curves_and_files(tmp_path):
    path = tmp_path / "net.svg"
    svg = plot_model(residual(), path, splines="curved")
    assert path.read_text(encoding="utf-8") == svg and "C" in svg
    assert svg._repr_svg_() == svg  # what a notebook asks for


def test_errors():
    with pytest.raises(ValueError, match=r"writes SVG.*to_file='model.svg'"):
        plot_model(residual(), "model.png")
    with pytest.raises(ValueError, match="not built"):
        plot_model(keras.Sequential([layers.Dense(2)]), None)
    with pytest.raises(ValueError, match='"TB" .* or "LR"'):
        plot_model(residual(), None, rankdir="BT")
    with pytest.raises(TypeError, match="'shapes'"):
        plot_model(residual(), None, shapes=True)
