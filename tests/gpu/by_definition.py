"""The gpu backend on the stand-in, whose operations run by their definitions, so that nothing is compiled.

For tests of all that is not a kernel: arrays that cross, constants, slices, steps in Python, what is lowered.
"""

import numpy as np
from standin import StandIn

from cyconv.backends import gpu, reference


class ByDefinition(gpu.Gpu):
    """`Gpu` with definitions for kernels."""

    def __init__(self):
        super().__init__(StandIn())

    def prepared(self, operation, operands, attributes, work):
        super().prepared(operation, operands, attributes, work)  # is it allowed, and is it lowered?
        values = [None if o is None else o._values for o in operands]

        def definition():
            with np.errstate(all="ignore"):
                getattr(reference, operation)(*values, **attributes)

        return [(lambda grid, block, args: self.cupy.stream().queue(definition), (1,), (1,), ())]
