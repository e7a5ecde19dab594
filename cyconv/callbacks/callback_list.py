"""All callbacks of a run as one."""

from .base import Callback
from .history import History
from .progbar_logger import ProgbarLogger


class CallbackList(Callback):
    """Passes every hook on to each callback in turn; hooks that nobody overrides cost nothing.

    callbacks: a Callback, a list of them, or None. add_history, add_progbar: adds a History or ProgbarLogger
    at the end, unless one is there. params: what `set_params` gives to each.
    """

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        super().__init__()
        given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
        self.callbacks = [checked(c) for c in given if c is not None]
        for wanted, cls in ((add_history, History), (add_progbar, ProgbarLogger)):
            if wanted and not any(isinstance(c, cls) for c in self.callbacks):
                self.callbacks.append(cls())
        self.set_params(params)
        if model is not None:
            self.set_model(model)

    def append(self, callback):
        """One more callback, after the others."""
        self.callbacks.append(checked(callback))

    def set_params(self, params):
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model):
        self.model = model
        for callback in self.callbacks:
            callback.set_model(model)
            if isinstance(callback, History):
                model.history = callback

    def listens(self, hook):
        own = getattr(type(self), hook) is not getattr(CallbackList, hook)
        return own or any(c.listens(hook) for c in self.callbacks)

    def each(self, hook):
        own = getattr(type(self), hook) is not getattr(CallbackList, hook)
        return own or any(c.each(hook) for c in self.callbacks)

    def logs_of(self, hook, logs):
        """logs(), if some callback will look at it now, else {}."""
        return logs() if any(c.listens(hook) and c.due() for c in self.callbacks) else {}

    def state(self):
        return [[type(c).__name__, c.state()] for c in self.callbacks]

    def restore(self, state):
        """Gives each callback its state back, matched by class and order."""
        left = list(state)
        for callback in self.callbacks:
            for entry in left:
                if entry[0] == type(callback).__name__:
                    left.remove(entry)
                    if entry[1] is not None:
                        callback.restore(entry[1])
                    break


def checked(callback):
    """`callback`, if it is one; a TypeError that says what is wrong with it otherwise."""
    if isinstance(callback, Callback):
        return callback
    hint = ""
    if isinstance(callback, type) and issubclass(callback, Callback):
        hint = f"; that is the class: write {callback.__name__}(...)"
    raise TypeError(f"`callbacks` takes objects derived from Callback. Received: {callback!r}{hint}")


def _epoch_hook(name):
    def hook(self, number, logs=None):
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            getattr(callback, name)(number, logs)

    return hook


def _hook(name):
    def hook(self, logs=None):
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            getattr(callback, name)(logs)

    return hook


def _run_hook(name):
    def hook(self, run):
        for callback in self.callbacks:
            getattr(callback, name)(run)

    return hook


for _kind in ("train", "test", "predict"):
    for _end in ("begin", "end"):
        setattr(CallbackList, f"on_{_kind}_{_end}", _hook(f"on_{_kind}_{_end}"))
        setattr(CallbackList, f"on_{_kind}_batch_{_end}", _epoch_hook(f"on_{_kind}_batch_{_end}"))
for _end in ("begin", "end"):
    setattr(CallbackList, f"on_epoch_{_end}", _epoch_hook(f"on_epoch_{_end}"))
    setattr(CallbackList, f"on_batch_{_end}", _epoch_hook(f"on_batch_{_end}"))
for _name in ("on_run_begin", "on_run_step"):
    setattr(CallbackList, _name, _run_hook(_name))
