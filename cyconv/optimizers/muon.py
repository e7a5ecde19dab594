"""Muon: steps with orthogonal matrices (Jordan et al. 2024)."""

import math
import re

import numpy as np

from . import passes
from .adam import Adam
from .base import Optimizer


class Muon(Optimizer):
    """For matrices: m = momentum * m + g; w -= lr * rms_rate * sqrt(larger side) * (m made orthogonal, by
    ns_steps of a Newton-Schulz iteration, x = a x + (b x xT + c (x xT)**2) x). nesterov: g + momentum * m
    instead of m. For all other variables, and those whose path matches one of exclude_layers: Adam with
    adam_beta_1, adam_beta_2, epsilon, lr * adam_lr_ratio and adam_weight_decay.
    """

    slot_groups = (("momentum", "velocity"),)

    def __init__(self, learning_rate=0.001, adam_beta_1=0.9, adam_beta_2=0.999, adam_weight_decay=0.004,
                 epsilon=1e-7, weight_decay=0.004, exclude_layers=None, exclude_embeddings=True,
                 muon_a=3.4445, muon_b=-4.7750, muon_c=2.0315, adam_lr_ratio=1, momentum=0.95, ns_steps=5,
                 nesterov=True, rms_rate=0.2, **options):  # fmt: skip
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        self.adam = Adam(1.0, adam_beta_1, adam_beta_2, epsilon)
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.exclude_layers = exclude_layers or []
        self.coefficients, self.ns_steps = (muon_a, muon_b, muon_c), ns_steps
        self.momentum, self.nesterov, self.rms_rate = momentum, nesterov, rms_rate

    def orthogonal(self, variable):
        """Whether a variable is a matrix that takes Muon's own step."""
        return len(variable.shape) == 2 and not any(re.search(p, variable.path) for p in self.exclude_layers)

    def slot_shape(self, name, variable):
        return None if name == "velocity" and self.orthogonal(variable) else variable.shape

    def weight_decay_of(self, variable):
        decay = self.weight_decay if self.orthogonal(variable) else self.adam_weight_decay
        return 0.0 if self._undecayed(variable) else decay or 0.0

    def hyper_values(self, step, rate):
        return self.adam.hyper_values(step, rate * self.adam_lr_ratio)

    def record_update(self, ops, rate, hyper):
        def adam(w, g, m, v, alpha):
            return self.adam.update(w, g, None, m, v, alpha)

        flats = self.arena.value, self.arena.gradient, self.slots["momentum"], self.slots["velocity"]
        for variable, w, g, m, v in zip(self.arena.variables, *map(self.arena.views, flats), strict=True):
            if self.orthogonal(variable):
                self._orthogonal_step(ops, w, g, m, rate)
            else:
                alpha = ops.reshape(hyper[0], (1,) * w.ndim)
                ops.map(adam, w, g, m, v, alpha, out=(w, m, v))

    def _orthogonal_step(self, ops, w, g, m, rate):
        def direction(g, m):
            m = self.momentum * m + g
            return (g + self.momentum * m if self.nesterov else m), m

        x, _ = ops.map(direction, g, m, out=(None, m))
        x = self._made_orthogonal(ops, x)
        factor = 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(w.shape))
        ops.map(lambda w, x, rate: w - rate * factor * x, w, x, ops.reshape(rate, (1, 1)), out=w)

    def _made_orthogonal(self, ops, x):
        a, b, c = self.coefficients
        tall = x.shape[0] > x.shape[1]  # then with xT x, the smaller of the two products
        squares = ops.reshape(passes.square_sum(ops, x), (1, 1))
        x = ops.map(lambda x, squares: x / (np.sqrt(squares) + 1e-7), x, squares)
        for _ in range(self.ns_steps):
            square = ops.matmul(x, x, transpose_a=tall, transpose_b=not tall)
            mixed = ops.map(lambda s, t: b * s + c * t, square, ops.matmul(square, square))
            moved = ops.matmul(x, mixed) if tall else ops.matmul(mixed, x)
            x = ops.map(lambda x, moved: a * x + moved, x, moved)
        return x
