"""Images changed at random in training: flipped, rotated, moved, enlarged, cut, bent, brightened.

In inference images pass as they are. The changes are drawn from (seed, place in the model, step), so a run
repeats by its seed on every backend; the pixels are moved in NumPy (`warping.py`).
"""

import numpy as np

from .. import random, shapes
from ..backends import active
from ..graph import SymbolicTensor
from .base import Layer
from .convolution import channels_last
from .preprocessing import Resizing
from .warping import FILL_MODES, affine, grid, smooth, warp


class _Augmentation(Layer):
    """Takes images (N, H, W, C), one image (H, W, C), or a dict {"images": ..., "segmentation_masks": ...,
    "labels": ...}: masks, (N, H, W) or (N, H, W, 1), get the same change as their image by the nearest pixel
    and keep their dtype; everything else in the dict passes.

    Called on arrays it changes them (training=True), as Keras's does; inside a model it does so in training.
    """

    trains_when_called = True

    def __init__(self, seed=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        channels_last(data_format, 2)
        self.input_rank = 4
        self.seed = random.next_seed() if seed is None else int(seed)

    def check_input(self, input_shape):
        super().check_input(input_shape)
        if 0 in input_shape[1:3]:
            raise ValueError("there is no pixel to change")

    def draws(self, height, width):
        """How many random numbers an image takes."""
        raise NotImplementedError

    def change(self, images, drawn, masks):
        """The changed images; drawn: (N, draws) in [0, 1). masks: whether they are labels, not light."""
        raise NotImplementedError

    def __call__(self, inputs, training=True):
        if isinstance(inputs, SymbolicTensor):
            return super().__call__(inputs)
        data = inputs if isinstance(inputs, dict) else {"images": inputs}
        if "images" not in data or "bounding_boxes" in data:
            raise ValueError(
                f'{self}: expected an array or {{"images": ..., "segmentation_masks": ...}}. '
                f"Received: a dict of {sorted(data)}"
            )
        images = np.asarray(data["images"])
        single = images.ndim == 3
        result = {**data, "images": self._change_arrays(images, single, training, masks=False)}
        if "segmentation_masks" in data:
            masks = np.asarray(data["segmentation_masks"])
            flat = masks.ndim == images.ndim - 1
            moved = self._change_arrays(masks[..., None] if flat else masks, single, training, masks=True)
            result["segmentation_masks"] = (moved[..., 0] if flat else moved).astype(masks.dtype)
        return result if isinstance(inputs, dict) else result["images"]

    def _change_arrays(self, arrays, single, training, masks):
        """One batch, or one image; images begin a new step of the random sequence, their masks repeat it."""
        backend = active()
        batch = backend.asarray(arrays[None] if single else arrays, "float64" if masks else self.dtype)
        self.ensure_built(batch.shape)
        if not masks:
            backend.advance()
        y, _ = self._run(backend, batch, training, masks)
        y = np.array(backend.to_host(y))
        return y[0] if single else y

    def forward(self, ops, x, training):
        return self._run(ops, x, training, masks=False)

    def _run(self, ops, x, training, masks):
        if not training:
            return self.unchanged(ops, x, masks)
        count = self.draws(*x.shape[1:3])
        drawn = ops.random(ops.random_state, (x.shape[0], count), self.dtype, distribution="uniform",
                           seed=self.seed, stream=ops.node)  # fmt: skip
        shape, dtype = self.compute_output_shape(tuple(x.shape)), x.dtype

        def change(images, drawn):
            return self.change(np.array(images), np.array(drawn, np.float64), masks).astype(dtype)

        return ops.python(change, [x, drawn], shape, dtype), "changed"

    def unchanged(self, ops, x, masks):
        """What inference gives."""
        return x, None

    def backward(self, ops, dy, saved, needs_dx):
        if needs_dx and saved == "changed":
            raise NotImplementedError(
                f"{self} has no derivative: put it at the model's beginning, before all layers with weights"
            )
        return dy


def _range(value, name, low=None, high=None, symmetric=True):
    """(lower, upper) from one number f, (-f, f), or from a pair."""
    if not isinstance(value, (tuple, list)):
        value = (-abs(value) if symmetric else 0.0, abs(value))
    pair = tuple(value)
    if len(pair) != 2 or pair[0] > pair[1] or (low is not None and not low <= pair[0] <= pair[1] <= high):
        limits = "" if low is None else f" between {low} and {high}"
        raise ValueError(f"`{name}` is a number or (lower, upper){limits}. Received: {value!r}")
    return float(pair[0]), float(pair[1])


def _between(limits, drawn):
    return limits[0] + (limits[1] - limits[0]) * drawn


class RandomFlip(_Augmentation):
    """Mirrors each image with probability 1/2: mode "horizontal" (left and right change places), "vertical",
    or "horizontal_and_vertical" (each by itself).
    """

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ValueError(
                f'`mode` is "horizontal", "vertical" or "horizontal_and_vertical". Received: {mode!r}'
            )
        self.mode = mode

    def draws(self, height, width):
        return 2

    def change(self, images, drawn, masks):
        flips = (drawn < 0.5)[:, :, None, None, None]
        if "vertical" in self.mode:
            images = np.where(flips[:, 0], images[:, ::-1], images)
        if "horizontal" in self.mode:
            images = np.where(flips[:, 1], images[:, :, ::-1], images)
        return images


class _Geometric(_Augmentation):
    """Reads the image at other places: `places(drawn, height, width)` gives (rows, columns)."""

    def __init__(self, fill_mode, interpolation, seed, fill_value, data_format, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        if fill_mode not in FILL_MODES:
            raise ValueError(f"`fill_mode` is one of {', '.join(FILL_MODES)}. Received: {fill_mode!r}")
        if interpolation not in ("bilinear", "nearest"):
            raise ValueError(f'`interpolation` is "bilinear" or "nearest". Received: {interpolation!r}')
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, float(fill_value)

    def places(self, drawn, height, width):
        """Where each pixel of the result comes from."""
        raise NotImplementedError

    def change(self, images, drawn, masks):
        rows, columns = self.places(drawn, *images.shape[1:3])
        return warp(images, rows, columns, "nearest" if masks else self.interpolation, self.fill_mode,
                    self.fill_value)  # fmt: skip


def _matrices(a, b, c, d, down, right):
    """(N, 2, 3): ((a, b, down), (c, d, right)), each a number or (N,)."""
    a, b, c, d, down, right = np.broadcast_arrays(a, b, c, d, down, right)
    return np.stack([np.stack([a, b, down], -1), np.stack([c, d, right], -1)], -2)


class RandomRotation(_Geometric):
    """Rotates each image about its middle, by an angle drawn from factor * 2 pi (positive: anticlockwise).

    factor: one number f for (-f, f), or (lower, upper); 0.1 is up to 36 degrees.
    """

    def __init__(self, factor, fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0,
                 data_format=None, **kwargs):  # fmt: skip
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = _range(factor, "factor", -1, 1)

    def draws(self, height, width):
        return 1

    def places(self, drawn, height, width):
        angle = 2 * np.pi * _between(self.factor, drawn[:, 0])
        cos, sin = np.cos(angle), np.sin(angle)
        return affine(_matrices(cos, sin, -sin, cos, 0.0, 0.0), height, width)


class RandomTranslation(_Geometric):
    """Moves each image down and to the right by fractions of its height and width.

    height_factor, width_factor: one number f for (-f, f), or (lower, upper).
    """

    def __init__(self, height_factor, width_factor, fill_mode="reflect", interpolation="bilinear", seed=None,
                 fill_value=0.0, data_format=None, **kwargs):  # fmt: skip
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = _range(height_factor, "height_factor", -1, 1)
        self.width_factor = _range(width_factor, "width_factor", -1, 1)

    def draws(self, height, width):
        return 2

    def places(self, drawn, height, width):
        down = _between(self.height_factor, drawn[:, 0]) * height
        right = _between(self.width_factor, drawn[:, 1]) * width
        return affine(_matrices(1.0, 0.0, 0.0, 1.0, -down, -right), height, width)


class RandomZoom(_Geometric):
    """Shows more of each image (factor > 0: zooms out) or less (factor < 0: zooms in), about its middle.

    height_factor, width_factor: one number f for (-f, f), or (lower, upper); without width_factor the
    proportions stay.
    """

    def __init__(self, height_factor, width_factor=None, fill_mode="reflect", interpolation="bilinear",
                 seed=None, fill_value=0.0, data_format=None, **kwargs):  # fmt: skip
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = _range(height_factor, "height_factor", -1, 10)
        self.width_factor = None if width_factor is None else _range(width_factor, "width_factor", -1, 10)

    def draws(self, height, width):
        return 2

    def places(self, drawn, height, width):
        tall = 1 + _between(self.height_factor, drawn[:, 0])
        wide = tall if self.width_factor is None else 1 + _between(self.width_factor, drawn[:, 1])
        return affine(_matrices(tall, 0.0, 0.0, wide, 0.0, 0.0), height, width)


class RandomElasticTransform(_Geometric):
    """Bends each image: every pixel is moved by a smooth random field (Simard et al. 2003, "Best practices
    for convolutional neural networks"); the augmentation of the first U-Net.

    factor: the probability that an image is bent, one number for (0, f), or (lower, upper). scale: how much,
    likewise: pixels move by about 0.03 * scale * the larger side, smoothly over 0.05 * scale * the smaller
    one. Values are kept inside value_range.
    """

    def __init__(self, factor=1.0, scale=1.0, interpolation="bilinear", fill_mode="reflect", fill_value=0.0,
                 value_range=(0, 255), seed=None, data_format=None, **kwargs):  # fmt: skip
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = _range(factor, "factor", 0, 1, symmetric=False)
        self.scale = _range(scale, "scale", 0, 1, symmetric=False)
        self.value_range = _range(value_range, "value_range")

    def draws(self, height, width):
        return 3 + 2 * height * width

    def places(self, drawn, height, width):
        bent = drawn[:, 0] < _between(self.factor, drawn[:, 1])
        scale = _between(self.scale, drawn[:, 2])
        rows, columns = (np.repeat(a, len(drawn), 0) for a in grid(height, width))
        fields = 3**0.5 * (2 * drawn[:, 3:].reshape(-1, 2, height, width) - 1)  # mean 0, variance 1
        for n in np.flatnonzero(bent & (scale > 0)):
            sigma, alpha = 0.05 * scale[n] * min(height, width), 0.1 * scale[n] * max(height, width)
            down, right = alpha * sigma * smooth(fields[n], sigma)
            rows[n] += down
            columns[n] += right
        return rows, columns

    def change(self, images, drawn, masks):
        changed = super().change(images, drawn, masks)
        return changed if masks else np.clip(changed, *self.value_range)


class RandomCrop(_Augmentation):
    """A piece (height, width) of each image, at a place drawn for each. In inference, and where the image is
    smaller, the largest piece in the middle with these proportions, resized.

    Input (N, H, W, C) -> (N, height, width, C).
    """

    def __init__(self, height, width, seed=None, data_format=None, name=None, **kwargs):
        super().__init__(seed, data_format, name=name, **kwargs)
        self.height, self.width = shapes.as_tuple((height, width), 2, "height and width")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def draws(self, height, width):
        return 2

    def unchanged(self, ops, x, masks):
        middle = Resizing(self.height, self.width, "nearest" if masks else "bilinear",
                          crop_to_aspect_ratio=True, name="middle")  # fmt: skip
        return middle.forward(ops, x, False)[0], "changed"

    def change(self, images, drawn, masks):
        H, W = images.shape[1:3]
        free = np.array([max(H - self.height, 0), max(W - self.width, 0)])
        top, left = (drawn * (free + 1)).astype(int).T
        rows, columns = grid(self.height, self.width)
        if H < self.height or W < self.width:  # enlarged, proportions kept, and cut in the middle
            scale = min(H / self.height, W / self.width)
            rows = (rows + 0.5 - self.height / 2) * scale + H / 2 - 0.5
            columns = (columns + 0.5 - self.width / 2) * scale + W / 2 - 0.5
            top = left = np.zeros(len(images))
        return warp(images, rows + top[:, None, None], columns + left[:, None, None],
                    "nearest" if masks else "bilinear", "nearest")  # fmt: skip


class _Light(_Augmentation):
    """Changes the light of each image, never its mask. Values are kept inside value_range."""

    def __init__(self, factor, value_range, seed, low, high, **kwargs):
        super().__init__(seed, **kwargs)
        self.factor = self.amounts = _range(factor, "factor", low, high)
        self.value_range = _range(value_range, "value_range")

    def draws(self, height, width):
        return 1

    def change(self, images, drawn, masks):
        if masks:
            return images
        amount = _between(self.amounts, drawn[:, 0])[:, None, None, None]
        return np.clip(self.relight(images, amount), *self.value_range)


class RandomContrast(_Light):
    """(x - mean) * (1 + amount) + mean, mean of each image's channel; amount drawn from `factor`.

    factor: one number f for (-f, f), or (lower, upper): the contrast factors are 1 - lower to 1 + upper.
    """

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        pair = tuple(factor) if isinstance(factor, (tuple, list)) else (factor, factor)
        if len(pair) != 2:
            raise ValueError(f"`factor` is a number or (lower, upper). Received: {factor!r}")
        super().__init__((-pair[0], pair[1]), value_range, seed, -1, 1, **kwargs)
        self.factor = pair

    def relight(self, images, amount):
        mean = images.mean((1, 2), keepdims=True)
        return (images - mean) * (1 + amount) + mean


class RandomBrightness(_Light):
    """x + amount * (the width of value_range); amount drawn from `factor`.

    factor: one number f for (-f, f), or (lower, upper), between -1 and 1.
    """

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(factor, value_range, seed, -1, 1, **kwargs)

    def relight(self, images, amount):
        return images + amount * (self.value_range[1] - self.value_range[0])
