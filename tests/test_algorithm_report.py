"""`algorithm_report`: estimates worked by hand, the choices that a step is recorded with, reasons, times."""

import re

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers


def rows(text):
    """{(layer, phase, operation): the other cells} of a report on the C backend."""
    _, *lines = [re.split(r"  +", line) for line in text.splitlines() if "  " in line]
    return {tuple(cells[:3]): cells[3:] for cells in lines}


def network():
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(32, 3, padding="same", name="first"),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="second"),
            layers.Conv2D(32, 3, padding="same", algorithm="direct", name="told"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ]
    )


def test_estimates_are_those_of_the_formulas():
    """Direct: 9 * 32*16*16 * 32*32 multiply-adds. Winograd: 32*16 tiles of 36 positions, each 32*32 products
    and transforms of 32 + 32 channels at 7.5; and 36 * 14 for each of 32*32 weights."""
    found = rows(network().algorithm_report(32, print_fn=lambda text: None))
    direct, winograd, runs, why = found["second", "forward", "convolution"][1:]
    assert float(direct) == round(9 * 32 * 256 * 32 * 32 / 1e6, 3)
    assert float(winograd) == round(36 * (512 * (1024 + 7.5 * 64) + 14 * 1024) / 1e6, 3)
    assert runs == "winograd" and why.endswith("0.37 of the direct form's time")


def test_every_pass_is_there_but_the_gradient_of_the_images():
    model = network()
    told = []
    text = model.algorithm_report(2, print_fn=told.append)
    assert told == [text]
    passes = [("forward", "convolution"), ("backward", "kernel gradient"), ("backward", "input gradient")]
    expected = {(name, *p) for name in ("first", "second", "told") for p in passes}
    assert set(rows(text)) == expected - {("first", "backward", "input gradient")}
    assert all(v.gradient is None for v in model.trainable_weights)


def test_what_the_report_says_is_what_a_step_runs():
    model = network()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    plan = []
    model.plan(32, print_fn=plan.append)
    ran = sorted(re.split(r"  +", line)[4] for line in plan if " convolution" in line)
    reported = rows(model.algorithm_report(32, print_fn=lambda text: None))
    assert sorted(cells[3] for cells in reported.values()) == ran


@pytest.mark.parametrize(
    "layer, shape, reason",
    [
        (layers.Conv2D(16, 5), (2, 8, 8, 16), "a 3x3 window, and this one is 5x5"),
        (layers.Conv2D(16, 3, strides=2), (2, 8, 8, 16), "strides of 1, and these are 2x2"),
        (layers.Conv2D(16, 3, dilation_rate=2), (2, 8, 8, 16), "dilated by 2x2"),
        (layers.DepthwiseConv2D(3), (2, 8, 8, 16), "here are 16 groups"),
        (layers.Conv2D(16, 3, algorithm="naive"), (2, 8, 8, 16), 'asked for: algorithm="naive"'),
        (layers.Conv2D(16, 3), (2, 8, 8, 1), "cost more in transforms than they save"),
    ],
)
def test_the_reason_names_what_decides(layer, shape, reason):
    for cells in rows(layer.algorithm_report(shape, print_fn=lambda text: None)).values():
        assert reason in cells[-1] and cells[-2] == ("naive" if "asked" in reason else "direct")


def test_channels_of_a_group_are_rounded_up_to_vectors():
    """4 groups of 3 -> 5 channels: 2*6*6 outputs, 9 taps, 3 channels in, a vector of 16 for 5, four times."""
    text = layers.Conv2D(20, 3, groups=4).algorithm_report((2, 8, 8, 12), print_fn=lambda text: None)
    assert float(rows(text)["conv2d", "forward", "convolution"][1]) == round(72 * 9 * 3 * 16 * 4 / 1e6, 3)


def test_a_transposed_convolution_runs_an_input_gradient_forwards():
    text = layers.Conv2DTranspose(8, 2, strides=2).algorithm_report((2, 8, 8, 16), print_fn=lambda text: None)
    assert ("conv2d_transpose", "forward", "input gradient") in rows(text)


def test_measured_times_stand_beside_the_estimates_and_change_nothing():
    layer = layers.Conv2D(16, 3, padding="same")
    layer.build((None, 6, 6, 16))
    before = layer.get_weights()
    text = layer.algorithm_report(measure=True, print_fn=lambda text: None)
    assert "32x6x6x16" in text  # a batch of 32 where none was named
    for cells in rows(text).values():
        assert all(float(time) > 0 for time in cells[3:6])  # naive, direct, winograd
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_loops_that_would_take_long_are_not_waited_for():
    text = layers.Conv2D(64, 3).algorithm_report((4, 40, 40, 64), measure=True, print_fn=lambda text: None)
    assert rows(text)["conv2d", "forward", "convolution"][3] == "-"


def test_layers_inside_a_layer_are_reported_and_others_say_so():
    inner = layers.Residual(layers.Conv2D(16, 3, padding="same", name="inside"))
    assert any("inside" in key[0] for key in rows(inner.algorithm_report((2, 8, 8, 16), print_fn=len)))
    assert "no convolution" in layers.Dense(3).algorithm_report((2, 8), print_fn=len)
    assert "no convolution" in layers.Add().algorithm_report([(2, 8), (2, 8)], print_fn=len)


def test_sizes_that_are_not_known_are_asked_for():
    with pytest.raises(ValueError, match="is not built yet"):
        layers.Conv2D(16, 3).algorithm_report()
    with pytest.raises(ValueError, match="needs all sizes"):
        layers.Conv2D(16, 3).algorithm_report((2, None, 8, 3))
    with pytest.raises(ValueError, match="batch_size"):
        network().algorithm_report(0)


def test_the_reference_backend_has_one_form():
    before = backends.active().name
    backends.use("reference")
    try:
        text = layers.Conv2D(16, 3).algorithm_report((2, 8, 8, 16), measure=True, print_fn=len)
    finally:
        backends.use(before)
    assert "this backend has one form" in text and "3 by definition" in text
