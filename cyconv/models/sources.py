"""Where the batches of an epoch come from: arrays (here), or a PyDataset or a generator (`drawing.py`).

A source yields (Batches, rows) for each step. Its `state` is that of the beginning of the current epoch, so
that `restore(state, done)` can go on after `done` batches of it.
"""

import itertools
import warnings
from contextlib import closing

import numpy as np

from .. import random

DEFAULT_BATCH = 32


class Source:
    """steps: how many batches an epoch has; None: not known before its end."""

    in_memory = False  # whether asking for a batch before the one before it is used does nothing to it

    def __init__(self, steps):
        self.steps, self._began, self._done = steps, None, 0

    def epoch(self):
        """Yields the (Batches, rows) of one epoch; of the rest of one, after `restore`."""
        self._began, done, self._done = self.snapshot(), self._done, 0
        with closing(self.batches()) as batches:
            yield from itertools.islice(batches, done, None)
        self._began = None

    def restart(self):
        """The next epoch begins with the first batch; a generator cannot go back."""

    def state(self):
        """What `restore` needs, as JSON values and arrays."""
        return self.snapshot() if self._began is None else self._began

    def restore(self, state, done):
        """Goes on after `done` batches of the epoch that began with `state`."""
        self.load(state)
        self._done = done


def bundles(batches, most):
    """(batch, [rows, ...]): neighbours from the same arrays and of equal size, up to `most(batch, size)` of
    them, which is asked when a bundle begins.
    """
    held, of, limit = [], None, 1
    for batch, rows in batches:
        if held and (batch is not of or len(rows) != len(held[0])):
            yield of, held
            held = []
        if not held:
            of, limit = batch, most(batch, len(rows))
        held.append(rows)
        if len(held) >= limit:
            yield of, held
            held = []
    if held:
        yield of, held


class Arrays(Source):
    """Arrays in memory. With `steps` an epoch has that many batches, and the next one goes on behind them."""

    in_memory = True

    def __init__(self, arrays, batch_size=None, shuffle=False, steps=None):
        if batch_size is None:
            batch_size = DEFAULT_BATCH if steps is None else -(-arrays.size // positive(steps, "steps"))
        self.arrays, self.size = arrays, positive(batch_size, "batch_size")
        self.total = -(-arrays.size // self.size)
        super().__init__(self.total if steps is None else positive(steps, "steps"))
        self.seed = random.next_seed() if shuffle and shuffle != "batch" else None
        self.passes = self.at = 0

    def batches(self):
        rows = np.arange(self.arrays.size)
        if self.seed is not None:
            rows = random.permutation(self.arrays.size, self.seed, self.passes)
        for _ in range(self.steps):
            if self.at == self.total:
                ran_out()
                break
            begin, self.at = self.at * self.size, self.at + 1
            yield self.arrays, rows[begin : begin + self.size]
        if self.at == self.total:
            self.at, self.passes = 0, self.passes + 1

    def restart(self):
        self.at = 0

    def snapshot(self):
        return {"seed": self.seed, "passes": self.passes, "at": self.at}

    def load(self, state):
        self.seed, self.passes, self.at = state["seed"], state["passes"], state["at"]


def ran_out():
    warnings.warn(
        "Your input ran out of data; interrupting training. Make sure that your dataset or generator can "
        "generate at least `steps_per_epoch * epochs` batches.",
        stacklevel=2,
    )


def positive(value, name):
    """`value` if it is a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {value!r}")
    return int(value)
