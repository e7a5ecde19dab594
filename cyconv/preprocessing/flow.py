"""Endless batches of randomly changed images."""

import numpy as np

from .. import random
from ..streams import PyDataset


class Flow(PyDataset):
    """Batches of `samples` images: by number within an epoch, or endlessly with `next`.

    A batch depends on the seed and on how many came before it, and on nothing else: two flows of one seed
    change their images alike (an image and its mask), and a training can go on in the middle.
    """

    def __init__(self, samples, batch_size, shuffle, seed):
        super().__init__()
        if samples < 1:
            raise ValueError("there are no images to flow")
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"`batch_size` must be a positive integer. Received: {batch_size!r}")
        self.n, self.batch_size, self.shuffle = samples, batch_size, shuffle
        self.seed = random.next_seed() % 2**31 if seed is None else int(seed)
        self.begun = self.batch_index = 0  # batches before this epoch; batches of it that `next` gave

    def __len__(self):
        return -(-self.n // self.batch_size)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} batches. Received: index {index}")
        first = np.random.RandomState((self.seed + self.begun) % 2**32)
        rows = first.permutation(self.n) if self.shuffle else np.arange(self.n)
        generator = first if index == 0 else np.random.RandomState((self.seed + self.begun + index) % 2**32)
        return self.batch(rows[index * self.batch_size : (index + 1) * self.batch_size], generator)

    def __iter__(self):
        return self

    def __next__(self):
        batch = self[self.batch_index]
        self.batch_index += 1
        if self.batch_index == len(self):
            self.on_epoch_end()
        return batch

    def on_epoch_end(self):
        self.begun, self.batch_index = self.begun + len(self), 0

    def reset(self):
        """`next` begins again with the epoch's first batch."""
        self.batch_index = 0

    def state(self):
        return {"seed": self.seed, "begun": self.begun, "batch_index": self.batch_index}

    def restore(self, state):
        self.seed, self.begun, self.batch_index = state["seed"], state["begun"], state["batch_index"]

    def batch(self, rows, generator):
        """The batch of the images `rows`, changed as `generator` (a RandomState) draws."""
        raise NotImplementedError


class ArrayFlow(Flow):
    """Images from an array x (N, H, W, C), with labels and sample weights where they are given."""

    def __init__(self, generator, x, y, sample_weight, batch_size, shuffle, seed):
        self.generator = generator
        self.x = np.asarray(x, np.float32)
        if self.x.ndim != 4:
            raise ValueError(f"`x` must be images (N, H, W, C). Received: shape {self.x.shape}")
        self.others = [None if a is None else np.asarray(a) for a in (y, sample_weight)]
        for name, array in zip(("y", "sample_weight"), self.others):
            if array is not None and len(array) != len(self.x):
                raise ValueError(f"`x` has {len(self.x)} images, `{name}` has {len(array)} entries")
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def batch(self, rows, generator):
        images = np.stack([self.generator.changed(self.x[i], generator) for i in rows])
        others = [a[rows] for a in self.others if a is not None]
        return (images, *others) if others else images
