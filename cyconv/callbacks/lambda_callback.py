"""A callback from functions."""

from .base import Callback


class LambdaCallback(Callback):
    """Calls the functions given. `on_epoch_*(epoch, logs)`, `on_train_batch_*(batch, logs)`,
    `on_train_*(logs)`; other hooks by their names as keywords.
    """

    def __init__(self, on_epoch_begin=None, on_epoch_end=None, on_train_begin=None, on_train_end=None,
                 on_train_batch_begin=None, on_train_batch_end=None, **kwargs):  # fmt: skip
        super().__init__()
        functions = dict(on_epoch_begin=on_epoch_begin, on_epoch_end=on_epoch_end,
                         on_train_begin=on_train_begin, on_train_end=on_train_end,
                         on_train_batch_begin=on_train_batch_begin,
                         on_train_batch_end=on_train_batch_end, **kwargs)  # fmt: skip
        for name, function in functions.items():
            if function is not None:
                setattr(self, name, function)
