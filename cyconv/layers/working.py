"""One output of a layer worked out by hand: what it sees, by which weights, the products, the sum.

The numbers are taken from the input and the weights, in float64, and not from the layer's own arithmetic;
what the layer computed stands beside them.
"""

from functools import singledispatch
from math import prod, sqrt
from typing import NamedTuple

import numpy as np

from .. import backends
from ..activations import ROWS
from ..arrays import numbers
from . import activation as act
from .depthwise import _Separable
from .explaining import AXES
from .normalization import BatchNormalization
from .tables import aligned, line, number, side_by_side
from .transposed import _ConvTranspose
from .windows import AVERAGES, windows

MOST_PLANES = 6  # how many little tables are written out


class Plane(NamedTuple):
    """A window as rows and columns: of one channel, and in three dimensions of one depth (-1: padding).

    present: False in the padding. weights, products: None in pooling.
    """

    label: str
    channel: int
    depth: int
    x: np.ndarray
    present: np.ndarray
    weights: np.ndarray | None = None
    products: np.ndarray | None = None


class Working(str):
    """The text, with the numbers as attributes: they are what `visualize.working` draws.

    layer: its name. position, value, computed: which output, what it must be, what the layer made of it.
    planes: the window's Planes. places: for each spatial axis the window's input positions (-1: padding).
    lines: [(label, text)] from the sum to the output. image: the input of this image (spatial..., C).
    switch: of max pooling, where in the input its value comes from. values: of batch normalisation, the
    channel's values before and after, the mean and the deviation.
    """

    layer, position, value, computed = "", (), 0.0, 0.0
    planes, places, lines = (), (), ()
    image = switch = values = None


def working(layer, x, position, training=False):
    """The Working of one output of a layer. Errors: see `Layer.explain`."""
    if x is None or isinstance(x, (tuple, list)) and all(n is None or isinstance(n, int) for n in x):
        raise TypeError(f"{layer}: with a position, `x` is the layer's input, an array. Received: {x}")
    ops = backends.active()
    x = numbers(x, str(layer)).astype(layer.dtype)
    layer.ensure_built(x.shape)
    (out,) = layer.output_shapes(x.shape)
    position = _position(layer, position, out)
    details = work(layer, x.astype(np.float64), position, out, training)
    computed = _output(ops, layer, x, training)[position]
    head = f"{layer.name} ({type(layer).__name__}): output {position} of {tuple(out)}"
    lines = [line(*pair) for pair in (*details["lines"], ("the layer computed", number(computed)))]
    result = Working("\n".join([head, *details.pop("text"), *lines]))
    result.layer, result.position, result.computed = layer.name, position, float(computed)
    for name, value in details.items():
        setattr(result, name, value)
    return result


def _position(layer, position, out):
    """The whole index of an output, all of it positive. ValueError where it lies outside."""
    given = position if isinstance(position, (tuple, list)) else (position,)
    given = (0,) * (len(out) - len(given)) + tuple(given)
    whole = all(isinstance(p, (int, np.integer)) and not isinstance(p, bool) for p in given)
    fits = whole and len(given) == len(out) and all(-n <= p < n for p, n in zip(given, out))
    if not fits or np.size(position) < len(out) - 1:
        raise ValueError(
            f"{layer}: `position` is the place of one output, {len(out) - 1} whole numbers below "
            f"{tuple(out[1:])}, or {len(out)} with the image's number first. Received: {position!r}"
        )
    return tuple(int(p) % n for p, n in zip(given, out))


def _output(ops, layer, x, training):
    """What the layer makes of x, without a trace: the moving statistics are put back."""
    for variable in layer.weights:
        variable.on(ops)
    before = layer.get_weights()
    y, _ = layer.forward(ops, ops.asarray(x, layer.dtype), training)
    if training:
        layer.set_weights(before)
    return np.array(ops.to_host(y))


@singledispatch
def work(layer, x, position, out, training):
    """{"text": lines before the sum, "lines": [(label, text)], "value": ..., and what else a Working has}."""
    seen = windows(layer, x.shape, out)
    spatial = position[1:-1] if len(position) == x.ndim else (0,) * len(seen.window)  # of global pooling
    places = [_places(triples, o, w) for triples, o, w in zip(seen.triples, spatial, seen.window)]
    window = np.zeros((*seen.window, x.shape[-1]))
    found = [np.flatnonzero(p >= 0) for p in places]
    taken = x[position[0]][np.ix_(*(p[k] for p, k in zip(places, found)))]
    window[np.ix_(*found)] = taken
    present = np.zeros(seen.window, bool)
    present[np.ix_(*found)] = True
    details = {"places": tuple(places), "image": x[position[0]]}
    if seen.weights is None:
        details.update(_pooled(layer, window[..., position[-1]], present, places, position))
    else:
        details.update(_summed(layer, seen, window, present, places, position))
    return {**details, "text": [*_where(places), *details["text"]]}


def _places(triples, o, size):
    """The input position at each place of the window of output o; -1 where there is none."""
    places = np.full(size, -1)
    outs, ins, ks = triples
    places[ks[outs == o]] = ins[outs == o]
    return places


def _where(places):
    """The line that says where the window lies."""
    names = AXES.get(len(places), [f"axis {i}" for i in range(1, len(places) + 1)])
    spans = [f"{name} {_span(p)}" for name, p in zip(names, places)]
    return [line("window", "; ".join(spans))] if spans else []


def _span(places):
    if len(places) > 2 and (places[1:] - places[:-1] == 1).all() and places[0] >= 0:
        return f"{places[0]}..{places[-1]}"
    return ", ".join("." if p < 0 else str(p) for p in places)


# Sums of products ------------------------------------------------------------------------------------------


def _summed(layer, seen, window, present, places, position):
    """A convolution or Dense: the sum over window and channels, bias, activation."""
    bias = layer.bias.numpy().astype(np.float64) if layer.use_bias else None
    first, last = seen.pairs
    mine, f = last == position[-1], layer.activation
    asked = slice(None) if f in ROWS or hasattr(f, "forward") else mine  # softmax needs every channel
    flat = window.reshape(prod(seen.window), -1)
    terms = flat[:, first[asked]] * seen.weights[:, asked].astype(np.float64)
    z = np.bincount(last[asked], terms.sum(0), minlength=seen.outputs[-1])
    weights = seen.weights[:, mine].astype(np.float64).reshape(*seen.window, -1)
    planes = list(_planes(window[..., first[mine]], present, places, weights, first[mine]))
    sums = [plane.products.sum() for plane in planes]
    spreads = isinstance(layer, _ConvTranspose)
    text, lines = _tables(planes, "a place that no input falls on" if spreads else "padding"), []
    if isinstance(layer, _Separable):
        text.insert(0, line("weights", "depthwise * pointwise, summed over the multiplier"))
    total = float(z[position[-1]])
    lines.append(("sum of products", f"{_added(sums)} = {number(total)}" if len(sums) > 1 else number(total)))
    if bias is not None:
        b = bias[position[-1]]
        lines.append(("bias", f"{_added([total, b])} = {number(total + b)}"))
        z = z + bias
    value = float(z[position[-1]])
    if f != "linear":
        name = getattr(f, "name", getattr(f, "__name__", f))
        row = f(z[None]) if hasattr(f, "forward") else _activated(z[None], f)
        result = float(np.asarray(row)[0, position[-1]])
        over = f" over the {len(z)} channels" if f in ROWS else ""
        lines.append(("activation", f"{name}({number(value)}){over} = {number(result)}"))
        value = result
    return {"text": text, "lines": lines, "planes": planes, "value": value}


def _activated(z, f):
    """f(z) by the backend in force."""
    ops = backends.active()
    return ops.to_host(act.forward(ops, ops.asarray(z, "float64"), f)[0])


def _added(values):
    """a + b - c, cut in the middle where it is long."""
    shown = list(values) if len(values) <= MOST_PLANES else [*values[:4], None, values[-1]]
    text = number(shown[0])
    for v in shown[1:]:
        text += " + ..." if v is None else f" {'-' if v < 0 else '+'} {number(abs(v))}"
    return text


def _planes(window, present, places, weights, channels):
    """A Plane for each channel, in three dimensions for each depth; a window of 1 has channels as rows."""
    if present.size == 1:
        x, w = window.reshape(-1, 1), weights.reshape(-1, 1)
        first, last = channels[0], channels[-1]
        label = f"channels {first}..{last}, one a row" if first < last else f"channel {first}"
        yield Plane(label, int(first), _depth(places), x, np.full(x.shape, present.item()), w, x * w)
        return
    for j, channel in enumerate(channels):
        x, w = window[..., j], weights[..., j]
        yield from _slices(int(channel), places, x, present, w, x * w)


def _depth(places):
    return int(places[0][0]) if len(places) == 3 else 0


def _slices(channel, places, *arrays):
    """The planes of one channel's window: one, or in three dimensions one for each depth."""
    if len(places) < 3:
        yield Plane(f"channel {channel}", channel, 0, *map(np.atleast_2d, arrays))
        return
    for k, p in enumerate(places[0]):
        label = f"channel {channel}, depth {'padding' if p < 0 else p}"
        yield Plane(label, channel, int(p), *(a[k] for a in arrays))


def _tables(planes, missing):
    """The planes as text; what lies in the padding is a dot."""
    text = []
    for plane in planes[:MOST_PLANES]:
        columns = {"x": aligned(plane.x, plane.present)}
        if plane.weights is not None:
            columns["weights"] = aligned(plane.weights)
            columns["products"] = aligned(plane.products, plane.present)
        text += ["", f"  {plane.label}", *side_by_side(columns)]
        if plane.products is not None:
            text[-1] += f"   sum {number(plane.products.sum())}"
    if len(planes) > MOST_PLANES:
        text += ["", f"  and {len(planes) - MOST_PLANES} more tables like these"]
    if not all(plane.present.all() for plane in planes):
        text += [f"  a dot is {missing}"]
    return [*text, ""]


# Pooling ---------------------------------------------------------------------------------------------------


def _pooled(layer, window, present, places, position):
    """One channel's window: its mean, or its largest value and where that lies."""
    planes = list(_slices(position[-1], places, window, present))
    details = {"text": _tables(planes, "padding, which does not count"), "planes": planes}
    if isinstance(layer, AVERAGES):
        count, total = int(present.sum()), float(window.sum())
        mean = ("mean", f"sum / count = {number(total)} / {count} = {number(total / count)}")
        return {**details, "lines": [mean], "value": total / count}
    candidates = np.argwhere(present)
    place = tuple(candidates[np.argmax(window[present])])
    switch = (*(int(p[k]) for p, k in zip(places, place)), position[-1])
    value = float(window[place])
    lines = [("largest", number(value)),
             ("switch", f"it comes from input {switch}; the whole gradient goes there")]  # fmt: skip
    return {**details, "lines": lines, "value": value, "switch": switch}


# Batch normalisation ---------------------------------------------------------------------------------------


@work.register
def _(layer: BatchNormalization, x, position, out, training):
    """Ioffe & Szegedy 2015, algorithm 1; in inference with the moving statistics."""
    axis = layer.axis % x.ndim
    c, value = position[axis], x[position]
    channel = np.moveaxis(x, axis, -1)[..., c].ravel()
    moving = [float(v.numpy()[c]) for v in (layer.moving_mean, layer.moving_variance)]
    gamma, beta = (float(v.numpy()[c]) if v is not None else d
                   for v, d in ((layer.gamma, 1.0), (layer.beta, 0.0)))  # fmt: skip
    lines = [("x", number(value))]
    if training and layer.trainable:
        m, total = channel.size, channel.sum()
        mean = total / m
        squares = ((channel - mean) ** 2).sum()
        variance = squares / m
        lines += [
            ("mean", f"sum of channel {c} / m = {number(total)} / {m} = {number(mean)}"),
            ("variance", f"sum of (x - mean)^2 / m = {number(squares)} / {m} = {number(variance)}"),
        ]
    else:
        mean, variance = moving
        lines += [("moving mean", number(mean)), ("moving variance", number(variance))]
    deviation = sqrt(variance + layer.epsilon)
    xhat = (value - mean) / deviation
    result = gamma * xhat + beta
    lines += [
        ("normalised", f"(x - mean) / sqrt(variance + epsilon) = ({number(value)} - {_signed(mean)}) / "
                       f"sqrt({number(variance)} + {number(layer.epsilon)}) = {number(xhat)}"),
        ("output", f"gamma * normalised + beta = {number(gamma)} * {_signed(xhat)} + {_signed(beta)} = "
                   f"{number(result)}"),
    ]  # fmt: skip
    if training and layer.trainable:
        for name, old, new in (("mean", moving[0], mean), ("variance", moving[1], variance)):
            kept = layer.momentum * old + (1 - layer.momentum) * new
            lines.append((f"next moving {name}", f"{number(layer.momentum)} * {_signed(old)} + "
                          f"{number(1 - layer.momentum)} * {_signed(new)} = {number(kept)}"))  # fmt: skip
    after = gamma * (channel - mean) / deviation + beta
    values = {"before": channel, "after": after, "mean": mean, "deviation": sqrt(variance), "x": float(value)}
    return {"text": [], "lines": lines, "value": float(result), "values": values}


def _signed(value):
    """A negative number in brackets, so that no two signs stand side by side."""
    return f"({number(value)})" if value < 0 else number(value)
