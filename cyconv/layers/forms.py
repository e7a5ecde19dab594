"""A linear layer in three forms: sliding a window, as a full matrix, as a matrix without its zeros
(Goodfellow, Bengio, Courville 2016, section 9.2: "Efficiency of convolution").
"""

from functools import singledispatch
from math import prod
from typing import NamedTuple

import numpy as np

from .depthwise import _Separable
from .facts import multiply_adds
from .transposed import _ConvTranspose
from .windows import connections, linear


class Form(NamedTuple):
    """floats: how many numbers are stored. operations: multiplications and additions for one image."""

    floats: int
    operations: int


class Cost(NamedTuple):
    """The same layer three ways: Form by Form."""

    convolution: Form
    dense: Form
    sparse: Form

    def __str__(self):
        lines = [f"{'':<12} {'floats stored':>20} {'operations':>20}"]
        return "\n".join(lines + [f"{name:<12} {form.floats:>20,} {form.operations:>20,}"
                                  for name, form in zip(self._fields, self)])  # fmt: skip


def cost(layer, given, out):
    """The Cost of a linear layer for the shapes `given` and `out`, batch axis included.

    An output that sums n products takes n multiplications and n - 1 additions, and one more for a bias. The
    convolution multiplies the zeros of its padding too; the sparse matrix has no entry for them.
    """
    seen = linear(layer, given, out)
    ins, outs = prod(seen.inputs), prod(seen.outputs)
    biases = outs if getattr(layer, "use_bias", False) else 0
    entries = prod(len(o) for o, _, _ in seen.triples) * len(seen.pairs[0])
    # Outputs that no input reaches (of a transposed convolution whose stride exceeds its kernel) sum nothing.
    sums = prod(len(np.unique(o)) for o, _, _ in seen.triples) * seen.outputs[-1]
    sparse = Form(entries + biases, 2 * entries - sums + biases)
    convolution = Form(layer.count_params(), _operations(layer, given, out, seen, sparse.operations))
    return Cost(convolution, Form(ins * outs + biases, (2 * ins - 1) * outs + biases), sparse)


@singledispatch
def _operations(layer, given, out, seen, sparse):
    """Of the layer as it is: each output sums its whole window."""
    outs = prod(seen.outputs)
    if seen.weights is None:
        return sparse  # the mean of n values as n products, as the matrix has it
    return 2 * multiply_adds(layer, [given], out) - outs + (outs if layer.use_bias else 0)


@_operations.register
def _(layer: _ConvTranspose, given, out, seen, sparse):
    return sparse  # it multiplies no padding


@_operations.register
def _(layer: _Separable, given, out, seen, sparse):
    """Two sums: over the window of each channel, then over the channels."""
    between = prod(seen.outputs[:-1]) * given[-1] * layer.depth_multiplier
    outs = prod(seen.outputs)
    return 2 * multiply_adds(layer, [given], out) - between - outs + (outs if layer.use_bias else 0)


def matrix(layer, given, out):
    """The scipy.sparse array (outputs, inputs) of a linear layer; see `Layer.as_matrix`."""
    try:
        from scipy import sparse
    except ModuleNotFoundError:
        command = 'pip install "cyconv[demos]"'
        raise ModuleNotFoundError(f"{layer}: a sparse matrix needs SciPy: {command}") from None
    c = connections(layer, given, out)
    return sparse.csr_array((c.values, (c.outputs, c.inputs)), shape=c.shape)
