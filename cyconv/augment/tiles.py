"""Batches of changed pieces of a few large sections, made in the background while the network trains."""

import numpy as np

from ..streams import PyDataset
from .augment import Augment
from .mirrored import Mirrored


class Tiles(PyDataset):
    """Batches (images, masks, weights) of random tiles, each changed by `augment`; weights may be left out.

    images: (N, H, W) or (N, H, W, C); masks: (N, H, W), labels; weights: (N, H, W); both may have an axis of
    one channel more. size: of a tile, which may be larger than a section: outside it goes on mirrored.
    batches: how many make an epoch. Tiles come from all sections in turn, their middles anywhere in the
    section. A batch depends on (seed, epoch, its number) alone, however many `workers` make batches.
    """

    def __init__(self, images, masks, weights=None, size=256, batch_size=2, batches=100, augment=None, seed=0,
                 workers=1, max_queue_size=4):  # fmt: skip
        super().__init__(workers=workers, max_queue_size=max_queue_size)
        self.augment = Augment() if augment is None else augment
        stacks = [images, masks, weights]
        for name, stack in zip(("images", "masks", "weights"), stacks):
            if stack is not None and len(stack) != len(images):
                raise ValueError(f"Tiles: {len(images)} images, but {len(stack)} {name}")
        if not len(images):
            raise ValueError("Tiles: there are no images")
        for name, value in (("batch_size", batch_size), ("batches", batches)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"Tiles: `{name}` is an integer, at least 1. Received: {value!r}")
        self.size = (size, size) if np.ndim(size) == 0 else tuple(size)
        if len(self.size) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in self.size):
            raise ValueError(f"Tiles: `size` is one number of pixels or two, above 0. Received: {size!r}")
        orders = (self.augment.order, 0, 1)
        self.sections = [
            [None if s is None else Mirrored(self._fitting(s[i], i, name, images[i]), order)
             for s, order, name in zip(stacks, orders, ("images", "masks", "weights"))]
            for i in range(len(images))
        ]  # fmt: skip
        self.batch_size, self.batches, self.seed, self.epoch = batch_size, batches, seed, 0

    @staticmethod
    def _fitting(plane, i, name, image):
        """A section's plane; a mask or weight map as (H, W), an axis of one channel behind it left out."""
        if name == "images":
            return plane
        flat = plane[..., 0] if np.ndim(plane) == 3 and np.shape(plane)[-1] == 1 else plane
        if np.shape(flat) != np.shape(image)[:2]:
            raise ValueError(f"Tiles: {name}[{i}] has shape {np.shape(plane)}; with an image of shape "
                             f"{np.shape(image)} it must be {np.shape(image)[:2]}")  # fmt: skip
        return flat

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        number = (self.epoch * self.batches + index) * self.batch_size
        tiles = [self._tile(number + i) for i in range(self.batch_size)]
        image, mask, *weights = (np.stack(parts) for parts in zip(*tiles) if parts[0] is not None)
        if image.ndim == 3:
            image = image[..., None]
        return (image, mask[..., None].astype(np.float32), *weights)

    def _tile(self, number):
        generator = np.random.default_rng([self.seed, number])
        turn, place = divmod(number, len(self.sections))
        order = np.random.default_rng([self.seed, turn, 1]).permutation(len(self.sections))
        sources = self.sections[order[place]]
        # A tile's middle stays half a tile away from the border where the section is large enough.
        centre = []
        for n, size in zip(sources[0].size, self.size):
            room = max(n - size, 0) / 2
            centre.append((n - 1) / 2 + room * generator.uniform(-1, 1))
        return self.augment.changed(sources, generator, self.size, centre)

    def on_epoch_end(self):
        self.epoch += 1

    def state(self):
        return {"epoch": self.epoch}

    def restore(self, state):
        self.epoch = state["epoch"]
