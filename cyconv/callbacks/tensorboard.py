"""Curves for TensorBoard, through the `tensorboard` package's own writer of event files."""

import os
import time
from types import SimpleNamespace

import numpy as np

from .base import Callback


class TensorBoard(Callback):
    """Writes event files for `tensorboard --logdir log_dir`: `train` and `validation`, each with the curves
    `epoch_<name>` (and `batch_<name>` where update_freq is "batch" or a number of batches).

    histogram_freq: every so many epochs also the distribution of every weight. write_steps_per_second: how
    many steps an epoch did a second. The other arguments are Keras's and write nothing here.
    """

    def __init__(self, log_dir="logs", histogram_freq=0, write_graph=True, write_images=False,
                 write_steps_per_second=False, update_freq="epoch", profile_batch=0, embeddings_freq=0,
                 embeddings_metadata=None):  # fmt: skip
        super().__init__()
        if update_freq not in ("epoch", "batch") and not isinstance(update_freq, int):
            raise ValueError(
                f'`update_freq` is "epoch", "batch" or a number of batches. Received: {update_freq!r}'
            )
        _library()
        self.log_dir, self.histogram_freq = os.fspath(log_dir), histogram_freq
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.writers, self.step, self.since = {}, 0, None

    def listens(self, hook):
        counts = hook == "on_train_batch_begin" and self.write_steps_per_second
        idle = hook.startswith("on_train_batch_") and self.update_freq == "epoch" and not counts
        return super().listens(hook) and not idle

    def on_train_begin(self, logs=None):
        self.step = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.step += 1

    def on_train_batch_end(self, batch, logs=None):
        if self.step % self.update_freq == 0:
            for name, value in (logs or {}).items():
                self._scalar("train", f"batch_{name}", value, self.step)

    def on_epoch_begin(self, epoch, logs=None):
        self.since = (self.step, time.perf_counter())

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            folder = "validation" if name.startswith("val_") else "train"
            self._scalar(folder, f"epoch_{name.removeprefix('val_')}", value, epoch)
        if "learning_rate" not in (logs or {}):
            self._scalar("train", "epoch_learning_rate", float(self.model.optimizer.learning_rate), epoch)
        if self.write_steps_per_second:
            step, begun = self.since
            speed = (self.step - step) / (time.perf_counter() - begun)
            self._scalar("train", "epoch_steps_per_second", speed, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for variable in self.model.weights:
                self._histogram(f"{variable.path}/histogram", variable.numpy(), epoch)
        for writer in self.writers.values():
            writer.flush()

    def on_train_end(self, logs=None):
        for writer in self.writers.values():
            writer.close()
        self.writers = {}

    def state(self):
        return {"step": self.step}

    def restore(self, state):
        self.step = state["step"]

    def _scalar(self, folder, tag, value, step):
        self._write(folder, step, tag=tag, simple_value=float(value))

    def _histogram(self, tag, values, step):
        library = _library()
        values = values.astype(np.float64).ravel()
        counts, edges = np.histogram(values, bins=30)
        histogram = library.HistogramProto(
            min=values.min(), max=values.max(), num=values.size, sum=values.sum(),
            sum_squares=np.square(values).sum(), bucket=counts.tolist(), bucket_limit=edges[1:].tolist(),
        )  # fmt: skip
        self._write("train", step, tag=tag, histo=histogram)

    def _write(self, folder, step, **value):
        library = _library()
        if folder not in self.writers:
            self.writers[folder] = library.EventFileWriter(os.path.join(self.log_dir, folder))
        summary = library.Summary(value=[library.Summary.Value(**value)])
        self.writers[folder].add_event(library.Event(wall_time=time.time(), step=step, summary=summary))


def _library():
    """The classes of the `tensorboard` package that are used."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise ImportError(
            "callbacks.TensorBoard needs the package tensorboard: pip install 'cyconv[tensorboard]'"
        ) from error
    return SimpleNamespace(
        Event=Event, EventFileWriter=EventFileWriter, HistogramProto=HistogramProto, Summary=Summary
    )
