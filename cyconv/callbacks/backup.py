"""Going on after an interruption as if there had been none."""

import os

from ..atomic import PART
from .base import Callback
from .nested import read, write


class BackupAndRestore(Callback):
    """Keeps where `fit` stands in `backup_dir`; a later `fit` of the same model on the same data goes on
    there, and ends with the same bytes as one that was never interrupted.

    save_freq: "epoch", or a number of batches. double_checkpoint: the backup before the last is kept too.
    delete_checkpoint: the backup is removed when `fit` has ended.

    Kept: weights, the optimiser, random counters, the place in the data, the state of every callback that
    has one. A generator is read up to its place again; a PyDataset that draws random numbers of its own
    between batches can keep them with `state` and `restore`. A backup is written beside the old one and moved
    over it: a kill at any moment leaves one of them whole.
    """

    def __init__(self, backup_dir, save_freq="epoch", double_checkpoint=False, delete_checkpoint=True):
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        frequent = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq >= 1
        if save_freq != "epoch" and not frequent:
            raise ValueError(
                f"Invalid value for argument `save_freq`. Received: save_freq={save_freq}. "
                "Expected either 'epoch' or an integer value (a number of batches)."
            )
        self.backup_dir, self.save_freq = os.fspath(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self.latest = os.path.join(self.backup_dir, "latest.safetensors")
        self.previous = os.path.join(self.backup_dir, "previous.safetensors")
        self.since_saving = 0

    def on_run_begin(self, run):
        self.since_saving = 0
        paths = [path for path in (self.latest, self.previous) if os.path.exists(path)]
        for path in paths:
            try:
                saved = read(path)
                break
            except ValueError:
                if path == paths[-1]:
                    raise
        else:
            return
        try:
            run.restore(saved)
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(
                f"the backup in {self.backup_dir} does not fit this model and data: {error}; "
                "to begin anew, remove that folder"
            ) from error

    def listens(self, hook):
        """Where each epoch is saved, batches are not asked for."""
        return super().listens(hook) and not (hook == "on_run_step" and self.save_freq == "epoch")

    def on_run_step(self, run):
        if self.save_freq == "epoch":
            due = run.batch == 0
        else:
            self.since_saving += run.batch != 0
            due = self.since_saving >= self.save_freq
        if due:
            self.since_saving = 0
            self._save(run)

    def _save(self, run):
        os.makedirs(self.backup_dir, exist_ok=True)
        state = run.state()
        if self.double_checkpoint and os.path.exists(self.latest):
            os.replace(self.latest, self.previous)  # a kill here leaves `previous`, which is read then
        write(self.latest, state)

    def on_train_end(self, logs=None):
        if not self.delete_checkpoint:
            return
        for path in (self.latest, self.previous, self.latest + PART):
            if os.path.exists(path):
                os.unlink(path)
        if os.path.isdir(self.backup_dir) and not os.listdir(self.backup_dir):
            os.rmdir(self.backup_dir)

    def state(self):
        return {"since_saving": self.since_saving}

    def restore(self, state):
        self.since_saving = state["since_saving"]
