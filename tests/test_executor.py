"""Recording and replay: one call into C a step, nothing allocated, buffers placed so that none overlap."""

import sys
import tracemalloc

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers, memory
from cyconv.layers.base import Layer
from cyconv.recorder import Buffer, Step
from cyconv.testing import assert_close


def network(depth):
    stack = [layers.Input((12, 12, 2))]
    for _ in range(depth):
        stack += [layers.Conv2D(8, 3, padding="same"), layers.BatchNormalization(), layers.Activation("relu"),
                  layers.Dropout(0.1)]  # fmt: skip
    model = keras.Sequential([*stack, layers.Flatten(), layers.Dense(4, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x = np.random.default_rng(0).random((16, 12, 12, 2), np.float32)
    model.train_on_batch(x, np.arange(16) % 4)
    (recorded,) = model.executor.recorded.values()
    return model, recorded


def test_a_step_is_one_call_into_c():
    for depth in (1, 6):
        _, recorded = network(depth)
        assert recorded.program.stretches == 1
        assert len(recorded.steps) > 8 * depth


def python_calls(function):
    """How many Python functions a call enters, C functions called from Python included."""
    count = 0

    def watch(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(watch)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def test_replay_runs_no_python_between_kernels():
    """Six times the layers, not one Python call more."""
    counts = []
    for depth in (1, 6):
        model, recorded = network(depth)
        counts.append(python_calls(lambda m=model, r=recorded: m.executor.run(r, training=True)))
    assert counts[0] == counts[1] < 40


def test_replay_allocates_nothing():
    """Beyond Python's few small numbers; one activation map of this network alone has 73,728 bytes."""
    model, recorded = network(4)
    model.executor.run(recorded, training=True)
    tracemalloc.start()
    model.executor.run(recorded, training=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8192


def test_each_batch_shape_is_recorded_once():
    model, _ = network(1)
    x, y = np.zeros((40, 12, 12, 2), np.float32), np.zeros(40, int)
    model.fit(x, y, batch_size=16, epochs=3, verbose=0)
    assert len(model.executor.recorded) == 2  # 16 and the rest of 8
    for size in range(1, 30):
        model.predict(x[:size], verbose=0)
    assert len(model.executor.recorded) <= 16


def test_a_layer_in_python_stands_between_two_stretches():
    class Doubled(Layer):
        def call(self, x):
            return 2 * x

        def backward(self, dy):
            return 2 * dy

    inputs = keras.Input((3,))
    model = keras.Model(inputs, layers.Dense(1)(Doubled()(layers.Dense(2)(inputs))))
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 1)))
    (recorded,) = model.executor.recorded.values()
    assert recorded.program.stretches == 5  # C, call, C, backward, C
    expected = model.predict(np.ones((2, 3)), verbose=0)
    with backends.use("reference"):
        model.train_on_batch(np.ones((2, 3)), np.ones((2, 1)))
        assert model.predict(np.ones((2, 3)), verbose=0).shape == expected.shape


def test_plan_and_profile_list_every_operation():
    model, recorded = network(1)
    before = model.get_weights()
    lines = []
    model.plan(16, print_fn=lines.append)
    assert len(lines) == len(recorded.steps) + 2
    assert lines[0].split()[:4] == ["#", "phase", "layer", "operation"]
    assert any("conv2d" in line and "convolution_kernel_gradient" in line for line in lines)
    assert "1 call(s) from Python a step" in lines[-1]
    conv = next(line for line in lines if " convolution " in line)
    assert f"{2 * 16 * 12 * 12 * 8 * 9 * 2 / 1e6:.3f}" in conv  # operations of the first convolution
    rows = model.profile(16, repeats=3, print_fn=lambda line: None)
    assert len(rows) == len(recorded.steps) and all(seconds >= 0 for _, _, seconds in rows)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # profiling trains nothing


def test_buffers_that_live_together_never_overlap():
    generator = np.random.default_rng(0)
    for _ in range(50):
        buffers = [Buffer((int(generator.integers(1, 500)),), np.float32) for _ in range(20)]
        steps = []
        for i in range(40):
            chosen = [buffers[j] for j in generator.choice(20, 3, replace=False)]
            steps.append(Step("sum", tuple(chosen), {}, f"layer {i}", "forward", None))
        buffers[0].storage.kept = True
        size = memory.place(steps)
        used = [b.storage for b in buffers if b.storage.first is not None]
        for a in used:
            assert a.offset % memory.ALIGNMENT == 0 and a.offset + a.nbytes <= size
            for b in used:
                if a is not b and a.first <= b.last and b.first <= a.last:
                    assert a.offset + a.nbytes <= b.offset or b.offset + b.nbytes <= a.offset
        assert size <= sum(memory.ALIGNMENT * -(-s.nbytes // memory.ALIGNMENT) for s in used)


def test_activations_take_over_the_place_of_what_dies():
    a, b = Buffer((100,), np.float32), Buffer((100,), np.float32)
    make = Step("fill", (a,), {}, "", "forward", None)
    relu = Step("activation", (a, b), {}, "", "forward", None)
    assert memory.place([make, relu]) == 448  # one buffer of 400 bytes, rounded up to 64
    c, d = Buffer((100,), np.float32), Buffer((100,), np.float32)
    again = Step("sum", (c, Buffer((1,), np.float32)), {}, "", "forward", None)
    first = Step("fill", (c,), {}, "", "forward", None)
    steps = [first, Step("activation", (c, d), {}, "", "forward", None), again]
    memory.place(steps)
    assert c.storage.offset != d.storage.offset  # c is read later


def test_gradients_of_a_normalisation_lie_where_their_operands_died():
    def recorded(with_shortcut, relu):
        x, dy, y, dx, dz = (Buffer((100,), np.float32) for _ in range(5))
        operands = (x, dy, y if relu else None, *[None] * 3, dx, dz if with_shortcut else None, *[None] * 3)
        first = Step("sum", (x, dy, y), {}, "", "forward", None)
        after = Step("sum", (dx, dz) if with_shortcut else (dx,), {}, "", "backward", None)
        memory.place([first, Step("batch_norm_gradient", operands, {}, "", "backward", None), after])
        return [b.storage.offset for b in (x, dy, dx, dz)]

    x, dy, dx, _ = recorded(with_shortcut=False, relu=False)
    assert dx == dy != x
    x, dy, dx, dz = recorded(with_shortcut=True, relu=True)  # x is read until dx is written, dy is not
    assert dz == dy and dx == x != dz


@pytest.mark.parametrize("read", [False, True])
def test_a_shortcut_s_gradient_is_made_where_somebody_reads_it(read):
    x, dy, dx, dz = (Buffer((100,), np.float32) for _ in range(4))
    step = Step("batch_norm_gradient", (x, dy, *[None] * 4, dx, dz, *[None] * 3), {}, "", "backward", None)
    memory.place([step, Step("sum", (dx, dz) if read else (dx,), {}, "", "backward", None)])
    assert step.operands[7] is (dz if read else None)


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("shortcut", [False, True])
def test_a_normalisation_in_place_has_the_gradients_of_one_with_room(backend, shortcut, monkeypatch):
    def trained():
        keras.utils.set_random_seed(0)
        a = layers.Conv2D(16, 3, padding="same")(x := layers.Input((9, 7, 16)))
        b = layers.BatchNormalization()(a)
        b = layers.ReLU()(layers.Add()([b, x]) if shortcut else b)
        model = keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3)(b))))
        model.compile(keras.optimizers.SGD(0.1), "mse")
        data = np.random.default_rng(0).normal(size=(8, 9, 7, 16)).astype("float32")
        for _ in range(3):
            model.train_on_batch(data, data[:, 0, 0, :3])
        return model.get_weights(), [r.arena_bytes for r in model.executor.recorded.values()][-1]

    with backends.use(backend):
        weights, size = trained()
        monkeypatch.setitem(memory.IN_PLACE, "batch_norm_gradient", {})
        expected, size_with_room = trained()
    assert size <= size_with_room
    for a, b in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_planned_memory_is_far_below_the_sum():
    model, _ = network(8)
    model.predict_on_batch(np.zeros((512, 12, 12, 2)))
    recorded = list(model.executor.recorded.values())[-1]
    sizes = [[a.nbytes for a in s.operands if a is not None][-1] for s in recorded.steps]
    assert recorded.arena_bytes < 3 * max(sizes) < sum(sizes) / 2  # an input, an output, and scratch


@pytest.mark.parametrize("mode", ["test", "predict"])
def test_plans_of_the_other_modes(mode):
    model, _ = network(1)
    lines = []
    model.plan(8, mode=mode, print_fn=lines.append)
    assert not any("gradient" in line for line in lines)


def test_a_variable_that_is_frozen_between_two_steps_stays_as_it_is():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), "f4"), np.zeros((4, 2), "f4")
    kernel, bias = model.get_layer("dense").variables
    bias.assign([1.0, 1.0])
    model.train_on_batch(x, y)
    bias.trainable = False
    before = kernel.numpy(), bias.numpy()
    model.train_on_batch(x, y)
    assert (bias.numpy() == before[1]).all() and (kernel.numpy() != before[0]).any()
    bias.trainable = True
    model.train_on_batch(x, y)
    assert (bias.numpy() != before[1]).any()


@pytest.mark.parametrize("size, window, channels", [(12, 2, 16), (13, 2, 5), (11, 3, 33)])
def test_switches_are_made_only_where_a_gradient_reads_them(size, window, channels):
    shape = (size, size, channels)
    inputs = layers.Input(shape)
    last = layers.Dense(2)(layers.Flatten()(layers.MaxPooling2D(window, padding="same")(inputs)))
    first = layers.Conv2D(channels, 1)
    pooled = layers.Dense(2)(layers.Flatten()(layers.MaxPooling2D(window, padding="same")(first(inputs))))
    model = keras.Model(inputs, [last, pooled])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).random((3, *shape), np.float32)
    y = [np.zeros((3, 2), np.float32)] * 2

    def made():
        steps = next(reversed(model.executor.recorded.values())).steps
        switches = [step.operands[2] for step in steps if step.operation == "max_pool"]
        switches += [step.operands[7] for step in steps if step.attributes.get("pool")]
        return [s is not None for s in switches]

    predictions = model.predict_on_batch(x)
    assert made() == [False, False]
    with backends.use("reference"):
        for ours, defined in zip(predictions, model.predict_on_batch(x), strict=True):
            assert_close(ours, defined, "network", size * size * channels)
    plan = []
    model.plan(3, "predict", print_fn=plan.append)
    assert sum("max_pool" in line for line in plan) == (2 if size == 12 else 3)  # a name, or an operation
    model.train_on_batch(x, y)
    assert made() == [False, True]  # nobody wants the gradient of the images


def test_a_layer_with_a_flag_of_its_own_is_asked_at_every_step():
    class Own(layers.Dense):
        frozen = False

        @property
        def trainable(self):
            return not self.frozen

        @trainable.setter
        def trainable(self, value): ...

    model = keras.Sequential([keras.Input((3,)), Own(2, name="own"), layers.Dense(2)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), "f4"), np.zeros((4, 2), "f4")
    kernel = model.get_layer("own").kernel
    for frozen in (False, True, False):
        Own.frozen = frozen
        before = kernel.numpy()
        model.train_on_batch(x, y)
        assert (kernel.numpy() == before).all() == frozen
