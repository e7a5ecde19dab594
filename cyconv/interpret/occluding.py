"""Occlusion: what the answer loses when a part of the picture is covered."""

from itertools import product

import numpy as np

from .. import shapes
from ..arrays import numbers
from .images import AT_ONCE, predict, prepare
from .targets import Target


def occlusion(model, x, target=None, window=8, stride=None, fill=None, region=None, output=0, source=0):
    """score(x) - score(x with a window covered): Zeiler & Fergus 2014, "Visualizing and understanding
    convolutional networks", section 4.2. No gradient is needed: what is measured is the output itself.

    x: images (N, spatial..., C), or one. target, region, output: as for `saliency`; the score is the output's
    mean over the region, after a last softmax.
    window, stride: an int or one for each spatial axis; stride: by default half the window.
    fill: what covers; None: each image's mean colour. source: which of several inputs is covered.
    Returns: maps (N, spatial...) or one: at each pixel the mean loss over the windows that cover it; positive
    where the picture speaks for the answer.
    """
    inputs, single = prepare(model, x, source)
    images = inputs[source]
    sizes = images.shape[1:-1]
    if not sizes:
        raise ValueError(f"occlusion covers parts of images; the model's input is {images.shape}")
    window = shapes.as_tuple(window, len(sizes), "window")
    stride = tuple(max(w // 2, 1) for w in window) if stride is None else shapes.as_tuple(
        stride, len(sizes), "stride")  # fmt: skip
    if any(w > n for w, n in zip(window, sizes, strict=True)):
        fits = tuple(map(min, window, sizes))
        raise ValueError(f"`window` {window} is larger than the image, {sizes}; {fits} fits")
    if fill is not None:
        numbers(fill, "`fill`")
    starts = [_starts(n, w, s) for n, w, s in zip(sizes, window, stride, strict=True)]
    boxes = [tuple(slice(a, a + w) for a, w in zip(at, window, strict=True)) for at in product(*starts)]
    wanted, maps = Target(model, target, region, output), []
    whole = predict(model, inputs, wanted.index)
    for n, image in enumerate(images):
        weights = wanted.weights(whole[n : n + 1], slice(n, n + 1))
        cover = image.reshape(-1, image.shape[-1]).mean(0) if fill is None else fill
        lost, count = np.zeros(sizes), np.zeros(sizes)
        for first in range(0, len(boxes), AT_ONCE):
            some = boxes[first : first + AT_ONCE]
            covered = [np.repeat(a[n : n + 1], len(some), axis=0) for a in inputs]
            for i, box in enumerate(some):
                covered[source][(i, *box)] = cover
            y = predict(model, covered, wanted.index)
            drops = ((whole[n] - y) * weights).sum(tuple(range(1, y.ndim)), dtype=np.float64)
            for box, drop in zip(some, drops, strict=True):
                lost[box] += drop
                count[box] += 1
        maps.append((lost / np.maximum(count, 1)).astype(images.dtype))
    return maps[0] if single else np.stack(maps)


def _starts(size, window, stride):
    """Where windows begin, the last at the image's end, so that every pixel is covered."""
    return sorted({*range(0, size - window + 1, stride), size - window})
