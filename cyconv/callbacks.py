"""What happens between epochs and batches, under Keras's names."""

import numpy as np


class Callback:
    """Base class: override the hooks you need. `self.model` is the model, `self.params` fit's parameters."""

    def __init__(self):
        self.model, self.params = None, None

    def set_model(self, model):
        self.model = model

    def set_params(self, params):
        self.params = params

    def on_epoch_begin(self, epoch, logs=None): ...
    def on_epoch_end(self, epoch, logs=None): ...
    def on_train_begin(self, logs=None): ...
    def on_train_end(self, logs=None): ...
    def on_test_begin(self, logs=None): ...
    def on_test_end(self, logs=None): ...
    def on_predict_begin(self, logs=None): ...
    def on_predict_end(self, logs=None): ...
    def on_train_batch_begin(self, batch, logs=None): ...
    def on_train_batch_end(self, batch, logs=None): ...
    def on_test_batch_begin(self, batch, logs=None): ...
    def on_test_batch_end(self, batch, logs=None): ...
    def on_predict_batch_begin(self, batch, logs=None): ...
    def on_predict_batch_end(self, batch, logs=None): ...


class CallbackList:
    """Calls every callback's hook of one name; hooks that nobody overrides cost nothing."""

    def __init__(self, callbacks, model, params):
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    def call(self, hook, *arguments):
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def listens(self, hook):
        """Whether any callback overrides `hook`."""
        base = getattr(Callback, hook)
        return any(getattr(type(c), hook, None) is not base for c in self.callbacks)


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
        self.model.history = self


class EarlyStopping(Callback):
    """Stops when `monitor` has not improved by more than min_delta for `patience` epochs.

    mode: "min", "max" or "auto" (from the name). baseline: what must be beaten. restore_best_weights: the
    weights of the best epoch come back at the end. start_from_epoch: epochs before it do not count.
    """

    def __init__(self, monitor="val_loss", min_delta=0, patience=0, verbose=0, mode="auto", baseline=None,
                 restore_best_weights=False, start_from_epoch=0):  # fmt: skip
        super().__init__()
        self.monitor, self.patience, self.verbose = monitor, patience, verbose
        self.baseline, self.restore_best_weights = baseline, restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.sign = direction(monitor, mode)
        self.min_delta = abs(min_delta)
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_train_begin(self, logs=None):
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best, self.best_weights = self.baseline, None

    def on_epoch_end(self, epoch, logs=None):
        current = monitored(self.monitor, logs)
        if epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._improves(current):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _improves(self, current):
        if np.isnan(current):
            return False
        return self.best is None or self.sign * (current - self.best) - self.min_delta > 0

    def on_train_end(self, logs=None):
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


def direction(monitor, mode):
    """+1 where larger is better, -1 where smaller is; "auto" reads the name."""
    if mode in ("min", "max"):
        return 1 if mode == "max" else -1
    if mode != "auto":
        raise ValueError(f'`mode` is "auto", "min" or "max". Received: {mode!r}')
    name = monitor.removeprefix("val_")
    if name.endswith("loss") or "error" in name or name in ("mse", "mae"):
        return -1
    if "acc" in name or name.endswith(("accuracy", "auc", "precision", "recall", "iou", "score")):
        return 1
    raise ValueError(f'cannot tell whether {monitor!r} should grow or shrink: give mode="min" or mode="max"')


def monitored(monitor, logs):
    """The monitored value, or a ValueError that lists what there is."""
    if monitor not in (logs or {}):
        known = ", ".join(logs or {})
        hint = "; fit needs validation_data or validation_split for it" if monitor.startswith("val_") else ""
        raise ValueError(f"nothing called {monitor!r} was measured (there are: {known}){hint}")
    return logs[monitor]
