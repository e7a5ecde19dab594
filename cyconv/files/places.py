"""Where each array of a model stands in a file: Keras 3's names.

    layers/conv2d/vars/0            by class and order, not by layer name: conv2d, conv2d_1, ...
    layers/functional/layers/...    a model inside a model
    optimizer/vars/0                iterations, learning rate, then the slots
"""

import warnings

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


def restore_weights(model, store, skip_mismatch=False):
    """Sets all weights from `store`; ValueError where they do not fit, and nothing is changed then.

    skip_mismatch: what does not fit keeps its values instead, with a warning.
    """
    wanted = {
        f"{path}vars/{i}": variable
        for path, _, variables in places(model)
        for i, variable in enumerate(variables)
    }
    problems = [p for p in (_problem(store, name, v) for name, v in wanted.items()) if p]
    strangers = sorted(n for n in set(store.shapes) - set(wanted) if _ours(n))
    problems += [f"{n} has no place in the model" for n in strangers]
    if problems and not skip_mismatch:
        raise ValueError(f"its weights do not fit this model: {_listed(problems)}")
    if problems:
        warnings.warn(f"weights that do not fit were skipped: {_listed(problems)}", stacklevel=3)
    values = {n: store.read(n) for n, v in wanted.items() if not _problem(store, n, v)}
    for name, value in values.items():
        wanted[name].assign(value)


def restore_optimizer(model, store):
    """Sets the optimiser's state, where the file has one; ValueError where it does not fit."""
    count = sum(name.startswith(OPTIMIZER + "/") for name in store.shapes)
    if not count:
        return
    if count > model.optimizer.scalars:
        model.executor.ensure_arena()
    shapes = [v.shape for v in model.optimizer.variables][:count]
    names = [f"{OPTIMIZER}/{i}" for i in range(count)]
    found = [store.shapes.get(n) for n in names]
    if found != shapes:
        differ = next((i for i, (a, b) in enumerate(zip(found, shapes)) if a != b), len(shapes))
        raise ValueError(
            f"its optimiser state does not fit: variable {differ} of {count} has shape {found[differ]}, "
            f"{model.optimizer.name} has {shapes[differ] if differ < len(shapes) else 'no such variable'}"
        )
    model.optimizer.load_state([store.read(n) for n in names])


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
