"""Nested values (dicts, lists, numbers, text, arrays) in one safetensors file: arrays as its tensors, the
rest as JSON in its metadata, each array replaced by {"array": its name}."""

import json

import numpy as np

from ..atomic import write_atomically


def write(path, values):
    """Writes `values` to `path`, whole or not at all."""
    from safetensors.numpy import save

    arrays = {}
    text = json.dumps(_take_out(values, arrays))
    write_atomically(path, save(arrays, metadata={"values": text}))


def read(path):
    """What `write` wrote, tuples as lists; ValueError for a file that is damaged or foreign."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return _put_back(json.loads(file.metadata()["values"]), arrays)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a readable backup ({error})") from error


def _take_out(value, arrays):
    if isinstance(value, np.ndarray):
        name = str(len(arrays))
        arrays[name] = np.asarray(value, order="C")
        return {"array": name}
    if isinstance(value, dict):
        return {str(k): _take_out(v, arrays) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_take_out(v, arrays) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def _put_back(value, arrays):
    if isinstance(value, dict):
        if list(value) == ["array"]:
            return arrays[value["array"]]
        return {k: _put_back(v, arrays) for k, v in value.items()}
    return [_put_back(v, arrays) for v in value] if isinstance(value, list) else value
