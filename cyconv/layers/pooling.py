"""Max, average and global pooling over one to three spatial axes."""

from .. import shapes
from .base import Layer
from .convolution import channels_last


class _Pooling(Layer):
    """A window slides over the spatial axes; channels stay apart."""

    rank = None

    def __init__(self, pool_size=2, strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(**kwargs)
        channels_last(data_format, self.rank)
        self.pool_size = shapes.as_tuple(pool_size, self.rank, "pool_size")
        self.strides = shapes.as_tuple(self.pool_size if strides is None else strides, self.rank, "strides")
        self.padding, self.input_rank = padding, self.rank + 2
        self._window((None,) * self.rank)

    def _window(self, sizes):
        ones = (1,) * self.rank
        padding = shapes.resolve_padding(self.padding, sizes, self.pool_size, self.strides, ones)
        return dict(window=self.pool_size, strides=self.strides, padding=padding)

    def inside(self, sizes):
        """Whether no window hangs over the edge of an image of these sizes."""
        return all(pair == (0, 0) for pair in self._window(sizes)["padding"])

    def compute_output_shape(self, input_shape):
        sizes = input_shape[1:-1]
        out = shapes.window_output(sizes, self.pool_size, self.strides, (1,) * self.rank,
                                   self._window(sizes)["padding"], "pool_size")  # fmt: skip
        return (input_shape[0], *out, input_shape[-1])


class _MaxPooling(_Pooling):
    """The largest value of each window (Goodfellow et al. 2016, section 9.3).

    pool_size, strides (default: pool_size): an int or one per spatial axis. padding: "valid" or "same";
    padding never wins. Input (N, spatial..., C) -> (N, floor((in - pool) / stride) + 1..., C).
    """

    def forward(self, ops, x, training):
        y, switches = ops.max_pool(x, **self._window(x.shape[1:-1]))
        return y, (x.shape, switches)

    def backward(self, ops, dy, saved, needs_dx):
        shape, switches = saved
        if not needs_dx:
            return None
        return ops.max_pool_gradient(dy, switches, input_shape=shape, **self._window(shape[1:-1]))


class _AveragePooling(_Pooling):
    """The mean of each window, padding not counted.

    pool_size, strides (default: pool_size): an int or one per spatial axis. padding: "valid" or "same".
    Input (N, spatial..., C) -> (N, floor((in - pool) / stride) + 1..., C).
    """

    def forward(self, ops, x, training):
        return ops.average_pool(x, **self._window(x.shape[1:-1])), x.shape

    def backward(self, ops, dy, shape, needs_dx):
        if not needs_dx:
            return None
        return ops.average_pool_gradient(dy, input_shape=shape, **self._window(shape[1:-1]))


class _Global(Layer):
    """One window as large as the image: (N, spatial..., C) -> (N, C), or (N, 1..., C) with keepdims."""

    rank = None

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        channels_last(data_format, self.rank)
        self.keepdims, self.input_rank = keepdims, self.rank + 2

    def compute_output_shape(self, input_shape):
        ones = (1,) * self.rank if self.keepdims else ()
        return (input_shape[0], *ones, input_shape[-1])

    def _window(self, shape):
        return dict(window=shape[1:-1], strides=(1,) * self.rank, padding=((0, 0),) * self.rank)

    def _pooled(self, shape):
        return (shape[0], *(1,) * self.rank, shape[-1])


class _GlobalAveragePooling(_Global):
    """The mean of each channel (Lin et al. 2014, "Network in network")."""

    def forward(self, ops, x, training):
        y = ops.average_pool(x, **self._window(x.shape))
        return ops.reshape(y, self.compute_output_shape(x.shape)), x.shape

    def backward(self, ops, dy, shape, needs_dx):
        if not needs_dx:
            return None
        dy = ops.reshape(dy, self._pooled(shape))
        return ops.average_pool_gradient(dy, input_shape=shape, **self._window(shape))


class _GlobalMaxPooling(_Global):
    """The largest value of each channel."""

    def forward(self, ops, x, training):
        y, switches = ops.max_pool(x, **self._window(x.shape))
        return ops.reshape(y, self.compute_output_shape(x.shape)), (x.shape, switches)

    def backward(self, ops, dy, saved, needs_dx):
        shape, switches = saved
        if not needs_dx:
            return None
        dy = ops.reshape(dy, self._pooled(shape))
        return ops.max_pool_gradient(dy, switches, input_shape=shape, **self._window(shape))


def ranked(base, name, rank):
    """The layer of `base` for a number of spatial axes."""
    return type(name, (base,), {"rank": rank, "__doc__": base.__doc__, "__module__": base.__module__})


MaxPooling1D, MaxPooling2D, MaxPooling3D = (ranked(_MaxPooling, f"MaxPooling{r}D", r) for r in (1, 2, 3))
AveragePooling1D, AveragePooling2D, AveragePooling3D = (
    ranked(_AveragePooling, f"AveragePooling{r}D", r) for r in (1, 2, 3)
)
GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D = (
    ranked(_GlobalAveragePooling, f"GlobalAveragePooling{r}D", r) for r in (1, 2, 3)
)
GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D = (
    ranked(_GlobalMaxPooling, f"GlobalMaxPooling{r}D", r) for r in (1, 2, 3)
)
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
