"""Gradient descent, with momentum and by signs."""

import numpy as np

from .base import Optimizer


class SGD(Optimizer):
    """w -= lr * g; with momentum: m = momentum * m - lr * g, w += m (Polyak 1964); nesterov:
    w += momentum * m - lr * g (Sutskever et al. 2013).
    """

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, **options):
        if not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` lies in [0, 1]. Received: {momentum}")
        super().__init__(learning_rate, **options)
        self.momentum, self.nesterov = momentum, nesterov
        self.slot_groups = (("momentum",),) if momentum else ()

    def hyper_values(self, step, rate):
        return rate, self.momentum

    def record_update(self, ops, rate, hyper):
        """By the kernel that the door has for it."""
        w, g, m = self.arena.value, self.arena.gradient, self.slots.get("momentum")
        ops.sgd(g, self.own_hyper(), w, m, nesterov=self.nesterov)


class Lion(Optimizer):
    """w -= lr * sign(beta_1 * m + (1 - beta_1) * g); m = beta_2 * m + (1 - beta_2) * g (Chen et al. 2023)."""

    slot_groups = (("momentum",),)

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, **options):
        if not 0 < beta_1 <= 1:
            raise ValueError(f"`beta_1` lies in (0, 1]. Received: {beta_1}")
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def update(self, w, g, rate, m):
        w = w - rate * np.sign(self.beta_1 * m + (1 - self.beta_1) * g)
        return w, self.beta_2 * m + (1 - self.beta_2) * g
