"""Activation functions with their slopes, and what values the activations of a network take."""

import numpy as np

from ..backends import active
from ..layers import Activation
from . import _style

USUAL = ("relu", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "softplus", "silu", "gelu")


def activation_functions(functions=USUAL, low=-4.0, high=4.0):
    """Activation functions and their derivatives, a panel each.

    Arguments:
        functions: names, functions of elements in NumPy, or activation layers.
        low, high: the range of x.
    Returns: the matplotlib figure. Its derivatives are those that training uses.
    Errors: ValueError for an unknown name or an empty range.
    """
    functions = [functions] if isinstance(functions, str) or callable(functions) else list(functions)
    if not functions or not low < high:
        raise ValueError(f"give functions, and low < high. Received: {len(functions)} of them, {low}, {high}")
    x = np.linspace(low, high, 401, dtype=np.float32)
    with _style.look() as plt:
        columns = min(len(functions), 3)
        rows = -(-len(functions) // columns)
        figure, axes = plt.subplots(rows, columns, figsize=(2.7 * columns + 0.3, 2.1 * rows + 0.7),
                                    squeeze=False, layout="constrained")  # fmt: skip
        for axis in axes.flat[len(functions):]:
            axis.set_axis_off()
        for axis, function in zip(axes.flat, functions):
            layer = function if hasattr(function, "forward") else Activation(function)
            y, slope = value_and_slope(layer, x)
            axis.axhline(0, color="#999999", lw=0.8)
            axis.axvline(0, color="#999999", lw=0.8)
            axis.plot(x, y, color=_style.BLUE, label="f(x)")
            axis.plot(x, slope, color=_style.VERMILION, ls="--", label="its slope f'(x)")
            name = layer.name if layer is function else function
            axis.set_title(getattr(name, "__name__", name))
        lines, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(lines, labels, loc="outside upper right", ncols=2)
        return figure


def value_and_slope(layer, x):
    """(f(x), f'(x)) of an activation layer, by its own forward and backward pass."""
    ops = active()
    x = ops.asarray(x[None], "float32")
    y, saved = layer.forward(ops, x, False)
    slope = layer.backward(ops, ops.asarray(np.ones(x.shape), "float32"), saved, True)
    return np.array(ops.to_host(y))[0], np.array(ops.to_host(slope))[0]


def activation_histograms(values, bins=60):
    """How the values of each layer are spread: a histogram a layer, the first layer on top, all on one axis.

        before = cyconv.interpret.activations(plain, images)
        after = cyconv.interpret.activations(normalised, images)
        cyconv.visualize.activation_histograms({"plain": before, "with batch normalisation": after})

    Arguments:
        values: {layer: array}, or {title: {layer: array}} for several networks beside each other.
        bins: how many bars.
    Returns: the matplotlib figure. The axis spans 99.8 % of all values; what lies beyond is in the last bars.
    Values that are exactly 0, as a rectifier gives them, are not among the bars but counted in the text.
    Errors: ValueError where there is nothing to draw.
    """
    nested = values and all(isinstance(v, dict) for v in values.values())
    groups = values if nested else {"": values}
    if not groups or not all(group and all(map(np.size, group.values())) for group in groups.values()):
        raise ValueError("activation_histograms draws {layer: array}, every array with values")
    low, high = _range([a for group in groups.values() for a in group.values()])
    rows = max(map(len, groups.values()))
    with _style.look() as plt:
        figure, axes = plt.subplots(rows, len(groups), figsize=(4.2 * len(groups) + 0.6, 0.75 * rows + 1.0),
                                    squeeze=False, sharex=True, layout="constrained")  # fmt: skip
        for k, (title, group) in enumerate(groups.items()):
            for axis in axes[:, k]:
                axis.set(yticks=[])
                axis.spines["left"].set_visible(False)
            for axis, (name, array) in zip(axes[:, k], group.items()):
                array = np.asarray(array, np.float64).ravel()
                axis.hist(np.clip(array[array != 0], low, high), bins=bins, range=(low, high),
                          color=_style.SERIES[k % len(_style.SERIES)])  # fmt: skip
                zeros = float((array == 0).mean())
                zeros = f"\n{zeros:.0%} are 0" if zeros > 0.005 else ""
                axis.axvline(0, color="black", lw=0.6)
                text = f"mean {array.mean() + 0.0:.2g}\nstd {array.std():.2g}{zeros}"
                axis.text(1.0, 0.95, text, ha="right", va="top", transform=axis.transAxes, size="x-small")
                axis.set_ylabel(name, rotation=0, ha="right", va="center", size="small")
            for axis in axes[len(group):, k]:
                axis.set_axis_off()
            axes[0, k].set_title(title)
            axes[-1, k].set_xlabel("value")
        figure.suptitle("What values each layer gives")
        return figure


def _range(arrays):
    """The range of all but 0.1 % of the values at either end."""
    flat = np.concatenate([np.asarray(a, np.float64).ravel() for a in arrays])
    flat = flat[np.isfinite(flat)]
    low, high = np.quantile(flat, [0.001, 0.999]) if len(flat) else (0.0, 1.0)
    return (float(low), float(high)) if low < high else (float(low) - 0.5, float(high) + 0.5)
