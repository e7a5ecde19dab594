"""What can be written down as JSON values and made again: layers, models, losses, optimisers, initialisers...

The form is Keras 3's, so that a description written by one library is read by the other.
"""

from .base import Configurable, lookup
from .registry import (
    custom_object_scope, get_custom_objects, get_registered_name, get_registered_object,
    register_keras_serializable,
)  # fmt: skip
from .serialization import deserialize_keras_object, serialize_keras_object

__all__ = [
    "Configurable", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
    "get_registered_name", "get_registered_object", "lookup", "register_keras_serializable",
    "serialize_keras_object",
]  # fmt: skip
