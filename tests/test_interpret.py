"""Looking into models: paths, filters, activations, saliency, guided backpropagation and Grad-CAM against
central differences and hand-made cases.
"""

import numpy as np
import pytest

import cyconv
from cyconv import backends, interpret, layers
from cyconv.testing import DIFFERENCE_STEP, assert_close


def images(*shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def small(channels=1, last="softmax"):
    return cyconv.Sequential([
        cyconv.Input((12, 12, channels)),
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Residual([layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()], name="block"),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, activation=last),
    ])  # fmt: skip


def weights_of(model):
    return [w.tobytes() for w in model.get_weights()]


# Which layer is meant ---------------------------------------------------------------------------------------


def test_paths_open_nested_models_and_number_the_calls_of_shared_layers():
    shared = layers.Conv2D(2, 3, name="twin")
    a, b = cyconv.Input((8, 8, 1)), cyconv.Input((8, 8, 1))
    inner = cyconv.Sequential([cyconv.Input((6, 6, 2)), layers.ReLU(name="rectifier")], name="inner")
    model = cyconv.Model([a, b], layers.Add(name="sum")([inner(shared(a)), shared(b)]))
    assert sorted(interpret.paths(model)) == ["inner/rectifier", "sum", "twin#1", "twin#2"]
    x = [images(2, 8, 8, 1, seed=s) for s in (1, 2)]
    maps = interpret.activations(model, x)
    assert_close(maps["twin#1"], shared(x[0]), "exact")
    assert_close(maps["twin#2"], shared(x[1]), "exact")
    assert_close(interpret.activations(model, x, "twin"), shared(x[1]), "exact")
    assert_close(interpret.activations(model, x, inner), np.maximum(shared(x[0]), 0), "exact")
    assert_close(interpret.activations(model, x, "rectifier"), maps["inner/rectifier"], "exact")


def test_an_unknown_layer_is_answered_with_the_nearest_paths():
    model = small()
    with pytest.raises(ValueError, match=r"no layer 'conv2'; nearest: 'conv2d'.*The model has: conv2d, max"):
        interpret.grad_cam(model, images(1, 12, 12, 1), layer="conv2")
    with pytest.raises(ValueError, match="not part of this model"):
        interpret.grad_cam(model, images(1, 12, 12, 1), layer=layers.ReLU())
    deep = cyconv.zoo.resnet20()
    with pytest.raises(ValueError, match=r"interpret.paths\(model\) lists them all"):
        interpret.activations(deep, images(1, 32, 32, 3), "nowhere")
    twice = cyconv.Sequential([
        cyconv.Input((4, 4, 1)),
        layers.Residual(layers.ReLU(name="f"), name="one"),
        layers.Residual(layers.ReLU(name="f"), name="two"),
    ])  # fmt: skip
    with pytest.raises(ValueError, match="'f' may be any of one/f, two/f"):
        interpret.activations(twice, images(1, 4, 4, 1), "f")


def test_images_of_another_kind_are_refused_with_the_way_out():
    grey, colour = small(1), small(3)
    with pytest.raises(ValueError, match=r"takes grey images \(1 channel\).*0.299, 0.587, 0.114"):
        interpret.saliency(grey, images(12, 12, 3))
    with pytest.raises(ValueError, match=r"takes colour images \(3 channels\).*np.repeat"):
        interpret.saliency(colour, images(2, 12, 12, 1))
    with pytest.raises(ValueError, match="transparency"):
        interpret.saliency(colour, images(2, 12, 12, 4))
    with pytest.raises(ValueError, match="add the channel axis"):
        interpret.saliency(grey, images(5, 12, 12))
    with pytest.raises(ValueError, match=r"a grey image needs its channel axis: x\[..., None\]"):
        interpret.saliency(grey, images(12, 12))
    with pytest.raises(ValueError, match=r"takes colour.*a grey one.*np.stack\(\[x\] \* 3, axis=-1\)"):
        interpret.saliency(colour, images(12, 12))
    with pytest.raises(TypeError, match="a model of cyconv's. Received: function"):
        interpret.saliency(lambda x: x, images(12, 12))
    unbuilt = cyconv.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)])
    assert interpret.saliency(unbuilt, images(2, 6, 6, 1)).shape == (2, 6, 6)
    with pytest.raises(ValueError, match="not built yet"):
        interpret.paths(cyconv.Sequential([layers.Dense(2)]))


def test_nan_is_refused_and_not_answered():
    x = images(2, 12, 12, 1)
    x[1, 2, 3, 0], x[1, 4, 4, 0] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"NaN or infinity in 2 of 288 values, first at \(1, 2, 3, 0\)"):
        interpret.grad_cam(small(), x)


@pytest.mark.parametrize("function", [interpret.saliency, interpret.guided_backprop, interpret.grad_cam])
def test_one_image_gives_the_map_of_that_image_and_nothing_changes(function):
    model = small()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = images(40, 12, 12, 1)
    model.fit(x, np.arange(40) % 3, verbose=0)
    before = weights_of(model)
    gradients = [v.gradient.copy() for v in model.trainable_weights]
    answer = model.predict(x, verbose=0)
    maps = function(model, x)
    assert maps.shape[:3] == (40, 12, 12)
    assert_close(function(model, x[35]), maps[35], "network", terms=36)
    assert weights_of(model) == before and model.trainable
    for v, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert_close(v.gradient, gradient, "exact")
    assert_close(model.predict(x, verbose=0), answer, "exact")


# Gradients --------------------------------------------------------------------------------------------------


def slope(function, x):
    """The gradient of a scalar function by central differences, element by element."""
    found = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = DIFFERENCE_STEP
        found[i] = (function(x + step) - function(x - step)) / (2 * DIFFERENCE_STEP)
    return found


@pytest.mark.parametrize("last", ["linear", "softmax"])
def test_saliency_is_the_slope_of_the_score_before_the_softmax(last):
    with backends.use("reference"):
        x = cyconv.Input((6, 6, 2), dtype="float64")
        maps = layers.Conv2D(3, 3, activation="tanh", dtype="float64")(x)
        flat = layers.Flatten(dtype="float64")(maps)
        scores = layers.Dense(4, dtype="float64", activation=last)
        model = cyconv.Model(x, scores(flat))
        image = images(6, 6, 2, dtype="float64")
        found = interpret.saliency(model, image, target=2)
        scores.activation = "linear"
        expected = slope(lambda v: model.predict(v[None], verbose=0)[0, 2], image)
    np.testing.assert_allclose(found, np.abs(expected).max(-1), atol=cyconv.testing.GRADIENT_ATOL)


def test_guided_backpropagation_by_hand():
    """y = 2 relu(x1) - 3 relu(x2) + 5 relu(x3): what is negative stops, and what a closed rectifier gave."""
    model = cyconv.Sequential([
        cyconv.Input((1, 3, 1)),
        layers.DepthwiseConv2D(1, use_bias=False, activation="relu"),
        layers.Flatten(),
        layers.Dense(1, use_bias=False),
    ])  # fmt: skip
    model.set_weights([np.ones((1, 1, 1, 1)), np.array([[2.0], [-3], [5]])])
    x = np.array([1.0, 1, -1]).reshape(1, 1, 3, 1)
    assert interpret.guided_backprop(model, x).ravel().tolist() == [2, 0, 0]
    assert interpret.saliency(model, x).ravel().tolist() == [2, 3, 0]


def test_filters_are_the_kernels_of_convolutions():
    model = small()
    assert_close(interpret.filters(model), model.layers[0].get_weights()[0], "exact")
    assert interpret.filters(model, "block/conv2d_1").shape == (3, 3, 4, 4)
    with pytest.raises(ValueError, match="'dense' has no filters; convolutions are: conv2d, block/conv2d_1"):
        interpret.filters(model, "dense")


# Grad-CAM ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nested", [False, True])
def test_grad_cam_is_its_formula_with_slopes_from_central_differences(nested):
    with backends.use("reference"):
        x, features = (cyconv.Input(s, dtype="float64") for s in ((7, 7, 1), (5, 5, 3)))
        head = layers.Conv2D(3, 3, activation="tanh", dtype="float64", name="maps")
        pool, dense = layers.AveragePooling2D(2, dtype="float64"), layers.Dense(2, "tanh", dtype="float64")
        tail = cyconv.Model(features, dense(layers.Flatten(dtype="float64")(pool(features))))
        if nested:
            model = cyconv.Model(x, tail(cyconv.Sequential([x, head], name="encoder")(x)))
        else:
            model = cyconv.Model(x, tail(head(x)))
        image = images(1, 7, 7, 1, dtype="float64")
        A = head(image)[0]
        alpha = slope(lambda v: tail.predict(v[None], verbose=0)[0, 1], A).mean((0, 1))
        expected = np.maximum((alpha * A).sum(-1), 0)
        layer = "encoder/maps" if nested else "maps"
        found = interpret.grad_cam(model, image[0], target=1, layer=layer, upsample=False)
    np.testing.assert_allclose(found, expected, atol=cyconv.testing.GRADIENT_ATOL)
    assert expected.any()


def test_the_default_layer_is_where_the_last_convolution_ends():
    model, x = small(), images(2, 12, 12, 1)
    assert_close(interpret.grad_cam(model, x), interpret.grad_cam(model, x, layer="re_lu"), "exact")
    dense = cyconv.Sequential([cyconv.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match="no convolution"):
        interpret.grad_cam(dense, images(1, 4, 4, 1))
    with pytest.raises(ValueError, match="without positions"):
        interpret.grad_cam(model, x, layer="dense")


def test_a_map_is_enlarged_linearly_between_the_centres():
    from cyconv.interpret.images import enlarge

    assert enlarge(np.array([[0.0, 4]]), (4,)).tolist() == [[0, 1, 3, 4]]
    assert enlarge(np.array([[3.0]]), (2,)).tolist() == [[3, 3]]
    plane = np.array([[[0.0, 4], [8, 12]]])
    assert enlarge(plane, (2, 4)).tolist() == [[[0, 1, 3, 4], [8, 9, 11, 12]]]


def unet():
    return cyconv.Sequential([
        cyconv.Input((16, 16, 1)),
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.Skip([
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="deep"),
            layers.UpSampling2D(),
        ], name="level"),
        layers.Conv2D(3, 1, activation="softmax"),
    ])  # fmt: skip


def test_a_pixel_of_a_segmentation_is_explained_by_what_it_sees():
    model, x = unet(), images(1, 16, 16, 1)
    pixel = interpret.saliency(model, x, target=1, region=(8, 8))[0]
    size, _, _ = model.receptive_field()
    rows, columns = np.nonzero(pixel)
    assert 0 < np.ptp(rows) < size[0] and 0 < np.ptp(columns) < size[1]
    mask = np.zeros((16, 16), bool)
    mask[8, 8] = True
    assert_close(interpret.saliency(model, x, target=1, region=mask)[0], pixel, "exact")
    whole = interpret.grad_cam(model, x, target=1, layer="deep", upsample=False)
    assert whole.shape == (1, 8, 8)
    assert interpret.grad_cam(model, x, target=1, layer="level").shape == (1, 16, 16)


def test_a_region_is_the_sum_of_its_pixels():
    """Slopes add up: the way back is linear in where it starts, before the softmax."""
    model, x = unet(), images(1, 16, 16, 1)
    from cyconv.interpret.backpropagation import _to_the_pixels

    def lead(region):
        return _to_the_pixels(model, x, (2, region, 0), 0, None)[0]

    mask = np.zeros((16, 16), bool)
    mask[[3, 9], [4, 12]] = True
    assert_close(lead(mask), lead((3, 4)) + lead((9, 12)), "network", terms=72)


@pytest.mark.parametrize("arguments, message", [
    (dict(target=7), "`target` 7: the output has 3 channels, 0 to 2"),
    (dict(target="cat"), "a class's number or one for each image"),
    (dict(target=[0]), "`target` has 1 numbers for more images"),
    (dict(region=(20, 3)), "outside the output's"),
    (dict(region=np.zeros((16, 16), bool)), "empty"),
    (dict(region=np.ones((4, 4), bool)), "a mask of the output's spatial shape"),
    (dict(output="other"), "`output` is one of"),
    (dict(source=3), "`source` 3: the model's inputs have the numbers 0 to 0"),
])  # fmt: skip
def test_impossible_questions_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        interpret.saliency(unet(), images(2, 16, 16, 1), **arguments)
    with pytest.raises(ValueError, match="outputs with places"):
        interpret.saliency(small(), images(1, 12, 12, 1), region=(1, 1))


def test_all_backends_give_the_same_maps():
    model, x = small(), images(2, 12, 12, 1)
    found = [f(model, x) for f in (interpret.grad_cam, interpret.guided_backprop)]
    with backends.use("reference"):
        for f, ours in zip((interpret.grad_cam, interpret.guided_backprop), found, strict=True):
            assert_close(f(model, x), ours, "network", terms=36)


def test_a_layer_of_ones_own_in_numpy_is_walked_through():
    class Square(layers.Layer):
        def call(self, x):
            self.x = x
            return x * x

        def backward(self, dy):
            return 2 * self.x * dy

    model = cyconv.Sequential([cyconv.Input((2, 2, 1)), Square(), layers.Flatten(), layers.Dense(1)])
    model.set_weights([np.ones((4, 1)), np.zeros(1)])
    x = images(1, 2, 2, 1)
    assert_close(interpret.saliency(model, x), np.abs(2 * x[..., 0]))


# DeconvNet --------------------------------------------------------------------------------------------------


def two_layers():
    """Four pixels in a row -> times 2 -> pooled by 2 -> map 0: 2 a - b, map 1: b - a, rectified."""
    model = cyconv.Sequential([
        cyconv.Input((1, 4, 1)),
        layers.Conv2D(1, 1, activation="relu", use_bias=False),
        layers.MaxPooling2D((1, 2)),
        layers.Conv2D(2, (1, 2), activation="relu", name="maps"),
    ])  # fmt: skip
    kernel = np.array([[2.0, -1], [-1, 1]]).reshape(1, 2, 1, 2)
    model.set_weights([np.full((1, 1, 1, 1), 2.0), kernel, np.array([1.0, 0.5])])
    return model


def test_deconvnet_by_hand():
    """1 3 4 2 -> 2 6 8 4 -> 6 8 (from pixels 1 and 2) -> map 0: 12 - 8 + 1 = 5, map 1: 2.5.
    Down from 5: 10 and -5; to pixels 1 and 2; what is negative stops; times 2: 0 20 0 0.
    """
    model = two_layers()
    first, second = interpret.deconvnet(model, np.array([1.0, 3, 4, 2]).reshape(1, 4, 1), "maps")
    assert (first.map, first.image, first.position, first.activation) == (0, 0, (0, 0), 5)
    assert first.pixels.ravel().tolist() == [0, 20, 0, 0]
    assert (second.map, second.activation) == (1, 2.5)
    assert second.pixels.ravel().tolist() == [0, 0, 5, 0]
    assert first.patch.ravel().tolist() == [1, 3, 4, 2]


def test_deconvnet_lets_through_what_guided_backpropagation_stops():
    """-1 3 -> times 2, rectified: 0 6 -> summed: 6. Down from 6: 6 6, though the first was closed."""
    model = cyconv.Sequential([
        cyconv.Input((1, 2, 1)),
        layers.Conv2D(1, 1, activation="relu", use_bias=False),
        layers.Conv2D(1, (1, 2), use_bias=False, name="sum"),
        layers.Flatten(),
    ])  # fmt: skip
    model.set_weights([np.full((1, 1, 1, 1), 2.0), np.ones((1, 2, 1, 1))])
    x = np.array([-1.0, 3]).reshape(1, 2, 1)
    assert interpret.deconvnet(model, x, "sum")[0].pixels.ravel().tolist() == [12, 12]
    assert interpret.guided_backprop(model, x).ravel().tolist() == [0, 2]


def test_deconvnet_finds_the_strongest_images_and_cuts_out_what_the_unit_sees():
    model = cyconv.Sequential([cyconv.Input((9, 9, 1)), layers.Conv2D(2, 3, activation="relu")])
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.float32)
    model.set_weights([np.stack([cross, -cross], -1)[:, :, None], np.zeros(2)])
    x = np.zeros((3, 9, 9, 1), np.float32)
    x[1, 4:7, 2:5, 0] = cross
    x[2, 0:3, 6:9, 0] = 2 * cross
    best, next_best = interpret.deconvnet(model, x, maps=0, top=2)
    assert (best.image, best.position, best.activation) == (2, (0, 6), 10)
    assert (next_best.image, next_best.position, next_best.activation) == (1, (4, 2), 5)
    assert best.box == (slice(0, 3), slice(6, 9))
    assert_close(best.patch[..., 0], 2 * cross, "exact")
    assert_close(best.pixels[..., 0], 10 * cross, "exact")


def test_deconvnet_of_a_whole_map_is_the_sum_over_its_units():
    """Without a rectifier or a pooling below, the way down is linear."""
    model = cyconv.Sequential([cyconv.Input((6, 6, 1)), layers.Conv2D(2, 3, activation="relu")])
    x = images(1, 6, 6, 1)
    (whole,) = interpret.deconvnet(model, x, maps=1, whole_map=True)
    A, kernel, expected = interpret.activations(model, x, "conv2d")[0], interpret.filters(model), 0
    for i, j in np.ndindex(4, 4):
        unit = np.zeros((6, 6, 1))
        unit[i : i + 3, j : j + 3] = A[i, j, 1] * kernel[..., 1]
        expected = expected + unit
    assert whole.position is None and whole.pixels.shape == (6, 6, 1)
    assert_close(whole.pixels, expected, terms=9)


def test_deconvnet_works_in_nested_models_on_colour_and_on_both_backends():
    model, x = cyconv.zoo.resnet20(), images(2, 32, 32, 3)
    found = interpret.deconvnet(model, x, maps=[0, 5], top=2)
    assert [(p.map, p.pixels.shape == p.patch.shape) for p in found] == [(0, True)] * 2 + [(5, True)] * 2
    with backends.use("reference"):
        again = interpret.deconvnet(two_layers(), np.array([1.0, 3, 4, 2]).reshape(1, 4, 1), "maps")
    assert again[0].pixels.ravel().tolist() == [0, 20, 0, 0]
    with pytest.raises(ValueError, match="no map 2; the layer has 2, 0 to 1"):
        interpret.deconvnet(two_layers(), np.zeros((1, 4, 1)), "maps", maps=2)
    with pytest.raises(ValueError, match="no map 'red'"):
        interpret.deconvnet(two_layers(), np.zeros((1, 4, 1)), "maps", maps="red")
    with pytest.raises(ValueError, match="`top` must be at least 1"):
        interpret.deconvnet(two_layers(), np.zeros((1, 4, 1)), "maps", top=0)


# Occlusion --------------------------------------------------------------------------------------------------


def weighing(weights):
    """A model whose only output is the weighted sum of the pixels."""
    weights = np.asarray(weights, np.float32)
    model = cyconv.Sequential([cyconv.Input((*weights.shape, 1)), layers.Flatten(), layers.Dense(1)])
    model.set_weights([weights.reshape(-1, 1), np.zeros(1)])
    return model


def test_occlusion_by_hand():
    """Covering a one in a weighted sum costs its weight, a window of two the sum of both; a pixel under two
    windows has the mean of what they cost.
    """
    model, x = weighing([[1, 2, 4, 8]]), np.ones((1, 4, 1))
    assert interpret.occlusion(model, x, window=1, fill=0).tolist() == [[1, 2, 4, 8]]
    assert interpret.occlusion(model, x, window=(1, 2), stride=2, fill=0).tolist() == [[3, 3, 12, 12]]
    assert interpret.occlusion(model, x, window=(1, 2), fill=0).tolist() == [[3, 4.5, 9, 12]]
    assert interpret.occlusion(model, x, window=(1, 3), stride=3, fill=0).tolist() == [[7, 10.5, 10.5, 14]]
    with_mean_3 = np.array([1.0, 2, 3, 6]).reshape(1, 4, 1)
    assert interpret.occlusion(model, with_mean_3, window=1).tolist() == [[-2, -2, 0, 24]]
    with pytest.raises(ValueError, match=r"`window` \(2, 2\) is larger than the image.*\(1, 2\) fits"):
        interpret.occlusion(model, x, window=2)


def test_occlusion_of_a_pixel_of_a_segmentation():
    model, x = unet(), images(2, 16, 16, 1)
    drop = interpret.occlusion(model, x, target=1, region=(8, 8), window=4)
    covered = x.copy()
    covered[0, :4, :4] = 0
    y = model.predict(np.stack([x[0], covered[0]]), verbose=0)[:, 8, 8, 1]
    found = interpret.occlusion(model, x[0], target=1, region=(8, 8), window=4, stride=4, fill=0)
    assert drop.shape == (2, 16, 16)
    whole = model.predict(np.stack([x[0], covered[0]]), verbose=0)[..., 1].mean((1, 2))
    mean = interpret.occlusion(model, x[0], target=1, window=4, stride=4, fill=0)
    assert_close(mean[0, 0], whole[0] - whole[1], "network", terms=72)
    assert_close(found[0, 0], y[0] - y[1], "network", terms=72)
