"""Receptive fields: what can be seen against brute force, what is looked at against a worked binomial."""

import numpy as np
import pytest

import cyconv
from cyconv import interpret, layers
from cyconv.testing import assert_close


def seen_by_brute_force(model, layer, position):
    """The pixels whose change changes the unit: each is moved by itself."""
    shape = model.input_shape[1:]
    x = np.random.default_rng(0).random(shape, np.float32)
    moved = np.repeat(x[None], np.prod(shape[:-1]), axis=0)
    for row, pixel in zip(moved, np.ndindex(*shape[:-1]), strict=True):
        row[pixel] += 10
    units = interpret.activations(model, np.concatenate([x[None], moved]), layer)[(slice(None), *position)]
    changed = (units[1:] != units[0]).any(-1).reshape(shape[:-1])
    return tuple((int(axis.min()), int(axis.max())) for axis in np.nonzero(changed))


def plain():
    return cyconv.Sequential([
        cyconv.Input((17, 17, 1)),
        layers.Conv2D(2, 3, strides=2, padding="same", name="a"),
        layers.AveragePooling2D(2, strides=1, name="b"),
        layers.Conv2D(2, 3, dilation_rate=2, activation="tanh", name="c"),
    ])  # fmt: skip


def branched():
    x = cyconv.Input((15, 15, 1))
    inner = cyconv.Sequential([cyconv.Input((15, 15, 2)), layers.Conv2D(2, 5, padding="same", name="wide")])
    y = layers.Residual(inner, name="c")(layers.Conv2D(2, 3, padding="same")(x))
    return cyconv.Model(x, y)


def u():
    return cyconv.Sequential([
        cyconv.Input((16, 16, 1)),
        layers.Conv2D(2, 3, padding="same"),
        layers.Skip([layers.AveragePooling2D(), layers.Conv2D(2, 3, padding="same"), layers.UpSampling2D()]),
        layers.Conv2D(1, 3, padding="same", name="c"),
    ])  # fmt: skip


@pytest.mark.parametrize("make, position", [(plain, (1, 2)), (branched, (7, 6)), (u, (8, 8))])
def test_what_is_seen_is_what_changes_the_unit(make, position):
    model = make()
    seen = seen_by_brute_force(model, "c", position)
    size, jump, first = interpret.receptive_field(model, "c")
    for (low, high), s, j, f, p in zip(seen, size, jump, first, position, strict=True):
        assert low >= f + p * j - (s - 1) % 2 and high - low + 1 <= s  # at most one size, at its place
        assert make is u or (low, high) == (f + p * j, f + p * j + s - 1)
    found = interpret.effective_receptive_field(model, seen_at_random(model), "c", position)
    assert tuple((int(a.min()), int(a.max())) for a in np.nonzero(found.map)) == seen
    assert found.map.max() == 1 and found.position == position


def seen_at_random(model):
    return np.random.default_rng(1).random((40, *model.input_shape[1:]), np.float32)


def test_the_effective_field_of_averages_is_a_binomial():
    """Three times the mean of three: 1 3 6 7 6 3 1 in 27, in both directions (Luo et al., section 2.1)."""
    means = [layers.Conv2D(1, 3, use_bias=False) for _ in "123"]
    model = cyconv.Sequential([cyconv.Input((9, 9, 1)), *means])
    model.set_weights([np.full((3, 3, 1, 1), 1 / 9)] * 3)
    field = interpret.effective_receptive_field(model, np.ones((1, 9, 9, 1)), position=(1, 1))
    line = np.array([0, 1, 3, 6, 7, 6, 3, 1, 0]) / 7
    assert_close(field.map, np.outer(line, line).astype(np.float32), "network", terms=27)
    assert field.size == np.sqrt((np.outer(line, line) > 0.0455).sum())
    model.set_weights([np.full((3, 3, 1, 1), s / 9) for s in (1, -1, 1)])  # how much counts, not which way
    other = interpret.effective_receptive_field(model, np.ones((1, 9, 9, 1)), position=(1, 1))
    assert_close(other.map, field.map, "network", terms=27)
    middle = interpret.effective_receptive_field(model, np.ones((9, 9, 1)))
    assert middle.position == (1, 1)


def test_a_unit_that_is_not_there():
    model = plain()
    with pytest.raises(ValueError, match=r"`position` \(99, 0\): the layer has \(4, 4\) positions"):
        interpret.effective_receptive_field(model, seen_at_random(model), position=(99, 0))
    with pytest.raises(ValueError, match="there is no layer 'd'"):
        interpret.receptive_field(model, "d")
    x, z = cyconv.Input((4, 4, 1)), cyconv.Input((4, 4, 1))
    two = cyconv.Model([x, z], [layers.Conv2D(1, 3)(x), layers.Conv2D(1, 3)(z)])
    with pytest.raises(ValueError, match="sees nothing of this input"):
        interpret.effective_receptive_field(two, [np.ones((1, 4, 4, 1))] * 2, source=1)


def open_sizes(size):
    return cyconv.Sequential([
        cyconv.Input((size, size, 1)),
        layers.Conv2D(3, 3, padding="same"),
        layers.AveragePooling2D(),
        layers.Conv2D(3, 3, padding="same", activation="sigmoid", name="c"),
        layers.AveragePooling2D(),
    ])  # fmt: skip


def test_sizes_left_open_do_not_move_the_field():
    known, unknown = open_sizes(16), open_sizes(None)
    assert interpret.receptive_field(unknown, "c") == interpret.receptive_field(known, "c")
    assert interpret.receptive_field(known, "c").first == (-3, -3)
    odd = cyconv.Sequential([cyconv.Input((None, 1)), layers.Conv1D(1, 4, strides=2, padding="same")])
    first = [interpret.receptive_field(odd, input_shapes=[(1, n, 1)]).first for n in (8, 9)]
    assert first == [(-1,), (-1,)] and interpret.receptive_field(odd).first == (-1,)


def test_deconvnet_cuts_out_what_the_unit_can_see():
    model, x = open_sizes(16), np.random.default_rng(4).random((3, 16, 16, 1), np.float32)
    for unit in interpret.deconvnet(model, x, "c", top=3):
        seen = seen_by_brute_force(model, "c", unit.position)
        assert [(part.start, part.stop - 1) for part in unit.box] == list(seen)
        assert_close(unit.patch, x[unit.image][unit.box], "exact")
