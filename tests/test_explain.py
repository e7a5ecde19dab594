"""`explain`: the numbers of the lecture and of papers, worked by hand."""

import pytest

from test_layer_harness import every_layer

import cyconv as keras
from cyconv import layers, zoo


def explained(layer, *shapes):
    """{label: text}, and the text itself under ""."""
    printed = []
    shape = list(shapes) if len(shapes) > 1 else shapes[0]
    text = layer.explain(shape, print_fn=printed.append)
    assert printed == [text]
    rows = [line.strip().partition("  ") for line in text.splitlines()[1:]]
    return {"": text, **{label: value.strip() for label, _, value in rows}}


def test_the_lectures_edge_detector():
    """320x280 image, kernel of two pixels (Goodfellow et al. 2016, figure 9.6 and the text after it)."""
    lines = explained(layers.Conv2D(1, (2, 1), use_bias=False), (None, 320, 280, 1))
    assert lines["height"].endswith("floor((320 + 2*0 - 2) / 1 + 1) = 319")
    assert lines["parameters"].endswith("= 2 * 1 * 1 * 1 = 2")
    assert lines["operations"].endswith("= 267,960")
    assert "8,003,072,000 weights, 4,001,536,000 times as many" in lines["as a dense layer"]
    assert "16,006,054,680 operations" in lines["as a dense layer"]
    assert "178,640 numbers; 267,960 operations" in lines["as a sparse matrix"]


@pytest.mark.parametrize(("layer", "shape", "expected"), [
    (layers.Conv2D(6, 5, padding=2), (None, 28, 28, 1), {
        "height": "floor((H + 2P - K) / S + 1) = floor((28 + 2*2 - 5) / 1 + 1) = 28",
        "parameters": "(K0 * K1 * Cin + 1) * Cout = (5 * 5 * 1 + 1) * 6 = 156",
        "multiply-adds": "28 * 28 * 6 outputs, 25 each = 117,600",
        "operations": "4,704 outputs * (2 * 25) = 235,200"}),
    (layers.Conv2D(32, 3, 2, "same", groups=2), (None, 28, 28, 4), {
        "width": "floor((W + P0 + P1 - K) / S + 1) = floor((28 + 0 + 1 - 3) / 2 + 1) = 14",
        "parameters": "(K0 * K1 * Cin / groups + 1) * Cout = (3 * 3 * 4 / 2 + 1) * 32 = 608"}),
    (layers.Conv1D(3, 3, padding="causal", dilation_rate=2), (None, None, 4), {
        "length": "floor((L + P0 + P1 - ((K - 1)D + 1)) / S + 1) = "
                  "floor((? + 4 + 0 - ((3 - 1)*2 + 1)) / 1 + 1) = ?",
        "multiply-adds": "? * 3 outputs, 12 each = ?"}),
    (layers.Conv2D(4, 3, 2, "same"), (None, 9, None, 3), {  # how much is padded depends on the size
        "height": "floor((H + 2P - K) / S + 1) = floor((9 + 2*1 - 3) / 2 + 1) = 5",
        "width": "ceil(W / S) = ceil(? / 2) = ?"}),
    (layers.Conv1D(4, 3, padding="same"), (None, None, 3), {  # without strides it does not
        "length": "floor((L + 2P - K) / S + 1) = floor((? + 2*1 - 3) / 1 + 1) = ?"}),
    (layers.MaxPooling2D(2, padding="same"), (None, None, 9, 3), {
        "height": "ceil(H / S) = ceil(? / 2) = ?",
        "width": "floor((W + P0 + P1 - K) / S + 1) = floor((9 + 0 + 1 - 2) / 2 + 1) = 5"}),
    (layers.Conv3D(2, 2), (None, 4, 5, 6, 3), {
        "depth": "floor((D + 2P - K) / S + 1) = floor((4 + 2*0 - 2) / 1 + 1) = 3",
        "parameters": "(K0 * K1 * K2 * Cin + 1) * Cout = (2 * 2 * 2 * 3 + 1) * 2 = 50"}),
    (layers.DepthwiseConv2D(3, depth_multiplier=2), (None, 9, 9, 4), {
        "parameters": "(K0 * K1 + 1) * Cin * multiplier = (3 * 3 + 1) * 4 * 2 = 80",
        "multiply-adds": "7 * 7 * 8 outputs, 9 each = 3,528"}),
    (layers.SeparableConv2D(8, 3), (None, 9, 9, 4), {
        "parameters": "K0 * K1 * Cin * M + Cin * M * Cout + Cout = 3 * 3 * 4 * 1 + 4 * 1 * 8 + 8 = 76",
        "multiply-adds": "7 * 7 positions * (3 * 3 * 4 * 1 + 4 * 1 * 8) = 3,332"}),
    (layers.Conv2DTranspose(8, 2, 2), (None, 9, 7, 4), {
        "height": "(H - 1) * S + max(K, S) = (9 - 1) * 2 + max(2, 2) = 18",
        "parameters": "(K0 * K1 * Cin + 1) * Cout = (2 * 2 * 4 + 1) * 8 = 136",
        "multiply-adds": "9 * 7 * 4 inputs, 2 * 2 * 8 each = 8,064"}),
    (layers.Conv2DTranspose(8, 3, 2, padding="same"), (None, 9, 7, 4), {"width": "W * S = 7 * 2 = 14"}),
    (layers.Conv2DTranspose(8, 3, 2, padding="same", output_padding=1), (None, 9, 7, 4), {
        "width": "(W - 1) * S + K - 2P + extra = (7 - 1) * 2 + 3 - 2*1 + 1 = 14"}),
    (layers.Dense(120), (None, 400), {
        "parameters": "(in + 1) * units = (400 + 1) * 120 = 48,120",
        "multiply-adds": "120 outputs, 400 each = 48,000"}),
    (layers.MaxPooling2D(2), (None, 28, 28, 6), {
        "height": "floor((H + 2P - K) / S + 1) = floor((28 + 2*0 - 2) / 2 + 1) = 14",
        "each output": "the largest of 2 * 2 = 4 values", "parameters": "0"}),
    (layers.AveragePooling1D(3, 2), (None, 8, 6), {"each output": "the mean of 3 values"}),
    (layers.GlobalAveragePooling2D(), (None, 7, 7, 64), {
        "each output": "one number a channel, from 7 * 7 = 49 values", "parameters": "0"}),
    (layers.AdaptiveMaxPooling1D(3), (None, 7, 64), {
        "length": "3 windows, number i from floor(i * 7 / 3) to ceil((i + 1) * 7 / 3)", "parameters": "0"}),
    (layers.BatchNormalization(), (None, 5, 5, 16), {
        "statistics": "mean and variance of each channel over batch * 5 * 5 values",
        "in training": "gamma * (x - mean) / sqrt(variance + 0.001) + beta",
        "and each time": "moving = 0.99 * moving + 0.01 * the batch's; inference takes the moving ones",
        "parameters": "4C = 4 * 16 = 64, 32 of them trained (gamma, beta, moving_mean, moving_variance)"}),
    (layers.ReLU(), (None, 5), {"parameters": "0"}),
    (layers.Flatten(), (None, 5, 5, 16), {"units": "5 * 5 * 16 = 400", "parameters": "0"}),
    (layers.ZeroPadding2D(((1, 2), (0, 3))), (None, 5, 5, 1), {
        "height": "5 + 1 + 2 = 8", "width": "5 + 0 + 3 = 8", "parameters": "0"}),
    (layers.Cropping1D((1, 2)), (None, 5, 1), {"length": "5 - 1 - 2 = 2"}),
    (layers.UpSampling2D(3), (None, 5, 4, 1), {"height": "5 * 3 = 15", "width": "4 * 3 = 12"}),
    (layers.Dropout(0.5), (None, 5), {"parameters": "0"}),
])  # fmt: skip
def test_formulas(layer, shape, expected):
    lines = explained(layer, shape)
    assert {label: lines[label] for label in expected} == expected


def test_several_inputs():
    lines = explained(layers.Concatenate(), (None, 4, 4, 2), (None, 4, 4, 3))
    assert lines["channels"] == "2 + 3 = 5"
    head = lines[""].splitlines()[0]
    assert head == "concatenate (Concatenate): (None, 4, 4, 2) and (None, 4, 4, 3) -> (None, 4, 4, 5)"


def test_a_layer_of_ones_own_lists_its_weights():
    class Scale(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((input_shape[-1], 2), "ones", "w")

    assert explained(Scale(), (None, 3))["parameters"] == "w 3*2 = 6"


def test_a_built_layer_needs_no_shape(capsys):
    layer = layers.Dense(3)
    with pytest.raises(ValueError, match=r"give explain\(input_shape\)"):
        layer.explain()
    layer.build((None, 4))
    assert layer.explain() + "\n" == capsys.readouterr().out


def test_a_model_explains_every_layer_and_adds_up():
    text = zoo.lenet5().explain(print_fn=lambda text: None)
    assert "C1 (Conv2D): (None, 28, 28, 1) -> (None, 28, 28, 6)" in text
    assert text.splitlines()[-2:] == [
        "  parameters           61,706, of which 61,706 are trained",
        "  multiply-adds        416,520 for one sample",
    ]
    for label, count in {"C3": "2,416", "C5": "48,120", "F6": "10,164"}.items():
        assert f"= {count}\n" in text.partition(f"{label} (")[2].partition("\n  multiply")[0] + "\n"


def test_composites_and_unbuilt_models():
    block = layers.Residual(layers.Conv2D(2, 3, padding="same", name="f"), name="block")
    text = block.explain((None, 5, 5, 2), print_fn=lambda text: None)
    assert text.startswith("f (Conv2D): (None, 5, 5, 2)") and "38, of which 38 are trained" in text
    model = keras.Sequential([layers.Dense(2, name="a")])
    with pytest.raises(ValueError, match="not built yet"):
        model.explain()
    assert "(3 + 1) * 2 = 8" in model.explain((None, 3), print_fn=lambda text: None)


@every_layer
def test_every_layer_says_how_many_parameters_it_has(factory, shapes, expected):
    layer = factory()
    batched = [(None, *shape[1:]) for shape in shapes]
    text = layer.explain(batched if len(batched) > 1 else batched[0], print_fn=lambda text: None)
    (line,) = [line for line in text.splitlines() if line.startswith("  parameters ")][-1:]
    assert str(layer.count_params()) in line.replace(", ", " ").replace(",", "").split()
