"""Overlap-tile prediction (Ronneberger, Fischer, Brox 2015, figure 2): images of any size, in pieces."""

import numpy as np


def predict_tiles(model, images, tile=640, border=32, batch_size=1):
    """The model's map for each image, (N, H, W, K), in pieces whose surroundings are seen and thrown away.

    images: (N, H, W, C), mirrored beyond their borders. A network that keeps the size ("same" padding) is
    given tiles of up to `tile` pixels a side, of which the middle without `border` is kept. A network whose
    output is smaller than its input (the paper's: 572 -> 388) says both numbers itself.
    Both are brought to multiples of what the poolings divide by: tile down, border up.
    """
    images = np.asarray(images, np.float32)
    if images.ndim != 4:
        raise ValueError(f"predict_tiles: images are (N, H, W, C). Received: shape {images.shape}")
    H, W = images.shape[1:3]
    inputs, outputs = sizes(model, (H, W), tile, border)
    margin = [(i - o) // 2 for i, o in zip(inputs, outputs)]
    counts = [-(-n // o) for n, o in zip((H, W), outputs)]
    padded = mirrored(images, [(m, c * o - n + m) for m, c, o, n in zip(margin, counts, outputs, (H, W))])
    result = None
    for i in range(counts[0]):
        for j in range(counts[1]):
            top, left = i * outputs[0], j * outputs[1]
            piece = padded[:, top : top + inputs[0], left : left + inputs[1]]
            found = model.predict(piece, batch_size=batch_size, verbose=0)
            cut = [(n - o) // 2 for n, o in zip(found.shape[1:3], outputs)]
            found = found[:, cut[0] : cut[0] + outputs[0], cut[1] : cut[1] + outputs[1]]
            if result is None:
                result = np.empty((len(images), counts[0] * outputs[0], counts[1] * outputs[1],
                                   found.shape[-1]), found.dtype)  # fmt: skip
            result[:, top : top + outputs[0], left : left + outputs[1]] = found
    return result[:, :H, :W]


def sizes(model, image, tile, border):
    """((rows, columns) of a tile, (rows, columns) of what is kept of its map) for images of that size."""
    fixed = model.input_shape[1:3]
    if None not in fixed:
        out = model.output_shape[1:3]
        kept = [o - 2 * border if o == n else o for n, o in zip(fixed, out)]
        if min(kept) < 1:
            raise ValueError(
                f"predict_tiles: nothing is left of a tile of {fixed} without a border of {border} on each "
                f"side; the largest border is {(min(fixed) - 1) // 2}"
            )
        return tuple(fixed), tuple(kept)
    step = steps(model)
    border = -(-border // step) * step  # so that the poolings of all tiles fall on the same pixels
    inputs, kept = [], []
    for n in image:
        whole = -(-(n + 2 * border) // step) * step
        most = tile // step * step
        side = min(whole, most)
        if side <= 2 * border:
            raise ValueError(
                f"predict_tiles: a tile of {tile} with a border of {border} on each side has no middle; the "
                f"network takes multiples of {step}: `tile` must be at least {2 * border + step}"
            )
        inputs.append(side)
        kept.append(side - 2 * border)
    return tuple(inputs), tuple(kept)


def steps(model):
    """By how much the model's poolings shrink an image in all: sizes must be multiples of it."""
    shrunk = 1
    for layer in flat(model):
        factor = getattr(layer, "pool_size", None)
        if factor is not None and "Pooling" in type(layer).__name__:
            shrunk *= max(factor) if np.ndim(factor) else factor
    return shrunk


def flat(layer):
    """The layers inside a model or composite, all the way down."""
    inside = getattr(layer, "layers", None)
    if not inside:
        yield layer
        return
    for one in inside:
        yield from flat(one)


def mirrored(images, widths):
    """The images (N, H, W, C) with `widths` (before, after) more rows and columns, mirrored without repeating
    the border pixel; again and again where an image is smaller than that."""
    places = []
    for n, (before, after) in zip(images.shape[1:3], widths):
        period = max(2 * (n - 1), 1)
        place = np.abs(np.arange(-before, n + after)) % period
        places.append(np.minimum(place, period - place) if n > 1 else place * 0)
    return images[:, places[0][:, None], places[1][None, :]]
