"""cyconv: a deep-learning engine for convolutional networks, made to be read and to be fast.

`import cyconv as keras`: names, defaults and meaning are Keras 3's for the subset that is there.
"""

from importlib import import_module

from . import (
    activations, backends, callbacks, constraints, initializers, layers, losses, metrics, models, ops,
    optimizers, regularizers, saving, schedules, utils,
)  # fmt: skip
from .backends.threads import count as get_num_threads
from .backends.threads import set_count as set_num_threads
from .initializers import Initializer
from .layers import Input, Layer
from .losses import Loss
from .metrics import Metric
from .models import Model, Sequential
from .optimizers import Optimizer
from .regularizers import Regularizer

__version__ = "0.1.0"

__all__ = [
    "Initializer", "Input", "Layer", "Loss", "Metric", "Model", "Optimizer", "Regularizer", "Sequential",
    "activations", "backends", "callbacks", "constraints", "get_num_threads", "initializers", "layers",
    "losses", "metrics", "models", "ops", "optimizers", "regularizers", "saving", "schedules",
    "set_num_threads", "utils",
]  # fmt: skip
LATER = (
    "augment", "compare", "datasets", "interpret", "preprocessing", "segmentation", "testing", "visualize",
    "zoo",
)  # fmt: skip


def __getattr__(name):
    """Rooms that are imported when first asked for, so that `import cyconv` stays quick."""
    if name in LATER:
        return import_module(f".{name}", __name__)
    if name == "compare_backends":
        return import_module(".compare", __name__).compare_backends
    raise AttributeError(f"module 'cyconv' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *LATER, "compare_backends"})
