"""What users pass as numbers: an array, or an error that says what came instead."""

import numpy as np


def numbers(values, what):
    """`values` as a NumPy array of bools, integers or floats.

    Errors: TypeError that begins with `what` for text, dates, objects, complex numbers and ragged lists.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise TypeError(f"{what}: not an array of numbers ({error})") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{what}: expected numbers. Received: dtype {array.dtype}{HINTS.get(array.dtype.kind, '')}"
        )
    return array


HINTS = {
    "c": "; take x.real, or np.abs(x)",
    "O": "; x.astype('float32') makes numbers of it, where all are numbers of one shape",
    "U": "; x.astype('float32') reads text as numbers",
}
