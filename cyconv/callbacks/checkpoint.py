"""Saving the model while it trains."""

import os
import warnings

from .monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after each epoch or every `save_freq` batches.

    filepath: may hold names in braces, `"{epoch:02d}-{val_loss:.2f}.keras"`; epoch counts from 1.
    save_best_only: only where `monitor` improved. initial_value_threshold: what must be better at first.
    """

    kept = ("best", "since_saving")

    def __init__(self, filepath, monitor="val_loss", verbose=0, save_best_only=False, save_weights_only=False,
                 mode="auto", save_freq="epoch", initial_value_threshold=None):  # fmt: skip
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq, self.since_saving, self.epoch = save_freq, 0, 0
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f"Unrecognized save_freq: {save_freq}. Expected save_freq are 'epoch' or integer values"
            )
        endings = WEIGHT_ENDINGS if save_weights_only else MODEL_ENDINGS
        if not self.filepath.endswith(endings):
            when = "With `save_weights_only=True` the" if save_weights_only else "The"
            raise ValueError(
                f"{when} filepath provided must end in {' or '.join(f'`{e}`' for e in endings)}. "
                f"Received: filepath={self.filepath}"
            )

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def listens(self, hook):
        """Where each epoch is saved, batches are not asked for."""
        return super().listens(hook) and not (hook == "on_train_batch_end" and self.save_freq == "epoch")

    def on_train_batch_end(self, batch, logs=None):
        if self.save_freq == "epoch":
            return
        self.since_saving += 1
        if self.since_saving >= self.save_freq:
            self.since_saving = 0
            self._save(self.epoch, batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save(epoch, None, logs)

    def _save(self, epoch, batch, logs):
        logs = logs or {}
        path = self._path(epoch, batch, logs)
        if not self._wanted(epoch, logs, path):
            return
        if os.path.isdir(path):
            raise IsADirectoryError(
                f"Please specify a non-directory filepath for ModelCheckpoint. Filepath used is an existing "
                f"directory: {path}"
            )
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        self._say(epoch, f"finished saving model to {path}")

    def _wanted(self, epoch, logs, path):
        """Whether to save now; says so where `verbose`."""
        if not self.save_best_only:
            self._say(epoch, f"saving model to {path}")
            return True
        self.direction()  # an unknown metric is an error even where it was not measured
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(f"Can save best model only with {self.monitor} available.", stacklevel=2)
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self.improves(current, self.best):
            self._say(epoch, f"{self.monitor} did not improve from {best}")
            return False
        self._say(epoch, f"{self.monitor} improved from {best} to {current:.5f}, saving model to {path}")
        self.best = current
        return True

    def _say(self, epoch, message):
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: {message}")

    def _path(self, epoch, batch, logs):
        numbers = {"epoch": epoch + 1, **logs}
        if batch is not None:
            numbers.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**numbers)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}; '
                f"there are: {', '.join(numbers)}"
            ) from None


MODEL_ENDINGS = (".keras", ".safetensors")
WEIGHT_ENDINGS = (".weights.h5", ".safetensors")
