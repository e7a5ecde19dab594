"""The options that every optimiser takes, under Keras's names."""

import warnings

DEFAULTS = {
    "weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None, "use_ema": False,
    "ema_momentum": 0.99, "ema_overwrite_frequency": None, "loss_scale_factor": None,
    "gradient_accumulation_steps": None, "name": None,
}  # fmt: skip


CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")


def take(optimizer, given):
    """Sets the options as attributes of the optimiser; returns the learning rate that was given as `lr`.

    weight_decay: the part of each weight, times the learning rate, that is subtracted before the step
    (Loshchilov & Hutter 2019). clipnorm: the largest norm of a variable's gradient; global_clipnorm: of all
    gradients together; clipvalue: the largest size of an element; one of the three at most. use_ema: a
    running mean of the weights, of momentum ema_momentum, replaces them at the end of `fit` and every
    ema_overwrite_frequency steps.
    """
    kind, given = type(optimizer).__name__, dict(given)
    old_rate = given.pop("lr", None)
    if old_rate is not None:
        warnings.warn(f"{kind}: `lr` is now called `learning_rate`", stacklevel=4)
    if given.pop("decay", None):
        warnings.warn(f"{kind}: `decay` has no effect; give a schedule as `learning_rate`", stacklevel=4)
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        known = dict.fromkeys([*(k for k in optimizer._arguments if k not in unknown), *DEFAULTS])
        raise TypeError(f"{kind} does not know the argument {unknown[0]!r}; it takes {', '.join(known)}")
    optimizer.__dict__.update({**DEFAULTS, **given})
    clips = [name for name in CLIPS if getattr(optimizer, name) is not None]
    if len(clips) > 1:
        raise ValueError(f"{kind}: give one of {', '.join(CLIPS)}. Received: {' and '.join(clips)}")
    if not 0 <= optimizer.ema_momentum <= 1:
        raise ValueError(f"{kind}: `ema_momentum` lies in [0, 1]. Received: {optimizer.ema_momentum}")
    often = optimizer.ema_overwrite_frequency
    if often is not None and (not isinstance(often, int) or often < 1):
        raise ValueError(f"{kind}: `ema_overwrite_frequency` is a positive integer. Received: {often!r}")
    if optimizer.loss_scale_factor is not None or optimizer.gradient_accumulation_steps is not None:
        raise NotImplementedError(
            f"{kind}: loss_scale_factor and gradient_accumulation_steps are not there: training is in "
            "float32, and a larger batch_size gives the same step"
        )
    return old_rate
