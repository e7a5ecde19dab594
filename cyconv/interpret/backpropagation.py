"""Saliency maps and guided backpropagation: which pixels move the answer."""

import numpy as np

from .images import prepare, some_at_a_time
from .passes import Pass
from .paths import built
from .targets import Target


def saliency(model, x, target=None, region=None, output=0, source=0):
    """|d score / d pixel|, the largest over the channels: Simonyan et al. 2014, "Deep inside convolutional
    networks", section 3.

    x: images (N, spatial..., C), or one without the batch axis. target, region, output: what is asked about
    (`targets.Target`); the score is taken before a last softmax or sigmoid. source: which of several inputs.
    Returns: maps (N, spatial...), or one.
    """
    maps, single = _to_the_pixels(model, x, (target, region, output), source, None)
    maps = np.abs(maps).max(-1)
    return maps[0] if single else maps


def guided_backprop(model, x, target=None, region=None, output=0, source=0):
    """The gradient of the score, only what is positive led back through rectifiers: Springenberg et al. 2015,
    "Striving for simplicity", section 3.4. It shows the structures that speak for the answer.

    Activations other than relu, relu6 and leaky_relu lead back by their derivative. Arguments as of
    `saliency`. Returns: images like x.
    """
    maps, single = _to_the_pixels(model, x, (target, region, output), source, "guided")
    return maps[0] if single else maps


def _to_the_pixels(model, x, question, source, rule):
    """(the score's gradient by input number `source`, whether x was a single image)."""
    inputs, single = prepare(model, x, source)
    flat, target, parts = built(model), Target(model, *question), []
    for rows in some_at_a_time(inputs):
        run = Pass(model, flat, [a[rows] for a in inputs])
        seed = target.seed(run.value(target.number), rows)
        found = run.gradient(target.number, source, seed, rule, scores=[target.number])
        parts.append(np.zeros_like(inputs[source][rows]) if found is None else found)
    return np.concatenate(parts), single
