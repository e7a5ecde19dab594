"""Callbacks: what they decide on courses of a loss worked by hand, what they write, what they hear.

tests/peers/test_callbacks.py compares the same with Keras.
"""

import subprocess
import sys

import numpy as np
import pytest

import cyconv as keras
from cyconv import callbacks as c
from cyconv.testing import assert_close

X, Y = np.ones((4, 1)), np.zeros((4, 1))


def model(rate=1e-12):
    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    net.compile(keras.optimizers.SGD(rate), "mse")
    net.set_weights([np.array([[1.0]])])
    return net


def follow(course, *others, **options):
    """(model, History) of a fit whose epochs report the losses of `course`."""
    net = model()

    def set_weight(epoch, logs):
        net.set_weights([np.sqrt([[course[epoch]]])])

    options = {"verbose": 0, "validation_data": (X, Y), "epochs": len(course), **options}
    return net, net.fit(X, Y, callbacks=[c.LambdaCallback(on_epoch_begin=set_weight), *others], **options)


@pytest.mark.parametrize(
    ("course", "options", "epochs", "weight", "stops"),
    [
        ([4, 1, 9, 9, 9], {}, 3, 3, True),  # stops at the first epoch without improvement
        ([4, 1, 9, 9, 9], {"restore_best_weights": True}, 3, 1, True),
        ([4, 1, 9, 9, 9], {"patience": 2}, 4, 3, True),
        ([9, 4, 1], {"restore_best_weights": True}, 3, 1, False),
        ([1, 4, 9], {"patience": 9, "restore_best_weights": True}, 3, 1, False),
        ([9, 4, 3.9, 3.8], {"min_delta": 0.5}, 3, 3.9**0.5, True),
        ([9, 4, 1, 0.25], {"mode": "max"}, 2, 2, True),
        ([9, 9, 9, 4, 4], {"start_from_epoch": 2}, 5, 2, True),
        ([9, 8, 7, 6, 5], {"baseline": 4.0, "patience": 4, "restore_best_weights": True}, 5, 5**0.5, False),
        ([9, 8, 7, 9, 5], {"baseline": 4.0, "patience": 3, "restore_best_weights": True}, 4, 7**0.5, True),
    ],
)
def test_early_stopping(course, options, epochs, weight, stops, capsys):
    net, history = follow(course, c.EarlyStopping(verbose=1, **options))
    assert len(history.epoch) == epochs
    assert_close(net.get_weights()[0], np.array([[weight]]), "elementwise")
    said = capsys.readouterr().out
    assert (f"Epoch {epochs}: early stopping\n" in said) == stops
    assert ("Restoring model weights from the end of the best" in said) == ("restore_best_weights" in options)


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"patience": 2},
        {"patience": 1, "cooldown": 1},
        {"patience": 1, "min_lr": 0.25e-12},
        {"patience": 1, "min_delta": 9.0},
    ],
    ids=str,
)
def test_reduce_lr_on_plateau(options):
    """An epoch reports its rate before the reduction at its end."""
    course = [9, 4, 5, 5, 1, 2, 2, 2]
    _, history = follow(course, c.ReduceLROnPlateau(factor=0.5, **options))
    expected = [0, *reduced_after(course, **options)][:8]
    assert max(expected) >= 2
    np.testing.assert_array_equal(history.history["learning_rate"], 1e-12 * 0.5 ** np.array(expected))


def reduced_after(course, patience, cooldown=0, min_lr=0.0, min_delta=1e-4):
    """How often the rate has been halved after each epoch, by the rule as the documentation tells it."""
    best, wait, cool, halvings = np.inf, 0, 0, 0
    for loss in course:
        cool, wait = (cool - 1, 0) if cool else (0, wait)
        if loss < best - min_delta:
            best, wait = loss, 0
        elif not cool:
            wait += 1
            if wait >= patience and 1e-12 * 0.5**halvings > min_lr:
                halvings, wait, cool = halvings + 1, 0, cooldown
        yield halvings


def test_learning_rate_scheduler(capsys):
    scheduler = c.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1)
    _, history = follow([1, 1, 1], scheduler)
    assert history.history["learning_rate"] == [5e-13, 2.5e-13, 1.25e-13]
    assert list(history.history) == ["loss", "val_loss", "learning_rate"]
    assert "\nEpoch 2: LearningRateScheduler setting learning rate to 2.5e-13.\n" in capsys.readouterr().out
    assert follow([1, 1], c.LearningRateScheduler(lambda epoch: 0.5**epoch))[0].optimizer.learning_rate == 0.5
    with pytest.raises(ValueError, match="should be a float. Got: 1"):
        follow([1, 1], c.LearningRateScheduler(lambda epoch: 1))


def test_model_checkpoint(tmp_path, capsys):
    path = str(tmp_path / "sub" / "{epoch:02d}-{val_loss:.2f}.safetensors")
    follow([4, 1, 9, 0.25], c.ModelCheckpoint(path, save_best_only=True, verbose=1))
    names = sorted(p.name for p in (tmp_path / "sub").iterdir())
    assert names == ["01-4.00.safetensors", "02-1.00.safetensors", "04-0.25.safetensors"]
    said = capsys.readouterr().out
    assert f"\nEpoch 1: val_loss improved from None to 4.00000, saving model to {tmp_path}/sub/01" in said
    assert "\nEpoch 3: val_loss did not improve from 1.00000\n" in said
    loaded = keras.models.load_model(tmp_path / "sub" / names[1])
    assert abs(loaded.get_weights()[0].item()) == 1.0
    counted = str(tmp_path / "{epoch}-{batch}.safetensors")
    follow([1, 1, 1], c.ModelCheckpoint(counted, save_freq=4, save_weights_only=True), batch_size=2)
    assert sorted(p.name for p in tmp_path.glob("*.safetensors")) == ["2-2.safetensors"]
    with pytest.raises(KeyError, match="there are: epoch, loss, val_loss"):
        follow([1], c.ModelCheckpoint(str(tmp_path / "{accuracy}.safetensors")))
    with pytest.raises(IsADirectoryError, match="non-directory"):
        (tmp_path / "folder.safetensors").mkdir()
        follow([1], c.ModelCheckpoint(tmp_path / "folder.safetensors"))


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    follow([4, 1], c.CSVLogger(path))
    assert path.read_text().splitlines() == ["epoch,loss,val_loss", "0,4.0,4.0", "1,1.0,1.0"]
    follow([9], c.CSVLogger(path, append=True), validation_data=None)
    assert path.read_text().splitlines()[3:] == ["0,9.0,NA"]
    follow([9], c.CSVLogger(path, separator=";"), validation_data=None)
    assert path.read_text().splitlines() == ["epoch;loss;val_loss", "0;9.0;NA"]


def test_terminate_on_nan(capsys):
    _, history = follow([1, np.inf, 1], c.TerminateOnNaN(), batch_size=2)
    assert history.epoch == [0, 1]
    assert capsys.readouterr().out == "Batch 0: Invalid loss, terminating training\n"
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 0. Loss value: nan"):
        follow([1, np.nan, 1], c.TerminateOnNaN(raise_error=True), batch_size=2)


def test_the_old_names_of_the_batch_hooks():
    heard = []

    class Old(c.Callback):
        def on_batch_begin(self, batch, logs=None):
            heard.append(batch)

        def on_batch_end(self, batch, logs=None):
            heard.append(logs["loss"])

    model().fit(X, Y, batch_size=2, callbacks=Old(), verbose=0)
    assert heard == [0, 1.0, 1, 1.0]


def test_the_direction_of_a_metric_is_known_or_asked_for():
    net = model()
    net.compile("sgd", "mse", metrics=["mse"])
    net.fit(X, Y, verbose=0, callbacks=[c.EarlyStopping("mse"), c.ReduceLROnPlateau("loss")])
    with pytest.raises(ValueError, match="Pass `mode='max'`"):
        net.fit(X, Y, verbose=0, callbacks=[c.EarlyStopping("quality")])
    with pytest.warns(UserWarning, match="mode 'best' is unknown, fallback to auto mode"):
        c.EarlyStopping(mode="best")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: c.ModelCheckpoint("model.pickle"), "must end in `.keras`"),
        (lambda: c.ModelCheckpoint("model.keras", save_weights_only=True), "must end in `.weights.h5`"),
        (lambda: c.ModelCheckpoint("model.h5"), "must end in `.keras` or `.safetensors`"),
        (lambda: c.ModelCheckpoint("model.keras", save_freq="day"), "'epoch' or integer"),
        (lambda: c.ReduceLROnPlateau(factor=1.0), "factor >= 1.0"),
        (lambda: c.BackupAndRestore(""), "Empty `backup_dir`"),
        (lambda: c.BackupAndRestore("backup", save_freq=0), "'epoch' or an integer"),
        (lambda: c.TensorBoard(update_freq="minute"), "`update_freq`"),
    ],
)
def test_refused_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# TensorBoard ------------------------------------------------------------------------------------------------


def scalars(folder):
    """{tag: [(step, value), ...]} of the event files in `folder`, by the reader of TensorBoard itself."""
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    found = {}
    for path in sorted(folder.iterdir()):
        for event in loader.EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                numbers = value.tensor.float_val
                found.setdefault(value.tag, []).append((event.step, numbers[0] if numbers else value.histo))
    return found


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    board = c.TensorBoard(tmp_path, histogram_freq=2, update_freq=2, write_steps_per_second=True)
    follow([4, 1, 9], board, batch_size=2)
    train, held_out = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    assert train["epoch_loss"] == [(0, 4.0), (1, 1.0), (2, 9.0)]
    assert held_out == {"epoch_loss": [(0, 4.0), (1, 1.0), (2, 9.0)]}
    assert train["batch_loss"] == [(2, 4.0), (4, 1.0), (6, 9.0)]
    assert [step for step, _ in train["epoch_steps_per_second"]] == [0, 1, 2]
    assert [step for step, _ in train["dense/kernel/histogram"]] == [0, 2]
    assert train["epoch_learning_rate"][0][1] == np.float32(1e-12)


def test_tensorboard_that_is_not_installed_says_what_to_install():
    code = (
        "import sys; sys.modules['tensorboard'] = None\n"
        "from cyconv.callbacks import TensorBoard\n"
        "try:\n    TensorBoard()\nexcept ImportError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'cyconv[tensorboard]'" in said


def test_a_list_with_hooks_of_its_own_hears_every_batch():
    heard = []

    class Counting(c.CallbackList):
        def on_train_batch_end(self, batch, logs=None):
            heard.append(("batch", batch))

        def on_run_step(self, run):
            heard.append(("step", run.batch))

    model().fit(X, Y, batch_size=2, epochs=1, verbose=0, callbacks=[Counting([])])
    assert heard == [("batch", 0), ("step", 1), ("batch", 1), ("step", 2), ("step", 0)]
