"""`get_config` / `from_config` for everything that is made from arguments (layers, losses, optimisers...).

A Configurable remembers the arguments of its constructor; its configuration is those arguments, in plain
JSON values, under the names of the signature. A class adds or changes entries by overriding `get_config`.
"""

import inspect

import numpy as np


class Configurable:
    """Remembers its constructor's arguments."""

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        signature = inspect.signature(cls.__init__)
        try:
            bound = signature.bind(None, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{cls.__name__}: {error}. Its arguments: {_listed(signature)}") from None
        bound.apply_defaults()
        arguments = dict(list(bound.arguments.items())[1:])
        for name, parameter in signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                arguments.update(arguments.pop(name, {}))
            elif parameter.kind is parameter.VAR_POSITIONAL:
                arguments.pop(name, None)
        self._arguments = arguments
        return self

    def get_config(self):
        """The constructor's arguments as JSON values."""
        return {name: to_config(value) for name, value in self._arguments.items()}

    @classmethod
    def from_config(cls, config):
        """The object that `get_config` described."""
        return cls(**config)


def _listed(signature):
    return ", ".join(str(p) for p in list(signature.parameters.values())[1:])


def to_config(value):
    """`value` in JSON terms: tuples become lists, Configurables {"class_name", "config"}."""
    if isinstance(value, Configurable):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if isinstance(value, (list, tuple)):
        return [to_config(v) for v in value]
    if isinstance(value, dict):
        return {k: to_config(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    return value


def lookup(identifier, table, kind, base):
    """The object that a name, configuration, class, or object means.

    table: {name: class}. A name, in snake_case or CamelCase, gives a new object with default arguments.
    ValueError with the nearest names where it is unknown.
    """
    if identifier is None or isinstance(identifier, base):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, base):
        return identifier()
    if isinstance(identifier, dict) and "class_name" in identifier:
        cls = _find(identifier["class_name"], table, kind)
        return cls.from_config(identifier.get("config", {}))
    if isinstance(identifier, str):
        return _find(identifier, table, kind)()
    raise ValueError(f"{identifier!r} is no {kind}: give a name, an object or its configuration")


def _find(name, table, kind):
    key = name.replace("_", "").lower()
    for known, cls in table.items():
        if known.replace("_", "").lower() == key:
            return cls
    from difflib import get_close_matches

    near = get_close_matches(name, table, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(f"unknown {kind} {name!r}{hint} Known: {', '.join(sorted(table))}")
