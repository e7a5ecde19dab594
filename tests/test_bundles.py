"""Batches that run in one call: the same bytes as one by one, and one by one where somebody watches."""

import io
import sys

import numpy as np
import pytest

import cyconv
from cyconv import layers
from cyconv.backends import host
from cyconv.executor import Executor
from cyconv.testing import assert_close

RNG = np.random.default_rng(0)
X = RNG.normal(size=(203, 9, 9, 2)).astype("f4")
Y = RNG.integers(0, 3, size=203)
WEIGHTS = RNG.uniform(0.5, 2, size=203)


class Watches(cyconv.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass

    def on_test_batch_end(self, batch, logs=None):
        pass


def small(optimizer, custom=False):
    cyconv.utils.set_random_seed(3)
    parts = [layers.Input((9, 9, 2)), layers.Conv2D(8, 3, activation="relu"), layers.BatchNormalization(),
             layers.MaxPooling2D(), layers.Dropout(0.3), layers.Flatten(), layers.Dense(3)]  # fmt: skip
    if custom:
        parts.insert(2, Doubled())
    model = cyconv.Sequential(parts)
    loss = cyconv.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], weighted_metrics=["accuracy"])
    return model


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Doubled(cyconv.layers.Layer):
    """A step in Python."""

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


@pytest.fixture
def bundled(monkeypatch):
    """The number of steps of each call that ran several."""
    return calls_counted(monkeypatch, least=2)


def calls_counted(monkeypatch, least):
    sizes, run = [], Executor.run_batches

    def counted(self, recorded, training, pairs, rows):
        if len(rows) >= least:
            sizes.append(len(rows))
        run(self, recorded, training, pairs, rows)

    monkeypatch.setattr(Executor, "run_batches", counted)
    return sizes


def trained(optimizer, callbacks, **fit):
    model = small(optimizer())
    history = model.fit(X, Y, batch_size=10, epochs=3, verbose=0, callbacks=callbacks, **fit).history
    return [w.tobytes() for w in model.get_weights()], history, model.optimizer.state()


def scheduled():
    return cyconv.optimizers.SGD(cyconv.optimizers.schedules.CosineDecay(0.1, 40), momentum=0.9)


def averaged():
    return cyconv.optimizers.Adam(use_ema=True, ema_overwrite_frequency=7)


OPTIMIZERS = [cyconv.optimizers.Adam, cyconv.optimizers.Nadam, scheduled, averaged]
FITS = [{}, {"shuffle": False}, {"sample_weight": WEIGHTS}, {"steps_per_epoch": 7},
        {"validation_split": 0.2}, {"validation_data": (X[:50], Y[:50])}]  # fmt: skip


@pytest.mark.parametrize("fit", FITS, ids=lambda fit: ", ".join(fit) or "plain")
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda made: made.__name__)
def test_bundles_give_the_bytes_of_single_steps(bundled, optimizer, fit):
    together = trained(optimizer, [], **fit)
    assert max(bundled) > 1
    del bundled[:]
    singly = trained(optimizer, [Watches()], **fit)
    assert bundled == []
    assert together[:2] == singly[:2]
    assert repr(together[2]) == repr(singly[2])


def test_bundles_train_as_the_definitions_do_step_by_step(bundled):
    """Another way through the steps: the reference has no bundles, and draws dropout's numbers by itself."""
    fast, slow = small("sgd"), small("sgd")
    fast.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    assert max(bundled) > 1
    with cyconv.backends.use("reference"):
        slow.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    found, expected = (np.concatenate([w.ravel() for w in m.get_weights()]) for m in (fast, slow))
    assert_close(found, expected, "network", terms=72)


def test_evaluation_in_bundles_gives_the_same_numbers(bundled):
    model = small("adam")
    for _ in range(3):  # how long a step takes is known then
        found = model.evaluate(X, Y, batch_size=10, verbose=0)
    assert max(bundled) > 1
    assert found == model.evaluate(X, Y, batch_size=10, verbose=0, callbacks=[Watches()])


def test_a_bar_on_a_terminal_is_told_of_each_bundle_s_last_batch(monkeypatch):
    calls = calls_counted(monkeypatch, least=1)
    monkeypatch.setattr(cyconv.progress, "TERMINAL", 0)  # every line is due
    model = small("adam")
    for run in (model.fit, model.evaluate) * 3:  # how long a step takes is known then
        del calls[:]
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        result = run(X, Y, batch_size=10, verbose=1)
        lines = terminal.getvalue().rstrip("\n").split("\r")[1:]
        *shown, final = [int(line.split("/21 ")[0]) for line in lines]
        assert shown == np.cumsum(calls).tolist() and shown[-1] == final == 21
        loss = result.history["loss"][0] if run == model.fit else result[0]
        assert all(f"loss: {loss:.4f}" in line for line in lines[-2:])
    assert max(calls) > 1


def test_a_bar_that_looks_at_every_batch_gets_every_batch(bundled, monkeypatch):
    class Counting(cyconv.callbacks.ProgbarLogger):
        told = ()

        def on_train_batch_end(self, batch, logs=None):
            self.told += (batch,)

    monkeypatch.setattr(sys, "stdout", Terminal())
    for callback in (Watches(), counting := Counting()):
        small("adam").fit(X, Y, batch_size=10, verbose=1, callbacks=[callback])
    assert bundled == [] and counting.told == tuple(range(21))


def test_no_bundle_is_larger_than_its_room(bundled, monkeypatch):
    monkeypatch.setattr(cyconv.models.inference, "AT_ONCE", 1e6)
    small("adam").fit(X, Y, batch_size=2, epochs=2, verbose=0)
    assert max(bundled) == host.MOST_AT_ONCE


def warm(bundled):
    """A model that has been trained in bundles."""
    model = small("adam")
    model.fit(X, Y, batch_size=10, epochs=3, verbose=0)
    assert max(bundled) > 1
    del bundled[:]
    return model


def test_a_model_that_needs_python_from_now_on_goes_singly(bundled):
    model = warm(bundled)
    with cyconv.backends.use("reference"):
        model.fit(X, Y, batch_size=10, verbose=0)
    model = warm(bundled)

    class Own(cyconv.losses.Loss):
        def call(self, y_true, y_pred):
            return np.mean(y_pred**2, axis=-1)

        def gradient(self, y_true, y_pred):
            return 2 * y_pred / y_pred.shape[-1]

    model.compile("adam", Own())
    labels = np.eye(3, dtype="f4")[Y]
    model.fit(X, labels, batch_size=10, verbose=0)
    model.evaluate(X, labels, batch_size=10, verbose=0)
    assert bundled == [] and int(model.optimizer.iterations) == 21


def test_a_small_batch_says_nothing_of_large_ones(bundled):
    model = small("adam")
    model.fit(X, Y, batch_size=1, epochs=2, verbose=0)
    del bundled[:]
    model.fit(X, Y, batch_size=100, verbose=0)  # 2 and a rest: the first is timed by itself
    assert bundled == []


def test_any_number_of_metrics_and_inputs(bundled):
    inputs = [layers.Input((2,)) for _ in range(70)]
    model = cyconv.Model(inputs, layers.Dense(1)(layers.Concatenate()(inputs)))
    metrics = [cyconv.metrics.MeanSquaredError(name=f"m{i}") for i in range(40)]
    model.compile("adam", "mean_squared_error", metrics=metrics)
    data = [X[:, 0, 0] for _ in range(70)]
    logs = model.fit(data, X[:, 0, 0, :1], batch_size=10, epochs=3, verbose=0).history
    assert max(bundled) > 1 and len({tuple(logs[f"m{i}"]) for i in range(40)}) == 1


def test_rates_that_may_depend_on_the_weights_are_asked_for_step_by_step(bundled):
    seen = []
    model = small(cyconv.optimizers.SGD(lambda: seen.append(model.get_weights()[0].sum()) or 0.01))
    model.fit(X, Y, batch_size=10, epochs=2, verbose=0)
    assert bundled == [] and len(set(seen)) >= 42


def test_a_schedule_that_raises_leaves_the_steps_before_it_done(bundled):
    class Breaks(cyconv.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            if step == 39:
                raise RuntimeError("no rate")
            return 0.01

    together, singly = small(cyconv.optimizers.SGD(Breaks())), small(cyconv.optimizers.SGD(Breaks()))
    for model, callbacks in ((together, []), (singly, [Watches()])):
        with pytest.raises(RuntimeError, match="no rate"):
            model.fit(X, Y, batch_size=10, epochs=4, verbose=0, shuffle=False, callbacks=callbacks)
        assert int(model.optimizer.iterations) == 39
    assert max(bundled) > 1
    assert [w.tobytes() for w in together.get_weights()] == [w.tobytes() for w in singly.get_weights()]


@pytest.mark.parametrize("verbose", ["auto", 2])
def test_callbacks_of_epochs_leave_bundles_together(bundled, verbose, tmp_path):
    kept = [cyconv.callbacks.ModelCheckpoint(tmp_path / "model.safetensors", save_weights_only=True),
            cyconv.callbacks.BackupAndRestore(tmp_path / "backup")]  # fmt: skip
    small("adam").fit(X, Y, batch_size=10, epochs=3, verbose=verbose, callbacks=kept)
    assert max(bundled) > 1


def test_what_needs_python_between_two_steps_goes_singly(bundled):
    model = small("adam", custom=True)
    model.fit(X, Y, batch_size=10, epochs=3, verbose=0)
    model = small("adam")
    model.fit((([X[:10]], Y[:10]) for _ in range(30)), steps_per_epoch=10, epochs=3, verbose=0)
    assert bundled == []

