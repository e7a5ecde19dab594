"""Where each array of a model stands in a file: Keras 3's names.

    layers/conv2d/vars/0            by class and order, not by layer name: conv2d, conv2d_1, ...
    layers/functional/layers/...    a model inside a model
    optimizer/vars/0                iterations, learning rate, then the slots
"""

import warnings

import numpy as np

from ..layers.base import snake_case

OPTIMIZER = "optimizer/vars"
# Keras keeps the state of random generators and metrics in files too; here it is not needed.
FOREIGN = ("seed_generator", "_metrics", "metrics")


def places(model):
    """[(group, layer, its own variables)] of the model and all that is inside; a shared layer once."""
    found, seen = [], set()

    def visit(layer, path):
        if id(layer) in seen:
            return
        seen.add(id(layer))
        inner = getattr(layer, "layers", None)
        found.append((path, layer, [] if inner is not None else list(layer.weights)))
        counts = {}
        for child in inner or ():
            name = snake_case(type(child).__dict__.get("keras_name") or type(child).__name__)
            counts[name] = counts.get(name, -1) + 1
            number = f"_{counts[name]}" if counts[name] else ""
            visit(child, f"{path}layers/{name}{number}/")

    visit(model, "")
    return found


def collect(model):
    """({name: array}, {group: name of what it belongs to}) of weights and optimiser."""
    arrays, names = {}, {}
    for path, layer, variables in places(model):
        names[f"{path}vars"] = layer.name
        arrays.update({f"{path}vars/{i}": v.numpy() for i, v in enumerate(variables)})
    if model.optimizer is not None:
        names[OPTIMIZER] = model.optimizer.name or ""
        for i, array in enumerate(model.optimizer.state()):
            arrays[f"{OPTIMIZER}/{i}"] = array
    return arrays, names


def fitting_weights(model, store, skip_mismatch=False):
    """[(variable, its value in `store`)] of all weights; ValueError where they do not fit.

    skip_mismatch: what does not fit is left out instead, with a warning.
    """
    wanted = {
        f"{path}vars/{i}": variable
        for path, _, variables in places(model)
        for i, variable in enumerate(variables)
    }
    problems = {name: p for name, p in ((n, _problem(store, n, v)) for n, v in wanted.items()) if p}
    strangers = sorted(n for n in set(store.shapes) - set(wanted) if _ours(n))
    told = [*problems.values(), *(f"{n} has no place in the model" for n in strangers)]
    if told and not skip_mismatch:
        raise ValueError(f"its weights do not fit this model: {_listed(told)}")
    if told:
        warnings.warn(f"weights that do not fit were skipped: {_listed(told)}", stacklevel=3)
    return [(variable, store.read(n)) for n, variable in wanted.items() if n not in problems]


def fitting_state(model, store):
    """The optimiser's state in `store`, as `load_state` takes it; None where the file has none.

    ValueError where it does not fit.
    """
    count = sum(name.startswith(OPTIMIZER + "/") for name in store.shapes)
    if not count:
        return None
    optimizer = model.optimizer
    if count > optimizer.scalars:
        model.executor.ensure_arena()
    shapes = [v.shape for v in optimizer.variables]
    if count == optimizer.scalars:  # saved before the first step
        shapes = shapes[:count]
    names = [f"{OPTIMIZER}/{i}" for i in range(len(shapes))]
    found = [store.shapes.get(n) for n in names]
    if count != len(shapes) or found != shapes:
        differ = next((n for n, a, b in zip(names, found, shapes) if a != b), None)
        raise ValueError(
            f"its optimiser state does not fit: {optimizer.name} has {len(shapes)} variables, "
            f"the file {count}" + (f"; the first that differs is {differ}" if differ else "")
        )
    state = [store.read(n) for n in names]
    for name, value in zip(names[: optimizer.scalars], state):
        if not (np.isfinite(value) and value >= 0):
            raise ValueError(f"its optimiser state is impossible: {name} (steps, learning rate) is {value}")
    return state


def _problem(store, name, variable):
    if name not in store.shapes:
        return f"{variable.path} ({name}) is not in it"
    if store.shapes[name] != variable.shape:
        return f"{variable.path} ({name}) has shape {variable.shape}, in the file {store.shapes[name]}"
    return None


def _ours(name):
    return not name.startswith("optimizer/") and not any(part in FOREIGN for part in name.split("/"))


def _listed(problems, most=3):
    more = f"; and {len(problems) - most} more" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more
