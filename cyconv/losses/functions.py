"""Every loss as a function of arrays: `mean_squared_error(y_true, y_pred)` gives a value for each row."""

import inspect
import re

from .base import Loss


def snake_case(name):
    """MeanSquaredError -> mean_squared_error."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def as_function(cls: type[Loss]):
    """The function of a loss class; it takes the class's own options behind y_true and y_pred."""
    own = [p for p in list(inspect.signature(cls.__init__).parameters.values())[1:]
           if p.name not in ("reduction", "name", "dtype")]  # fmt: skip

    def function(y_true, y_pred, *options, **named):
        given = dict(zip((p.name for p in own), options, strict=False))
        return cls(reduction=None, **given, **named)(y_true, y_pred)

    function.__name__ = function.__qualname__ = snake_case(cls.__name__)
    function.__doc__ = f"{cls.__doc__.strip()}\n\n    Gives a value for each row of y_pred, as an array."
    both = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in ("y_true", "y_pred")]
    function.__signature__ = inspect.Signature([*both, *own])
    function.loss_class = cls
    return function
