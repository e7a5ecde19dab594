"""Where numbers stop being finite: the first layer whose output holds NaN or infinity."""

import numpy as np

from . import data


def first_nonfinite(model, x, training=False):
    """The path of the first layer ("conv2d", "inner/dense") whose output for x is not finite; "input" where x
    itself is not; None where all is finite. Layers run one by one, nothing is trained.
    """
    inputs, backend = data.prepare_inputs(model, x), model.backend
    if not all(np.isfinite(a).all() for a in inputs):
        return "input"
    flat = model.executor.flat
    values = {n: backend.asarray(a, model.dtype) for n, a in zip(flat.inputs, inputs, strict=True)}
    kept = model.get_weights()  # batch normalisation in training mode moves its statistics
    for variable in model.weights:
        variable.on(backend)
    try:
        for node in flat.nodes:
            given = [values[n] for n in node.inputs]
            y, _ = node.layer.forward(backend, given if node.nested else given[0], training)
            if not np.isfinite(backend.to_host(y)).all():
                return node.path
            values[node.output] = y
    finally:
        model.set_weights(kept)
    return None
