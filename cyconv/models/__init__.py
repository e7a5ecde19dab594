"""Models: Sequential, the functional Model, copies, files."""

from .cloning import clone_model
from .model import Model
from .saving import load_model, model_from_json, save_model
from .sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
