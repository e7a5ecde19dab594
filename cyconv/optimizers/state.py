"""An optimiser's numbers and arrays, one by one."""

from math import prod

import numpy as np

from ..variables import Variable


class LearningRate(float):
    """A float that scripts may also treat as Keras's variable: `assign`, `numpy`, `value`."""

    def __new__(cls, value, optimizer):
        self = super().__new__(cls, value)
        self._optimizer = optimizer
        return self

    def assign(self, value):
        """Sets the optimiser's learning rate."""
        self._optimizer.learning_rate = value

    def numpy(self):
        """The value as NumPy's float32."""
        return np.float32(self)

    value = property(float)


class Steps(int):
    """The number of steps taken, as an int with `assign`, `numpy`, `value`."""

    def __new__(cls, value, optimizer):
        self = super().__new__(cls, value)
        self._optimizer = optimizer
        return self

    def assign(self, value):
        """Sets the optimiser's number of steps."""
        self._optimizer._steps = int(value)

    def numpy(self):
        """The value as NumPy's int64."""
        return np.int64(self)

    value = property(int)


class Number:
    """A number of the optimiser's state, seen as a variable."""

    shape, size, ndim = (), 1, 0

    def __init__(self, optimizer, name):
        self.optimizer, self.name, self.path = optimizer, name, f"{optimizer.name}/{name}"
        self.dtype = "int64" if name == "iteration" else "float32"

    def numpy(self):
        """The value, as an array without axes."""
        owner = self.optimizer
        known = {"iteration": owner.iterations, "learning_rate": owner.learning_rate}
        # float64, so that a continued training goes on with the same number
        return np.array(known[self.name] if self.name in known else owner.numbers[self.name])

    def assign(self, value):
        """Sets the value."""
        value = np.asarray(value).item()
        if self.name == "iteration":
            self.optimizer.iterations.assign(value)
        elif self.name == "learning_rate":
            self.optimizer.learning_rate = value
        else:
            self.optimizer.numbers[self.name] = value


def slot_views(optimizer, groups):
    """The slots cut by variable: of each group all slots of the first variable, then of the second, ..."""
    arena, found = optimizer.arena, []
    for group in groups:
        cut = [arena.pieces(optimizer.slots[name]) for name in group]
        for variable, pieces in zip(arena.variables, zip(*cut, strict=True), strict=True):
            for name, piece in zip(group, pieces, strict=True):
                shape = optimizer.slot_shape(name, variable)
                if shape is not None:
                    view = arena.backend.reshape(piece[: prod(shape)], shape)
                    label = f"{variable.path.replace('/', '_')}_{name}"
                    slot = Variable((), label, False, f"{optimizer.name}/{label}")
                    slot.value, slot.backend = view, arena.backend
                    found.append(slot)
    return found
