"""The gpu backend for arrays on the host: how tests that know nothing of devices run on it."""

import numpy as np
from kernels import as_type

from cyconv import backends
from cyconv.backends.interface import Door
from cyconv.testing import assert_close


class Across(Door):
    """Every operation brings its operands to the device and all of them back."""

    def __init__(self, gpu):
        self.gpu = gpu

    def empty(self, shape, dtype):
        return np.empty(shape, dtype)

    def reshape(self, x, shape):
        return x.reshape(shape)

    def _do(self, operation, operands, attributes):
        there = {id(o): self.gpu.asarray(o, o.dtype) for o in operands if o is not None}
        self.gpu._do(operation, [None if o is None else there[id(o)] for o in operands], attributes)
        for operand in operands:
            if operand is not None:
                operand[...] = self.gpu.to_host(there[id(operand)])


def checker(gpu):
    """`kernels.check_all` for the gpu backend: float32 against the definition in float64."""

    def check_all(call, *arrays, kind="sum", terms=1):
        def run(door, dtype):
            result = call(door, *as_type(arrays, dtype))
            return list(result) if isinstance(result, tuple | list) else [result]

        expected = run(backends.get("reference"), np.float64)
        for i, (result, wanted) in enumerate(zip(run(Across(gpu), np.float32), expected, strict=True)):
            assert_close(result, wanted, kind, terms, f"result {i} on the gpu")

    return check_all
