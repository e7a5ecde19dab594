"""Sources whose batches are made one by one, ahead of their use: a PyDataset, a generator, any iterable."""

import itertools
import random as python_random
from contextlib import closing
from functools import partial

import numpy as np

from .. import random
from ..streams import PyDataset, ahead
from .sources import Source, positive, ran_out

AHEAD = 2  # batches drawn from a generator before they are needed
END = object()


class Stream(Source):
    """Batches that are made one by one; background threads make the next ones meanwhile.

    prepare: turns a raw batch into Batches. `calls()` yields functions that each make one raw batch.
    """

    depth, workers = AHEAD, 1

    def __init__(self, prepare, steps, known):
        self.prepare, self.asked = prepare, None if steps is None else positive(steps, "steps")
        super().__init__(known if steps is None else self.asked)
        self.gave = False

    def batches(self):
        self.begin()
        seen = 0
        calls = itertools.islice(self.calls(), self.steps)
        with closing(ahead(calls, self.depth, self.workers)) as made:
            for raw in made:
                if raw is END:
                    break
                seen += 1
                batch = self.prepare(raw)
                yield batch, np.arange(batch.size)
        self.end(seen)
        if not seen and not self.gave:
            raise ValueError("`x` yields batches, but gave none; it must yield at least one")
        self.gave = True
        if seen < (self.asked or 1):
            ran_out()

    def peek(self):
        """The first batch, which stays to come; END where there is none."""
        raise NotImplementedError

    def begin(self):
        """Before the first batch of an epoch."""

    def end(self, seen):
        """After the last batch of an epoch, the epoch having had `seen`."""


class Dataset(Stream):
    """Batches of a PyDataset, by number; in another order each epoch where `shuffle` is set."""

    def __init__(self, dataset, prepare, shuffle=False, steps=None):
        self.dataset, size = dataset, dataset.num_batches
        if size is not None and size < 1:
            raise ValueError(f"{type(dataset).__name__} has {size} batches: its length must be at least 1")
        super().__init__(prepare, steps, size)
        self.depth, self.workers = max(dataset.max_queue_size, 1), max(dataset.workers, 1)
        self.seed = random.next_seed() if shuffle and size is not None else None
        self.epochs = self.passes = self.at = 0

    def peek(self):
        return self.dataset[0]

    def calls(self):
        size = self.dataset.num_batches
        if size is None:
            numbers = itertools.count(self.at)
        elif self.seed is None:
            numbers = range(self.at, size)
        else:
            numbers = random.permutation(size, self.seed, self.passes)[self.at :].tolist()
        return (partial(self.dataset.__getitem__, i) for i in numbers)

    def begin(self):
        self.dataset.on_epoch_begin()

    def end(self, seen):
        self.at += seen
        size = self.dataset.num_batches
        if size is not None and (self.at >= size or not self.asked):
            self.at, self.passes = 0, self.passes + 1
        self.epochs += 1
        self.dataset.on_epoch_end()
        if not self.asked:
            self.steps = self.dataset.num_batches

    def restart(self):
        self.at = 0

    def snapshot(self):
        """Python's and NumPy's generators too: datasets draw from them."""
        names = ("seed", "epochs", "passes", "at")
        return {**{n: getattr(self, n) for n in names}, "own": self.dataset.state(),
                "python": python_random.getstate(), "numpy": np.random.get_state()}  # fmt: skip

    def load(self, state):
        if state["own"] is not None:
            self.dataset.restore(state["own"])
        else:
            for _ in range(self.epochs, state["epochs"]):  # a dataset shuffles itself in its hooks
                self.dataset.on_epoch_begin()
                self.dataset.on_epoch_end()
        self.seed, self.epochs = state["seed"], state["epochs"]
        self.passes, self.at = state["passes"], state["at"]
        version, internal, gauss = state["python"]
        python_random.setstate((version, tuple(internal), gauss))
        np.random.set_state(tuple(state["numpy"]))


class Iterated(Stream):
    """Batches of a generator, which is read once; or of an iterable, which each epoch reads anew."""

    def __init__(self, iterable, prepare, steps=None):
        self.iterable, self.iterator, self.drawn = iterable, iter(iterable), 0
        self.once = self.iterator is iterable
        known = len(iterable) if hasattr(iterable, "__len__") else None
        super().__init__(prepare, steps, known)

    def peek(self):
        first = list(itertools.islice(self.iterator, 1))
        self.iterator = itertools.chain(first, self.iterator)
        return first[0] if first else END

    def calls(self):
        return itertools.repeat(self._draw)

    def _draw(self):
        batch = next(self.iterator, END)
        if batch is END and self.fresh and not self.once:  # the last epoch took the last batch
            self.restart()
            batch = next(self.iterator, END)
        self.fresh = False
        return batch

    def begin(self):
        self.fresh = True

    def end(self, seen):
        self.drawn += seen
        if not self.asked or seen < self.asked:
            self.restart()

    def restart(self):
        if not self.once:
            self.iterator, self.drawn = iter(self.iterable), 0

    def snapshot(self):
        return {"drawn": self.drawn}

    def load(self, state):
        """A generator made anew is read up to where it was."""
        for _ in range(state["drawn"]):
            next(self.iterator, END)
        self.drawn = state["drawn"]


def unpack(batch):
    """(x, y, sample_weight) of a batch: a tuple or list of one to three entries, or x alone."""
    if isinstance(batch, (tuple, list)):
        if not 1 <= len(batch) <= 3:
            raise ValueError(
                f"a batch is (x,), (x, y) or (x, y, sample_weight). Received: {len(batch)} entries"
            )
        return (*batch, None, None)[:3]
    return batch, None, None


def is_stream(x):
    """Whether x yields batches, instead of being arrays."""
    if isinstance(x, PyDataset):
        return True
    if isinstance(x, (list, tuple, dict, str, bytes)) or hasattr(x, "shape") or hasattr(x, "__array__"):
        return False
    if hasattr(x, "__getitem__") and not hasattr(x, "__iter__"):
        raise TypeError(
            f"a {type(x).__name__} gives batches by number, but is no PyDataset; derive its class from "
            "utils.PyDataset"
        )
    return hasattr(x, "__iter__")


def stream(x, prepare, built, shuffle=False, steps=None):
    """The Source of a PyDataset, a generator or another iterable of batches.

    prepare: makes Batches of what comes out. built: without it the first batch is looked at, for its shape.
    """
    made = Dataset(x, prepare, shuffle, steps) if isinstance(x, PyDataset) else Iterated(x, prepare, steps)
    if not built:
        first = made.peek()
        if first is not END:
            prepare(first)
    return made
