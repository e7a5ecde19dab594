"""Opening a file of any of the formats, with every failure turned into one error that names it."""

import json
import os
from contextlib import ExitStack, contextmanager

from .. import variables

# A file's arrays may be compressed; they, and the model that it describes, are at most so many times larger.
EXPANSION = 16
SMALL = 2**20
# The name of Keras's list of weights that lie in several files, of which none is a model's.
SHARDS = ".weights.json"


class Store:
    """Arrays in a file: `shapes` of all of them, without reading any; `read(name)` gives one."""

    shapes = {}

    def read(self, name):
        raise NotImplementedError


class Contents:
    """description: the model as JSON text, None in a file of weights. store: its arrays."""

    def __init__(self, description, store):
        self.description, self.store = description, store


@contextmanager
def opened(filepath):
    """The Contents of a file. What is wrong with it, or turns out to be while it is used, is a ValueError.

    Weights that are made meanwhile may not be much larger than the file: a file that describes a layer of
    terabytes is refused before they are asked for.
    """
    from . import archive, hdf5, native

    path = os.fspath(filepath)
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path}")
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder; a model is one file, .keras or .safetensors")
    if str(path).endswith(SHARDS):
        one = str(path).removesuffix(SHARDS) + ".weights.h5"
        raise ValueError(
            f"{path}: {SHARDS} lists weights that Keras laid into several files (max_shard_size), which are "
            f"not read here. Write one file in Keras, model.save_weights({one!r}), and load that"
        )
    with open(path, "rb") as file:
        start = file.read(2)
    magic = {b"PK": archive.unpack, b"\x89H": hdf5.unpack}
    unpack = magic.get(start[:2], native.unpack)
    try:
        with ExitStack() as stack:
            stack.enter_context(variables.at_most(EXPANSION * os.path.getsize(path) + SMALL))
            yield unpack(path, stack)
    except ImportError:
        raise  # h5py is missing: no fault of the file
    except Exception as error:
        # Whatever a damaged or hostile file breaks, in whichever library, is the file's fault.
        raise ValueError(f"{path}: {_reason(error)}") from error


def _reason(error):
    if isinstance(error, RecursionError):
        return "its description is nested too deeply"
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    return text if isinstance(error, ValueError) else f"it cannot be read ({type(error).__name__}: {text})"


def parsed(text):
    """JSON text as values. ValueError for what is no JSON, and for a key that stands twice in an object."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ValueError(f"its description is no JSON: {error}") from None


def _once(pairs):
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [k for k, _ in pairs]
        twice = next(k for k in keys if keys.count(k) > 1)
        raise ValueError(f"the key {twice!r} stands twice in its description")
    return values
