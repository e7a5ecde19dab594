"""Layers from their configuration, layers inside layers included; only known classes are made."""

from ..configurable import to_config
from .base import Layer

# What stands above the layers and may be inside one: the model classes, which enter themselves here.
MODELS = {}


def serialize(layer):
    """{"class_name", "config"} of a layer, in JSON values."""
    return to_config(layer)


def deserialize(config, custom_objects=None):
    """The layer (or model) that `serialize` described.

    custom_objects: {class name: class} for layers of one's own. Errors: ValueError for an unknown class.
    """
    name = config["class_name"]
    cls = _known(name, custom_objects)
    if cls is None:
        raise ValueError(
            f"the file uses a layer class {name!r} that is not known here; "
            f"give custom_objects={{{name!r}: ...}}"
        )
    if name in MODELS or cls in MODELS.values():
        return cls.from_config(config["config"], custom_objects)
    return cls.from_config({k: _revived(v, custom_objects) for k, v in config["config"].items()})


def _known(name, custom_objects):
    from .. import layers

    cls = {**MODELS, **(custom_objects or {})}.get(name) or getattr(layers, name, None)
    return cls if isinstance(cls, type) and issubclass(cls, Layer) else None


def _revived(value, custom_objects):
    """An argument of a layer, with the layers inside it made from their configuration."""
    if isinstance(value, list):
        return [_revived(v, custom_objects) for v in value]
    if isinstance(value, dict) and "config" in value and _known(value.get("class_name"), custom_objects):
        return deserialize(value, custom_objects)
    return value
