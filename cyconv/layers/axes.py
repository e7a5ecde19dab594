"""Axes moved, repeated and summed away: what several layers need."""

import numpy as np

from ..shapes import strides_of


def whole_axes(axis, name="axis"):
    """`axis`, an int or several, as a list of ints. ValueError for anything else."""
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not axes or any(isinstance(a, bool) or not isinstance(a, (int, np.integer)) for a in axes):
        raise ValueError(f"`{name}` is the number of an axis, or several of them. Received: {axis!r}")
    return [int(a) for a in axes]


def check_axes(axes, shape):
    """ValueError where an input of `shape` lacks one of the axes, or where it is the batch axis."""
    rank = len(shape)
    if any(not -rank <= a < rank or a % rank == 0 for a in axes) or len({a % rank for a in axes}) < len(axes):
        wanted = axes[0] if len(axes) == 1 else axes
        raise ValueError(f"axes must lie in 1..{rank - 1} (or be negative). Received: {wanted}")


def transpose(ops, x, order):
    """x with its axes in another order: y.shape[i] = x.shape[order[i]]."""
    if list(order) == list(range(len(order))):
        return x
    shape, strides = tuple(x.shape[i] for i in order), strides_of(x.shape)
    y = ops.empty(shape, x.dtype)
    ops.copy(x, y, shape=shape, x_strides=[strides[i] for i in order], y_strides=strides_of(shape))
    return y


def inverse(order):
    """The order that undoes `order`."""
    return sorted(range(len(order)), key=lambda i: order[i])


def last(rank, axes):
    """The order of axes that puts `axes` behind the others."""
    axes = [a % rank for a in axes]
    return [i for i in range(rank) if i not in axes] + axes


def at_last_axis(ops, x, axis, function):
    """function(x with `axis` as its last) gives (y, saved); returns (y with the axes as before, saved)."""
    order = last(len(x.shape), [axis])
    y, saved = function(transpose(ops, x, order))
    return transpose(ops, y, inverse(order)), saved


def sum_to(ops, x, shape, out=None):
    """x summed over the axes along which an array of `shape` was repeated; added to `out` where given.

    shape: as many axes as x, or fewer (those missing were in front).
    """
    shape = (1,) * (len(x.shape) - len(shape)) + tuple(shape)
    repeated = [i for i, (n, m) in enumerate(zip(x.shape, shape, strict=True)) if n != m]
    if not repeated and out is None:
        return x
    sizes = list(x.shape)
    if out is not None and not repeated:
        repeated = [0]  # an axis of size 1: the sum is the element, added to what is there
    for axis in reversed(repeated):  # one after the other: any set of axes will do
        sizes[axis] = 1
        if out is not None and axis == repeated[0]:
            target = ops.reshape(out, [n for i, n in enumerate(sizes) if i != axis] or (1,))
            ops.reduce(x, axes=(axis,), accumulate=True, out=target)
            return out
        x = ops.reshape(ops.reduce(x, axes=(axis,)), tuple(sizes))
    return x
