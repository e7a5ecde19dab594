"""Optimisers that divide each element's step by the size of its past gradients: Adagrad and what followed."""

import numpy as np

from .base import Optimizer


class Adagrad(Optimizer):
    """a += g**2; w -= lr * g / sqrt(a + epsilon) (Duchi et al. 2011)."""

    slot_groups = (("accumulator",),)

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, **options):
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def slot_start(self, name):
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def update(self, w, g, rate, a):
        a = a + g * g
        return w - rate * g / np.sqrt(a + self.epsilon), a


class Adadelta(Optimizer):
    """a = rho * a + (1 - rho) * g**2; d = -g * sqrt(b + epsilon) / sqrt(a + epsilon);
    b = rho * b + (1 - rho) * d**2; w += lr * d (Zeiler 2012).
    """

    slot_groups = (("accumulated_grad", "accumulated_delta_var"),)

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, **options):
        super().__init__(learning_rate, **options)
        self.rho, self.epsilon = rho, epsilon

    def update(self, w, g, rate, a, b):
        a = self.rho * a + (1 - self.rho) * (g * g)
        d = -g * np.sqrt(b + self.epsilon) / np.sqrt(a + self.epsilon)
        b = self.rho * b + (1 - self.rho) * (d * d)
        return w + rate * d, a, b


class RMSprop(Optimizer):
    """v = rho * v + (1 - rho) * g**2; w -= lr * g / sqrt(v + epsilon) (Tieleman & Hinton 2012).

    centered: v less the square of the mean gradient a = rho * a + (1 - rho) * g. momentum: the steps add up,
    m = momentum * m + step, w -= m.
    """

    def __init__(self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, **options):
        super().__init__(learning_rate, **options)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self.slot_groups = (("velocity",), *([("momentum",)] if momentum > 0 else []),
                            *([("average_gradient",)] if centered else []))  # fmt: skip

    def update(self, w, g, rate, v, *others):
        others = list(others)
        m = others.pop(0) if self.momentum > 0 else None
        v = size = self.rho * v + (1 - self.rho) * (g * g)
        if self.centered:
            a = self.rho * others.pop(0) + (1 - self.rho) * g
            others.append(a)
            size = v - a * a
        step = rate * g / np.sqrt(size + self.epsilon)
        if m is not None:
            step = self.momentum * m + step
            others.insert(0, step)
        return (w - step, v, *others)


class Ftrl(Optimizer):
    """"Follow the regularised leader" (McMahan et al. 2013), which makes weights exactly 0 by its l1.

    n = a + g**2, p = -learning_rate_power; z += g + 2 * shrinkage * w - (n**p - a**p) / lr * w; w = (clip(z,
    -l1, l1) - z) / (n**p / lr + 2 * l2 + beta / lr); a = n.
    """

    slot_groups = (("accumulator", "linear"),)

    def __init__(self, learning_rate=0.001, learning_rate_power=-0.5, initial_accumulator_value=0.1,
                 l1_regularization_strength=0.0, l2_regularization_strength=0.0,
                 l2_shrinkage_regularization_strength=0.0, beta=0.0, **options):  # fmt: skip
        super().__init__(learning_rate, **options)
        if learning_rate_power > 0:
            raise ValueError(f"`learning_rate_power` must not be above 0. Received: {learning_rate_power}")
        for name, value in (("initial_accumulator_value", initial_accumulator_value),
                            ("l1_regularization_strength", l1_regularization_strength),
                            ("l2_regularization_strength", l2_regularization_strength),
                            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength)):
            if value < 0:
                raise ValueError(f"`{name}` must not be negative. Received: {value}")
        self.power, self.initial_accumulator_value = -learning_rate_power, initial_accumulator_value
        self.l1, self.l2 = l1_regularization_strength, l2_regularization_strength
        self.shrinkage, self.beta = l2_shrinkage_regularization_strength, beta

    def slot_start(self, name):
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def update(self, w, g, rate, a, z):
        n = a + g * g
        after = np.power(n, self.power)
        z = z + g + 2 * self.shrinkage * w - (after - np.power(a, self.power)) / rate * w
        quadratic = after / rate + 2 * self.l2 + self.beta / rate
        return (np.clip(z, -self.l1, self.l1) - z) / quadratic, n, z
