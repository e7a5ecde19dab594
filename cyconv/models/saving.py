"""save, save_weights, load_weights of a model; load_model, model_from_json."""

import json
import warnings

from .. import files
from ..configurable import custom_object_scope, deserialize_keras_object, serialize_keras_object


class Saving:
    """The part of `Model` that writes and reads files."""

    def save(self, filepath, overwrite=True, zipped=None):
        """Writes architecture, weights, optimiser and compile settings to one file.

        filepath: ends in .keras (Keras 3 opens it; needs h5py) or .safetensors (native). An interrupted save
        leaves the old file whole. Errors: ValueError for another suffix or a model that is not built.
        """
        if zipped is False:
            raise ValueError("zipped=False is not here: a model is one file")
        if not self.built:
            raise ValueError(f"{self} is not built yet, it has no weights to save; call build or fit first")
        description = json.dumps(serialize_keras_object(self))
        files.write(filepath, *files.collect(self), files.MODEL_FORMATS, description, overwrite)

    def save_weights(self, filepath, overwrite=True):
        """Writes weights and optimiser state, to .weights.h5 (Keras's; needs h5py) or .safetensors."""
        if not self.built:
            raise ValueError(f"{self} is not built yet, it has no weights to save; call build or fit first")
        files.write(filepath, *files.collect(self), files.WEIGHT_FORMATS, overwrite=overwrite)

    def load_weights(self, filepath, skip_mismatch=False):
        """Sets all weights from a file of weights or of a model, written here or by Keras 3; and the state of
        the optimiser, where the file has one that fits.

        Weights belong to a layer by class and order. skip_mismatch: those that do not fit keep their values,
        with a warning; otherwise ValueError, and nothing is changed.
        """
        if not self.built:
            raise ValueError(f"{self} is not built yet; call model.build(input_shape) before load_weights")
        with files.opened(filepath) as contents:
            weights = files.fitting_weights(self, contents.store, skip_mismatch)
            state = self._fitting_state(contents.store)
        for variable, value in weights:
            variable.assign(value)
        if state is not None:
            self.optimizer.load_state(state)

    def _fitting_state(self, store):
        """The optimiser's state in a file of weights, whose optimiser may have been another."""
        if self.optimizer is None:
            return None
        try:
            return files.fitting_state(self, store)
        except ValueError as error:
            warnings.warn(f"the optimiser starts anew: {error}", stacklevel=3)
            return None


def save_model(model, filepath, overwrite=True, zipped=None):
    """model.save(filepath)."""
    model.save(filepath, overwrite, zipped)


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):  # noqa: A002 (Keras's name)
    """The model in a .keras or .safetensors file, ready to predict; and to train on, where it was compiled.

    custom_objects: {name: class or function} of one's own. safe_mode is accepted and changes nothing: code in
    a file is never run. Errors: ValueError, with the file's name, where it is damaged, foreign, or names an
    unknown class; FileNotFoundError.
    """
    with files.opened(filepath) as contents, custom_object_scope(custom_objects):
        if contents.description is None:
            raise ValueError("it holds weights only; build the model and use model.load_weights(...)")
        model, settings = _restored(contents.description)
        for variable, value in files.fitting_weights(model, contents.store):
            variable.assign(value)
        if compile and settings:
            _compile(model, settings, contents.store)
    return model


def _compile(model, settings, store):
    """Compiles as a file says, and takes the optimiser's state from it."""
    try:
        model.compile_from_config(settings)
        state = files.fitting_state(model, store)
    except Exception as error:
        raise ValueError(f"{error}\nWith compile=False the model loads without its optimiser.") from error
    if state is not None:
        model.optimizer.load_state(state)


def model_from_json(json_string, custom_objects=None):
    """The model that `to_json` described, here or in Keras, with fresh weights; compiled if that one was.

    Errors: ValueError for what is no description of a model.
    """
    with custom_object_scope(custom_objects):
        model, settings = _restored(json_string)
        if settings:
            model.compile_from_config(settings)
    return model


def _restored(description):
    """(model, its compile configuration) of JSON text."""
    from .model import Model

    entry = files.parsed(description)
    settings = entry.pop("compile_config", None) if isinstance(entry, dict) else None
    model = deserialize_keras_object(entry)
    if not isinstance(model, Model):
        raise ValueError(f"it describes no model but {type(model).__name__}")
    return model, settings
