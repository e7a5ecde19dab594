"""The zoo: parameter counts of the papers, shapes, one step of training, a file and back."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers, zoo
from cyconv.testing import assert_close


def trained_params(model):
    return sum(w.size for w in model.trainable_weights)


@pytest.mark.parametrize(("make", "count"), [
    (zoo.lenet5, 61_706),
    (lambda: zoo.lenet5((32, 32, 1), activation="relu", pooling="max"), 61_706),
    (zoo.mnist_convnet, 34_826),
    (zoo.resnet20, 269_722),
    (zoo.resnet32, 464_154),
    (zoo.resnet44, 658_586),
    (zoo.resnet56, 853_018),
    (zoo.resnet110, 1_727_962),
    (lambda: zoo.resnet20(shortcut="B"), 272_474),
    (lambda: zoo.resnet32(shortcut="B"), 466_906),
    (lambda: zoo.resnet44(shortcut="B"), 661_338),
    (lambda: zoo.resnet56(shortcut="B"), 855_770),
    (lambda: zoo.resnet110(shortcut="B"), 1_730_714),
    (lambda: zoo.resnet20(residual=False), 269_722),
    (zoo.resnet18, 11_689_512),
    (zoo.resnet34, 21_797_672),
    (zoo.resnet50, 25_557_032),
    (zoo.unet, 31_030_658),
    (lambda: zoo.unet_same(up="upsampling", narrow_end=True), 31_031_685),
    (zoo.intel_unet2d, 1_940_817),
    # The count of cyconv bench, 1,943,761, without the biases that normalisation makes needless.
    (lambda: zoo.unet_same(filters=16, batch_norm=True), 1_943_761 - 2 * (2 * (16 + 32 + 64 + 128) + 256)),
    (lambda: zoo.intel_unet2d(use_upsampling=True, use_dropout=False), 1_962_337),
    (lambda: zoo.intel_unet2d(fms=32), 7_759_521),
    (lambda: zoo.intel_unet2d(fms=32, use_upsampling=True), 7_846_081),
    # The figure's numbers: 16x16x64 = 16,384 and 3x3x64 = 576 units before the dense layer.
    (zoo.fixed_size, (27 + 1) * 64 + (576 + 1) * 64 + (16_384 + 1) * 1000),
    (zoo.variable_size, (27 + 1) * 64 + (576 + 1) * 64 + (576 + 1) * 1000),
    (zoo.fully_convolutional, (27 + 1) * 64 + (576 + 1) * 64 + (576 + 1) * 1000),
])  # fmt: skip
def test_parameters(make, count):
    assert trained_params(make()) == count


def test_maps_of_the_imagenet_resnets():
    """Table 1 of the paper: 112, 56, 28, 14, 7."""
    model = zoo.resnet50()
    shapes = {layer.name: node.outputs[0].shape for node in model.nodes for layer in [node.layer]}
    assert shapes["stem_relu"] == (None, 112, 112, 64)
    assert shapes["stage1_block3"] == (None, 56, 56, 256)
    assert shapes["stage2_block1"] == (None, 28, 28, 512)
    assert shapes["stage3_block6"] == (None, 14, 14, 1024)
    assert shapes["stage4_block3"] == (None, 7, 7, 2048)
    assert model.output_shape == (None, 1000)


def test_unet_gives_the_papers_map():
    assert zoo.unet(filters=1).output_shape == (None, 388, 388, 2)
    assert zoo.unet((188, 204, 1), filters=2).output_shape == (None, 4, 20, 2)


def test_intel_names_are_those_of_the_source():
    model = zoo.intel_unet2d()
    names = [layer.name for layer in model.layers]
    assert model.name == "2DUNet_Brats_Decathlon"
    assert names[0] == "MRImages" and names[-1] == "PredictionMask"
    filters = {"encodeAa": 16, "encodeEb": 256, "decodeCa": 128, "decodeBb": 64, "decodeAa": 32,
               "convOutb": 16, "transconvE": 128, "transconvB": 32}  # fmt: skip
    for name, count in filters.items():
        assert model.get_layer(name).filters == count
    assert {"poolA", "poolD", "concatA", "concatD"} <= set(names)
    inputs = [t.node.layer.name for node in model.nodes if node.layer.name == "concatD" for t in node.inputs]
    assert inputs == ["transconvE", "encodeDb"]
    assert len([layer for layer in model.layers if isinstance(layer, layers.SpatialDropout2D)]) == 2
    plain = zoo.intel_unet2d(use_dropout=False, use_upsampling=True)
    assert not any(isinstance(layer, layers.SpatialDropout2D) for layer in plain.layers)
    assert plain.get_layer("upE").size == (2, 2)


@pytest.mark.parametrize("make", [
    lambda: zoo.unet((188, 188, 1), filters=2),
    lambda: zoo.unet_same((32, 16, 3), classes=3, filters=2, up="upsampling"),
    lambda: zoo.intel_unet2d((16, 32, 1), fms=2),
])  # fmt: skip
def test_unets_train_on_masks_and_come_back_from_a_file(make, tmp_path):
    model, generator = make(), np.random.default_rng(0)
    x = generator.random((2, *model.input_shape[1:]), np.float32)
    several = model.output_shape[-1] > 1
    y = generator.integers(0, 2, (2, *model.output_shape[1:3]))
    loss = "sparse_categorical_crossentropy" if several else "binary_crossentropy"
    model.compile(keras.optimizers.Adam(1e-3), loss)
    history = model.fit(x, y if several else y[..., None], epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    model.save(tmp_path / "net.safetensors")
    twin = keras.models.load_model(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize(("make", "nearest"), [
    (lambda: zoo.unet((570, 572, 1)), "556 and 572"),
    (lambda: zoo.unet((100, 100, 1)), "188"),
    (lambda: zoo.unet_same((256, 250, 1)), "240 and 256"),
    (lambda: zoo.intel_unet2d((8, 16, 1)), "16"),
])  # fmt: skip
def test_sizes_that_do_not_halve_are_refused(make, nearest):
    with pytest.raises(ValueError, match=f"Nearest sizes that do: {nearest}$"):
        make()


SMALL = [
    (zoo.lenet5, {}, (28, 28, 1)),
    (zoo.mnist_convnet, {}, (28, 28, 1)),
    (zoo.resnet20, {"input_shape": (8, 8, 3)}, (8, 8, 3)),
    (zoo.resnet20, {"input_shape": (8, 8, 3), "residual": False}, (8, 8, 3)),
    (zoo.fixed_size, {"input_shape": (16, 16, 3), "classes": 10, "filters": 4}, (16, 16, 3)),
    (zoo.variable_size, {"classes": 10, "filters": 4}, (21, 17, 3)),
    (zoo.fully_convolutional, {"classes": 10, "filters": 4}, (21, 17, 3)),
]


@pytest.mark.parametrize(("make", "arguments", "shape"), SMALL)
def test_trains_and_comes_back_from_a_file(make, arguments, shape, tmp_path):
    model = make(**arguments)
    generator = np.random.default_rng(0)
    x, y = generator.random((4, *shape), np.float32), np.arange(4)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    before = model.evaluate(x, y, verbose=0)
    history = model.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0] and np.isfinite(before)
    expected = model.predict(x, verbose=0)
    assert_close(expected.sum(-1), np.ones(4), "sum", 10)
    model.save(tmp_path / "net.safetensors")
    twin = keras.models.load_model(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(twin.predict(x, verbose=0), expected)


def test_networks_for_any_size_take_any_size():
    for model in (zoo.variable_size(classes=5, filters=4), zoo.fully_convolutional(classes=5, filters=4)):
        for shape in ((1, 16, 20, 3), (2, 33, 18, 3)):
            assert model.predict(np.zeros(shape, np.float32), verbose=0).shape == (shape[0], 5)
    assert not any(isinstance(layer, layers.Dense) for layer in zoo.fully_convolutional().layers)


def test_wrong_options_are_named():
    with pytest.raises(ValueError, match='"A" .* or "B"'):
        zoo.resnet20(shortcut="C")
    with pytest.raises(ValueError, match='"average" or "max"'):
        zoo.lenet5(pooling="min")
    with pytest.raises(ValueError, match='"transposed" or "upsampling"'):
        zoo.unet_same(up="bilinear")
