"""ImageDataGenerator, as Keras 2 had it: images changed at random while a network trains."""

import warnings

import numpy as np

from . import affine
from .directory import DirectoryFlow
from .flow import ArrayFlow

__all__ = ["ImageDataGenerator"]


class ImageDataGenerator:
    """Changes images at random, and standardises them. The random numbers are drawn as Keras draws them: the
    same seed gives the same changes; an image and its mask, flowing with one seed, are changed alike.

    rotation_range: degrees, to both sides. width_shift_range, height_shift_range: a fraction of the size
    below 1, pixels from 1; a list: pixels to choose from. shear_range: degrees. zoom_range: r for
    [1 - r, 1 + r], or (least, most). channel_shift_range: added to all values. horizontal_flip,
    vertical_flip: every other image. fill_mode: what comes in from outside: "nearest", "reflect", "wrap" or
    "constant" (cval). Then: preprocessing_function, rescale (a factor), samplewise_* (of each image),
    featurewise_* (of the images that `fit` was given). validation_split: see `flow`'s `subset`.
    """

    def __init__(self, featurewise_center=False, samplewise_center=False, featurewise_std_normalization=False,
                 samplewise_std_normalization=False, zca_whitening=False, zca_epsilon=1e-6, rotation_range=0,
                 width_shift_range=0.0, height_shift_range=0.0, brightness_range=None, shear_range=0.0,
                 zoom_range=0.0, channel_shift_range=0.0, fill_mode="nearest", cval=0.0,
                 horizontal_flip=False, vertical_flip=False, rescale=None, preprocessing_function=None,
                 data_format=None, validation_split=0.0, interpolation_order=1, dtype=None):  # fmt: skip
        for name, value in (("zca_whitening", zca_whitening), ("brightness_range", brightness_range)):
            if value:
                raise NotImplementedError(
                    f"ImageDataGenerator: `{name}` is not there; a `preprocessing_function` can do it"
                )
        if data_format not in (None, "channels_last"):
            raise ValueError(f'images are channels last: x.transpose(0, 2, 3, 1). Received: {data_format!r}')
        if fill_mode not in affine.FILL_MODES:
            raise ValueError(f"`fill_mode` is one of {', '.join(affine.FILL_MODES)}. Received: {fill_mode!r}")
        if interpolation_order not in (0, 1):
            raise ValueError(f"`interpolation_order` is 0 or 1. Received: {interpolation_order!r}")
        if not 0 <= validation_split < 1:
            raise ValueError(f"`validation_split` lies in [0, 1). Received: {validation_split}")
        zoom = [1 - zoom_range, 1 + zoom_range] if np.ndim(zoom_range) == 0 else list(zoom_range)
        if len(zoom) != 2:
            raise ValueError(f"`zoom_range` is a number or two of them. Received: {zoom_range}")
        self.rotation_range, self.shear_range, self.zoom_range = rotation_range, shear_range, zoom
        self.height_shift_range, self.width_shift_range = height_shift_range, width_shift_range
        self.channel_shift_range, self.fill_mode, self.cval = channel_shift_range, fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.featurewise_center = featurewise_center or featurewise_std_normalization
        self.featurewise_std_normalization = featurewise_std_normalization
        self.validation_split, self.interpolation_order = validation_split, interpolation_order
        self.mean = self.std = None

    # Batches -----------------------------------------------------------------------------------------------

    def flow(self, x, y=None, batch_size=32, shuffle=True, sample_weight=None, seed=None, save_to_dir=None,
             save_prefix="", save_format="png", ignore_class_split=False, subset=None):  # fmt: skip
        """Endless batches x, (x, y) or (x, y, sample_weight) of changed images; `fit` takes them as they are.

        x: (N, H, W, C). subset: "validation" for the first validation_split of the images, "training" for
        the others.
        """
        if save_to_dir is not None:
            raise NotImplementedError("`save_to_dir` is not there; write the batches of next(flow) yourself")
        if subset not in (None, "training", "validation"):
            raise ValueError(f'`subset` is "training" or "validation". Received: {subset!r}')
        if subset:
            cut = int(len(x) * self.validation_split)
            part = slice(None, cut) if subset == "validation" else slice(cut, None)
            x, y, sample_weight = (None if a is None else a[part] for a in (x, y, sample_weight))
        return ArrayFlow(self, x, y, sample_weight, batch_size, shuffle, seed)

    def flow_from_directory(self, directory, target_size=(256, 256), color_mode="rgb", classes=None,
                            class_mode="categorical", batch_size=32, shuffle=True, seed=None,
                            save_to_dir=None, **unknown):  # fmt: skip
        """Endless batches of changed images from files (needs pillow): one folder a class.

        class_mode: labels as one-hot rows ("categorical"), numbers ("sparse", "binary"), the images
        themselves ("input"), or None: images alone. classes: the folders; by default all, sorted.
        """
        given = {k: v for k, v in unknown.items() if k not in ("save_prefix", "save_format") and v}
        if save_to_dir is not None or given:
            raise NotImplementedError(
                f"flow_from_directory does not know {', '.join(given) or 'save_to_dir'}; "
                "read the images into an array and use `flow`"
            )
        return DirectoryFlow(self, directory, target_size, color_mode, classes, class_mode, batch_size,
                             shuffle, seed)  # fmt: skip

    # One image ---------------------------------------------------------------------------------------------

    def changed(self, image, generator):
        """A changed, standardised copy of the image (H, W, C), as `generator` (a RandomState) draws."""
        transform = self._draw(image.shape, generator)
        return self.standardize(self.apply_transform(image, transform))

    def get_random_transform(self, img_shape, seed=None):
        """A random change for an image of this shape, as a dict for `apply_transform`."""
        return self._draw(img_shape, np.random if seed is None else np.random.RandomState(seed))

    def _draw(self, shape, generator):
        """The numbers in the order in which Keras draws them; what is off draws nothing."""
        zoomed = self.zoom_range != [1, 1]
        theta = self.rotation_range and generator.uniform(-self.rotation_range, self.rotation_range)
        tx = _shift(self.height_shift_range, shape[0], generator)
        ty = _shift(self.width_shift_range, shape[1], generator)
        shear = self.shear_range and generator.uniform(-self.shear_range, self.shear_range)
        zx, zy = generator.uniform(*self.zoom_range, 2) if zoomed else (1, 1)
        across, down = generator.random_sample() < 0.5, generator.random_sample() < 0.5
        intensity = None
        if self.channel_shift_range:
            intensity = generator.uniform(-self.channel_shift_range, self.channel_shift_range)
        return {"theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy,
                "flip_horizontal": across and self.horizontal_flip,
                "flip_vertical": down and self.vertical_flip,
                "channel_shift_intensity": intensity, "brightness": None}  # fmt: skip

    def apply_transform(self, x, transform_parameters):
        """The image (H, W, C) changed as the dict says; see `get_random_transform`."""
        given = {k: transform_parameters[k] for k in ("theta", "tx", "ty", "shear", "zx", "zy")
                 if k in transform_parameters}  # fmt: skip
        x = np.asarray(x)
        x = x if x.dtype.kind == "f" else x.astype(np.float32)
        if any(given.get(k, n) != n for k, n in (("theta", 0), ("tx", 0), ("ty", 0), ("shear", 0), ("zx", 1),
                                                 ("zy", 1))):  # fmt: skip
            places = affine.matrix(*x.shape[:2], **given)
            x = affine.sample(x, places, self.fill_mode, self.cval, self.interpolation_order)
        if transform_parameters.get("channel_shift_intensity") is not None:
            x = np.clip(x + transform_parameters["channel_shift_intensity"], x.min(), x.max())
        if transform_parameters.get("flip_horizontal"):
            x = x[:, ::-1]
        if transform_parameters.get("flip_vertical"):
            x = x[::-1]
        return x

    def random_transform(self, x, seed=None):
        """A randomly changed copy of the image."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def standardize(self, x):
        """The image rescaled and normalised; x stays as it is."""
        x = np.array(x, np.float32)
        if self.preprocessing_function:
            x = np.asarray(self.preprocessing_function(x), np.float32)
        if self.rescale:
            x = x * np.float32(self.rescale)
        if self.samplewise_center:
            x = x - x.mean()
        if self.samplewise_std_normalization:
            x = x / (x.std() + np.float32(1e-6))
        if self.featurewise_center:
            if self.mean is None:
                warnings.warn(
                    "This ImageDataGenerator specifies `featurewise_center`, but it hasn't been fit on any "
                    "training data. Fit it first by calling `.fit(numpy_data)`.",
                    stacklevel=2,
                )
                return x
            x = x - self.mean
        return x / (self.std + np.float32(1e-6)) if self.featurewise_std_normalization else x

    def fit(self, x, augment=False, rounds=1, seed=None):
        """Measures mean and standard deviation of each channel, for featurewise_*. x: (N, H, W, C)."""
        x = np.array(x, np.float32)
        if x.ndim != 4:
            raise ValueError(f"`x` must be images (N, H, W, C). Received: shape {x.shape}")
        if self.rescale:
            x *= np.float32(self.rescale)
        if augment:
            generator = np.random if seed is None else np.random.RandomState(seed)
            x = np.stack([
                self.apply_transform(image, self._draw(image.shape, generator))
                for _ in range(rounds) for image in x
            ])  # fmt: skip
        self.mean, self.std = x.mean((0, 1, 2)), x.std((0, 1, 2))


def _shift(amount, size, generator):
    """A shift in pixels: chosen from a list or from 0..amount - 1, or a fraction of the size.

    Keras moves an image along x by what it drew for the height, and so does this.
    """
    if np.ndim(amount) == 0 and not amount:
        return 0
    if np.ndim(amount) == 0 and (isinstance(amount, float) or amount < 1):
        drawn = generator.uniform(-amount, amount)
    else:
        drawn = generator.choice(amount) * generator.choice([-1, 1])
    return drawn * size if np.max(amount) < 1 else drawn
