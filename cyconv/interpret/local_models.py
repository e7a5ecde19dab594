"""LIME: a linear model of the answer near one image, whose terms are the image's superpixels."""

from collections import namedtuple

import numpy as np

from ..arrays import numbers
from .images import AT_ONCE, predict, prepare
from .targets import Target, chosen_class


class LimeExplanation(namedtuple("LimeExplanation", "target segments weights intercept score")):
    """answer(image) = intercept + sum of the weights of the superpixels that are shown.

    target: the class; segments: for each pixel the number of its superpixel, (H, W); weights: one a
    superpixel; score: R squared of the linear model on its samples, at most 1: how far it can be trusted.
    """

    __slots__ = ()

    @property
    def heat(self):
        """The weights laid over the image, (H, W)."""
        return self.weights[self.segments]


def lime_image(model, x, target=None, segments=50, samples=1000, seed=0, fill=None, kernel_width=0.25,
               alpha=1.0, region=None, output=0):  # fmt: skip
    """Which superpixels speak for an answer, and which against it: Ribeiro et al. 2016, '"Why should I trust
    you?" Explaining the predictions of any classifier', sections 3.3 and 3.4.

    Some superpixels are covered at random, many times; a ridge regression of the answers on what was shown,
    near ones weighted by exp(-d**2 / kernel_width**2) ** 0.5 with d = 1 - cosine to the whole image, gives
    each its weight. The same seed gives the same explanation: SLIC's superpixels draw nothing at random.

    model: a model, or a function from images (n, H, W, C) to answers (n,) or (n, classes).
    x: one image (H, W, C), or (1, H, W, C). target, region, output: as for `saliency`; the answer is the
    output's own value, after a last softmax.
    segments: about how many superpixels (scikit-image's SLIC), or their numbers as an array (H, W).
    samples: how many covered images. fill: what covers; None: the mean colour of each superpixel.
    alpha: the ridge's penalty. Returns: a LimeExplanation; `visualize.superpixels` draws it.
    Errors: ValueError for several images; ModuleNotFoundError with the command that installs scikit-learn and
    scikit-image.
    """
    for name, value, least in (("samples", samples, 2), ("kernel_width", kernel_width, 1e-3)):
        if value < least:
            raise ValueError(f"`{name}` must be at least {least}. Received: {value}")
    image, target, answer = _question(model, x, target, region, output)
    segments = _superpixels(image, segments)
    count = segments.max() + 1
    shown = np.random.default_rng(seed).integers(0, 2, (samples, count)).astype(bool)
    shown[0] = True
    cover = _means(image, segments) if fill is None else numbers(fill, "`fill`")
    cover = np.broadcast_to(cover, image.shape)
    answers = np.concatenate([
        answer(np.where(some[:, segments, None], image, cover).astype(image.dtype))
        for some in np.array_split(shown, -(-samples // AT_ONCE))
    ])  # fmt: skip
    distance = 1 - np.sqrt(shown.mean(1))  # the cosine of two vectors of zeros and ones, one of them all ones
    weight = np.sqrt(np.exp(-(distance**2) / kernel_width**2))
    ridge = _ridge()(alpha=alpha)
    ridge.fit(shown.astype(np.float64), answers, sample_weight=weight)
    score = ridge.score(shown.astype(np.float64), answers, sample_weight=weight)
    return LimeExplanation(target, segments, ridge.coef_, float(ridge.intercept_), float(score))


def _question(model, x, target, region, output):
    """(the image (H, W, C), the class, images (n, H, W, C) -> answers (n,))."""
    if hasattr(model, "predict"):
        inputs, _ = prepare(model, x)
        if len(inputs) > 1:
            raise ValueError(f"the model has {len(inputs)} inputs: give lime_image a function of one image")
        image = _only(inputs[0])
        wanted = Target(model, target, region, output)
        y, rows = predict(model, [image[None]], wanted.index), slice(0, 1)
        target, weights = int(wanted.classes(y, rows)[0]), wanted.weights(y, rows)

        def answer(images):
            y = predict(model, [images], wanted.index)
            return (y * weights).sum(tuple(range(1, y.ndim)), dtype=np.float64)

        return image, target, answer
    if not callable(model):
        raise TypeError(f"`model` is a model or a function of images. Received: {type(model).__name__}")
    image = numbers(x, "`x`")
    image = _only(image[None] if image.ndim == 3 else image)
    image = image if image.dtype.kind == "f" else image.astype(np.float32)

    def columns(images):
        return np.asarray(model(images), np.float64).reshape(len(images), -1)

    first = columns(image[None])
    target = int(first.argmax() if target is None else chosen_class(target, first))
    return image, target, lambda images: columns(images)[:, target]


def _only(images):
    if images.ndim != 4 or len(images) != 1:
        raise ValueError(f"lime_image explains one image (H, W, C) at a time. Received: shape {images.shape}")
    return images[0]


def _superpixels(image, segments):
    """Numbers from 0 without gaps, (H, W)."""
    if np.ndim(segments) == 0:
        # SLIC weighs colours against distances: Lab's lightness runs to 100, other channels to 1.
        compactness = 10 if image.shape[-1] == 3 else 0.1
        count, slic = max(int(segments), 2), _slic()
        segments = slic(image, count, compactness, channel_axis=-1, start_label=0)
        if not segments.any():  # noise has no edges to follow: nearly a grid then
            segments = slic(image, count, 100 * compactness, channel_axis=-1, start_label=0)
    segments = np.asarray(segments)
    if segments.shape != image.shape[:2]:
        raise ValueError(
            f"`segments` is a number or an array of the image's size {image.shape[:2]}. Received: shape "
            f"{segments.shape}"
        )
    found, segments = np.unique(segments, return_inverse=True)
    if len(found) < 2:
        raise ValueError("the image falls into one superpixel; give `segments` an array (H, W) of numbers")
    return segments.reshape(image.shape[:2])


def _means(image, segments):
    """The image with every superpixel in its mean colour."""
    size = np.bincount(segments.ravel())
    sums = [np.bincount(segments.ravel(), channel.ravel()) for channel in np.moveaxis(image, -1, 0)]
    return np.stack([total / size for total in sums], -1)[segments]


def _slic():
    try:
        from skimage.segmentation import slic
    except ModuleNotFoundError:
        raise _missing("scikit-image") from None
    return slic


def _ridge():
    try:
        from sklearn.linear_model import Ridge
    except ModuleNotFoundError:
        raise _missing("scikit-learn") from None
    return Ridge


def _missing(package):
    return ModuleNotFoundError(f'lime_image needs {package}: pip install "cyconv[demos]"')
