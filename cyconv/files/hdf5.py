"""Keras 3's .weights.h5, through h5py."""

import io

import numpy as np

from .reading import Contents, Store

SMALL = 2**20  # a chunk of this many bytes may always be read


def _h5py():
    try:
        import h5py
    except ImportError as error:
        raise ImportError('HDF5 files need h5py: pip install "cyconv[keras]"') from error
    return h5py


def packed(arrays, names, description=None):
    """The bytes of a file. Every group that is named is there, with arrays or without, as in Keras."""
    content = io.BytesIO()
    with _h5py().File(content, "w") as file:
        for group, name in names.items():
            file.create_group(group).attrs["name"] = name
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
    return content.getvalue()


class _Datasets(Store):
    """The datasets that lie in the file itself; links are not followed."""

    def __init__(self, file):
        h5py, self._datasets = _h5py(), {}

        def note(name, thing):
            if isinstance(thing, h5py.Dataset):
                self._datasets[name] = thing

        file.visititems(note)
        self.shapes = {name: dataset.shape for name, dataset in self._datasets.items()}

    def read(self, name):
        """The array; it is asked for after its shape was found to be the model's."""
        dataset = self._datasets[name]
        if dataset.dtype.kind not in "fiub":
            raise ValueError(f"{name} holds no numbers but {dataset.dtype}")
        if dataset.external or dataset.is_virtual:
            raise ValueError(f"{name} lies in another file")
        chunk = int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize if dataset.chunks else 0
        if chunk > max(2 * dataset.nbytes, SMALL):
            raise ValueError(f"{name} claims pieces of {chunk} bytes for {dataset.nbytes} bytes of values")
        return np.asarray(dataset[()])


def unpack(source, stack):
    """The Contents of a file, or of its bytes in a file object."""
    file = stack.enter_context(_h5py().File(source, "r"))
    if "model_config" in file.attrs or "model_weights" in file:
        raise ValueError("an HDF5 file of Keras 2; open it in Keras 3 and save it as .keras")
    return Contents(None, _Datasets(file))
