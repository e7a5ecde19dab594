"""safetensors: the arrays, and the model's description as JSON in the metadata."""

import numpy as np

from .reading import Contents, Store


def packed(arrays, names, description=None):
    """The bytes of a file."""
    from safetensors.numpy import save

    metadata = {"cyconv": "2", **({"model": description} if description else {})}
    return save({n: np.asarray(a, order="C") for n, a in arrays.items()}, metadata=metadata)


class _Tensors(Store):
    def __init__(self, file):
        self._file = file
        self.shapes = {n: tuple(file.get_slice(n).get_shape()) for n in file.keys()}  # noqa: SIM118

    def read(self, name):
        return self._file.get_tensor(name)


def unpack(path, stack):
    """The Contents of a file. The library checks that header and sizes agree with the file's."""
    from safetensors import safe_open

    file = stack.enter_context(safe_open(path, framework="numpy"))
    metadata = file.metadata() or {}
    if metadata.get("cyconv") != "2":
        raise ValueError("a .safetensors file, but not one that cyconv wrote")
    return Contents(metadata.get("model"), _Tensors(file))
