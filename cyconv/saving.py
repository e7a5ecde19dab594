"""`keras.saving`: files, and classes and functions of one's own in them."""

from .configurable import (
    custom_object_scope, deserialize_keras_object, get_custom_objects, get_registered_name,
    get_registered_object, register_keras_serializable, serialize_keras_object,
)  # fmt: skip
from .models import load_model, save_model

CustomObjectScope = custom_object_scope


def save_weights(model, filepath, overwrite=True):
    """model.save_weights(filepath)."""
    model.save_weights(filepath, overwrite)


def load_weights(model, filepath, skip_mismatch=False):
    """model.load_weights(filepath)."""
    model.load_weights(filepath, skip_mismatch)


__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
    "get_registered_name", "get_registered_object", "load_model", "load_weights",
    "register_keras_serializable", "save_model", "save_weights", "serialize_keras_object",
]  # fmt: skip
