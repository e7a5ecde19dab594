"""Fashion-MNIST: 70,000 pictures of clothes, 28x28 (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; MIT)."""

from . import _files, _idx

CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
SHA256 = (
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)
REMOTES = tuple(
    _files.Remote(f"{part}.gz", tuple(f"{mirror}{part}.gz" for mirror in MIRRORS), sha256)
    for part, sha256 in zip(_idx.PARTS, SHA256)
)
INSTEAD = (
    "Do one of these: set CYCONV_DATA to a folder with fashion_mnist/train-images-idx3-ubyte.gz and the "
    "other three files; or connect this computer to the network once."
)


def load_data(path="fashion_mnist.npz"):
    """Fashion-MNIST as Keras gives it; CLASSES are the names of the labels.

    Returns: (x_train, y_train), (x_test, y_test): uint8 (60000, 28, 28), (60000,), (10000, 28, 28), (10000,).
    Errors: FileNotFoundError says where it looked and what to do; ValueError names a damaged file.
    """
    return _idx.load("fashion_mnist", path, REMOTES, INSTEAD)
