"""Adafactor (Shazeer & Stern 2018): Adam's second mean kept as sums over rows and columns."""

import math

import numpy as np

from .base import Optimizer


class Adafactor(Optimizer):
    """For g**2 + epsilon_1 of a kernel (..., rows, columns) running means r over its columns and c over its
    rows are kept, of decay 1 - t**beta_2_decay; their outer product over the mean of r stands for the mean v
    of Adam (vectors keep v itself). u = g / sqrt(v), divided by max(1, rms(u) / clip_threshold);
    w -= max(epsilon_2, rms(w)) * rate * u, the rate being at most 1 / sqrt(t).
    """

    slot_groups = (("row", "column", "velocity"),)

    def __init__(self, learning_rate=0.001, beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3,
                 clip_threshold=1.0, relative_step=True, **options):  # fmt: skip
        super().__init__(learning_rate, **options)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def slot_shape(self, name, variable):
        shape = variable.shape
        if name == "velocity":
            return shape
        if len(shape) < 2:
            return ()
        return shape[:-1] if name == "row" else (*shape[:-2], shape[-1])

    def hyper_values(self, step, rate):
        return min(rate, 1 / math.sqrt(step)), 1 - step**self.beta_2_decay

    def record_update(self, ops, rate, hyper):
        arena = self.arena
        flats = [arena.value, arena.gradient, *(self.slots[n] for n in self.slot_groups[0])]
        for variable, w, g, r, c, v in zip(arena.variables, *map(arena.pieces, flats), strict=True):
            self._mean_square(ops, variable.shape, g, r, c, v, hyper[1])
            self._step(ops, w, g, v, hyper[0])

    def _mean_square(self, ops, shape, g, r, c, v, beta):
        """Brings r, c and v up to date; all are flat."""

        def running(mean, now, beta):
            return beta * mean + (1 - beta) * now

        square = ops.map(lambda g: g * g + self.epsilon_1, g)
        if len(shape) < 2:
            ops.map(running, v, square, beta, out=v)
            return
        *outer, rows, columns = shape
        count = math.prod(outer)
        square = ops.reshape(square, (count, rows, columns))
        r, c = r[: count * rows], c[: count * columns]
        for mean, axis in ((r, 2), (c, 1)):
            now = ops.reduce(square, axes=(axis,), scale=1 / square.shape[axis])
            ops.map(running, mean, ops.reshape(now, mean.shape), beta, out=mean)
        total = ops.reduce(ops.reshape(r, (count, rows)), axes=(1,), scale=1 / rows)
        parts = (ops.reshape(r, (count, rows, 1)), ops.reshape(c, (count, 1, columns)),
                 ops.reshape(total, (count, 1, 1)))  # fmt: skip
        ops.map(lambda r, c, total: r / total * c, *parts, out=ops.reshape(v, square.shape))

    def _step(self, ops, w, g, v, rate):
        u = ops.map(lambda g, v: g / np.sqrt(v), g, v)
        sizes = (ops.reduce(ops.map(np.square, a), scale=1 / a.size) for a in (w, u))

        def clipped(w, u, rate, w_square, u_square):
            u = u / np.maximum(1.0, np.sqrt(u_square) / self.clip_threshold)
            return w - np.maximum(self.epsilon_2, np.sqrt(w_square)) * rate * u

        ops.map(clipped, w, u, rate, *sizes, out=w)
