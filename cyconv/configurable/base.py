"""`get_config` / `from_config` for everything that is made from arguments.

A Configurable remembers the arguments of its constructor; its configuration is those arguments, in JSON
values, under the names of the signature. A class adds or changes entries by overriding `get_config`.
"""

import inspect

from . import registry
from .serialization import deserialize_keras_object, serialize_keras_object

# What Keras writes for features that are not here, and that means nothing while the feature is off.
MEANINGLESS = frozenset({"autocast", "renorm_momentum"})


class Configurable:
    """Remembers its constructor's arguments."""

    # Arguments that Keras does not have: written down only where they differ from their default.
    own_arguments = ()

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
            elif name in cls.own_arguments and arguments[name] == parameter.default:
                del arguments[name]
        self._arguments = arguments
        return self

    def get_config(self):
        """The constructor's arguments as JSON values, in the form into which the constructor brought them."""
        return {name: serialize_keras_object(self._kept(name)) for name in self._arguments}

    def _kept(self, name):
        """An argument; where the object keeps it as a word, a tuple or an object of its own, then that:
        kernel_size=3 is (3, 3), "zeros" an initialiser.
        """
        kept = getattr(self, name, None)
        public = isinstance(kept, Configurable) and not type(kept).__name__.startswith("_")
        return kept if public or isinstance(kept, (str, tuple)) else self._arguments[name]

    @classmethod
    def from_config(cls, config):
        """The object that `get_config` described, be it here or in Keras.

        Arguments that only Keras has are passed over where they ask for nothing (None, False).
        """
        known = cls.argument_names()

        def asked_for(name, value):
            return name in known or not (value is None or value is False or name in MEANINGLESS)

        return cls(**{k: deserialize_keras_object(v) for k, v in config.items() if asked_for(k, v)})

    @classmethod
    def argument_names(cls):
        """The names that the constructor takes, those it hands on to its base classes included."""
        names = set()
        for base in cls.__mro__:
            if "__init__" not in base.__dict__:
                continue
            parameters = inspect.signature(base.__init__).parameters.values()
            names.update(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
            if all(p.kind is not p.VAR_KEYWORD for p in parameters):
                break
        return names


def _listed(signature):
    return ", ".join(str(p) for p in list(signature.parameters.values())[1:])


def lookup(identifier, table, kind, base):
    """The object that a name, configuration, class, or object means.

    table: {name: class}. A name, in snake_case or CamelCase, gives a new object with default arguments.
    Classes of one's own are found by name where they are registered. ValueError with the nearest names where
    it is unknown.
    """
    if identifier is None or isinstance(identifier, base):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, base):
        return identifier()
    if isinstance(identifier, dict) and isinstance(identifier.get("class_name"), str):
        cls = _find(identifier["class_name"], table, kind, base)
        return cls.from_config(identifier.get("config", {}))
    if isinstance(identifier, str):
        return _find(identifier, table, kind, base)()
    raise ValueError(f"{identifier!r} is no {kind}: give a name, an object or its configuration")


def _find(name, table, kind, base):
    custom = registry.get_registered_object(name)
    if isinstance(custom, type) and issubclass(custom, base):
        return custom
    key = name.replace("_", "").lower()
    for known, cls in table.items():
        if known.replace("_", "").lower() == key:
            return cls
    from difflib import get_close_matches

    near = get_close_matches(name, table, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(f"unknown {kind} {name!r}{hint} Known: {', '.join(sorted(table))}")
