"""`compare_backends`: the right layer is named, and the numbers are those of NumPy."""

import json

import numpy as np
import pytest
from comparisons import batch, broken, compared, small

import cyconv as keras
from cyconv import backends, layers
from cyconv.backends import cpu, host
from cyconv.compare.crossing import Crossing, crossings
from cyconv.compare.differing import difference
from cyconv.testing import tolerance

pytestmark = pytest.mark.usefixtures("one_thread")
ROUNDING = tolerance("elementwise")


# What is found ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation, position, layer, what", [
    ("convolution", 4, "first", "output"),
    ("convolution_input_gradient", 3, "second", "gradient of input"),
    ("convolution_kernel_gradient", 2, "second", "gradient of kernel"),
    ("batch_norm", 6, "norm", "output"),
    ("batch_norm", 5, "norm", "moving_variance"),
    ("batch_norm_gradient", 6, "norm", "gradient of input"),
    ("max_pool", 1, "pool", "output"),
    ("max_pool_gradient", 2, "pool", "gradient of input"),
    ("average_pool", 1, "average", "output"),
    ("dropout", 2, "drop", "output"),
    ("softmax", 1, "classes", "output"),
    ("matmul", 3, "classes", "output"),
])  # fmt: skip
def test_the_layer_that_makes_the_difference_is_named_first(register, operation, position, layer, what):
    register("broken", broken(operation, position))
    result = compared(names=("reference", "cpu", "broken"))
    own = [f for f in result.over if (f.layer, f.difference.what) == (layer, what)]
    assert own, [str(f) for f in result.over]
    assert {f.backend for f in result.over} == {"broken"}
    lines = str(result).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("OVER TOLERANCE"))
    assert str(result.worst) in lines[start + 1] and result.worst.layer in {f.layer for f in result.over}
    of = {"convolution": ("first", "second"), "matmul": ("classes",), "dropout": ("drop",)}
    kinds = of.get(operation.split("_")[0], (layer,))
    assert {f.layer for f in result.over} <= set(kinds) | {layer}, "layers after it get the right input"
    if what == "output" and operation not in ("dropout", "matmul"):
        assert own[0].difference.relative == pytest.approx(0.01, rel=0.05)


def test_the_numbers_are_those_of_numpy():
    """A dense layer, mean squared error: every difference worked out here, in float64."""
    generator = np.random.default_rng(5)
    x, y = (generator.standard_normal((12, n)).astype(np.float32) for n in (30, 4))
    model = keras.Sequential([keras.Input((30,)), layers.Dense(4, name="dense")])
    model.compile("sgd", "mse")
    W, b = model.get_weights()
    result = keras.compare_backends(model, x, y, ["reference", "cpu"], seconds=0)
    (entry,) = [e for e in result.layers if e.backend == "cpu"]
    door = backends.get("cpu")
    found = {d.what: d for each in entry.differences.values() for d in each}
    exact = x.astype(np.float64) @ W + b
    dy = (2 * (exact - y) / exact.size).astype(np.float32)
    right = {
        "output": (door.matmul(x, W, b), exact),
        "gradient of input": (door.matmul(dy, W, transpose_b=True), dy.astype(np.float64) @ W.T),
        "gradient of kernel": (door.matmul(x, dy, transpose_a=True), x.T.astype(np.float64) @ dy),
        "gradient of bias": (door.reduce(dy, axes=(0,)), dy.astype(np.float64).sum(0)),
    }
    assert set(found) == set(right)
    scale = max(np.abs(right["gradient of kernel"][1]).max(), np.abs(right["gradient of bias"][1]).max())
    for what, (actual, expected) in right.items():
        apart, unit = np.abs(actual - expected), np.abs(expected).max()
        unit = scale if what in ("gradient of kernel", "gradient of bias") else unit
        assert found[what].absolute == pytest.approx(apart.max(), rel=ROUNDING, abs=0)
        assert found[what].relative == pytest.approx(apart.max() / unit, rel=ROUNDING, abs=0)
        near = np.abs(actual - expected.astype(np.float32)) / np.spacing(np.abs(expected.astype(np.float32)))
        assert found[what].ulps == pytest.approx(float(near.max()), abs=1 + float(near.max()) / 2)
    assert found["output"].allowed == pytest.approx(tolerance("sum", "float32", 30), rel=ROUNDING, abs=0)
    whole = {d.what: d for d in result.whole[1].differences["backward"]}
    assert 0 < whole["gradient of dense/kernel"].relative < 1e-6
    loss = next(d for d in result.whole[1].differences["forward"] if d.what == "loss")
    assert 0 <= loss.absolute < 1e-6 * np.mean((exact - y) ** 2)


def test_floats_between_two_values_are_counted():
    one = np.float32(1)
    three = np.nextafter(np.nextafter(np.nextafter(one, np.float32(2)), np.float32(2)), np.float32(2))
    smallest = np.float32(1e-45)
    a = np.array([three, -0.0, smallest, np.nan, np.inf], np.float32)
    b = np.array([one, 0.0, -smallest, np.nan, np.inf])
    assert difference("x", a[:1], b[:1]).ulps == 3
    assert difference("x", a[1:2], b[1:2]).ulps == 0
    assert difference("x", a[2:3], b[2:3]).ulps == 2
    assert difference("x", a[3:], b[3:]).absolute == 0
    many = difference("x", np.where(np.arange(1000) == 7, three, one), np.ones(1000))
    assert many.ulps == 3 and many.ulps_most == 0
    assert difference("x", np.float32([np.nan, 1]), np.ones(2), 1.0).over
    double = difference("x", np.nextafter(np.ones(2), 2), np.ones(2))
    assert double.ulps == 1 and double.absolute == np.spacing(1.0)


def test_what_moves_numbers_only_is_exact():
    for entry in compared().layers:
        if entry.layer in ("pool", "flat") and entry.backend == "cpu":
            assert entry.worst("forward").absolute == 0 and entry.worst("forward").ulps == 0


def test_differences_sum_up_along_the_model(register):
    """A mistake of the first layer: that layer alone is over, but all after it are off where they sum up."""
    register("broken", broken("convolution", 4, 1.5))
    model = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(8, 3, name="first"),
                              layers.ReLU(name="rectify"), layers.Flatten(name="flat")])  # fmt: skip
    result = keras.compare_backends(model, batch()[0], None, ["reference", "broken"], seconds=0)
    assert {f.layer for f in result.over} == {"first"}
    for entry in result.layers[1::2]:
        assert entry.accumulated["forward"] == pytest.approx(0.5, rel=1e-3), entry.layer


def test_a_difference_of_the_recorded_step_alone_is_told(register):
    """Layers one by one are right, the program of the whole is not."""

    class Forgetful(host.Cpu):
        name = "forgetful"

        def program(self, steps, *rest):
            return super().program([s for s in steps if s.operation != "softmax"], *rest)

    register("forgetful", Forgetful)
    result = compared(names=("reference", "forgetful"))
    assert not result.over and "The whole model on forgetful: output differs" in str(result)


def test_tolerance_may_be_given():
    assert not compared().over
    strict = compared(tolerance=1e-12)
    assert strict.over and all(
        d.allowed == 1e-12 for e in strict.layers for f in e.differences.values() for d in f
    )
    assert strict.worst.difference.share == max(f.difference.share for f in strict.findings)


# Variants ---------------------------------------------------------------------------------------------------


def test_every_way_of_the_cpu_gives_the_same_within_tolerance():
    names = ["reference", "cpu", "cpu:naive", "cpu:direct", "cpu:winograd", "cpu:base", "cpu:threads=1",
             "cpu:fused", "cpu:unfused", "cpu:base:direct:threads=2"]  # fmt: skip
    result = compared(names=names)
    assert not result.over and list(result.backends) == names
    ways = {(e.layer, e.backend): e.algorithms.get("forward") for e in result.layers}
    assert ways["first", "cpu:winograd"] == ["winograd"] and ways["first", "cpu:naive"] == ["naive"]
    assert ways["first", "cpu:direct"] == ["direct"]
    everything = keras.compare_backends(small(), batch()[0], backends="all", seconds=0)
    assert {"reference", "cpu", "cpu:naive", "cpu:winograd", "cpu:base"} <= set(everything.backends)
    assert "first + norm + rectify" in {e.layer for e in result.layers if e.backend == "cpu:fused"}
    assert "level base" in result.backends["cpu:base"] and "threads: 1" in result.backends["cpu:threads=1"]


def test_rounding_that_decides_a_relu_is_no_mistake():
    """On a black background the definition's sums are 0 exactly, Winograd's are 1e-9 now and then."""
    model = keras.Sequential([keras.Input((16, 16, 8))])
    model.add(layers.Conv2D(8, 3, padding="same", activation="relu"))
    model.add(layers.Conv2D(8, 3, padding="same", activation="relu", name="second"))
    x = np.zeros((2, 16, 16, 8), np.float32)
    x[:, 5:9, 6:11] = np.random.default_rng(0).uniform(0, 1, (2, 4, 5, 8))
    result = keras.compare_backends(model, x, backends=["reference", "cpu:winograd", "cpu:direct"], seconds=0)
    assert not result.over, str(result)


def test_winograd_where_it_does_not_exist_is_direct():
    model = keras.Sequential([
        keras.Input((9, 9, 4)), layers.Conv2D(4, 5, name="five"), layers.DepthwiseConv2D(3, name="depth"),
        layers.Conv2DTranspose(4, 3, name="back"), layers.SeparableConv2D(4, 3, name="apart"),
        layers.Flatten(),
    ])  # fmt: skip
    result = keras.compare_backends(
        model, batch(3, (9, 9, 4))[0], None, ["reference", "cpu:winograd"], seconds=0
    )
    taken = {e.layer: e.algorithms for e in result.layers if e.backend == "cpu:winograd"}
    assert taken["five"]["forward"] == taken["depth"]["forward"] == taken["apart"]["forward"] == ["direct"]
    assert taken["back"]["forward"] == ["winograd"] and not result.over


def test_any_backend_may_be_the_one_the_others_are_held_against(register):
    register("gpu", type("Gpu", (host.Cpu,), {"name": "gpu"}))  # a stand-in: the same kernels
    result = compared(names=("cpu:naive", "gpu", "cpu"))
    assert result.baseline == "cpu:naive" and not result.over
    entries = {(e.layer, e.backend): e for e in result.layers}
    for layer in ("first", "norm", "classes"):
        of_gpu, of_cpu = (entries[layer, name].differences for name in ("gpu", "cpu"))
        assert of_gpu == of_cpu
    (bound,) = {d.allowed for d in entries["average", "gpu"].differences["forward"]}
    both_may_err = 2 * tolerance("sum", "float32", 4)
    assert bound == pytest.approx(both_may_err, rel=ROUNDING, abs=0)
    found = keras.compare_backends(small(), batch()[0], backends=["gpu", "reference"], seconds=0)
    assert found.baseline == "reference", "the definitions are what the others are held against"
    assert list(keras.compare_backends(small(), batch()[0], seconds=0).backends) == [
        "reference",
        "cpu",
        "gpu",
    ]


def test_a_backend_that_this_machine_cannot_run_is_left_out_unless_asked_for(register):
    def missing():
        raise ImportError("cupy is not installed: pip install cyconv[gpu]")

    register("gpu", missing)
    model, (x, _) = small(), batch()
    assert list(keras.compare_backends(model, x, seconds=0).backends) == ["reference", "cpu"]
    with pytest.raises(ImportError, match="pip install"):
        keras.compare_backends(model, x, backends=["cpu", "gpu"], seconds=0)


# Models -----------------------------------------------------------------------------------------------------


def test_the_model_stays_as_it_is_and_training_goes_on_the_same():
    x, y = batch(12)
    runs = []
    for compare in (False, True):
        keras.utils.set_random_seed(7)
        model = small()
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=4, epochs=1, verbose=0)
        if compare:
            before = [w.tobytes() for w in model.get_weights()]
            state = (cpu.level, keras.get_num_threads(), backends.active().random_state.tobytes())
            names = ["reference", "cpu:base:fused", "cpu:threads=1"]
            keras.compare_backends(model, x, y, names, seconds=0.01, up_to=2)
            assert [w.tobytes() for w in model.get_weights()] == before
            assert (cpu.level, keras.get_num_threads(), backends.active().random_state.tobytes()) == state
            assert model.layers[0].algorithm == "auto"
        model.fit(x, y, batch_size=4, epochs=2, verbose=0)
        runs.append([w.tobytes() for w in model.get_weights()])
    assert runs[0] == runs[1]


class Square(layers.Layer):
    def call(self, x):
        self.x = x
        return x * x

    def backward(self, dy):
        return 2 * self.x * dy


def test_models_of_all_kinds():
    """Several inputs and outputs, a layer at two places, a nested model, a frozen layer, one in NumPy, one
    that only prepares data."""
    a, b = keras.Input((6, 6, 3), name="a"), keras.Input((6, 6, 3), name="b")
    shared = layers.Conv2D(4, 3, padding="same", name="shared")
    inner = keras.Sequential([keras.Input((6, 6, 4)), layers.Conv2D(4, 1, name="one"), Square(name="square")],
                             name="inner")  # fmt: skip
    frozen = layers.Dense(3, name="frozen", trainable=False)
    both = layers.add([shared(layers.Rescaling(0.5)(a)), shared(b)])
    flat = layers.Flatten()(inner(both))
    model = keras.Model([a, b], [frozen(flat), layers.Dense(1, name="second")(flat)])
    model.compile("sgd", ["mse", "mae"])
    x = [batch(4, (6, 6, 3))[0], batch(4, (6, 6, 3))[0] + 1]
    y = [np.zeros((4, 3), np.float32), np.ones((4, 1), np.float32)]
    result = keras.compare_backends(model, x, y, ["reference", "cpu", "cpu:fused"], seconds=0.01, up_to=2)
    assert not result.over
    paths = [e.layer for e in result.layers if e.backend == "cpu"]
    assert {"shared", "shared (call 2)", "inner/one", "inner/square"} <= set(paths)
    by_name = {
        e.layer: [d.what for d in e.differences["backward"]] for e in result.layers if e.backend == "cpu"
    }
    assert by_name["frozen"] == ["gradient of input"]
    assert by_name["add"] == ["gradient of input 1", "gradient of input 2"]


def test_a_model_that_begins_by_augmenting():
    model = keras.Sequential(
        [keras.Input((8, 8, 2)), layers.RandomFlip(seed=1), layers.Flatten(), layers.Dense(5)]
    )
    result = keras.compare_backends(model, batch()[0], backends=["reference", "cpu"], seconds=0)
    assert not result.over
    (entry,) = [e for e in result.layers if e.backend == "cpu" and e.type == "RandomFlip"]
    assert entry.differences["backward"] == [] and entry.worst("forward").absolute == 0


def test_double_precision():
    model = keras.Sequential([keras.Input((7,), dtype="float64"), layers.Dense(3, dtype="float64")])
    x = np.random.default_rng(0).standard_normal((5, 7))
    result = keras.compare_backends(model, x, backends=["reference", "cpu:naive"], seconds=0)
    assert not result.over and result.worst.difference.relative < 1e-14


def test_numbers_that_are_not_finite_are_over_tolerance(register):
    register("broken", broken("max_pool", 1, np.float32(np.inf)))
    with np.errstate(all="ignore"):
        result = compared(names=("reference", "broken"))
    assert result.over[0].layer == "pool" and "not finite" in str(result)
    json.dumps(result.to_dict(), allow_nan=False)


# Who overtakes whom -----------------------------------------------------------------------------------------


def test_crossings():
    points = [(1, {"a": 1.0, "b": 5.0, "c": 0.9}), (2, {"a": 2.0, "b": 5.0, "c": 1.9}),
              (4, {"a": 4.0, "b": 4.1, "c": 3.9}), (8, {"a": 8.0, "b": 6.0, "c": 7.9}),
              (16, {"a": 16.0, "b": 9.0})]  # fmt: skip
    found = {(c.overtaken, c.overtaking): c for c in crossings(points, ["a", "b", "c"])}
    assert found["a", "b"] == Crossing("a", "b", 8, 16)
    assert found["c", "b"].batch == 8 and found["c", "b"].up_to == 8
    assert found["c", "a"].batch is None and "does not overtake c up to batches of 8" in str(found["c", "a"])
    assert "b overtakes a at batches of 8" in str(found["a", "b"])
    (always,) = crossings([(1, {"a": 1.0, "b": 2.0}), (2, {"a": 1.0, "b": 3.0})], ["a", "b"])
    assert always.batch == 1 and "a is faster than b from a batch of 1 on" in str(always)


def test_the_curve_doubles_the_batch():
    result = compared(seconds=0.02, up_to=6)
    assert [n for n, _ in result.curve] == [1, 2, 4]
    assert all(set(times) == {"reference", "cpu"} and min(times.values()) > 0 for _, times in result.curve)
    assert len(result.crossings) == 1 and compared(up_to=0, seconds=0.01).curve == []
