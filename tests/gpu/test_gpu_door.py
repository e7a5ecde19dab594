"""The door's operations on the gpu backend against their definition, over the C kernels' cases."""

import inspect
from itertools import product

import numpy as np
import pytest
import test_kernels_elementwise as elementwise
import test_kernels_formula as formulas
import test_kernels_losses as losses
from across import Across, checker
from kernels import draw

from cyconv._native import engine
from cyconv.backends import formula, interface, reference
from cyconv.backends.gpu import lower
from cyconv.testing import assert_close


def test_every_operation_is_lowered_with_the_door_s_arguments():
    for name in interface.OPERATIONS:
        wanted = list(inspect.signature(getattr(reference, name)).parameters)
        given = list(inspect.signature(lower.function_of(name)).parameters)
        assert [p for p in given if p not in ("work", "tf32")] == wanted, name


def test_accumulating_gradients_is_refused_in_words(door):
    dy, switches = door.empty((1, 4, 4, 3), "float32"), door.empty((1, 4, 4, 3), "int32")
    with pytest.raises(ValueError, match="max_pool_gradient: this backend takes no `accumulate`; add with"):
        door.max_pool_gradient(dy, switches, input_shape=(1, 4, 4, 3), window=(1, 1), strides=(1, 1),
                               padding=((0, 0), (0, 0)), accumulate=True, out=dy)  # fmt: skip


@pytest.mark.parametrize("name", engine.ACTIVATIONS)
def test_activations(name, cases):
    for size in (17, 1003):
        cases(elementwise.test_activation, name, size)
        cases(elementwise.test_activation_gradient, name, size)


@pytest.mark.parametrize("name", engine.BINARIES)
def test_binary(name, cases):
    for shapes in (((70,), (70,)), ((7, 33), (33,)), ((90, 1), (1,)), ((5, 3, 2), (3, 2))):
        cases(elementwise.test_binary, name, *shapes)


def test_copies(cases):
    for accumulate in (False, True):
        cases(formulas.test_strided_copies, accumulate)
        cases(elementwise.test_copy, 5, 3, accumulate)


def test_fill_and_sum(cases):
    for size in (1, 17, 1003, 20_011):
        cases(elementwise.test_fill_and_sum, size)


def test_dropout_draws_the_same_numbers(cases):
    for rate, size in product((0.0, 0.25, 0.9), (1, 7, 1003)):
        cases(elementwise.test_dropout, rate, size)


def test_random_numbers(cases):
    for distribution, shape in product(("uniform", "normal"), ((1,), (3, 5), (1003,))):
        cases(formulas.test_random_numbers, distribution, shape)


def test_optimisers(cases):
    for size in (3, 1003):
        for kind in ("plain", "momentum", "nesterov"):
            cases(elementwise.test_sgd, kind, size)
        cases(elementwise.test_adam, size)


def test_formulas(door):
    """All of them as one kernel."""
    a, b = draw(63, 33), draw(63, 33, seed=1)

    def all_of_them(a, b):
        return tuple(f(a, b) for f in formulas.FORMULAS.values())

    checker(door)(lambda ops, a, b: tuple(ops.map(all_of_them, a, b)), a, b, kind="elementwise", terms=4)


def test_every_function_at_its_ends(door):
    """All functions as one kernel, over zeros, infinities, NaN, the smallest and the largest numbers."""
    a, b = (x.ravel() for x in np.meshgrid(formulas.SPECIAL, formulas.SPECIAL))
    c = b[::-1].copy()
    functions = [(getattr(np, name), count) for name, count in formula.FUNCTIONS.items()]

    def all_of_them(*arrays):
        return tuple(function(*arrays[:count]) for function, count in functions)

    results = Across(door).map(all_of_them, a, b, c)
    with np.errstate(all="ignore"):
        expected = [1.0 * e for e in all_of_them(*(x.astype(np.float64) for x in (a, b, c)))]
        largest = np.finfo(np.float32).max
        expected = [np.where(np.abs(e) > largest, np.sign(e) * np.inf, e) for e in expected]
    for (function, _), wanted, result in zip(functions, expected, results, strict=True):
        size = np.where(np.isfinite(wanted), np.abs(wanted) + np.finfo(np.float32).tiny, 1)
        if function in (np.sin, np.cos):
            size[:] = 1
        assert_close(result / size.astype(np.float32), wanted / size, "elementwise", what=function.__name__)


def test_constants_that_c_has_no_word_for(door):
    values = np.inf, -np.inf, np.nan, 1e-7, -0.0, 16777217.0
    results = Across(door).map(lambda x: tuple(np.where(x > 1, v, x) for v in values), np.float32([1, 2]))
    for value, result in zip(values, results, strict=True):
        np.testing.assert_array_equal(result, np.float32([1, value]))


def test_inputs_repeat_and_outputs_may_be_inputs(cases):
    for mark in formulas.test_inputs_repeat_as_numpy_broadcasts_them.pytestmark:
        for shapes in mark.args[1]:
            cases(formulas.test_inputs_repeat_as_numpy_broadcasts_them, shapes)
    cases(formulas.test_outputs_may_be_inputs)
    cases(formulas.test_one_value_may_be_several_results)


@pytest.mark.parametrize("name", ["sum", "maximum", "minimum"])
def test_reductions(name, cases):
    for mark in formulas.test_reduce_in_blocks.pytestmark:
        if mark.args[0] == "shape, axes":
            for shape, axes in mark.args[1]:
                cases(formulas.test_reduce_in_blocks, name, shape, axes)
    for axes in (None, (0,), (-1,), (1, 2), (0, 2)):
        cases(formulas.test_reduce, name, axes)


def test_reductions_of_many_terms_take_several_launches(door, monkeypatch):
    monkeypatch.setattr(lower, "CHUNK", 40)
    x = np.random.default_rng(0).random((3, 2000, 33), np.float32)
    for axes in ((0, 1), (1,), (0, 1, 2), (2,)):
        options = dict(name="sum", axes=axes, scale=1.0, accumulate=False)
        _, launches = lower.lower("reduce", (x, x[0, 0]), options, np.zeros(1 << 20, np.uint8))
        assert len(launches) > 1 or axes == (2,)
        expected = np.atleast_1d(x.astype(np.float64).sum(axes))
        assert_close(Across(door).reduce(x, axes=axes), expected, terms=x.size)


def test_upsample(cases):
    for interpolation in ("nearest", "linear"):
        for mark in formulas.test_upsample.pytestmark:
            if mark.args[0] == "shape, size":
                for shape, size in mark.args[1]:
                    cases(formulas.test_upsample, shape, size, interpolation)


def test_softmax(cases):
    for shape, spread in product(losses.SHAPES, (1, 50)):
        cases(losses.test_softmax_and_gradient, shape, spread)


@pytest.mark.parametrize("kind", ["categorical", "sparse", "binary"])
def test_losses_and_accuracy(kind, cases):
    for shape in losses.SHAPES:
        for from_logits in (False, True):
            cases(losses.test_cross_entropy, kind, from_logits, shape)
        cases(losses.test_accuracy, kind, shape)


@pytest.mark.parametrize("kind", ["categorical", "sparse"])
def test_cross_entropy_through_a_softmax(kind, cases):
    for shape in losses.SHAPES:
        cases(losses.test_cross_entropy_through_a_softmax, kind, shape)


def test_labels_that_do_not_count(cases):
    for from_logits in (False, True):
        cases(losses.test_labels_that_do_not_count, from_logits)


def test_empty_arrays_are_no_launches(door):
    x = door.asarray(np.zeros((0, 3)), "float32")
    door.softmax(x)
    door.map(lambda a: a + 1, x)
    np.testing.assert_array_equal(door.to_host(door.reduce(x, axes=(0,))), [0, 0, 0])


def test_arrays_of_the_host_are_refused(door):
    host = np.zeros((2, 3), np.float32)
    with pytest.raises(TypeError, match="asarray"):
        door.softmax(host)
    with pytest.raises(TypeError, match="asarray"):
        door.binary(door.asarray(host, "float32"), host, "add")
    with pytest.raises(TypeError, match="float32 or float64"):
        door.softmax(door.asarray(host, "int32"))


def test_doubles(door):
    """What is element by element also runs in float64."""
    x = np.linspace(-2, 2, 9)
    there = door.asarray(x, "float64")
    assert_close(door.to_host(door.map(lambda a: np.exp(a) + 1 / 3, there)), np.exp(x) + 1 / 3, "elementwise")
    assert_close(door.to_host(door.activation(there, "tanh")), np.tanh(x), "elementwise")
