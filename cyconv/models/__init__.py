"""Models: Sequential, the functional Model, loading."""

from .model import Model
from .saving import load_model
from .sequential import Sequential


def model_from_json(text, custom_objects=None):
    """The model that `to_json` described, with fresh weights."""
    import json

    from .architecture import restore_layer

    try:
        description = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    return restore_layer(description, custom_objects)


def clone_model(model):
    """A model of the same architecture, with fresh weights."""
    return type(model).from_config(model.get_config())


__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json"]
