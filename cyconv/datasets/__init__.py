"""Image sets for lessons and demos: `(x_train, y_train), (x_test, y_test) = NAME.load_data()`, as in Keras.
For segmentation: `isbi2012(path)` and `synthetic_membranes()`, which give (sections, labels).

Where a set is looked for, in this order: the folder named by the environment variable CYCONV_DATA; the cache
(CYCONV_CACHE, else ~/.cache/cyconv); a download, checked against its SHA-256 before anything reads it.
(isbi2012 is not downloaded: its licence asks each user.)
"""

from . import cifar10, digits, fashion_mnist, mnist
from .isbi import isbi2012
from .synthetic import synthetic_membranes

__all__ = ["cifar10", "digits", "fashion_mnist", "isbi2012", "mnist", "synthetic_membranes"]
