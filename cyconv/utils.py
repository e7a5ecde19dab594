"""Small helpers under Keras's names."""

import numpy as np

from .arrays import numbers
from .configurable import (
    custom_object_scope, deserialize_keras_object, get_custom_objects, get_registered_name,
    get_registered_object, register_keras_serializable, serialize_keras_object,
)  # fmt: skip
from .random import set_random_seed
from .streams import PyDataset

Sequence = PyDataset
CustomObjectScope = custom_object_scope

__all__ = [
    "CustomObjectScope", "PyDataset", "Sequence", "custom_object_scope", "deserialize_keras_object",
    "get_custom_objects", "get_registered_name", "get_registered_object", "register_keras_serializable",
    "serialize_keras_object", "set_random_seed", "to_categorical",
]  # fmt: skip


def to_categorical(x, num_classes=None):
    """Class numbers as one-hot rows: (N,) or (N, 1) -> (N, num_classes), float32.

    Errors: ValueError for labels outside 0..num_classes - 1 or that are not whole.
    """
    labels = numbers(x, "to_categorical")
    if labels.dtype.kind == "f" and not (labels == np.floor(labels)).all():
        raise ValueError("to_categorical: class numbers must be whole")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    labels = labels.astype(np.int64)
    count = int(labels.max(initial=-1)) + 1 if num_classes is None else int(num_classes)
    if labels.size and (labels.min() < 0 or labels.max() >= count):
        raise ValueError(
            f"to_categorical: labels must lie in 0..{count - 1}. Received: {labels.min()}..{labels.max()}"
        )
    return np.eye(count, dtype=np.float32)[labels]
