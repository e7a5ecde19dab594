"""Files: weights as safetensors, the architecture and the training settings as JSON in its metadata.

No pickle: reading a file makes arrays and layers that are known here, and runs nothing else. A file is
written beside its target and moved over it, so an interrupted save leaves the old one whole.
"""

import json
import os
import tempfile

import numpy as np

from ..layers import deserialize

SUFFIX = ".safetensors"


class Saving:
    """save, save_weights, load_weights."""

    def save(self, filepath, overwrite=True):
        """Writes architecture, weights, optimiser and compile settings to one .safetensors file."""
        path = _checked(filepath, overwrite)
        if not self.built:
            raise ValueError(f"{self} is not built yet, it has no weights to save; call build or fit first")
        tensors = _weight_tensors(self)
        model = {"class_name": type(self).__name__, "config": self.get_config()}
        meta = {"cyconv": "1", "model": json.dumps(model)}
        if self.optimizer is not None:
            meta["compile"] = json.dumps(_compile_config(self))
            if self.optimizer.arena is not None:
                state = self.optimizer.state()
                tensors.update({f"optimizer/{i:06}": np.ascontiguousarray(v) for i, v in enumerate(state)})
        _write(path, tensors, meta)

    def save_weights(self, filepath, overwrite=True):
        """Writes the weights alone."""
        _write(_checked(filepath, overwrite), _weight_tensors(self), {"cyconv": "1"})

    def load_weights(self, filepath):
        """Sets all weights from a file; ValueError where they do not fit (nothing is changed then)."""
        tensors, _ = _read(filepath)
        _set_weights(self, tensors, filepath)


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):  # noqa: A002 (Keras's name)
    """The model in a file written by `save`, ready to predict; and to train on, where it was compiled.

    custom_objects: {class name: class} for layers of one's own. Errors: ValueError for a damaged file,
    foreign, or names an unknown class; OSError where there is none.
    """
    tensors, meta = _read(filepath)
    if "model" not in meta:
        raise ValueError(f"{filepath}: holds weights only; build the model and use model.load_weights(...)")
    try:
        description = json.loads(meta["model"])
        settings = json.loads(meta["compile"]) if compile and "compile" in meta else None
        model = deserialize(description, custom_objects)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{filepath}: its description of the model cannot be read ({error})") from error
    _set_weights(model, tensors, filepath)
    if settings:
        model.compile(**settings)
        state = [tensors[n] for n in sorted(tensors) if n.startswith("optimizer/")]
        if state:
            model.executor.ensure_arena()
            try:
                model.optimizer.load_state(state)
            except (KeyError, ValueError) as error:
                what = f"{filepath}: its optimiser state does not fit this model ({error})"
                raise ValueError(what) from error
    return model


def _checked(filepath, overwrite):
    path = os.fspath(filepath)
    if not path.endswith(SUFFIX):
        example = path.split(".")[0] + SUFFIX
        raise ValueError(f"the file name must end in {SUFFIX}. Received: {path!r}; e.g. {example}")
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f"{path} exists; pass overwrite=True to replace it")
    return path


def _weight_tensors(model):
    return {f"{i:04d}/{v.path}": v.numpy() for i, v in enumerate(model.weights)}


def _compile_config(model):
    from ..configurable import to_config

    arguments = {k: to_config(v) for k, v in model._compile_arguments.items()}
    return {"optimizer": to_config(model.optimizer), **arguments}


def _write(path, tensors, meta):
    from safetensors.numpy import save

    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".saving-", suffix=SUFFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(save(tensors, metadata=meta))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _read(filepath):
    from safetensors import SafetensorError, safe_open

    path = os.fspath(filepath)
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            meta = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"{path}: not a readable {SUFFIX} file ({error})") from error
    if meta.get("cyconv") != "1":
        raise ValueError(f"{path}: a {SUFFIX} file, but not one that cyconv wrote")
    return tensors, meta


def _set_weights(model, tensors, filepath):
    names = sorted(n for n in tensors if not n.startswith("optimizer/"))
    try:
        model.set_weights([tensors[n] for n in names])
    except ValueError as error:
        raise ValueError(f"{filepath}: its weights do not fit this model: {error}") from error
