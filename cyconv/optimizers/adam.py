"""Adam and its relatives: running means of the gradient and of its size."""

import math

import numpy as np

from . import passes
from .base import Optimizer


class _Betas(Optimizer):
    """What the family shares: the decays of the two means, epsilon."""

    def __init__(self, learning_rate, beta_1, beta_2, epsilon, **options):
        for label, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
            if not 0 <= beta < 1:
                raise ValueError(f"`{label}` lies in [0, 1). Received: {beta}")
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def means(self, g, m, v):
        """m and v after a gradient g."""
        return m + (1 - self.beta_1) * (g - m), v + (1 - self.beta_2) * (g * g - v)


class Adam(_Betas):
    """m += (1 - beta_1) * (g - m); v += (1 - beta_2) * (g**2 - v); w -= alpha * m / (sqrt(v) + epsilon), with
    alpha = lr * sqrt(1 - beta_2**t) / (1 - beta_1**t) (Kingma & Ba 2015). amsgrad: the largest v so far
    (Reddi et al. 2018).
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, **options):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.amsgrad = amsgrad
        self.slot_groups = (("momentum", "velocity"), *([("velocity_hat",)] if amsgrad else []))

    def hyper_values(self, step, rate):
        alpha = rate * math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        return alpha, self.beta_1, self.beta_2, self.epsilon

    def record_update(self, ops, rate, hyper):
        """By the kernel that the door has for it; the formula for amsgrad."""
        if self.amsgrad:
            super().record_update(ops, rate, hyper[:1])
        else:
            arena, slots = self.arena, (self.slots["momentum"], self.slots["velocity"])
            ops.adam(arena.gradient, self.own_hyper(), arena.value, *slots)

    def update(self, w, g, rate, m, v, *rest):
        *largest, alpha = rest
        m, v = self.means(g, m, v)
        largest = [np.maximum(v_hat, v) for v_hat in largest]
        size = largest[0] if largest else v
        return (w - alpha * m / (np.sqrt(size) + self.epsilon), m, v, *largest)


class AdamW(Adam):
    """Adam with weight decay (Loshchilov & Hutter 2019)."""

    def __init__(self, learning_rate=0.001, weight_decay=0.004, beta_1=0.9, beta_2=0.999, epsilon=1e-7,
                 amsgrad=False, **options):  # fmt: skip
        if weight_decay is None:
            raise ValueError("AdamW needs a `weight_decay`; without one it is Adam")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay,
                         **options)  # fmt: skip


class Adamax(_Betas):
    """Adam by the largest gradient: u = max(beta_2 * u, |g|); w -= lr / (1 - beta_1**t) * m / (u + epsilon)
    (Kingma & Ba 2015, section 7).
    """

    slot_groups = (("momentum", "norm"),)

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **options):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)

    def hyper_values(self, step, rate):
        return (rate / (1 - self.beta_1**step),)

    def update(self, w, g, rate, m, u, alpha):
        m, _ = self.means(g, m, u)
        u = np.maximum(self.beta_2 * u, np.abs(g))
        return w - alpha * m / (u + self.epsilon), m, u


class Nadam(_Betas):
    """Adam with Nesterov's look ahead (Dozat 2016): instead of m it follows a * m + b * g, where a and b come
    from mu(t) = beta_1 * (1 - 0.96**t / 2) and the product of all mu so far.
    """

    slot_groups = (("momentum", "velocity"),)
    extra = {"u_product": 1.0}

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **options):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)

    def before_step(self):
        super().before_step()
        self.numbers["u_product"] *= self._mu(self._steps)

    def _mu(self, step):
        return self.beta_1 * (1 - 0.5 * 0.96**step)

    def hyper_values(self, step, rate):
        now, following = self._mu(step), self._mu(step + 1)
        product = self.numbers["u_product"] * now
        return following / (1 - product * following), (1 - now) / (1 - product), 1 / (1 - self.beta_2**step)

    def update(self, w, g, rate, m, v, a, b, correction):
        m, v = self.means(g, m, v)
        return w - rate * (a * m + b * g) / (np.sqrt(v * correction) + self.epsilon), m, v


class Lamb(_Betas):
    """Adam whose step is scaled, variable by variable, by the norm of the weights over its own (You et al.
    2020).
    """

    slot_groups = (("momentum", "velocity"),)

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **options):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)

    def hyper_values(self, step, rate):
        return 1 / (1 - self.beta_1**step), 1 / (1 - self.beta_2**step)

    def record_update(self, ops, rate, hyper):
        def direction(g, m, v, first, second):
            m, v = self.means(g, m, v)
            return m * first / (np.sqrt(v * second) + self.epsilon), m, v

        def trusted(w, step, rate, weights, steps):
            both = (weights > 0) & (steps > 0)
            ratio = np.where(both, np.sqrt(weights / np.where(both, steps, 1.0)), 1.0)
            return w - ratio * rate * step

        flats = self.arena.value, self.arena.gradient, self.slots["momentum"], self.slots["velocity"]
        for w, g, m, v in zip(*map(self.arena.pieces, flats), strict=True):
            step, *_ = ops.map(direction, g, m, v, *hyper, out=(None, m, v))
            norms = passes.square_sum(ops, w), passes.square_sum(ops, step)
            ops.map(trusted, w, step, rate, *norms, out=w)
