"""Learning-rate schedules: functions of the number of steps taken, under Keras's names.

A schedule of a user's own is a subclass with `__call__(step)`.
"""

import math

from .configurable import Configurable, lookup


class LearningRateSchedule(Configurable):
    """Base class. `schedule(step)` is the learning rate of the step after `step` steps."""

    keras_module = "keras.optimizers.schedules"

    def __call__(self, step):
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")


def _positive(value, name):
    if value <= 0:
        raise ValueError(f"`{name}` must be above 0. Received: {value}")
    return value


class ExponentialDecay(LearningRateSchedule):
    """initial * decay_rate ** (step / decay_steps); staircase: the quotient rounded down."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False,
                 name="ExponentialDecay"):  # fmt: skip
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps, self.staircase, self.name = _positive(decay_steps, "decay_steps"), staircase, name

    def __call__(self, step):
        part = step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (math.floor(part) if self.staircase else part)


class InverseTimeDecay(LearningRateSchedule):
    """initial / (1 + decay_rate * step / decay_steps); staircase: the quotient rounded down."""

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False,
                 name="InverseTimeDecay"):  # fmt: skip
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps, self.staircase, self.name = _positive(decay_steps, "decay_steps"), staircase, name

    def __call__(self, step):
        part = step / self.decay_steps
        part = math.floor(part) if self.staircase else part
        return self.initial_learning_rate / (1 + self.decay_rate * part)


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and with step boundaries[0], values[1] up to boundaries[1], ..., then values[-1]."""

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"`values` needs one entry more than `boundaries`. Received: {len(values)} values and "
                f"{len(boundaries)} boundaries"
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step):
        for boundary, value in zip(self.boundaries, self.values, strict=False):
            if step <= boundary:
                return value
        return self.values[-1]


class PolynomialDecay(LearningRateSchedule):
    """(initial - end) * (1 - step / decay_steps) ** power + end, then end.

    cycle: decay_steps grows to the next multiple that holds the step, so the rate rises again.
    """

    def __init__(self, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False,
                 name="PolynomialDecay"):  # fmt: skip
        self.initial_learning_rate, self.end_learning_rate = initial_learning_rate, end_learning_rate
        self.decay_steps, self.power = _positive(decay_steps, "decay_steps"), power
        self.cycle, self.name = cycle, name

    def __call__(self, step):
        length = self.decay_steps
        if self.cycle:
            length *= max(math.ceil(step / length), 1)
        left = 1 - min(step, length) / length
        start, end = self.initial_learning_rate, self.end_learning_rate
        return (start - end) * left**self.power + end


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate down to alpha times it (Loshchilov & Hutter 2017).

    warmup_target: the rate first rises on a line to this, in warmup_steps, and falls from there.
    """

    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0, name="CosineDecay", warmup_target=None,
                 warmup_steps=0):  # fmt: skip
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.decay_steps = _positive(decay_steps, "decay_steps")
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step):
        top = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return top + (self.warmup_target - top) * step / self.warmup_steps
            top, step = self.warmup_target, step - self.warmup_steps
        return top * _cosine(min(step / self.decay_steps, 1), self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """CosineDecay over and over (Loshchilov & Hutter 2017): each period is t_mul times as long as the one
    before, and starts from m_mul times its rate.
    """

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0,
                 name="SGDRDecay"):  # fmt: skip
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.first_decay_steps = _positive(first_decay_steps, "first_decay_steps")
        self.t_mul, self.m_mul = t_mul, m_mul

    def __call__(self, step):
        part = step / self.first_decay_steps
        if self.t_mul == 1:
            period, part = math.floor(part), part - math.floor(part)
        else:  # period i begins at (1 - t_mul**i) / (1 - t_mul)
            period = math.floor(math.log(1 - part * (1 - self.t_mul)) / math.log(self.t_mul))
            part = (part - (1 - self.t_mul**period) / (1 - self.t_mul)) / self.t_mul**period
        return self.initial_learning_rate * _cosine(part, self.alpha, self.m_mul**period)


def _cosine(part, alpha, height=1.0):
    return (1 - alpha) * 0.5 * height * (1 + math.cos(math.pi * part)) + alpha


TABLE = {
    cls.__name__: cls
    for cls in (
        ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay, CosineDecay,
        CosineDecayRestarts,
    )
}  # fmt: skip


def get(identifier):
    """The schedule that a name, configuration or object means."""
    return lookup(identifier, TABLE, "learning-rate schedule", LearningRateSchedule)


__all__ = ["LearningRateSchedule", *TABLE, "get"]
