"""Callbacks against Keras 3: the same calls, messages, files and decisions for the same course of a loss.

The course is set by hand: one weight, a learning rate of 0, and a callback that writes the weight before
each epoch, so that epoch e reports loss course[e].
"""

import contextlib
import io
import re
import warnings

import keras
import numpy as np
import pytest

import cyconv

LIBRARIES = {"cyconv": cyconv, "keras": keras}


def assert_equal(ours, theirs):
    assert ours == theirs


def weight_model(library, rate=0.0, **options):
    model = library.Sequential([library.Input((1,)), library.layers.Dense(1, use_bias=False)])
    options = {"optimizer": library.optimizers.SGD(rate), "loss": "mse", **options}
    model.compile(**options)
    model.set_weights([np.array([[1.0]])])
    return model


def course_callback(library, course):
    class Course(library.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.set_weights([np.sqrt([[course[epoch]]])])

    return Course()


def both(run):
    """What `run(library)` returns and prints, for cyconv and for Keras."""
    results = {}
    for name, library in LIBRARIES.items():
        out = io.StringIO()
        with contextlib.redirect_stdout(out), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                value = run(library)
            except ValueError as error:  # what it says is each library's own
                value = type(error)
        texts = [str(w.message) for w in warned if "__array__" not in str(w.message)]
        results[name] = value, out.getvalue(), texts
    return results["cyconv"], results["keras"]


def follow(library, course, callbacks, **options):
    """A fit whose epochs report `course`; the model, History and final weight."""
    model = weight_model(library, rate=1e-12)
    x, y = np.ones((4, 1)), np.zeros((4, 1))
    options = {"validation_data": (x, y), "verbose": 0, "epochs": len(course), **options}
    history = model.fit(x, y, callbacks=[course_callback(library, course), *callbacks(library)], **options)
    values = {k: np.round(np.float64(v), 5).tolist() for k, v in history.history.items()}
    return history.epoch, values, np.round(model.get_weights()[0], 4).tolist()


COURSES = {
    "falling": [9.0, 7, 6, 5, 4, 3, 2, 1],
    "late": [4.0, 5, 6, 3, 3, 3, 3, 3],
    "slow": [4.0, 3.99, 3.98, 3.97, 3.5, 3.49, 3.48, 3.47],
    "wavy": [5.0, 6, 4, 5, 3, 4, 2, 3],
}


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 2, "verbose": 1},
        {"patience": 2, "restore_best_weights": True, "verbose": 1},
        {"patience": 1, "min_delta": 0.1},
        {"patience": 1, "mode": "max", "restore_best_weights": True},
        {"patience": 2, "baseline": 4.0, "restore_best_weights": True},
        {"patience": 1, "start_from_epoch": 3, "restore_best_weights": True},
        {"monitor": "loss", "mode": "nonsense", "patience": 1},
        {"monitor": "val_nothing"},
    ],
    ids=str,
)
def test_early_stopping(course, options):
    def callbacks(library):
        return [library.callbacks.EarlyStopping(**options)]

    assert_equal(*both(lambda library: follow(library, COURSES[course], callbacks)))


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1, "verbose": 1},
        {"patience": 2, "factor": 0.5, "verbose": 1},
        {"patience": 1, "cooldown": 2, "verbose": 1},
        {"patience": 1, "min_lr": 1e-13, "verbose": 1},
        {"patience": 1, "min_delta": 0.2, "mode": "min"},
        {"patience": 1, "mode": "max"},
        {"monitor": "nothing"},
    ],
    ids=str,
)
def test_reduce_lr_on_plateau(course, options):
    def callbacks(library):
        return [library.callbacks.ReduceLROnPlateau(**options)]

    ours, theirs = both(lambda library: follow(library, COURSES[course], callbacks))
    number = re.compile(r"\d(?:\.\d+)?e-\d+")  # Keras keeps the rate in float32
    assert ours[0] == theirs[0] and ours[2] == theirs[2]
    assert number.sub("#", ours[1]) == number.sub("#", theirs[1])
    for mine, other in zip(number.findall(ours[1]), number.findall(theirs[1]), strict=True):
        assert float(mine) == pytest.approx(float(other))


def test_learning_rate_scheduler():
    def run(library):
        def halve(epoch, rate):
            return rate / 2

        def callbacks(library):
            scheduler = library.callbacks.LearningRateScheduler
            return [scheduler(lambda epoch: 0.5**epoch, verbose=1), scheduler(halve, verbose=1)]

        epochs, values, _ = follow(library, [1.0, 2, 3], callbacks)
        return epochs, values["learning_rate"], list(values)

    assert_equal(*both(run))


@pytest.mark.parametrize(
    "options",
    [
        {"verbose": 1},
        {"verbose": 1, "save_best_only": True},
        {"verbose": 1, "save_best_only": True, "initial_value_threshold": 4.5},
        {"verbose": 1, "save_best_only": True, "monitor": "loss", "mode": "max"},
        {"verbose": 1, "save_freq": 3},
        {"save_best_only": True, "monitor": "nothing"},
    ],
    ids=str,
)
def test_model_checkpoint(options, tmp_path, monkeypatch):
    def run(library):
        folder = tmp_path / library.__name__
        folder.mkdir()
        monkeypatch.chdir(folder)
        path = "best/{epoch:02d}-{loss:.2f}.keras" if "save_freq" in options else "best/{epoch:02d}.keras"

        def callbacks(library):
            return [library.callbacks.ModelCheckpoint(path, **options)]

        follow(library, COURSES["wavy"], callbacks, batch_size=2)
        return sorted(p.name for p in folder.rglob("*.keras"))

    assert_equal(*both(run))


@pytest.mark.parametrize("make", [
    lambda c: c.ModelCheckpoint("x.txt"),
    lambda c: c.ModelCheckpoint("x.keras", save_weights_only=True),
    lambda c: c.ModelCheckpoint("x.keras", save_freq="day"),
    lambda c: c.ReduceLROnPlateau(factor=1.0),
    lambda c: c.BackupAndRestore(""),
    lambda c: c.BackupAndRestore("x", save_freq="day"),
])  # fmt: skip
def test_refused_arguments(make):
    for library in LIBRARIES.values():
        with pytest.raises(ValueError):
            make(library.callbacks)


@pytest.mark.parametrize("separator", [",", ";"])
def test_csv_logger(separator, tmp_path):
    def run(library):
        path = tmp_path / f"{library.__name__}{ord(separator)}.csv"
        for append, validation in ((False, {}), (True, {}), (True, {"validation_data": None})):
            logger = library.callbacks.CSVLogger(path, separator=separator, append=append)
            follow(library, [4.0, 9.0], lambda lib, logger=logger: [logger], **validation)
        return re.sub(r"(\d\.\d{4})\d*", r"\1", path.read_bytes().decode())

    assert_equal(*both(run))


@pytest.mark.parametrize("raise_error", [False, True])
def test_terminate_on_nan(raise_error):
    def run(library):
        stop = library.callbacks.TerminateOnNaN(raise_error=raise_error)
        try:
            return follow(library, [1.0, np.inf, 2.0], lambda lib: [stop], batch_size=2)[0]
        except RuntimeError as error:
            return str(error)

    assert_equal(*both(run))


def test_hooks_are_called_alike():
    """Names, numbers, keys of the logs, in order; params too."""

    def run(library):
        heard = []

        def hook(name):
            def heard_it(self, *arguments, logs=None):
                *numbers, given = arguments if logs is None else (*arguments, logs)
                heard.append((name, numbers, sorted(given), self.params))

            return heard_it

        base = library.callbacks.Callback
        names = [n for n in dir(keras.callbacks.Callback) if n.startswith("on_") and "train_batch" not in n]
        listener = type("Listener", (base,), {n: hook(n) for n in names})()
        model = weight_model(library, metrics=["mse"])
        x, y = np.ones((5, 1)), np.zeros((5, 1))
        model.fit(x, y, batch_size=2, epochs=2, validation_split=0.4, verbose=0, callbacks=[listener])
        model.evaluate(x, y, batch_size=2, verbose=0, callbacks=[listener])
        model.predict(x, batch_size=2, verbose=0, callbacks=[listener])
        return heard

    assert_equal(*both(run))


def test_what_callbacks_change_in_the_logs_and_the_model():
    def run(library):
        class Adds(library.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["added"] = epoch * 2.0

            def on_train_batch_end(self, batch, logs=None):
                if batch == 1 and self.params["steps"] == 4:
                    self.model.stop_training = True

        model = weight_model(library)
        x, y = np.ones((4, 1)), np.zeros((4, 1))
        history = model.fit(x, y, batch_size=1, epochs=3, callbacks=Adds(), verbose=0)
        return history.history, history.epoch, history.params, model.history is history

    assert_equal(*both(run))


def plain(text):
    """Without times, colours and rewriting: the final form of each line."""
    lines = [re.sub(r"\x1b\[\d+m", "", line).split("\r")[-1].split("\b")[-1] for line in text.split("\n")]
    lines = [re.sub(r"\d+/\d+ ━.*?(?=\d+/\d+ ━)|^ +\d+/Unknown.*?(?=\d+/\d+ ━)", "", line) for line in lines]
    return [re.sub(r" \d+s -? ?\d+(us|ms|s)/step", " TIME", line).strip() for line in lines]


@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
@pytest.mark.parametrize("kind", ["arrays", "generator"])
def test_progress_lines(verbose, kind):
    def run(library):
        model = weight_model(library, metrics=["mse"])
        x, y = np.arange(24.0)[:, None] / 100, np.zeros((24, 1))

        def batches():
            for i in range(12):
                yield x[2 * i : 2 * i + 2], y[:2]

        data, epochs = ((x, y), 2) if kind == "arrays" else ((batches(),), 1)
        model.fit(*data, epochs=epochs, batch_size=2, verbose=verbose, validation_data=(x, y))
        model.evaluate(x, y, verbose=verbose)
        model.predict(x, batch_size=4, verbose=verbose)

    ours, theirs = both(run)
    assert plain(ours[1]) == plain(theirs[1])


def test_backup_goes_on_at_the_same_epoch(tmp_path):
    def run(library):
        def interrupted(epoch, logs=None):
            if epoch == 2 and not epochs:
                raise RuntimeError

        folder, epochs = tmp_path / library.__name__, []
        for _ in range(2):
            model = weight_model(library, rate=0.1)
            callbacks = [
                library.callbacks.BackupAndRestore(str(folder)),
                library.callbacks.LambdaCallback(on_epoch_begin=interrupted),
            ]
            with contextlib.suppress(RuntimeError):
                model.fit(np.ones((4, 1)), np.zeros((4, 1)), epochs=4, callbacks=callbacks, verbose=0)
            weight = np.round(model.get_weights()[0], 5).tolist()
            epochs.append((model.history.epoch, folder.exists(), weight))
        return epochs

    assert_equal(*both(run))
