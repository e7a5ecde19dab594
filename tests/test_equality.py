"""docs/equality.md says which operations give the same bytes where: every cell of its table, measured."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from equality import CASES, COLUMNS, MEASURES, off, single, worst
from kernels import FAST, LEVELS

import cyconv as keras
from cyconv import backends, fusion, layers
from cyconv.backends.interface import OPERATIONS
from cyconv.compare import allowing
from cyconv.compare.differing import difference
from cyconv.recorder import Recorder

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "equality.md").read_text()
ALL_LEVELS = {"base", "avx2", "avx512"} <= set(FAST)
# The page's figures are of one compiler and processor; others round differently, but not by much more.
OTHERS = 3


def table(name):
    """The rows between two marks of the page: {first cell: the others}."""
    lines = re.findall(r"^\| `?([^`|]+?)`? \|(.*)\|$", PAGE.split(f"<!-- {name} -->")[1], re.M)
    return {first.strip(): [cell.strip() for cell in rest.split("|")] for first, rest in lines[1:]}


ROWS = table("operations")


def test_the_table_has_every_operation_of_the_door():
    assert list(ROWS) == list(OPERATIONS) == list(CASES)


def hold(cell, measured, what):
    """Fails where a cell of the page is not what was measured."""
    if cell == "same":
        assert measured is None, f"{what}: the page says the same bytes; measured {measured:.1e}"
    elif cell == "-":
        assert math.isnan(measured), f"{what}: the page says there is nothing to compare; measured {measured}"
    elif cell == "sign of 0":
        assert measured == 0, f"{what}: the page says that only signs of 0 differ; measured {measured}"
    else:
        assert measured is not None or not ALL_LEVELS, f"{what}: the same bytes; the page says {cell}"
        if measured is not None:
            assert measured <= OTHERS * float(cell), f"{what}: measured {measured:.1e}; the page says {cell}"
            assert measured >= float(cell) / 10 or not ALL_LEVELS, f"{what}: measured only {measured:.1e}"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_cell_is_true(operation):
    *cells, _ = ROWS[operation]
    assert len(cells) == len(COLUMNS)
    for column, cell in zip(COLUMNS, cells, strict=True):
        if column == "avx" and not {"avx2", "avx512"} <= set(FAST):
            continue
        if column == "base" and FAST == ["base"]:
            continue
        hold(cell, MEASURES[column](operation), f"{operation}, {column}")


def recorded(case):
    """The operations of a case."""
    ops = Recorder(backends.get("cpu"), np.zeros(1, np.uint64))
    case(ops, single)
    return ops.steps


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_keeps_the_tolerance_that_the_page_names(operation):
    *_, named = ROWS[operation]
    kinds = set()
    for case in CASES[operation]:
        steps = recorded(case)
        kinds |= {allowing.kind(s) for s in steps if s.operation == operation}
        allowed = allowing.allowed(steps, backends.get("cpu"), "float32")
        for level in LEVELS:
            found = off(case, level)
            assert found is None or found <= allowed, f"{level}: {found:.1e}, allowed {allowed:.1e}"
    assert ", ".join(sorted(kinds)) == named


# Whole steps --------------------------------------------------------------------------------------------


def residual():
    """Convolution, normalisation, shortcut and relu, all that is fused; moving means that are not trivial."""
    x = inputs = keras.Input((12, 12, 8))
    y = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(x))
    y = layers.ReLU()(layers.add([y, x]))
    y = layers.ReLU()(layers.Conv2D(8, 3, padding="same")(y))
    model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(y)))
    generator = np.random.default_rng(2)
    model.set_weights([w + 0.1 * np.abs(generator.standard_normal(w.shape)) for w in model.get_weights()])
    model.compile("sgd", "mse")
    return model


def results(mode, fused=True):
    """Outputs of a prediction, or weights after three steps of training, with fusion on or off."""
    before = fusion.enabled()
    fusion.set_fusion(fused)
    try:
        keras.utils.set_random_seed(0)
        model, generator = residual(), np.random.default_rng(1)
        x = generator.standard_normal((6, 12, 12, 8)).astype(np.float32)
        if mode == "prediction":
            return [model.predict(x, verbose=0)]
        for _ in range(3):
            model.train_on_batch(x, np.ones((6, 3), np.float32))
        return model.get_weights()
    finally:
        fusion.set_fusion(before)


def apart(ones, others):
    """None where all are the same bytes, else the largest relative difference."""
    pairs = list(zip(ones, others, strict=True))
    if all(a.tobytes() == b.tobytes() for a, b in pairs):
        return None
    return worst(difference("", a, b.astype(np.float64)).relative for a, b in pairs)


def by_hand():
    """The prediction layer by layer, nothing recorded."""
    keras.utils.set_random_seed(0)
    model, generator = residual(), np.random.default_rng(1)
    x = generator.standard_normal((6, 12, 12, 8)).astype(np.float32)
    y, _ = model.forward(backends.get("cpu"), x, False)
    return [np.array(y)]


def threads(count):
    keras.set_num_threads(count)
    return results("training")


WHOLE = {
    "training on 1 and on 3 threads": lambda: apart(threads(1), threads(3)),
    "training fused and not": lambda: apart(results("training"), results("training", False)),
    "prediction fused and not": lambda: apart(results("prediction"), results("prediction", False)),
    "prediction recorded and layer by layer": lambda: apart(results("prediction", False), by_hand()),
}


def test_the_page_names_the_whole_steps():
    assert list(table("steps")) == list(WHOLE)


@pytest.mark.parametrize("what", WHOLE)
def test_whole_steps(what):
    (cell,) = table("steps")[what]
    hold(cell, WHOLE[what](), what)
