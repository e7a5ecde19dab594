"""What `fit` returns."""

from .base import Callback


class History(Callback):
    """What every epoch reported: `history` {name: [value, ...]}, `epoch` [0, 1, ...], `params`."""

    def __init__(self):
        super().__init__()
        self.history, self.epoch = {}, []

    def on_train_begin(self, logs=None):
        self.epoch = []

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
