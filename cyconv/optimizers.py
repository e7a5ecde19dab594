"""Optimisers under Keras's names, in order of increasing complexity.

All trained variables lie in one arena, so a step is one operation over a flat array. What changes from step
to step (learning rate, Adam's bias correction) lies in the small array `hyper`, written before each step.
"""

import math

import numpy as np

from .configurable import Configurable, lookup


class Optimizer(Configurable):
    """Base class: `slot_names`, `hyper_values(step)` and `record`."""

    slot_names = ()

    def __init__(self, learning_rate):
        self.learning_rate = learning_rate
        self.iterations, self.arena, self.slots, self.hyper = 0, None, {}, None

    @property
    def learning_rate(self):
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        value = float(value)
        if not value >= 0:
            raise ValueError(f"`learning_rate` must not be negative. Received: {value}")
        self._learning_rate = value

    def attach(self, arena):
        """Makes the slots for `arena`; slots for the same variables keep their values."""
        before = self.arena
        self.hyper = arena.backend.asarray(np.zeros(len(self.hyper_values(1)), arena.dtype), arena.dtype)
        same = before is not None and [v.path for v in before.variables] == [v.path for v in arena.variables]
        kept = {n: before.backend.to_host(s) for n, s in self.slots.items()} if same else {}
        self.slots = {name: arena.zeros() for name in self.slot_names}
        for name, values in kept.items():
            arena.backend.load(self.slots[name], values)
        self.arena = arena

    def before_step(self):
        """Writes `hyper` for the step that comes."""
        self.iterations += 1
        values = np.array(self.hyper_values(self.iterations), self.arena.dtype)
        self.arena.backend.load(self.hyper, values)

    def hyper_values(self, step):
        """What the kernel reads in step `step` (1, 2, ...)."""
        raise NotImplementedError

    def record(self, ops):
        """Records the update of the whole arena."""
        raise NotImplementedError

    # Slots whose values alternate, variable by variable, in Keras's files; by default all of them.
    @property
    def slot_groups(self):
        return [self.slot_names]

    @property
    def scalars(self):
        """How many of `variables` there are before the first step: iterations and learning rate."""
        return 2

    def variables(self):
        """Everything that a continued training needs, in the order of Keras's files: iterations, learning
        rate, then, once there are some, the slots.
        """
        state = [np.array(self.iterations), np.array(self.learning_rate)]
        return state + [np.array(self.arena.backend.to_host(view)) for view in self._slot_views()]

    def _slot_views(self):
        """Every slot cut by variable, in the order of `slot_groups`."""
        if self.arena is None:
            return []
        cut = {name: self.arena.views(flat) for name, flat in self.slots.items()}
        return [v for group in self.slot_groups for views in zip(*(cut[n] for n in group)) for v in views]

    def load_variables(self, state):
        """Sets what `variables` gave; the slots only where they are in it."""
        self.iterations, self.learning_rate = int(np.ravel(state[0])[0]), float(np.ravel(state[1])[0])
        if len(state) > self.scalars:
            for view, values in zip(self._slot_views(), state[self.scalars :], strict=True):
                self.arena.backend.load(view, values)

    def get_config(self):
        return {**super().get_config(), "learning_rate": self.learning_rate}


class SGD(Optimizer):
    """w -= lr * g; with momentum: m = momentum * m - lr * g, w += m; nesterov: w += momentum * m - lr * g."""

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, name="SGD"):
        if not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` lies in [0, 1]. Received: {momentum}")
        super().__init__(learning_rate)
        self.momentum, self.nesterov, self.name = momentum, nesterov, name
        self.slot_names = ("momentum",) if momentum else ()

    def hyper_values(self, step):
        return self.learning_rate, self.momentum

    def record(self, ops):
        ops.sgd(self.arena.gradient, self.hyper, self.arena.value, self.slots.get("momentum"),
                nesterov=self.nesterov)  # fmt: skip


class Adam(Optimizer):
    """Kingma & Ba 2015: steps of about the learning rate, by running means of g and g**2."""

    slot_names = ("momentum", "velocity")

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, name="adam"):
        for label, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
            if not 0 <= beta < 1:
                raise ValueError(f"`{label}` lies in [0, 1). Received: {beta}")
        super().__init__(learning_rate)
        self.beta_1, self.beta_2, self.epsilon, self.name = beta_1, beta_2, epsilon, name

    def hyper_values(self, step):
        correction = math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        return self.learning_rate * correction, self.beta_1, self.beta_2, self.epsilon

    def record(self, ops):
        ops.adam(self.arena.gradient, self.hyper, self.arena.value, self.slots["momentum"],
                 self.slots["velocity"])  # fmt: skip


TABLE = {"SGD": SGD, "Adam": Adam}


def get(identifier):
    """The optimiser that a name, configuration, class or object means."""
    return lookup(identifier, TABLE, "optimizer", Optimizer)
