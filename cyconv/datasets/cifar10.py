"""CIFAR-10: 60,000 colour photographs, 32x32, in ten classes (Krizhevsky 2009).

Read from its binary form: records of one label byte and 3,072 bytes, the red, green and blue planes. (The
form with pickles is never read: a pickle can run any program.)
"""

import tarfile
import warnings

import numpy as np

from . import _files

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORD = 1 + 3 * 32 * 32
TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST = "test_batch.bin"
FOLDERS = ("cifar-10-batches-bin", "cifar10", "cifar10-jpeg-subset")
ARCHIVE = _files.Remote(
    "cifar-10-binary.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
INSTEAD = (
    "Do one of these: set CYCONV_DATA to a folder with cifar-10-batches-bin/ (the set's binary version: "
    "data_batch_1.bin to data_batch_5.bin and test_batch.bin); or connect this computer to the network once."
)


def load_data():
    """CIFAR-10 as Keras gives it; CLASSES are the names of the labels.

    Returns: (x_train, y_train), (x_test, y_test): uint8 (50000, 32, 32, 3), (50000, 1), (10000, 32, 32, 3),
        (10000, 1). Where a folder holds fewer training files, their images, with a warning.
    Errors: FileNotFoundError says where it looked and what to do; ValueError names a damaged file.
    """
    tried = ["CYCONV_DATA: not set"]
    if folder := _files.data_folder():
        found = next((folder / name for name in FOLDERS if (folder / name / TEST).is_file()), None)
        if found:
            return from_folder(found)
        tried = [f"CYCONV_DATA: {folder} has none of {', '.join(FOLDERS)} with {TEST} in it"]
    try:
        return from_archive(_files.cached(ARCHIVE, "cifar10"))
    except _files.NotFound as error:
        tried += str(error).splitlines()
    raise _files.not_found("cifar10", tried, INSTEAD)


def read(content, name):
    """(x, y) from the bytes of one file: x uint8 (n, 32, 32, 3), y uint8 (n, 1)."""
    if not content or len(content) % RECORD:
        raise ValueError(
            f"{name} is damaged: {len(content):,} bytes are not a whole number of records of {RECORD:,}. "
            "Delete it, and fetch it again."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    y = records[:, :1].copy()
    if y.max() >= len(CLASSES):
        raise ValueError(f"{name} holds the label {y.max()}; CIFAR-10's are 0 to {len(CLASSES) - 1}.")
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), y


def together(parts, test):
    """((x_train, y_train), (x_test, y_test)) from the training files' pairs, one after the other."""
    x, y = zip(*parts)
    return (np.concatenate(x), np.concatenate(y)), test


def from_folder(folder):
    """The set from a folder of .bin files; those of TRAIN that exist."""
    parts = [
        read(_files.read_packed(folder / name), folder / name) for name in TRAIN if (folder / name).is_file()
    ]
    if not parts:
        raise FileNotFoundError(f"{folder} has {TEST} but no {TRAIN[0]}.")
    (x, y), test = together(parts, read(_files.read_packed(folder / TEST), folder / TEST))
    if len(x) != 50_000 or len(test[0]) != 10_000:
        warnings.warn(
            f"{folder} is a SUBSET of CIFAR-10: {len(x):,} of 50,000 training and {len(test[0]):,} of 10,000 "
            "test images. Accuracies are not comparable with published ones.",
            stacklevel=3,
        )
    return (x, y), test


def from_archive(path):
    """The set from the published archive, read in place: nothing in it chooses where anything is written."""
    with tarfile.open(path) as archive:

        def member(name):
            return read(archive.extractfile(f"cifar-10-batches-bin/{name}").read(), f"{name} in {path}")

        return together([member(name) for name in TRAIN], member(TEST))
