"""The 1,797 handwritten digits of scikit-learn, 8x8 (Alpaydin and Kaynak 1998; UCI, CC BY 4.0)."""

import numpy as np


def load_data(test_size=0.25, seed=0):
    """The digits, split into two parts in which every class has the same share.

    Arguments: `test_size`, the share kept for testing; `seed`, which of the splits.
    Returns: (x_train, y_train), (x_test, y_test): uint8 images (n, 8, 8) with grey values 0 to 16, and uint8
        labels (n,). With the defaults n is 1,348 and 449.
    Errors: ModuleNotFoundError with the command that installs scikit-learn.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'the digits come with scikit-learn, which is not installed: pip install "cyconv[demos]"'
        ) from None
    images, labels = load_digits(return_X_y=True)
    return split(images.reshape(-1, 8, 8).astype(np.uint8), labels.astype(np.uint8), test_size, seed)


def split(x, y, test_size, seed):
    """((x_train, y_train), (x_test, y_test)), shuffled, the classes in the same proportions on both sides.

    ValueError unless 0 < test_size < 1.
    """
    if not 0 < test_size < 1:
        raise ValueError(
            f"test_size is a share of the images, between 0 and 1 (such as 0.25). Received: {test_size}"
        )
    order = np.random.default_rng(seed).permutation(len(y))
    # Lined up by class, each class in shuffled order, every (1 / test_size)-th of that line goes to the test.
    line = order[np.argsort(y[order], kind="stable")]
    test = np.diff(np.floor(np.arange(len(y) + 1) * test_size + 1e-9)) > 0
    train, test = (np.random.default_rng(seed).permutation(line[chosen]) for chosen in (~test, test))
    return (x[train], y[train]), (x[test], y[test])
