"""What an operation becomes: launches, written down before any of them runs.

`convolution.py`, `matmul.py`, `pooling.py` and `batch_norm.py` hold the operations that take several kernels,
or a choice among them; each module has functions

    operation(*operands of the door's table, **attributes, work=None) -> [Launch, ...]

and SCRATCH, {operation: function of (operands, attributes) -> bytes}: so much memory, aligned to 16 bytes
and of no content, `work` must then be (a uint8 array), for the time of the operation.
"""

from typing import NamedTuple


class Launch(NamedTuple):
    """A kernel of a text, over so many blocks of threads.

    args: arrays, NumPy scalars of the parameters' types, or Python's numbers and None, of which the caller
    makes the kernel's int, real, and the address 0.
    """

    code: str
    kernel: str
    grid: tuple
    block: tuple
    args: tuple


def ceil_div(n, by):
    return -(-n // by)
