"""Image sets for lessons and demos: `(x_train, y_train), (x_test, y_test) = NAME.load_data()`, as in Keras.

Where a set is looked for, in this order: the folder named by the environment variable CYCONV_DATA; the cache
(CYCONV_CACHE, else ~/.cache/cyconv); a download, checked against its SHA-256 before anything reads it.
"""

from . import cifar10, digits, fashion_mnist, mnist

__all__ = ["cifar10", "digits", "fashion_mnist", "mnist"]
