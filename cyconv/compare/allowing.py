"""What a layer may differ by: from the one table of tolerances (`testing.py`), operation by operation.

A layer's forward or backward pass is written down by a recorder; each operation has a kind in the table and a
number of terms, the length of the longest sum behind one of its results. A pass of several operations may err
by the sum of what each may.
"""

from math import prod

from ..testing import FACTORS, tolerance

EXACT = ("max_pool", "copy")
ELEMENTWISE = (
    "activation",
    "activation_gradient",
    "binary",
    "map",
    "dropout",
    "random",
    "fill",
    "python",
    "batch_norm_inference",
    "sgd",
    "adam",
)


def terms(step):
    """The length of the longest sum behind one result of a recorded operation."""
    operation, a, attributes = step.operation, step.operands, step.attributes
    if operation == "convolution":
        return prod(a[1].shape[:-1])
    if operation == "convolution_input_gradient":
        return prod(a[1].shape[:-2]) * a[1].shape[-1] // attributes["groups"]
    if operation == "convolution_kernel_gradient":
        return prod(a[1].shape[:-1])
    if operation == "matmul":
        return a[0].shape[0] if attributes["transpose_a"] else a[0].shape[1]
    if operation in ("max_pool_gradient", "average_pool", "average_pool_gradient"):
        return prod(attributes["window"])
    if operation in ("batch_norm", "batch_norm_gradient"):
        return prod(a[0].shape[:-1])
    if operation in ("softmax", "softmax_gradient", "cross_entropy", "accuracy"):
        return a[0].shape[-1]
    if operation == "upsample":
        return 2 ** len(attributes["size"])
    if operation == "upsample_gradient":
        return prod(2 * factor for factor in attributes["size"])
    if operation == "reduce":
        return prod(a[0].shape[axis] for axis in attributes["axes"])
    return 1


def kind(step, algorithm=None):
    """The line of the table for a recorded operation that runs by `algorithm`."""
    if algorithm in FACTORS:
        return algorithm
    if step.operation == "copy" and step.attributes["accumulate"]:
        return "elementwise"
    if step.operation == "reduce" and step.attributes["name"] != "sum":
        return "exact"
    if step.operation in EXACT:
        return "exact"
    return "elementwise" if step.operation in ELEMENTWISE else "sum"


def allowed(steps, backend, dtype):
    """What the results of these operations may differ by, relative to the largest."""
    algorithms = [backend.algorithm(s.operation, s.operands, s.attributes) for s in steps]
    return sum(tolerance(kind(s, a), dtype, terms(s)) for s, a in zip(steps, algorithms, strict=True))


def algorithms(steps, backend):
    """The algorithms by which the convolutions among these operations run, each once, in order."""
    found = (backend.algorithm(s.operation, s.operands, s.attributes) for s in steps)
    return list(dict.fromkeys(name for name in found if name))
