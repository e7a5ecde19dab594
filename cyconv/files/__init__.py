"""Files of models and weights: safetensors (native), Keras's .keras archives and .weights.h5.

All hold the same arrays under Keras's names (`places.py`), and the model's description as JSON. Reading makes
arrays and objects of known classes and runs nothing else; there is no pickle anywhere.
"""

import os

from ..atomic import write_atomically
from . import archive, hdf5, native
from .places import collect, fitting_state, fitting_weights
from .reading import SHARDS, opened, parsed

# What a model, or its weights alone, may be called.
MODEL_FORMATS = {".keras": archive.packed, ".safetensors": native.packed}
WEIGHT_FORMATS = {".weights.h5": hdf5.packed, ".safetensors": native.packed}


def write(filepath, arrays, names, formats, description=None, overwrite=True):
    """Writes arrays, the names of their groups, and a model's description, in the format of the suffix."""
    path = os.fspath(filepath)
    suffix = next((s for s in formats if str(path).endswith(s)), None)
    if suffix is None:
        known, why = " or ".join(formats), ""
        stem = os.path.splitext(path)[0].removesuffix(".weights")
        if str(path).endswith(SHARDS):
            why = f" ({SHARDS} is Keras's list of weights that lie in several files; here they are one file)"
        raise ValueError(
            f"the file name must end in {known}{why}. Received: {path!r}; e.g. {stem}{next(iter(formats))}"
        )
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f"{path} exists; pass overwrite=True to replace it")
    write_atomically(path, formats[suffix](arrays, names, description))


__all__ = [
    "MODEL_FORMATS", "WEIGHT_FORMATS", "collect", "fitting_state", "fitting_weights", "opened", "parsed",
    "write",
]  # fmt: skip
