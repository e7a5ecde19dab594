"""Grad-CAM: where in the picture a layer saw what spoke for the answer."""

import numpy as np

from ..graph import shapes_in
from .images import enlarge, prepare, some_at_a_time
from .passes import Pass
from .paths import built, find, last_maps, named
from .targets import Target


def grad_cam(model, x, target=None, layer=None, region=None, output=0, source=0, upsample=True):
    """relu(sum over k of alpha_k * A_k), alpha_k = mean over positions of d score / d A_k: Selvaraju et al.
    2017, "Grad-CAM", equations 1 and 2; with a `region`, Vinogradova et al. 2020, "Towards interpretable
    semantic segmentation via gradient-weighted class activation mapping".

    A_k are the maps (channels) that `layer` gives: a path ("encoder/conv2d"), a layer, a nested model or
    composite; None: those of the last convolution, after the normalisation, sum or activation that follow it.
    x, target, region, output: as for `saliency`; the score is taken before a last softmax or sigmoid.
    source: the input whose size the map is given. upsample: False leaves the layer's size.
    Returns: maps (N, spatial...) from 0, not scaled, or one for a single image.
    Errors: ValueError for a layer that is not there, without positions, or not on the way to the output.
    """
    inputs, single = prepare(model, x, source)
    flat, wanted, parts = built(model), Target(model, target, region, output), []
    shapes = shapes_in(flat, [a.shape for a in inputs])
    index = last_maps(flat, shapes) if layer is None else find(flat, layer)
    number, name = flat.nodes[index].output, named(flat)[index]
    if len(shapes[number]) < 3:
        raise ValueError(f"`layer`: {name!r} gives {shapes[number]}, without positions; take one before it")
    for rows in some_at_a_time(inputs):
        run = Pass(model, flat, [a[rows] for a in inputs])
        seed = wanted.seed(run.value(wanted.number), rows)
        slope = run.gradient(wanted.number, number, seed, scores=[wanted.number])
        if slope is None:
            raise ValueError(f"`layer`: the output {wanted.index} does not depend on {name!r}")
        places = tuple(range(1, slope.ndim - 1))
        alpha = slope.mean(places, keepdims=True)
        parts.append(np.maximum((alpha * run.value(number)).sum(-1), 0))
    maps = np.concatenate(parts)
    if upsample:
        sizes = inputs[source].shape[1:-1]
        if len(sizes) != maps.ndim - 1:
            raise ValueError(
                f"`source` {source}: maps of {maps.shape[1:]} do not lie over an input of {sizes}; "
                "upsample=False leaves them as they are"
            )
        maps = enlarge(maps, sizes)
    return maps[0] if single else maps
