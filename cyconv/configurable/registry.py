"""Which class a name in a description means: one of the library's, or one that its author has entered here.

Nothing is imported by a name that stands in a file: the library's classes are those that exist already.
"""

from contextlib import ContextDecorator
from contextvars import ContextVar
from types import MappingProxyType

LIBRARY = __name__.split(".")[0]
# What Keras's modules are named after; equal class names of different kinds are different classes.
KINDS = frozenset(
    "constraints initializers layers losses metrics models ops optimizers regularizers schedules".split()
)

_registered = {}  # {"package>name": class or function}, for the whole process
_names = {}  # {class or function: "package>name"}
_scoped = ContextVar("custom objects", default=MappingProxyType({}))  # those of the scopes that are open


def register_keras_serializable(package="Custom", name=None):
    """A decorator: files may hold this class or function; they name it "package>name"."""

    def enter(thing):
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(f"{thing.__name__} has no get_config method, so it cannot be written down")
        key = f"{package}>{name or thing.__name__}"
        _registered[key], _names[thing] = thing, key
        return thing

    return enter


class custom_object_scope(ContextDecorator):  # noqa: N801 (Keras's name)
    """`with custom_object_scope({"Mine": Mine}):` names in files also mean these classes and functions."""

    def __init__(self, *custom_objects):
        self._objects = {k: v for each in custom_objects for k, v in (each or {}).items()}
        self._tokens = []

    def __enter__(self):
        self._tokens.append(_scoped.set({**_scoped.get(), **self._objects}))
        return self

    def __exit__(self, *_):
        _scoped.reset(self._tokens.pop())


def get_custom_objects():
    """The dictionary of registered classes and functions; it may be changed in place."""
    return _registered


def get_registered_name(thing):
    """ "package>name" where the class or function is registered, else its name."""
    return _names.get(thing, thing.__name__)


def get_registered_object(name, custom_objects=None, module_objects=None):
    """The class or function that is registered, or in scope, under `name`; None where there is none."""
    for objects in (custom_objects, _scoped.get(), _registered, module_objects):
        if objects and isinstance(name, str) and name in objects:
            return objects[name]
    return None


def kind(module):
    """The room that a module's name speaks of: "keras.src.layers.core.dense" is of the kind "layers"."""
    parts = module.split(".") if isinstance(module, str) else [""]
    if parts[0] not in ("keras", LIBRARY):
        return None
    return next((p for p in reversed(parts) if p in KINDS), "models")


def public_name(cls):
    """(module, class name) under which Keras knows the class; None for a class of a user's own."""
    if cls.__module__.split(".")[0] != LIBRARY:
        return None
    module = getattr(cls, "keras_module", None) or "keras." + cls.__module__.split(".")[1]
    return module, cls.__dict__.get("keras_name", cls.__name__)


def library_class(module, name):
    """The library's class of that name and kind; None where there is none."""
    return _library().get((kind(module), name))


def _library():
    """{(kind, name): class} of all the library's classes that can be written down."""
    from .base import Configurable

    table, waiting = {}, [Configurable]
    while waiting:
        cls = waiting.pop()
        waiting.extend(cls.__subclasses__())
        public = public_name(cls)
        if public and not cls.__name__.startswith("_"):
            table[kind(public[0]), public[1]] = cls
    return table
