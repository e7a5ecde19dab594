"""The progress line of fit, evaluate and predict."""

from ..progress import Progbar
from .base import Callback


class ProgbarLogger(Callback):
    """Shows how far an epoch is, and its numbers. verbose (of fit): 1, "auto": a bar; 2: a line an epoch."""

    def __init__(self):
        super().__init__()
        self.bar, self.in_fit, self.seen = Progbar(None, verbose=0), False, 0
        self.verbose, self.epochs, self.steps = 1, 1, None

    def set_params(self, params):
        super().set_params(params)
        verbose = params.get("verbose", 1)
        if verbose != "auto" and not isinstance(verbose, int):
            raise ValueError(f'`verbose` is "auto", 0: silent, 1: a bar, 2: a line. Received: {verbose!r}')
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs, self.steps = params.get("epochs", 1), params.get("steps")

    def listens(self, hook):
        """Numbers within an epoch are only worked out where a live bar shows them; without one, batches
        are counted if their number is not known.
        """
        idle = not Progbar.live(self.verbose) and (hook.endswith("batch_end") or self.steps is not None)
        return super().listens(hook) and not ("_batch_" in hook and idle)

    def each(self, hook):
        """A bar is not told of every batch, but what has been derived from it may want to be."""
        return getattr(type(self), hook) is not getattr(ProgbarLogger, hook) and super().each(hook)

    def due(self):
        return self.bar.due()

    def on_train_begin(self, logs=None):
        self.in_fit = True

    def on_epoch_begin(self, epoch, logs=None):
        self._start()
        if self.verbose and self.epochs > 1:
            self.bar.write(f"Epoch {epoch + 1}/{self.epochs}\n")

    def on_train_batch_begin(self, batch, logs=None):
        self.seen = batch + 1

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update(batch + 1, logs)

    def on_epoch_end(self, epoch, logs=None):
        self._finish(logs)

    def on_test_begin(self, logs=None):
        if not self.in_fit:
            self._start()

    def on_test_batch_begin(self, batch, logs=None):
        if not self.in_fit:
            self.seen = batch + 1

    def on_test_batch_end(self, batch, logs=None):
        if not self.in_fit:
            self.bar.update(batch + 1, logs)

    def on_test_end(self, logs=None):
        if not self.in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs=None):
        self._start()

    def on_predict_batch_begin(self, batch, logs=None):
        self.seen = batch + 1

    def on_predict_batch_end(self, batch, logs=None):
        self.bar.update(batch + 1)

    def on_predict_end(self, logs=None):
        self._finish(None)

    def _start(self):
        self.seen, self.bar = 0, Progbar(self.steps, verbose=self.verbose)

    def _finish(self, logs):
        if self.steps is None:
            self.steps = self.seen
        self.bar.finish(self.steps, logs)
