"""The base class of callbacks: every hook there is."""


class Callback:
    """Base class: override the hooks you need. `self.model` is the model, `self.params` fit's parameters.

    batch and epoch count from 0. logs: {name: float}; at the end of a batch the means since the epoch began.
    What a hook of `on_epoch_end` puts into logs, the callbacks after it see, History among them.

    A callback whose decisions depend on what it saw before returns that from `state()`, as JSON values and
    arrays, and takes it back in `restore(state)`: then BackupAndRestore continues it exactly.
    """

    model, params = None, None

    def __init__(self):
        self.model, self.params = None, None

    def set_model(self, model):
        self.model = model

    def set_params(self, params):
        self.params = params

    def on_train_begin(self, logs=None): ...
    def on_train_end(self, logs=None): ...
    def on_epoch_begin(self, epoch, logs=None): ...
    def on_epoch_end(self, epoch, logs=None): ...
    def on_batch_begin(self, batch, logs=None): ...
    def on_batch_end(self, batch, logs=None): ...

    def on_train_batch_begin(self, batch, logs=None):
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch, logs=None):
        self.on_batch_end(batch, logs=logs)

    def on_test_begin(self, logs=None): ...
    def on_test_end(self, logs=None): ...
    def on_test_batch_begin(self, batch, logs=None): ...
    def on_test_batch_end(self, batch, logs=None): ...
    def on_predict_begin(self, logs=None): ...
    def on_predict_end(self, logs=None): ...
    def on_predict_batch_begin(self, batch, logs=None): ...
    def on_predict_batch_end(self, batch, logs=None): ...

    # Beside Keras's hooks, for continuing a run exactly ----------------------------------------------------

    def on_run_begin(self, run):
        """After every callback's on_train_begin: the place for `run.restore(...)`."""

    def on_run_step(self, run):
        """After everything that belongs to a batch or an epoch is done: what `run.state()` gives now goes on
        from here."""

    def state(self):
        """What `restore` needs, as JSON values and arrays; None: nothing."""
        return None

    def restore(self, state):
        """Sets what `state` gave."""

    # For the list of callbacks -----------------------------------------------------------------------------

    def listens(self, hook):
        """Whether this callback does anything in `hook`; the others cost nothing."""
        alias = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}.get(hook)
        changed = getattr(getattr(self, hook), "__func__", None) is not getattr(Callback, hook)
        return changed or (alias is not None and self.listens(alias))

    def each(self, hook):
        """Whether it has to be told in `hook` of every batch: then steps go one by one. If not, it is told of
        the last of those that were run together.
        """
        return self.listens(hook)

    def due(self):
        """Whether this callback would look at the logs of the batch that ends now: a GPU waits for them."""
        return True
