"""Truth and prediction as stacks of one shape, or an error that says what came."""

import numpy as np

from ...arrays import numbers


def stacks(truth, prediction):
    """(truth, a bool array (N, H, W); prediction, a float array of that shape)."""
    truth, prediction = numbers(truth, "`truth`"), numbers(prediction, "`prediction`")
    for array, name in ((truth, "truth"), (prediction, "prediction")):
        _check_axes(array, name)
    if truth.shape != prediction.shape:
        raise ValueError(
            f"`truth` and `prediction` must have one shape. Received: {truth.shape} and {prediction.shape}"
        )
    _check_values(truth, prediction)
    size = (-1, *truth.shape[-2:])
    truth, prediction = truth.reshape(size) > 0, prediction.reshape(size)
    empty = np.flatnonzero(~truth.any((1, 2)))
    if len(empty):
        raise ValueError(
            f"section {empty[0]} of `truth` has no pixel of 1: without a cell there is nothing to score "
            "(1 is the inside of cells, 0 the border)"
        )
    return truth, prediction.astype(np.float32) if prediction.dtype.kind != "f" else prediction


def section(array, name):
    """One 0/1 section as a bool array (H, W)."""
    array = numbers(array, f"`{name}`")
    if array.ndim != 2 or not array.size:
        raise ValueError(f"`{name}` is one section (H, W). Received: shape {array.shape}")
    if array.dtype != bool and not np.isin(array, (0, 1)).all():
        raise ValueError(f"`{name}` holds 0 and 1 only{_hint(array)}. Received: {_range(array)}")
    return array > 0


def thresholds_of(thresholds):
    """Thresholds as an array (T,)."""
    values = np.atleast_1d(numbers(thresholds, "`thresholds`")).astype(np.float64)
    if values.ndim != 1 or not len(values) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"`thresholds` are numbers from 0 to 1, such as 0.5. Received: {thresholds!r}")
    return values


def _check_axes(array, name):
    shape, hint = array.shape, ""
    one, colours = shape[-1:] == (1,), shape[-1:] in ((3,), (4,))
    # A stack of many sections that are one or three pixels wide is an image whose channels come last.
    channels_last = array.ndim == 4 or (array.ndim == 3 and min(shape[:2]) >= 8 and (one or colours))
    if array.ndim in (2, 3) and array.size and not channels_last:
        return
    if channels_last and one:
        hint = f"; take {name}[..., 0]"
    elif channels_last:
        hint = f"; {shape[-1]} channels came: take that of the cells' inside, {name}[..., k]"
    raise ValueError(f"`{name}` is a section (H, W) or a stack (N, H, W){hint}. Received: shape {shape}")


def _check_values(truth, prediction):
    if not np.isin(truth, (0, 1)).all():
        raise ValueError(
            f"`truth` holds 0 (border) and 1 (inside of a cell) only{_hint(truth)}. Received: {_range(truth)}"
        )
    if np.isnan(prediction).any():
        section = np.argwhere(np.isnan(prediction))[0][0] if prediction.ndim == 3 else 0
        raise ValueError(f"`prediction` holds NaN, first in section {section}; has the training diverged?")
    if prediction.min() < 0 or prediction.max() > 1:
        raise ValueError(
            f"`prediction` holds probabilities from 0 to 1{_hint(prediction)}. Received: {_range(prediction)}"
        )


def _hint(array):
    """What makes 0 and 1 of the usual other values."""
    if array.min() >= 0 and 1 < array.max() <= 255:
        return "; bytes become that by x / 255"
    if array.min() < 0:
        return "; a network's values before its sigmoid become probabilities by 1 / (1 + exp(-x))"
    return ""


def _range(array):
    return f"values from {array.min():g} to {array.max():g}"
