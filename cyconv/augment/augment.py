"""One section changed at random: where each pixel is read from, and how its grey values change."""

from numbers import Real

import numpy as np

from .elastic import displacements
from .mirrored import Mirrored


class Augment:
    """Random changes of an image, its mask and its weight map: the same places are read in all three.

    rotation: degrees to both sides (180: any angle). flip: every other one is mirrored. shift: pixels to each
    side. scale: 0.1 for 0.9 to 1.1 times the size. elastic: standard deviation of the displacements in
    pixels, at `grid` x `grid` nodes (the paper: 10 and 3). What lies outside is mirrored. Of the grey values,
    in units of the image's: contrast: 0.2 for 0.8 to 1.2 times; brightness: what is added, to both sides;
    noise: the largest standard deviation of Gaussian noise. order: how images are read, 3 bicubic, 1
    bilinear; weight maps are read bilinearly, masks at the nearest pixel.
    """

    def __init__(self, rotation=180.0, flip=True, shift=0.0, scale=0.0, elastic=10.0, grid=3, contrast=0.0,
                 brightness=0.0, noise=0.0, order=3):  # fmt: skip
        amounts = dict(rotation=rotation, shift=shift, scale=scale, elastic=elastic, contrast=contrast,
                       brightness=brightness, noise=noise)  # fmt: skip
        for name, value in amounts.items():
            if not isinstance(value, Real) or not np.isfinite(value) or value < 0:
                raise ValueError(f"Augment: `{name}` is a number from 0 on. Received: {value!r}")
        for name in ("scale", "contrast"):
            if amounts[name] >= 1:
                raise ValueError(f"Augment: `{name}` lies below 1, such as 0.2. Received: {amounts[name]}")
        if not isinstance(grid, int) or grid < 2:
            raise ValueError(f"Augment: `grid` is an integer, at least 2 nodes. Received: {grid!r}")
        self.rotation, self.flip, self.shift, self.scale = rotation, flip, shift, scale
        self.elastic, self.grid, self.order = elastic, grid, order
        self.contrast, self.brightness, self.noise = contrast, brightness, noise

    def __call__(self, image, mask=None, weights=None, seed=None, size=None, centre=None):
        """(image, mask, weights) changed alike; None stays None. image: (H, W) or (H, W, C), as float32.

        seed: an integer, or a numpy.random.Generator. size: (h, w) of the result, by default the image's.
        centre: the (row, column) of the image that comes to the result's middle, by default its own middle.
        """
        generator = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
        arrays = [image, mask, weights]
        orders = (self.order, 0, 1)
        sources = [None if a is None else Mirrored(a, order) for a, order in zip(arrays, orders)]
        shapes = {source.size for source in sources if source is not None}
        if len(shapes) > 1:
            raise ValueError(f"image, mask and weights must have one size. Received: {sorted(shapes)}")
        return self.changed(sources, generator, size or sources[0].size, centre)

    def changed(self, sources, generator, size, centre=None):
        """[image, mask, weights] of `size` from their `Mirrored` forms."""
        if centre is None:
            centre = [(n - 1) / 2 for n in sources[0].size]
        rows, columns = self.places(size, centre, generator)
        image, *others = (None if source is None else source.read(rows, columns) for source in sources)
        return [self.shaded(image, generator), *others]

    def places(self, size, centre, generator):
        """(rows, columns): where each pixel of the result lies in the image, float32 arrays of `size`."""
        turn = np.deg2rad(self.rotation * generator.uniform(-1, 1))
        side = -1 if self.flip and generator.random() < 0.5 else 1
        zoom = 1 / (1 + self.scale * generator.uniform(-1, 1))
        move = self.shift * generator.uniform(-1, 1, 2)
        y, x = (np.arange(n, dtype=np.float32) - (n - 1) / 2 for n in size)
        y, x = y[:, None], x[None, :]
        if self.elastic:
            dy, dx = displacements(size, generator, self.elastic, self.grid)
            y, x = y + dy, x + dx
        cos, sin = np.float32(zoom * np.cos(turn)), np.float32(zoom * np.sin(turn))
        middle = np.asarray(centre, np.float32) + move.astype(np.float32)
        rows = cos * y - (side * sin) * x + middle[0]
        columns = sin * y + (side * cos) * x + middle[1]
        return rows, columns

    def shaded(self, image, generator):
        """The image with its grey values changed."""
        factor = np.float32(1 + self.contrast * generator.uniform(-1, 1))
        added = np.float32(self.brightness * generator.uniform(-1, 1))
        strength = np.float32(self.noise * generator.random())
        if self.contrast or self.brightness:
            middle = image.mean(dtype=np.float32)
            image = (image - middle) * factor + (middle + added)
        if self.noise:
            image = image + strength * generator.standard_normal(image.shape, np.float32)
        return image
