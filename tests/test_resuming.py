"""A training killed at any moment and started again ends with the bytes of one that was never killed."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import cyconv as keras


SCRIPT = '''
import sys
import numpy as np
import cyconv as keras
from cyconv import layers

folder, kind, optimizer, save_freq = sys.argv[1:5]
keras.utils.set_random_seed(3)
generator = np.random.default_rng(0)
x = generator.normal(size=(96, 8, 8, 1)).astype("float32")
y = (x.mean((1, 2, 3)) > 0).astype(int) + (x[:, :4].mean((1, 2, 3)) > 0)


class Batches(keras.utils.PyDataset):
    """Draws from NumPy's global generator for every batch; shuffles itself after every epoch."""

    def __init__(self):
        super().__init__(max_queue_size=3)
        self.order, self.generator = np.arange(72), np.random.default_rng(1)

    def __len__(self):
        return 5

    def __getitem__(self, i):
        rows = self.order[i * 15 : i * 15 + 15]
        return x[rows] + np.random.normal(size=(len(rows), 1, 1, 1)), y[rows]

    def on_epoch_end(self):
        self.generator.shuffle(self.order)


def endless():
    generator = np.random.default_rng(2)
    while True:
        rows = generator.integers(0, 72, 12)
        yield x[rows] + generator.normal(size=(12, 8, 8, 1)), y[rows]


model = keras.Sequential([
    layers.Input((8, 8, 1)), layers.Conv2D(6, 3, activation="relu"), layers.BatchNormalization(),
    layers.Dropout(0.3), layers.Flatten(), layers.Dense(8, activation="relu"), layers.Dropout(0.2),
    layers.Dense(3, activation="softmax"),
])
rate = keras.optimizers.SGD(0.05, momentum=0.9) if optimizer == "momentum" else keras.optimizers.Adam(0.01)
model.compile(rate, "sparse_categorical_crossentropy", metrics=["accuracy"])
callbacks = [
    keras.callbacks.BackupAndRestore(folder + "/backup", "epoch" if save_freq == "epoch" else int(save_freq)),
    keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.97),
    keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.7, patience=1, cooldown=1, verbose=0),
    keras.callbacks.EarlyStopping("val_loss", patience=12, restore_best_weights=True),
    keras.callbacks.CSVLogger(folder + "/log.csv"),
    # An epoch begins when standard input has a line for it, or has ended.
    keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: print(sys.stdin.readline().strip(), flush=True)),
]
data = {"arrays": (x[:72], y[:72]), "dataset": (Batches(),), "generator": (endless(),)}[kind]
steps = {"arrays": 4, "dataset": None, "generator": 5}[kind]
model.fit(*data, batch_size=12, epochs=30, steps_per_epoch=steps, callbacks=callbacks, verbose=0,
          validation_data=(x[72:], y[72:]))
arrays = [*model.get_weights(), *model.optimizer.state()]
with open(folder + "/done", "wb") as file:
    for array in arrays:
        file.write(np.ascontiguousarray(array).tobytes())
'''


def run(folder, case, kills=0, seed=0):
    """Runs the script to its end, killed `kills` times on the way; its weights, and the log."""
    moments = random.Random(seed)
    folder.mkdir()
    killed = 0
    while True:
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), *case], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        if killed < kills:
            for _ in range(moments.randint(1, 3)):  # it gets no further, however late the signal comes
                process.stdin.write("begin\n")
                process.stdin.flush()
                process.stdout.readline()
            time.sleep(moments.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
        errors = process.communicate()[1]
        if process.returncode != -signal.SIGKILL:
            assert process.returncode == 0, errors
            return (folder / "done").read_bytes(), (folder / "log.csv").read_text(), killed
        killed += 1


@pytest.mark.parametrize(
    "case",
    [
        ("arrays", "momentum", "1"),
        ("arrays", "adam", "epoch"),
        ("dataset", "adam", "3"),
        ("generator", "momentum", "2"),
    ],
    ids="-".join,
)
def test_killed_at_random_moments(tmp_path, case):
    once, log, _ = run(tmp_path / "once", case)
    again, log_again, killed = run(tmp_path / "killed", case, kills=4, seed=len(case[0]))
    assert killed == 4
    assert again == once
    assert log_again == log
    assert not (tmp_path / "killed" / "backup").exists()


# Inside one process -----------------------------------------------------------------------------------------


class Interrupted(Exception):
    pass


def interrupting(batches):
    """Raises after so many training batches."""
    left = [batches]

    def count(batch, logs):
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted

    return keras.callbacks.LambdaCallback(on_train_batch_end=count)


def small_model(units=4):
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units), keras.layers.Dropout(0.5),
                            keras.layers.Dense(1)])  # fmt: skip
    net.compile("adam", "mse")
    return net


X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
Y = X.sum(1, keepdims=True)


def trained(*callbacks, net=None, epochs=4, **options):
    net = net or small_model()
    options = {"x": X, "y": Y, "batch_size": 4, **options}
    net.fit(epochs=epochs, callbacks=list(callbacks), verbose=0, **options)
    return b"".join(w.tobytes() for w in net.get_weights())


def test_the_process_needs_no_seed(tmp_path):
    """Dropout and shuffling go on with the seeds of the interrupted run, whatever the new process drew."""
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=1)
    keras.utils.set_random_seed(1)
    once = trained()
    keras.utils.set_random_seed(1)
    with pytest.raises(Interrupted):
        trained(backup, interrupting(7))
    keras.utils.set_random_seed(2)
    assert trained(backup) == once


def test_frequencies_and_what_is_left(tmp_path):
    folder = tmp_path / "backup"
    for save_freq, batches, goes_on in (("epoch", 7, [1, "batch 0"]), (3, 7, [1, "batch 1"]),
                                        (2, 7, [1, "batch 1"]), ("epoch", 4, [0, "batch 0"])):  # fmt: skip
        heard = []
        listener = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs, heard=heard: heard.append(epoch),
            on_train_batch_begin=lambda batch, logs, heard=heard: heard.append(f"batch {batch}"),
        )
        backup = keras.callbacks.BackupAndRestore(folder, save_freq=save_freq)
        with pytest.raises(Interrupted):
            trained(backup, interrupting(batches))
        assert folder.exists() == (batches > 4)
        trained(backup, listener)
        assert heard[:2] == goes_on
        assert not folder.exists()
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "notes.txt").write_text("mine")
    trained(keras.callbacks.BackupAndRestore(folder))
    assert [p.name for p in folder.iterdir()] == ["notes.txt"]  # nobody else's files are removed


def test_a_kept_backup_of_a_finished_run_has_nothing_left_to_do(tmp_path):
    def kept():
        return [keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False),
                keras.callbacks.EarlyStopping("loss", patience=1, min_delta=9.0)]  # fmt: skip

    once, net = trained(*kept()), small_model()
    assert trained(*kept(), net=net) == once and net.history.epoch == []
    longer = small_model()
    trained(keras.callbacks.BackupAndRestore(tmp_path), net=longer, epochs=9)
    assert longer.history.epoch == []  # it had been stopped


def test_a_damaged_backup(tmp_path):
    def backup(**options):
        return keras.callbacks.BackupAndRestore(folder, **options)

    folder = tmp_path / "backup"
    once = trained()
    keras.utils.set_random_seed(1234)
    keras.layers.base.clear_names()
    with pytest.raises(Interrupted):
        trained(backup(save_freq=1, double_checkpoint=True), interrupting(7))
    latest, previous = folder / "latest.safetensors", folder / "previous.safetensors"
    whole = latest.read_bytes()
    latest.write_bytes(whole[: len(whole) // 2])
    previous.rename(tmp_path / "aside")
    with pytest.raises(ValueError, match="not a readable backup"):
        trained(backup())
    (tmp_path / "aside").rename(previous)
    assert trained(backup()) == once
    for other, options in ((small_model(5), {}), (small_model(), {"x": iter([(X, Y)]), "y": None})):
        folder.mkdir(exist_ok=True)
        latest.write_bytes(whole)
        weights = other.get_weights()
        with pytest.raises(ValueError, match="does not fit this model and data.*remove that folder"):
            trained(backup(), net=other, **options)
        np.testing.assert_equal(other.get_weights(), weights)
