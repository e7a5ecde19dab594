"""Epochs as rows of a CSV file."""

import csv
import io
import os

from .base import Callback


class CSVLogger(Callback):
    """Writes a row after each epoch: `epoch`, then the logs by name; `NA` for what is missing.

    separator: between the fields. append: adds to a file that is there, without a second heading.
    """

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.file = self.keys = None

    def on_train_begin(self, logs=None):
        self._close()
        old = self.append and os.path.exists(self.filename)
        self.file = open(self.filename, "r+" if old else "w", newline="")
        self.start, self.text, self.keys = self.file.seek(0, os.SEEK_END), "", None

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
            if self.start == 0:
                self._row(["epoch", *self.keys])
        self._row([epoch, *(_field(logs.get(key, "NA")) for key in self.keys)])

    def on_train_end(self, logs=None):
        self._close()

    def _row(self, fields):
        line = io.StringIO()
        csv.writer(line, delimiter=self.sep).writerow(fields)
        self._write(line.getvalue())

    def _write(self, text):
        self.file.write(text)
        self.file.flush()
        self.text += text

    def _close(self):
        if self.file is not None:
            self.file.close()
            self.file = None

    def state(self):
        return {"keys": self.keys, "start": self.start, "text": self.text}

    def restore(self, state):
        """The rows of the interrupted run, up to where it goes on."""
        self.file.truncate(self.file.seek(min(state["start"], self.start)))
        self.start, self.keys, self.text = state["start"], state["keys"], ""
        self._write(state["text"])


def _field(value):
    if isinstance(value, (list, tuple)) or getattr(value, "ndim", 0):
        return f'"[{", ".join(map(str, value))}]"'
    return value
