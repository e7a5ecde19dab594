"""PyDataset: batches by number, for data that does not fit in memory or is made as it is needed."""


class PyDataset:
    """Base class: write `__getitem__(index)`, which gives batch `index`, and `__len__`, how many there are.

    A batch is (x,), (x, y) or (x, y, sample_weight). `num_batches` may stand for `__len__`; None means that
    there is no end. workers: how many threads make batches ahead of their use, at most max_queue_size of
    them; the order stays. use_multiprocessing is accepted: threads do the work, NumPy lets them overlap.

    Optional hooks: `on_epoch_begin()`, `on_epoch_end()`; and `state()` (JSON values and arrays) with
    `restore(state)`, by which BackupAndRestore continues a dataset that draws random numbers of its own.
    """

    workers, use_multiprocessing, max_queue_size = 1, False, 10

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        for name, value, least in (("workers", workers, 0), ("max_queue_size", max_queue_size, 1)):
            if not isinstance(value, int) or value < least:
                raise ValueError(
                    f"{type(self).__name__}: `{name}` is an integer, at least {least}. Received: {value!r}"
                )
        self.workers, self.max_queue_size = workers, max_queue_size
        self.use_multiprocessing = use_multiprocessing

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} needs `__getitem__(index)`, which gives a batch")

    @property
    def num_batches(self):
        """How many batches there are; None: no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__} needs `__len__` (or the property `num_batches`): how many batches it has"
        )

    def on_epoch_begin(self):
        """Called before the first batch of an epoch is asked for."""

    def on_epoch_end(self):
        """Called after the last batch of an epoch: the place to shuffle."""

    def state(self):
        """What `restore` needs, as JSON values and arrays; None: nothing beside the hooks."""
        return None

    def restore(self, state):
        """Sets what `state` gave."""
