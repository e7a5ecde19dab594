"""What is asked about: a class of a classifier; a class in a region of a segmentation."""

from math import prod

import numpy as np

from .paths import built


class Target:
    """One number for each image: the sum of channel `target` of an output, over `region` where it has places.

    target: the number of a class (channel), or one for each image; None: the class with the largest sum.
    region: None (everywhere), a position (row, column), or a mask of the output's spatial shape, for one or
        for each image.
    output: which of several outputs, by number or name.
    """

    def __init__(self, model, target=None, region=None, output=0):
        names = model.output_names
        if output in names:
            output = names.index(output)
        if not isinstance(output, int) or not -len(names) <= output < len(names):
            raise ValueError(f"`output` is one of {', '.join(names)}, or its number. Received: {output!r}")
        self.index, self.target, self.region = output, target, region
        self.number = built(model).outputs[output]

    def seed(self, y, rows):
        """The weights w of the sum y * w, for the outputs y of images `rows`."""
        where = np.broadcast_to(self._mask(y.shape, rows)[..., None], y.shape)
        chosen = self.classes(y, rows)[:, None] == np.arange(y.shape[-1])
        return where * chosen.reshape(len(y), *(1,) * (y.ndim - 2), -1).astype(y.dtype)

    def weights(self, y, rows):
        """`seed` divided by its sum: sum(y * weights) is the mean of the class's values over the region."""
        seed = self.seed(y, rows)
        return seed / seed.sum(tuple(range(1, y.ndim)), keepdims=True)

    def classes(self, y, rows):
        """The number of the class, for each image."""
        if self.target is None:
            inside = y * self._mask(y.shape, rows)[..., None]
            return inside.reshape(len(y), -1, y.shape[-1]).sum(1).argmax(-1)
        if np.ndim(self.target) and len(self.target) < rows.start + len(y):
            raise ValueError(f"`target` has {len(self.target)} numbers for more images; give one for each")
        target = np.asarray(self.target)[rows] if np.ndim(self.target) else self.target
        return np.broadcast_to(chosen_class(target, y), len(y))

    def _mask(self, shape, rows):
        """1 inside the region, 0 outside: (n, spatial...)."""
        n, *sizes, _ = shape
        if self.region is None:
            return np.ones((n, *sizes), np.float32)
        if not sizes:
            raise ValueError(f"`region` is for outputs with places, as in segmentation; this one is {shape}")
        region = np.asarray(self.region)
        if isinstance(self.region, (tuple, list)) and region.shape == (len(sizes),):
            if any(not -s <= p < s for p, s in zip(self.region, sizes, strict=True)):
                raise ValueError(f"`region` {self.region} is outside the output's {tuple(sizes)} positions")
            mask = np.zeros(sizes, np.float32)
            mask[tuple(self.region)] = 1
            return np.broadcast_to(mask, (n, *sizes))
        if region.shape[-len(sizes) :] != tuple(sizes) or region.ndim - len(sizes) not in (0, 1):
            raise ValueError(
                f"`region` is a position, or a mask of the output's spatial shape {tuple(sizes)} (for each "
                f"image: with a batch axis before it). Received: shape {region.shape}"
            )
        mask = (region[rows] if region.ndim > len(sizes) else region).astype(np.float32)
        mask = np.broadcast_to(mask, (n, *sizes))
        if not all(mask.reshape(n, prod(sizes)).any(1)):
            raise ValueError("`region` is empty: no position of it is True")
        return mask


def chosen_class(target, y):
    """`target` as an array, where the outputs y (n, ..., K) have such classes."""
    classes = np.asarray(target)
    if classes.dtype.kind not in "iu" or classes.ndim > 1:
        raise ValueError(f"`target` is a class's number or one for each image. Received: {target!r}")
    outside = [k for k in np.atleast_1d(classes) if not 0 <= k < y.shape[-1]]
    if outside:
        K = y.shape[-1]
        raise ValueError(f"`target` {outside[0]}: the output has {K} channels, 0 to {K - 1}")
    return classes
