"""Models: Sequential, the functional Model, loading."""

from ..layers import deserialize
from ..layers.serialization import MODELS
from .model import Model
from .saving import load_model
from .sequential import Sequential

MODELS.update(Sequential=Sequential, Model=Model, Functional=Model)


def model_from_json(text, custom_objects=None):
    """The model that `to_json` described, with fresh weights."""
    import json

    try:
        description = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    return deserialize(description, custom_objects)


def clone_model(model):
    """A model of the same architecture, with fresh weights."""
    return type(model).from_config(model.get_config())


__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json"]
