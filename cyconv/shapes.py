"""Output sizes, and "same"/"valid" turned into integers. Imports nothing of cyconv.

The one formula behind every convolution and pooling, per spatial axis
(Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning"):

    out = floor((in + before + after - ((window - 1) * dilation + 1)) / stride) + 1
"""

import operator


def as_tuple(value, rank, name, minimum=1):
    """`value` as a tuple of `rank` ints, each at least `minimum`: 3 -> (3, 3), (3, 5) -> (3, 5).

    Errors: ValueError naming the argument where the count, the kind or the size is wrong.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
    if len(values) != rank:
        raise ValueError(
            f"`{name}` must be one integer or {rank} of them, one per spatial axis. Received: {value!r}"
        )
    try:
        values = tuple(operator.index(v) for v in values)
    except TypeError:
        raise ValueError(f"`{name}` must be made of integers. Received: {value!r}") from None
    if any(v < minimum for v in values):
        raise ValueError(f"`{name}` must be at least {minimum}. Received: {value!r}; try {name}={minimum}.")
    return values


def strides_of(shape):
    """How many elements apart neighbours along each axis lie in memory: (2, 3, 4) -> (12, 4, 1)."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.insert(0, strides[0] * size)
    return tuple(strides[: len(shape)])


def extent(window, dilation):
    """How many input positions a dilated window spans: (window - 1) * dilation + 1."""
    return (window - 1) * dilation + 1


def output_size(size, window, stride, dilation, before, after):
    """The output size of one axis; 0 or less means that the window does not fit."""
    return (size + before + after - extent(window, dilation)) // stride + 1


def same_padding(size, window, stride, dilation):
    """(before, after) such that the output has ceil(size / stride) positions; the odd zero goes behind."""
    if size is None:
        size = stride  # until it is known, one that divides by the stride
    out = -(-size // stride)
    total = max((out - 1) * stride + extent(window, dilation) - size, 0)
    return total // 2, total - total // 2


def resolve_padding(padding, sizes, window, strides, dilation):
    """Padding as integers: ((before, after), ...), one pair per spatial axis.

    padding: "valid" (none), "same" (output = ceil(input / stride)), "causal" (1-D: all of it before, so
    that no output sees a later input), one int, one int per axis, or one pair per axis.
    """
    rank = len(sizes)
    if isinstance(padding, str):
        kind = padding.lower()
        if kind == "valid":
            return ((0, 0),) * rank
        if kind == "same":
            return tuple(same_padding(*axis) for axis in zip(sizes, window, strides, dilation, strict=True))
        if kind == "causal" and rank == 1:
            return ((extent(window[0], dilation[0]) - 1, 0),)
        raise ValueError(
            f'`padding` must be "valid", "same"{" or " + chr(34) + "causal" + chr(34) if rank == 1 else ""} '
            f"or integers. Received: {padding!r}"
        )
    if not isinstance(padding, (tuple, list)):
        padding = (padding,) * rank
    pairs = tuple(tuple(p) if isinstance(p, (tuple, list)) else (p, p) for p in padding)
    if len(pairs) != rank or any(len(p) != 2 for p in pairs):
        raise ValueError(
            f"`padding` must be one integer, {rank} integers or {rank} (before, after) pairs. "
            f"Received: {padding!r}"
        )
    try:
        pairs = tuple((operator.index(before), operator.index(after)) for before, after in pairs)
    except TypeError:
        raise ValueError(f"`padding` must be made of integers. Received: {padding!r}") from None
    if any(p < 0 for pair in pairs for p in pair):
        raise ValueError(f"`padding` must not be negative. Received: {padding!r}; use a Cropping layer.")
    return pairs


def window_output(sizes, window, strides, dilation, padding, what="window"):
    """Output sizes of a sliding window, or a ValueError that shows the formula and the nearest legal size."""
    outs = []
    for axis, (n, k, s, d, (before, after)) in enumerate(
        zip(sizes, window, strides, dilation, padding, strict=True)
    ):
        if n is None:  # known only when data comes
            outs.append(None)
            continue
        out = output_size(n, k, s, d, before, after)
        if out < 1:
            span = extent(k, d)
            raise ValueError(
                f"the {what} does not fit on spatial axis {axis}: input {n}, padding {before}+{after}, "
                f"{what} {k}{f' (dilation {d}: spans {span})' if d > 1 else ''}. "
                f"floor(({n} + {before} + {after} - {span}) / {s}) + 1 = {out}. "
                f"The smallest input that fits is {span - before - after}; or use a {what} of at most "
                f"{max((n + before + after - 1) // d + 1, 0)}, or more padding."
            )
        outs.append(out)
    return tuple(outs)


def transposed_output(sizes, window, strides, dilation, padding, output_padding=None):
    """Output sizes and padding pairs of a transposed convolution, by Keras's rules.

    Returns (out, pairs): the convolution that maps `out` back to `sizes` pads with `pairs`.
    "same" -> in * stride; "valid" -> (in - 1) * stride + max(extent, stride); with output_padding given:
    (in - 1) * stride + extent - 2 * pad + output_padding.
    """
    outs, pairs = [], []
    for axis, (n, k, s, d) in enumerate(zip(sizes, window, strides, dilation, strict=True)):
        span = extent(k, d)
        if n is None:  # known only when data comes
            outs.append(None)
            pairs.append((0, 0))
            continue
        if output_padding is None:
            out = n * s if padding == "same" else (n - 1) * s + max(span, s)
            total = max((n - 1) * s + span - out, 0)
            before = total // 2
        else:
            extra, crop = output_padding[axis], span // 2 if padding == "same" else 0
            out = (n - 1) * s + span - 2 * crop + extra
            before = max((2 * crop - extra) // 2, 0)  # the extra positions take from both crops, Keras's way
        if n < 1 or out < 1:
            raise ValueError(
                f"nothing is left on spatial axis {axis}: input {n}, stride {s}, kernel_size {k}; use "
                'padding="valid" or a larger output_padding'
            )
        outs.append(out)
        pairs.append((before, max((n - 1) * s + span - out - before, 0)))
    return tuple(outs), tuple(pairs)


def adaptive_windows(size, out):
    """The (start, stop) of the `out` windows of adaptive pooling along an axis of `size` positions."""
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


# Receptive fields: which positions low..high of its input an output looks at, when it is itself looked at in
# the positions low..high (Araujo, Norris, Sim 2019, "Computing receptive fields of convolutional networks").
# Followed from an output back to a model's input, this gives the field; the image's border is not regarded.


def window_field(low, high, span, stride, before):
    """Through a convolution or pooling whose window spans `span` positions."""
    return low * stride - before, high * stride - before + span - 1


def transposed_field(low, high, span, stride, before):
    """Through a transposed convolution: input i adds to the outputs i*stride - before ... + span - 1."""
    return -((span - 1 - low - before) // stride), (high + before) // stride


def adaptive_field(low, high, size, out):
    """Through adaptive pooling of `size` positions to `out`."""
    return low * size // out, -(-(high + 1) * size // out) - 1
