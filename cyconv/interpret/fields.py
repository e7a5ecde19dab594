"""Receptive fields: what a unit can see, and what it does look at."""

from collections import namedtuple

import numpy as np

from ..models import costs
from .images import prepare, some_at_a_time
from .passes import Pass
from .paths import built, find

LOOKED_AT = 1 - 0.9545  # of the largest gradient: what lies within two standard deviations of a normal curve

EffectiveField = namedtuple("EffectiveField", "map size position")
EffectiveField.__doc__ = """How strongly each pixel moves one unit.

map: (spatial...), the largest value 1. size: the side of a square (cube) of as many pixels as have more than
4.55 % of the largest value. position: of the unit.
"""


def receptive_field(model, layer=None, source=0, input_shapes=None):
    """The (size, jump, first) of what one position of a layer can see: `model.receptive_field`, with layers
    named as everywhere here. input_shapes: of all inputs, where the model leaves sizes open.
    """
    index = None if layer is None else find(built(model), layer)
    return costs.receptive_field(model, index, source, input_shapes)


def effective_receptive_field(model, x, layer=None, position=None, source=0):
    """The mean over images of |d unit / d pixel|: Luo et al. 2016, "Understanding the effective receptive
    field in deep convolutional neural networks", section 3.

    Most of what a unit can see hardly moves it: the map is a bell that is narrower than the field.
    x: images (N, spatial..., C); random ones show the architecture, real ones the trained network.
    layer: a path or a layer; None: the model's first output. position: of the unit, the sum over the layer's
    channels; None: the middle. source: which of several inputs. Returns: an EffectiveField.
    """
    inputs, _ = prepare(model, x, source)
    flat = built(model)
    number = flat.outputs[0] if layer is None else flat.nodes[find(flat, layer)].output
    total = 0
    for rows in some_at_a_time(inputs):
        run = Pass(model, flat, [a[rows] for a in inputs])
        y = run.value(number)
        position = _position(position, y.shape[1:-1])
        seed = np.zeros_like(y)
        seed[(slice(None), *position)] = 1
        found = run.gradient(number, source, seed, scores=[number])
        if found is None:
            raise ValueError(f"`source` {source}: the unit sees nothing of this input")
        total = total + np.abs(found).sum((0, -1), dtype=np.float64)
    field = (total / max(total.max(), np.finfo(total.dtype).tiny)).astype(found.dtype)
    size = float((field > LOOKED_AT).sum() ** (1 / max(field.ndim, 1)))
    return EffectiveField(field, size, position)


def _position(position, sizes):
    if position is None:
        return tuple(n // 2 for n in sizes)
    position = tuple(np.atleast_1d(position).tolist())
    if len(position) != len(sizes) or any(not 0 <= p < n for p, n in zip(position, sizes, strict=True)):
        raise ValueError(f"`position` {position}: the layer has {tuple(sizes)} positions")
    return position
