"""Objects as JSON values, and back, in Keras 3's form:

    {"module": "keras.layers", "class_name": "Conv2D", "config": {...}, "registered_name": null}

Reading makes objects of classes that are known, and does nothing else: no import, no code.
"""

from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from . import registry

# Objects that occur more than once in what is being written, or read: {id: (object, its entry)}, {number:
# object}. Entries of one object share a number.
_written, _read = ContextVar("written", default=None), ContextVar("read", default=None)


def serialize_keras_object(obj):
    """`obj` in JSON values: numbers, words, lists and dicts of them, arrays, functions by name, and
    everything that has `get_config`. TypeError where there is no way to write it down.
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": str(obj.dtype)}}
    if isinstance(obj, (list, tuple)):
        return [serialize_keras_object(o) for o in obj]
    if isinstance(obj, dict):
        return {str(k): serialize_keras_object(v) for k, v in obj.items()}
    if isinstance(obj, np.dtype):
        return str(obj)
    if hasattr(obj, "get_config") and not isinstance(obj, type):
        with _sharing(_written) as seen:
            return _numbered(obj, _described(obj), seen)
    if callable(obj) and hasattr(obj, "__name__"):
        return _named(obj)
    raise TypeError(f"{obj!r} ({type(obj).__name__}) cannot be written down; give it a get_config method")


@contextmanager
def _sharing(memory):
    """What has been met since the outermost call."""
    if memory.get() is not None:
        yield memory.get()
        return
    token = memory.set({})
    try:
        yield memory.get()
    finally:
        memory.reset(token)


def _numbered(obj, entry, seen):
    if id(obj) in seen:
        first = seen[id(obj)][1]
        entry["shared_object_id"] = first.setdefault("shared_object_id", len(seen))
    else:
        seen[id(obj)] = obj, entry
    return entry


def _described(obj):
    cls = type(obj)
    public = registry.public_name(cls)
    registered = registry.get_registered_name(cls)
    module, name = public or (None if ">" in registered else cls.__module__, cls.__name__)
    entry = {"module": module, "class_name": name, "config": obj.get_config()}
    entry["registered_name"] = registered if public is None else name if ".src." in module else None
    if getattr(obj, "get_build_config", None):
        build = obj.get_build_config()
        entry.update({} if build is None else {"build_config": build})
    if getattr(obj, "get_compile_config", None):
        entry["compile_config"] = obj.get_compile_config()
    return entry


def _named(function):
    """A function of the library is its name; one of a user's own says that it is a function."""
    if function.__name__ == "<lambda>":
        raise TypeError(
            "a lambda has no name by which a file could call it: write it with `def`, and decorate it with "
            "saving.register_keras_serializable()"
        )
    if (function.__module__ or "").split(".")[0] == registry.LIBRARY:
        return function.__name__
    name = registry.get_registered_name(function)
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": name}


def deserialize_keras_object(config, custom_objects=None, safe_mode=True):
    """What `serialize_keras_object` described, here or in Keras.

    custom_objects: {name: class or function} of one's own. safe_mode is accepted and changes nothing: code
    in a file is never run. Errors: ValueError for an unknown class, or what is no description.
    """
    with registry.custom_object_scope(custom_objects), _sharing(_read) as seen:
        return _made(config, seen)


def _made(config, seen):
    if isinstance(config, (list, tuple)):
        return [_made(c, seen) for c in config]
    if not isinstance(config, dict):
        return config
    name = config.get("class_name")
    if not isinstance(name, str) or "config" not in config:
        return {k: _made(v, seen) for k, v in config.items()}
    inner = config["config"]
    if name in _SPECIAL:
        return _SPECIAL[name](inner)
    if "module" not in config and "registered_name" not in config:
        return config  # Keras 2's short form; who asked for it knows what kind of object it is
    number = config.get("shared_object_id")
    if isinstance(number, int) and number in seen:
        return seen[number]
    cls = _class_of(config)
    if not isinstance(inner, dict):
        raise ValueError(f"the configuration of {name!r} must be a dict. Received: {inner!r:.80}")
    made = cls.from_config(inner)
    if config.get("compile_config") and hasattr(made, "compile_from_config"):
        made.compile_from_config(config["compile_config"])
    if isinstance(number, int):
        seen[number] = made
    return made


def _class_of(config):
    name, module, registered = config["class_name"], config.get("module"), config.get("registered_name")
    for key in (registered, name):
        custom = registry.get_registered_object(key)
        if isinstance(custom, type) and hasattr(custom, "from_config"):
            return custom
    cls = registry.library_class(module, name)
    if cls is not None:
        return cls
    if name == "Lambda":
        raise ValueError("a Lambda layer holds Python code, and code in a file is never run; write a Layer")
    raise ValueError(
        f"the class {name!r} (of {module!r}) is not known here; if it is your own, give "
        f"custom_objects={{{name!r}: ...}} or decorate it with saving.register_keras_serializable()"
    )


def _function(name):
    """A registered function; any other name is left to whom it is an argument of: "relu"."""
    return registry.get_registered_object(name) or name


def _array(config):
    dtype = np.dtype(config["dtype"])
    if dtype.kind not in "fiub":
        raise ValueError(f"an array of numbers was expected. Received: dtype {config['dtype']!r}")
    return np.array(config["value"], dtype)


def _refused(_):
    raise ValueError("it holds a lambda, which is Python code; code in a file is never run")


_SPECIAL = {
    "__numpy__": _array,
    "__tensor__": _array,
    "__tuple__": lambda config: tuple(deserialize_keras_object(config["value"])),
    "__lambda__": _refused,
    "function": _function,
    "DTypePolicy": lambda config: config["name"],
}
