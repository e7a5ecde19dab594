"""Residual and Skip: the two wirings that make ResNets and U-Nets out of layers in a row.

Both take what lies on their ways as a layer, a list of layers or a Sequential, and nest as deep as one likes.
What is inside becomes part of the model's one flat list of operations.
"""

from .. import graph
from ..configurable import deserialize_keras_object
from .base import Layer
from .container import Container
from .core import InputLayer
from .matching import CropToMatch
from .merging import Add, Concatenate


class _Composite(Container):
    """One input, one output; `wire(x)` connects the layers when the input's shape is known."""

    always_open = True

    def __init__(self, layers, **kwargs):
        super().__init__(**kwargs)
        self._layers, self.inputs, self.outputs, self.nodes = layers, [], [], []
        names = [layer.name for layer in layers]
        twice = [n for n in names if names.count(n) > 1]
        if twice:
            raise ValueError(f"{self}: layer names inside it must differ; {twice[0]!r} is there twice")
        if not self._trainable:
            self.trainable = False

    def wire(self, x):
        """The output tensor for the input tensor x."""
        raise NotImplementedError

    def build(self, input_shape):
        if isinstance(input_shape, list):
            raise ValueError(f"it takes one input. Received: {len(input_shape)}")
        shape = (None, *input_shape[1:])
        entrance = InputLayer(batch_shape=shape, dtype=self.dtype, name=f"{self.name}_input").output
        self.inputs, self.outputs = [entrance], [self.wire(entrance)]
        self.nodes = graph.ordered_nodes(self.inputs, self.outputs)

    def check_input(self, input_shape):
        if self.built:
            self.follow(input_shape, check=True)

    def follow(self, input_shape, check=False):
        if not self.built:  # what is inside is wired by the input's shape
            self.ensure_built(input_shape)
        return super().follow(input_shape, check)

    def __reduce__(self):
        """Copies take the layers as they are, so that layers of a user's own are copied too."""
        copy, (cls, config, shape, weights) = super().__reduce__()
        config.update({k: v for k, v in self._arguments.items() if k in self.parts})
        return copy, (cls, config, shape, weights)


class Residual(_Composite):
    """y = f(x) + s(x): the block of "Deep residual learning" (He et al. 2016), without the last ReLU.

    branch: f, a layer, a list of layers or a Sequential. shortcut: s, likewise; None is the identity:
        Residual(f)                                      y = f(x) + x
        Residual(f, Dense(units))                        y = f(x) + Wx
        Residual(f, Conv2D(filters, 1, strides=2))       y = f(x) + conv(x)
    Errors: ValueError where f(x) and s(x) differ in shape, with the shortcut that would fit.
    """

    parts = ("branch", "shortcut")

    def __init__(self, branch, shortcut=None, **kwargs):
        self.branch, self.shortcut = _row(branch, "branch"), _row(shortcut, "shortcut", optional=True)
        self.merge = Add(name="add")
        super().__init__([*self.branch, *self.shortcut, self.merge], **kwargs)

    def wire(self, x):
        y, s = _through(self.branch, x), _through(self.shortcut, x)
        if not _agree(y.shape, s.shape):
            raise ValueError(
                f"the branch gives shape {y.shape} and the {'shortcut' if self.shortcut else 'input'} has "
                f"shape {s.shape}; they are added and must be equal. {_remedy(x.shape, y.shape)}"
            )
        return self.merge([y, s])


class Skip(_Composite):
    """y = concat(x, inner(x)) on the channels: the skip connection of Ronneberger et al. 2015, "U-Net".

    inner: what lies below in the U (pooling, convolutions, the next Skip, up-sampling): a layer, a list of
    layers or a Sequential. inner_first: concat(inner(x), x) instead. crop: x is cut to inner(x)'s size, the
    same on both sides, as the paper does after convolutions without padding.
    Errors: ValueError where the sizes differ and crop is False.
    """

    parts = ("inner",)

    def __init__(self, inner, inner_first=False, crop=False, **kwargs):
        self.inner, self.inner_first = _row(inner, "inner"), inner_first
        self.crop = [CropToMatch(name="crop")] if crop else []
        self.merge = Concatenate(name="concatenate")
        super().__init__([*self.inner, *self.crop, self.merge], **kwargs)

    def wire(self, x):
        y = _through(self.inner, x)
        for crop in self.crop:
            x = crop([x, y])
        if len(x.shape) != len(y.shape) or not _agree(x.shape[:-1], y.shape[:-1]):
            raise ValueError(f"inner(x) has shape {y.shape}, x has {x.shape}. {_unequal(x.shape, y.shape)}")
        return self.merge([y, x] if self.inner_first else [x, y])


def _row(value, name, optional=False):
    """A way as a list of layers. A configuration, as `get_config` gives it, becomes its layer."""
    if value is None and optional:
        return []
    entries = list(value) if isinstance(value, (list, tuple)) else [value]
    layers = [deserialize_keras_object(e) if isinstance(e, dict) else e for e in entries]
    wrong = [layer for layer in layers if not isinstance(layer, Layer) or isinstance(layer, InputLayer)]
    if wrong or not layers:
        received = f"{wrong[0]!r} ({type(wrong[0]).__name__})" if wrong else repr(value)
        raise TypeError(f"`{name}` is a layer, a list of layers or a Sequential. Received: {received}")
    return layers


def _through(layers, x):
    for layer in layers:
        x = layer(x)
        if isinstance(x, list):
            raise ValueError(f"{layer} inside it has several outputs; use the functional API")
    return x


def _agree(a, b):
    return len(a) == len(b) and all(m == n or None in (m, n) for m, n in zip(a, b, strict=True))


def _remedy(x, y):
    """Which shortcut would give the branch's shape y from the input's shape x."""
    if len(x) != len(y):
        return f"The branch must keep the number of axes: it makes {len(y)} of {len(x)}."
    *sizes, _ = x[1:]
    *outs, channels = y[1:]
    if not sizes:
        return f"A shortcut that fits: shortcut=layers.Dense({channels})"
    known = [(n, m) for n, m in zip(sizes, outs, strict=True) if None not in (n, m)]
    strides = [max(round(n / m), 1) for n, m in known]
    if any(-(-n // s) != m for (n, m), s in zip(known, strides, strict=True)):
        return (
            f'No stride makes {tuple(outs)} of {tuple(sizes)}: give the branch\'s layers padding="same", '
            "so that only strides change the size"
        )
    if len(known) < len(sizes) or len(set(strides)) == 1:
        strides = strides[0] if strides else 1
    else:
        strides = tuple(strides)
    return (
        f"A shortcut that fits: shortcut=layers.Conv{len(sizes)}D({channels}, 1"
        f"{'' if strides == 1 else f', strides={strides}'})"
    )


def _unequal(x, y):
    """What to do where the two sides of a skip differ in size."""
    smaller = all(m <= n for n, m in zip(x[1:-1], y[1:-1], strict=False) if None not in (n, m))
    if len(x) == len(y) and smaller:
        return (
            "They are joined on the channels and must agree in every other axis: crop=True cuts x to fit; or "
            'use padding="same" inside and sizes that divide by 2 at every level'
        )
    return "They are joined on the channels and must agree in every other axis"
