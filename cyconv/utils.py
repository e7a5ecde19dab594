"""Small helpers under Keras's names."""

import os

import numpy as np

from . import backends, random
from .arrays import numbers
from .configurable import (
    custom_object_scope, deserialize_keras_object, get_custom_objects, get_registered_name,
    get_registered_object, register_keras_serializable, serialize_keras_object,
)  # fmt: skip
from .streams import PyDataset

Sequence = PyDataset
CustomObjectScope = custom_object_scope

__all__ = [
    "CustomObjectScope", "PyDataset", "Sequence", "custom_object_scope", "deserialize_keras_object",
    "get_custom_objects", "get_registered_name", "get_registered_object", "plot_model",
    "register_keras_serializable", "serialize_keras_object", "set_random_seed", "to_categorical",
]  # fmt: skip


def set_random_seed(seed):
    """Seeds Python's, NumPy's and cyconv's generators; what is built, called and trained after is repeatable.

    seed: an integer. Layers and shuffles take numbered sub-seeds from it, in the order of construction.
    """
    random.set_random_seed(seed)
    backends.restart_random()


def plot_model(model, to_file="model.svg", show_shapes=False, show_dtype=False, show_layer_names=False,
               rankdir="TB", expand_nested=False, dpi=200, show_layer_activations=False,
               show_trainable=False, splines="ortho", **kwargs):  # fmt: skip
    """Draws a model as boxes and arrows, in SVG; Residual and Skip are always opened.

    to_file: a path that ends in .svg, or None. rankdir: "TB" (downwards) or "LR" (to the right).
    expand_nested: whether to open models inside the model. splines: "ortho" for right angles, anything else
    for curves. dpi has no meaning for a drawing without pixels. Returns the SVG text, which notebooks show.
    Errors: ValueError for another kind of file or a model that is not built.
    """
    from .visualize.model_svg import Style, model_svg

    if kwargs:
        raise TypeError(f"plot_model does not know the argument {next(iter(kwargs))!r}")
    path = None if to_file is None else os.fspath(to_file)
    if path is not None and not path.endswith(".svg"):
        name = f"{os.path.splitext(path)[0]}.svg"
        raise ValueError(f"plot_model writes SVG, which browsers and notebooks show; use to_file={name!r}")
    if not model.built:
        raise ValueError(f"{model} is not built: its input's shape is not known yet; call model.build(...)")
    style = Style(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    svg = model_svg(model, style, rankdir, expand_nested, splines)
    if path is not None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(svg)
    return svg


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
