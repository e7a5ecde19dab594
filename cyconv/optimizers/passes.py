"""What may come before and after an optimiser's own step: clipping, weight decay, running means."""

import numpy as np


def clip(ops, arena, clipnorm=None, clipvalue=None, global_clipnorm=None):
    """Clips the gradients, in place; see `options.py`."""
    if clipvalue:

        def clip_value(g):
            return np.clip(g, -clipvalue, clipvalue)

        ops.map(clip_value, arena.gradient, out=arena.gradient)
    elif global_clipnorm:
        clip_norm(ops, arena.gradient, global_clipnorm)
    elif clipnorm:
        for gradient in arena.pieces(arena.gradient):
            clip_norm(ops, gradient, clipnorm)


def clip_norm(ops, gradient, limit):
    """g * limit / max(norm of g, limit) (Pascanu et al. 2013)."""

    def scaled(g, squares):
        return g * limit / np.maximum(np.sqrt(squares), limit)

    ops.map(scaled, gradient, square_sum(ops, gradient), out=gradient)


def square_sum(ops, x):
    """The sum of all x**2, (1,)."""
    return ops.reduce(ops.map(np.square, x))


def decay(ops, arena, decays, rate):
    """w -= w * decay * rate, with a decay for each variable: at once, where all decay alike."""
    alike = len(set(decays)) == 1
    weights, decays = ([arena.value], decays[:1]) if alike else (arena.pieces(arena.value), decays)
    for w, each in zip(weights, decays, strict=True):
        if each:

            def decayed(w, rate, each=each):
                return w - w * each * rate

            ops.map(decayed, w, rate, out=w)


def average(ops, w, mean, momentum, overwrite):
    """mean = momentum * mean + (1 - momentum) * w; then w = mean in the steps that overwrite."""

    def running_mean(w, mean, momentum, overwrite):
        mean = momentum * mean + (1 - momentum) * w
        return np.where(overwrite > 0, mean, w), mean

    ops.map(running_mean, w, mean, momentum, overwrite, out=(w, mean))
