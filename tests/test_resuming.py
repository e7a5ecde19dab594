"""A training killed at any moment and started again ends with the bytes of one that was never killed."""

import random
import signal
import subprocess
import sys
import time

import pytest


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
    keras.callbacks.EarlyStopping("val_loss", patience=6, restore_best_weights=True),
    keras.callbacks.CSVLogger(folder + "/log.csv"),
    keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: print(epoch, flush=True)),
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
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), *case], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)  # fmt: skip
        if killed < kills:
            for _ in range(moments.randint(1, 5)):  # epochs begun
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
