"""Parameters: named arrays on a backend; and the arenas that hold many of them end to end."""

from contextlib import contextmanager
from contextvars import ContextVar
from math import prod

import operator

import numpy as np

from .arrays import numbers

# Raised whenever an array behind some variable changes place: recorded plans point at the old one then.
_moves = 0


def moves():
    """How often any variable has changed its place in memory."""
    return _moves


def moved():
    """Says that plans recorded so far are out of date."""
    global _moves
    _moves += 1


# Raised whenever some layer is frozen or thawed.
_freezes = 0


def freezes():
    """How often `trainable` of any layer has been set."""
    return _freezes


def frozen():
    """Says that `trainable` of a layer has been set."""
    global _freezes
    _freezes += 1


# How many bytes of weights may still be made; None: as many as one likes.
_left = ContextVar("bytes left", default=None)


@contextmanager
def at_most(size):
    """Within it, weights of more than `size` bytes together are refused before they are made."""
    token = _left.set([size])
    try:
        yield
    finally:
        _left.reset(token)


def claim(shape, dtype):
    """Counts a weight that will be made; ValueError where `at_most` does not allow it."""
    left = _left.get()
    if left is not None:
        left[0] -= prod(shape) * np.dtype(dtype).itemsize
        if left[0] < 0:
            raise ValueError(f"weights of shape {tuple(shape)} are more than the file can hold")


class Variable:
    """A tensor that a layer owns: `kernel`, `bias`, `moving_mean`, ...

    value: an array of the backend it lives on. gradient: likewise, where it is trained. `numpy()` copies it
    out, `assign()` in. regularizer, constraint: what training adds to the loss for it, and brings it back to.
    """

    def __init__(self, values, name, trainable=True, path=None):
        self.value, self.gradient = np.asarray(values, order="C"), None
        self.name, self._trainable, self.path = name, trainable, path or name
        self.backend = None  # None: NumPy memory
        self.regularizer = self.constraint = None

    shape = property(lambda self: tuple(self.value.shape))
    dtype = property(lambda self: str(self.value.dtype))
    ndim = property(lambda self: len(self.value.shape))
    size = property(lambda self: int(np.prod(self.shape)))

    @property
    def trainable(self):
        """Whether training changes the variable."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        if bool(value) != self._trainable:
            self._trainable = bool(value)
            moved()

    def numpy(self):
        """A copy of the values as a NumPy array."""
        return np.array(self.backend.to_host(self.value) if self.backend else self.value)

    def __array__(self, dtype=None, copy=None):
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def assign(self, values):
        """Sets the values, in place; ValueError where the shape differs."""
        values = numbers(values, f"`{self.path}`")
        if values.shape != self.shape:
            raise ValueError(
                f"`{self.path}` has shape {self.shape}; it cannot take values of shape {values.shape}"
            )
        values = values.astype(self.dtype)
        if self.backend:
            self.backend.load(self.value, values)
        else:
            self.value[...] = values

    def assign_add(self, values):
        """Adds to the values, in place."""
        self.assign(self.numpy() + np.asarray(values))

    def assign_sub(self, values):
        """Subtracts from the values, in place."""
        self.assign(self.numpy() - np.asarray(values))

    def __float__(self):
        return float(self.numpy())

    def place(self, array, backend):
        """Moves the variable into `array` of `backend`, with its values."""
        values = self.numpy()
        self.value, self.backend = array, backend
        backend.load(array, values)
        moved()

    def on(self, backend):
        """Makes sure that the variable lives in `backend`'s kind of memory."""
        if self.backend is None and backend.memory == "host":
            self.backend = backend
        elif self.backend is None or self.backend.memory != backend.memory:
            self.place(backend.empty(self.shape, self.dtype), backend)

    def __repr__(self):
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"


def _with_operators(cls):
    """Lets a Variable stand for its values in arithmetic and comparisons with < and >."""
    for name in ("add", "sub", "mul", "truediv", "floordiv", "pow", "mod", "lt", "le", "gt", "ge"):
        function = getattr(operator, name)

        def forward(self, other, function=function):
            return function(self.numpy(), np.asarray(other))

        def reverse(self, other, function=function):
            return function(np.asarray(other), self.numpy())

        setattr(cls, f"__{name}__", forward)
        setattr(cls, f"__r{name}__", reverse)
    cls.__neg__ = lambda self: -self.numpy()
    cls.__getitem__ = lambda self, index: self.numpy()[index]


_with_operators(Variable)


class Arena:
    """Variables of one dtype end to end in one flat array, their gradients in another.

    One optimiser call then updates them all. `views(flat)` cuts any such flat array by variable.
    """

    def __init__(self, variables, backend):
        self.variables, self.backend = list(variables), backend
        dtypes = {v.dtype for v in self.variables}
        if len(dtypes) > 1:
            raise ValueError(f"all trained variables must have one dtype; these have {sorted(dtypes)}")
        self.dtype = dtypes.pop() if dtypes else "float32"
        self.size = sum(v.size for v in self.variables)
        self.value, self.gradient = self.zeros(), self.zeros()
        self._places = self.views(self.value)
        places = zip(self.variables, self._places, self.views(self.gradient), strict=True)
        for variable, value, gradient in places:
            variable.place(value, backend)
            variable.gradient = gradient

    def zeros(self):
        """A new flat array of zeros for this arena's variables: an optimiser slot."""
        return self.backend.asarray(np.zeros(self.size, self.dtype), self.dtype)

    def pieces(self, flat):
        """`flat` cut into one flat piece a variable."""
        ends = np.cumsum([0, *(v.size for v in self.variables)]).tolist()
        return [flat[start:end] for start, end in zip(ends[:-1], ends[1:], strict=True)]

    def views(self, flat):
        """`flat` cut into one view a variable, of the variable's shape."""
        pieces = zip(self.pieces(flat), self.variables, strict=True)
        return [self.backend.reshape(piece, variable.shape) for piece, variable in pieces]

    def intact(self):
        """Whether every variable still lives here (another model may have taken one over)."""
        return all(v.value is place for v, place in zip(self.variables, self._places, strict=True))
