"""The tests of this folder compare with Keras 3 on PyTorch; `make test-peers` installs both.

In them `keras` is Keras and `cyconv` is cyconv. Keras reads its backend's name when it is first imported.
"""

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.fixture(autouse=True)
def fresh_keras():
    """Keras's names and seed from the start, as tests/conftest.py does for cyconv's."""
    import keras

    keras.utils.clear_session()
    keras.utils.set_random_seed(1234)
