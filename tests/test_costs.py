"""Receptive fields against gradients, and the papers' counts of multiply-adds."""

from fractions import Fraction

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers, zoo
from cyconv.models.costs import costs


LENGTH = 160


def net(*inside):
    """A Sequential whose weights are all positive and whose functions are smooth: no gradient is lost."""
    model = keras.Sequential([layers.Input((LENGTH, 1)), *inside])
    model.set_weights([np.full(w.shape, 0.1) for w in model.get_weights()])
    return model


def measured(model, position):
    """(first, last) input position with a gradient from one output position."""
    ops = backends.active()
    x = np.ones((1, LENGTH, 1), np.float32)
    for variable in model.weights:
        variable.on(ops)
        variable.gradient = np.zeros(variable.shape, np.float32)
    y, saved = model.forward(ops, x, False)
    dy = np.zeros(y.shape, np.float32)
    dy[0, position] = 1
    seen = np.flatnonzero(np.abs(model.backward(ops, dy, saved, True)[0, :, 0]) > 0)
    return seen[0], seen[-1]


def conv(**arguments):
    return layers.Conv1D(1, **arguments)


NETS = {
    "two 3": lambda: net(conv(kernel_size=3), conv(kernel_size=3)),
    "same, strides": lambda: net(conv(kernel_size=4, strides=2, padding="same"),
                                 conv(kernel_size=3, strides=3)),
    "dilation": lambda: net(conv(kernel_size=3, dilation_rate=2), conv(kernel_size=2, dilation_rate=3)),
    "pooling": lambda: net(conv(kernel_size=3), layers.AveragePooling1D(3, 2, padding="same")),
    "causal": lambda: net(conv(kernel_size=3, padding="causal"), layers.AveragePooling1D(2)),
    "transposed": lambda: net(layers.Conv1DTranspose(1, 3, 2), conv(kernel_size=3)),
    "transposed same": lambda: net(layers.Conv1DTranspose(1, 4, 3, padding="same"), conv(kernel_size=2)),
    "nearest": lambda: net(conv(kernel_size=3), layers.UpSampling1D(3), conv(kernel_size=2)),
    "padding": lambda: net(layers.ZeroPadding1D((3, 1)), conv(kernel_size=5), layers.Cropping1D((2, 3))),
    "residual": lambda: net(layers.Residual([conv(kernel_size=3, padding="same"),
                                             conv(kernel_size=3, padding="same")])),
    "skip": lambda: net(layers.Skip([conv(kernel_size=5), layers.AveragePooling1D(2),
                                     layers.UpSampling1D(2), conv(kernel_size=2)], crop=True)),
    "two levels": lambda: net(conv(kernel_size=3, padding="same"), layers.Skip([
        layers.AveragePooling1D(2), conv(kernel_size=3, padding="same"), layers.Skip([
            layers.AveragePooling1D(2), conv(kernel_size=3, padding="same"),
            layers.Conv1DTranspose(1, 2, 2)]),
        conv(kernel_size=3, padding="same"), layers.Conv1DTranspose(1, 2, 2)]),
        conv(kernel_size=3, padding="same"), conv(kernel_size=3, padding="same")),
    "dense": lambda: net(conv(kernel_size=3), layers.Dense(2), layers.BatchNormalization()),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_receptive_field_is_where_the_gradient_is(name):
    model = NETS[name]()
    field = model.receptive_field()
    ends = [measured(model, p) for p in range(12, 25)]
    assert field.size == (max(last - first + 1 for first, last in ends),)
    # Up-sampling by 2, 3 or 4 repeats itself after 12 positions: 12 and 24 lie as position 0 does.
    assert field.jump == (Fraction(int(ends[12][0] - ends[0][0]), 12),)
    assert ends[0][0] == field.first[0] + 12 * field.jump[0]


def test_bilinear_upsampling():
    model = keras.Sequential([layers.Input((9, 9, 1)), layers.UpSampling2D(2, interpolation="bilinear")])
    assert model.receptive_field().size == (2, 2)


def test_adaptive_pooling():
    model = keras.Sequential([layers.Input((10, 7, 1)), layers.AdaptiveMaxPooling2D((5, 3))])
    assert model.receptive_field().size == (2, 3)  # windows 0..2, 2..4, 4..6 of the 7


def test_what_sees_all_sees_the_inputs_size():
    model = zoo.lenet5()
    assert model.receptive_field("C1").size == (5, 5)
    assert model.receptive_field("S4") == ((16, 16), (4, 4), (-2, -2))
    assert model.receptive_field("C5") == ((28, 28), None, None)
    assert zoo.variable_size().receptive_field().size == (None, None)


def test_published_fields():
    """Araujo, Norris, Sim 2019: 483 for ResNet-50."""
    assert zoo.resnet50().receptive_field("stage4_block3") == ((483, 483), (32, 32), (-241, -241))


def test_inside_and_unknown_layers():
    model = keras.Sequential([layers.Input((9, 9, 1)), layers.Residual(
        [layers.Conv2D(1, 3, padding="same", name="a"), layers.Conv2D(1, 3, padding="same", name="b")],
        name="block")])  # fmt: skip
    assert model.receptive_field("a").size == model.receptive_field("block/a").size == (3, 3)
    assert model.receptive_field("block").size == (5, 5)
    with pytest.raises(ValueError, match="no layer 'c'; it has: block/a, block/b"):
        model.receptive_field("c")


def test_of_two_inputs_each_has_its_own():
    a, b = layers.Input((9, 1)), layers.Input((9, 1))
    model = keras.Model([a, b], layers.add([conv(kernel_size=3, padding="same")(a), b]))
    assert model.receptive_field().size == (3,) and model.receptive_field(source=1).size == (1,)
    assert keras.Model([a, b], [a, layers.ReLU()(b)]).receptive_field("re_lu", source=0) is None


@pytest.mark.parametrize(("make", "count"), [
    # 117,600 + 240,000 + 48,000 + 10,080 + 840
    (zoo.lenet5, 416_520),
    # 32*32*27*16 + 6*32*32*144*16 + 16*16*(144 + 5*288)*32 + 8*8*(288 + 5*576)*64 + 640
    (zoo.resnet20, 40_551_040),
    (lambda: keras.Sequential([layers.Input((5, 6, 2)), layers.Conv2DTranspose(3, 2, 2)]), 5 * 6 * 4 * 2 * 3),
    (lambda: keras.Sequential([layers.Input((5, 6, 4)), layers.Conv2D(8, 3, groups=2)]), 3 * 4 * 9 * 2 * 8),
    (lambda: keras.Sequential([layers.Input((5, 6, 4)), layers.DepthwiseConv2D(3)]), 3 * 4 * 9 * 4),
    (lambda: keras.Sequential([layers.Input((5, 6, 4)), layers.SeparableConv2D(7, 3)]),
     3 * 4 * (9 * 4 + 4 * 7)),
    (lambda: keras.Sequential([layers.Input((5, 6)), layers.Dense(7, use_bias=False)]), 5 * 6 * 7),
])  # fmt: skip
def test_multiply_adds(make, count):
    assert sum(cost.multiply_adds for cost in costs(make())) == count


def test_memory_of_the_maps():
    first, *_ = costs(zoo.lenet5())
    assert first.memory == 28 * 28 * 6 * 4
    assert costs(zoo.fully_convolutional())[0].memory is None


@pytest.mark.parametrize("layer", [
    layers.GroupNormalization(1), layers.Permute((2, 1, 3)), layers.Resizing(9, 9),
    layers.Reshape((3, 27, 2)), layers.LayerNormalization(axis=[1, 2, 3]), layers.UnitNormalization(axis=1),
])  # fmt: skip
def test_layers_that_mix_all_positions(layer):
    model = keras.Sequential([layers.Input((9, 9, 2)), layer])
    assert model.receptive_field() == ((9, 9), None, None)


@pytest.mark.parametrize("layer", [
    layers.LayerNormalization(), layers.UnitNormalization(), layers.Reshape((9, 9, 2)), layers.Rescaling(2.0),
    layers.GaussianNoise(0.1), layers.PReLU(), layers.SpatialDropout2D(0.1),
])  # fmt: skip
def test_layers_that_leave_each_position_alone(layer):
    model = keras.Sequential([layers.Input((9, 9, 2)), layer])
    assert model.receptive_field() == ((1, 1), (1, 1), (0, 0))
