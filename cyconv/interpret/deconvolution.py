"""DeconvNet: what in the image a feature map answers to, projected back to the pixels."""

from collections import namedtuple
from math import floor

import numpy as np

from ..models.costs import receptive_field
from .images import prepare, some_at_a_time
from .passes import Pass
from .paths import built, convolutions, find

Projection = namedtuple("Projection", "map image position activation box pixels patch")
Projection.__doc__ = """A feature map's answer to an image, seen in the pixels.

map, image: their numbers. position, activation: of the unit that was projected (None, and the map's largest,
for a whole map). box: the slices of the image that it sees. pixels: the projection inside the box, positive
and negative; patch: the image inside the box.
"""


def deconvnet(model, x, layer=None, maps=None, top=1, whole_map=False, source=0):
    """Feature maps projected to the pixels: Zeiler & Fergus 2014, "Visualizing and understanding
    convolutional networks", section 2.1.

    Everything in the layer but one unit is set to 0. On the way down a pooling puts each value where its
    maximum came from (its switch), an activation lets only positive values through, a convolution applies its
    transposed kernel; biases play no part. So the projection shows what made the unit answer.
    Activations other than relu, relu6 and leaky_relu lead back by their slope.

    x: images (N, spatial..., C), or one. layer: a path or a layer; None: the last convolution.
    maps: the number of a map, or several; None: the nine (at most) that answer most strongly.
    top: how many images a map: those to which it answers most strongly, of each the strongest unit.
    whole_map: all units of the map together instead of the strongest. source: which of several inputs.
    Returns: a list of Projections, map by map, the strongest image first. `visualize.projections` draws it.
    """
    inputs, _ = prepare(model, x, source)
    if top < 1:
        raise ValueError(f"`top` must be at least 1. Received: {top}")
    flat = built(model)
    index = convolutions(flat)[-1] if layer is None else find(flat, layer)
    number = flat.nodes[index].output
    strongest = np.concatenate([
        _largest(Pass(model, flat, [a[rows] for a in inputs]).value(number))
        for rows in some_at_a_time(inputs)
    ])  # fmt: skip
    chosen = [
        (k, n) for k in _maps(maps, strongest) for n in np.argsort(-strongest[:, k], kind="stable")[:top]
    ]
    field = receptive_field(model, index, source, [a.shape for a in inputs])
    found = []
    for rows in some_at_a_time([chosen]):
        ks, ns = np.array(chosen[rows]).T
        run = Pass(model, flat, [a[ns] for a in inputs])
        seed, positions = _alone(run.value(number), ks, whole_map)
        down = run.gradient(number, source, seed, "deconvnet")
        for i, (k, n, position) in enumerate(zip(ks, ns, positions, strict=True)):
            image = inputs[source][n]
            box = _box(field, None if whole_map else position, image.shape[:-1])
            value = float(strongest[n, k])
            where = None if whole_map else position
            found.append(Projection(int(k), int(n), where, value, box, down[i][box], image[box]))
    return found


def _largest(A):
    """The largest value of each map: (N, positions..., K) -> (N, K)."""
    return A.reshape(len(A), -1, A.shape[-1]).max(1)


def _maps(maps, strongest):
    K = strongest.shape[1]
    if maps is None:
        return np.argsort(-strongest.max(0), kind="stable")[:9]
    maps = np.atleast_1d(maps)
    wrong = maps.tolist() if maps.dtype.kind not in "iu" else [k for k in maps.tolist() if not 0 <= k < K]
    if wrong:
        raise ValueError(f"`maps`: there is no map {wrong[0]!r}; the layer has {K}, 0 to {K - 1}")
    return maps


def _alone(A, ks, whole_map):
    """A with everything but map k, or its strongest unit, set to 0; and the position of that unit."""
    seed, positions = np.zeros_like(A), []
    for i, k in enumerate(ks):
        position = tuple(int(p) for p in np.unravel_index(A[i, ..., k].argmax(), A.shape[1:-1]))
        unit = (i, ..., k) if whole_map else (i, *position, k)
        seed[unit] = A[unit]
        positions.append(position)
    return seed, positions


def _box(field, position, sizes):
    """The slices of an image of `sizes` that lie behind a position; all of it where that is not known."""
    if field is None or not position or field.jump is None or len(position) != len(sizes):
        return tuple(slice(0, n) for n in sizes)
    starts = [floor(f + p * j) for f, p, j in zip(field.first, position, field.jump, strict=True)]
    return tuple(
        slice(min(max(start, 0), n), max(min(start + size, n), 0))
        for start, size, n in zip(starts, field.size, sizes, strict=True)
    )
