"""The IDX format of MNIST and Fashion-MNIST (http://yann.lecun.com/exdb/mnist/).

Two zero bytes, a type byte, the number of axes, each axis's length as four big-endian bytes, the elements.
"""

import struct
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from . import _files

UNSIGNED_BYTE = 0x08
PARTS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def read(path, axes):
    """The array in an IDX file of unsigned bytes, packed (.gz) or not.

    Arguments: `axes`, how many it must have: 3 for images (n, height, width), 1 for labels (n,).
    Errors: ValueError names the file and what is wrong with it.
    """
    content = _files.read_packed(path)
    start = 4 + 4 * axes
    if len(content) < start or content[:4] != bytes([0, 0, UNSIGNED_BYTE, axes]):
        raise ValueError(
            f"{path} is no IDX file of bytes with {axes} axes: it begins "
            f"{content[:4].hex(' ') or 'with nothing'}, and should begin 00 00 08 {axes:02x}."
        )
    shape = struct.unpack(f">{axes}I", content[4:start])
    promised = int(np.prod(shape, dtype=object))
    if len(content) - start != promised:
        raise ValueError(
            f"{path} is damaged: its header promises {' x '.join(map(str, shape))} = {promised:,} bytes, "
            f"and {len(content) - start:,} follow. Delete it, and fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def read_pair(images, labels, classes=10):
    """(x, y) of one half of a set. ValueError where the two files do not belong together."""
    x, y = read(images, 3), read(labels, 1)
    if len(x) != len(y):
        raise ValueError(f"{images} holds {len(x):,} images and {labels} {len(y):,} labels: not of one set.")
    if len(y) and y.max() >= classes:
        raise ValueError(f"{labels} holds the label {y.max()}; this set's are 0 to {classes - 1}.")
    return x, y


def read_set(parts):
    """((x_train, y_train), (x_test, y_test)) from the four files, in the order of PARTS."""
    return read_pair(*parts[:2]), read_pair(*parts[2:])


def find_set(folder):
    """The four files in a folder, packed or not; FileNotFoundError names those that are missing."""
    found = [next((p for p in (folder / part, folder / f"{part}.gz") if p.exists()), None) for part in PARTS]
    missing = [part for part, path in zip(PARTS, found) if path is None]
    if missing:
        raise FileNotFoundError(f"{folder} lacks {', '.join(missing)} (each may end in .gz).")
    return found


def load(dataset, path, remotes, instead):
    """Loads an IDX set: from the file `path`, else from CYCONV_DATA, the cache, or a download.

    Arguments:
        dataset: the name of its folder in CYCONV_DATA and in the cache.
        path: an .npz file with x_train, y_train, x_test, y_test, where there is one.
        remotes: the `_files.Remote` of each of PARTS.
        instead: the last line of the error if it is nowhere.
    """
    if Path(path).is_file():
        return read_npz(path)
    tried = []
    if folder := _files.data_folder():
        for archive in (folder / path, folder / dataset / path):
            if archive.is_file():
                return read_npz(archive)
        if (folder / dataset).is_dir():
            return read_set(find_set(folder / dataset))
        tried.append(f"CYCONV_DATA: {folder} has no folder {dataset}/")
    else:
        tried.append("CYCONV_DATA: not set")
    try:
        return read_set([_files.cached(remote, dataset) for remote in remotes])
    except _files.NotFound as error:
        tried += str(error).splitlines()
    raise _files.not_found(dataset, tried, instead)


def read_npz(path):
    """((x_train, y_train), (x_test, y_test)) from an .npz file like Keras's. Pickled arrays are refused."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return (file["x_train"], file["y_train"]), (file["x_test"], file["y_test"])
    except (KeyError, ValueError, OSError, EOFError, BadZipFile) as error:
        raise ValueError(
            f"{path} is no .npz file with x_train, y_train, x_test and y_test: {error}"
        ) from None
