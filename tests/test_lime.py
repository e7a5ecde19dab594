"""LIME: on functions whose answer is known, and against the normal equations of its regression."""

import sys

import numpy as np
import pytest

import cyconv
from cyconv import interpret, layers
from cyconv.testing import assert_close

pytest.importorskip("sklearn")
# Quarters of an 8 x 8 image, under numbers with gaps.
QUARTERS = np.kron([[3, 7], [8, 20]], np.ones((4, 4), int))


def image(channels=1):
    return np.random.default_rng(2).random((8, 8, channels)) + 0.5


def quarters(x):
    """The mean of each quarter, (n, 4)."""
    return x.mean(-1).reshape(-1, 2, 4, 2, 4).mean((2, 4)).reshape(-1, 4)


def test_a_weighted_sum_of_the_quarters_is_found_exactly():
    """Covered by 0, quarter i takes weights[i] * mean[i] away; without a penalty that is its weight."""
    weights = np.array([5.0, 0, -3, 1])
    found = interpret.lime_image(
        lambda x: quarters(x) @ weights + 2, image(), segments=QUARTERS, fill=0, samples=200, alpha=0
    )
    expected = weights * quarters(image()[None])[0]
    assert_close(found.weights, expected, "network", terms=200)
    assert_close(found.intercept, 2, "network", terms=200)
    assert_close(found.score, 1, "network", terms=200)
    assert_close(found.heat, np.kron(expected.reshape(2, 2), np.ones((4, 4))), "network", terms=200)


def test_the_regression_is_the_papers():
    """(Z'WZ + alpha I) w = Z'Wy, W = exp(-d**2 / width**2) ** 0.5; no penalty on the intercept."""
    asked = []

    def answer(x):
        shown = (np.abs(quarters(x)) > 0).astype(float)
        asked.append(shown)
        return shown[:, 0] * shown[:, 3] + shown[:, 1]  # not linear

    found = interpret.lime_image(answer, image(), segments=QUARTERS, fill=0, samples=300, alpha=2.0,
                                 kernel_width=0.5)  # fmt: skip
    Z = np.concatenate(asked[1:])
    assert len(Z) == 300 and Z[0].all()
    y = Z[:, 0] * Z[:, 3] + Z[:, 1]
    norm = np.linalg.norm(Z, axis=1)
    cosine = np.divide(Z.sum(1), norm * 2, out=np.zeros(300), where=norm > 0)
    w = np.sqrt(np.exp(-((1 - cosine) ** 2) / 0.25))
    Zc, yc = Z - w @ Z / w.sum(), y - w @ y / w.sum()
    expected = np.linalg.solve((Zc.T * w) @ Zc + 2 * np.eye(4), (Zc.T * w) @ yc)
    assert_close(found.weights, expected, "network", terms=300)


def test_the_same_seed_gives_the_same_explanation():
    pytest.importorskip("skimage")
    colour = np.linspace(0, 1, 24 * 24 * 3).reshape(24, 24, 3) ** [1, 2, 3]

    def answer(x):
        return x.std((1, 2, 3)) + x[:, :12].max((1, 2, 3))

    np.random.seed(0)
    one = interpret.lime_image(answer, colour, segments=12, samples=60, seed=7)
    np.random.seed(1)
    two = interpret.lime_image(answer, colour, segments=12, samples=60, seed=7)
    other = interpret.lime_image(answer, colour, segments=12, samples=60, seed=8)
    assert_close(one.segments, two.segments, "exact")
    assert_close(one.weights, two.weights, "exact")
    assert (one.weights != other.weights).any()
    assert 4 <= one.segments.max() + 1 <= 24 and one.segments.min() == 0


def test_a_model_is_explained_and_left_alone():
    pytest.importorskip("skimage")
    model = cyconv.Sequential([
        cyconv.Input((8, 8, 1)), layers.Conv2D(3, 3, activation="relu"), layers.GlobalAveragePooling2D(),
        layers.Dense(4, activation="softmax"),
    ])  # fmt: skip
    before = [w.copy() for w in model.get_weights()]
    x = image().astype(np.float32)
    found = interpret.lime_image(model, x, segments=6, samples=50)
    assert found.target == model.predict(x[None], verbose=0).argmax()
    same = interpret.lime_image(lambda v: model.predict(v, verbose=0), x[None], segments=6, samples=50)
    assert_close(found.weights, same.weights, "network", terms=50)
    for w, b in zip(model.get_weights(), before, strict=True):
        assert_close(w, b, "exact")
    noise = np.random.default_rng(0).random((40, 40, 3))
    assert len(interpret.lime_image(lambda v: v[:, 0, 0, 0], noise, samples=4).weights) > 10
    uniform = interpret.lime_image(model, np.zeros((8, 8, 1)), samples=10)
    assert not uniform.weights.any()  # covering changes nothing


def test_a_superpixel_is_covered_by_its_own_mean_colour():
    seen = []
    colour = image(3)
    interpret.lime_image(lambda x: seen.append(x) or x.sum((1, 2, 3)), colour, segments=QUARTERS, samples=30)
    mean = colour[:4, :4].mean((0, 1))
    corners = np.concatenate(seen)[:, 0, 0]
    covered = [c for c in corners if (c != colour[0, 0]).any()]
    assert covered
    assert_close(np.stack(covered), np.tile(mean, (len(covered), 1)), terms=16)


def test_impossible_requests_say_what_would_do():
    answer = quarters
    with pytest.raises(ValueError, match="one image .* at a time"):
        interpret.lime_image(answer, np.ones((2, 8, 8, 1)))
    with pytest.raises(ValueError, match="an array of the image's size"):
        interpret.lime_image(answer, image(), segments=np.zeros((3, 3), int))
    with pytest.raises(ValueError, match="`target` 9: the output has 4 channels"):
        interpret.lime_image(answer, image(), 9, segments=QUARTERS)
    with pytest.raises(ValueError, match="`samples` must be at least 2"):
        interpret.lime_image(answer, image(), samples=1)
    with pytest.raises(ValueError, match="falls into one superpixel"):
        interpret.lime_image(answer, image(), segments=np.zeros((8, 8)))
    with pytest.raises(ValueError, match="`kernel_width` must be at least"):
        interpret.lime_image(answer, image(), kernel_width=0)
    with pytest.raises(TypeError, match="`fill`: expected numbers"):
        interpret.lime_image(answer, image(), segments=QUARTERS, fill="grey")
    with pytest.raises(TypeError, match="a model or a function"):
        interpret.lime_image("model", image())


@pytest.mark.parametrize("module, package", [("skimage", "scikit-image"), ("sklearn", "scikit-learn")])
def test_a_missing_library_is_named_with_the_command(module, package, monkeypatch):
    for name in [n for n in sys.modules if n == module or n.startswith(module + ".")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    segments = 4 if module == "skimage" else QUARTERS
    with pytest.raises(ModuleNotFoundError, match=rf'needs {package}: pip install "cyconv\[demos\]"'):
        interpret.lime_image(quarters, image(), segments=segments, samples=4)
