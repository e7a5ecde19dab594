"""Pictures of pictures: a batch, what a layer makes of an image, a segmentation beside its truth."""

import numpy as np

from . import _style
from .classification import labels_of


def images(x, labels=None, names=None, n=25):
    """The first images of a batch, with their labels.

    Arguments:
        x: images (N, height, width), or (N, height, width, 1 or 3).
        labels: class numbers (N,) or one value a class (N, classes); or none.
        names: the classes' names; their numbers if not given.
        n: how many are drawn at most.
    Returns: the matplotlib figure.
    Errors: ValueError where there are no images, or not as many labels, or a label has no name.
    """
    x = np.asarray(x)
    if x.ndim not in (3, 4) or not len(x):
        raise ValueError(f"x holds images, (n, height, width[, channels]). Received: shape {x.shape}")
    labels = None if labels is None else labels_of(labels, "labels")
    if labels is not None and len(labels) != len(x):
        raise ValueError(f"there are {len(x)} images and {len(labels)} labels.")
    shown = min(n, len(x))
    with _style.look() as plt:
        size, above = 1.1 if shown > 4 else 1.8, 0.0 if labels is None else 0.25
        figure, axes = _style.grid(plt, shown, min(shown, 8), size, above, aspect=x.shape[1] / x.shape[2])
        for axis, image in zip(axes, x):
            _style.picture(axis, image)
        for axis, name in zip(axes, () if labels is None else _style.names_of(labels[:shown], names)):
            axis.set_title(name, size="small", loc="center")
        sizes = " x ".join(map(str, x.shape[1:]))
        some = f"the first {shown} of {len(x):,} images" if shown < len(x) else f"{shown} images"
        figure.suptitle(f"{some}, {sizes}")
        return figure


def feature_maps(maps, image=None, name="feature maps", most=32):
    """What a layer makes of one image: a picture for each channel, all on one scale.

        maps = cyconv.interpret.activations(model, image, "conv2d")
        cyconv.visualize.feature_maps(maps, image)

    White is 0. Where no value is negative, dark blue is large; else orange is positive, purple negative.

    Arguments:
        maps: (height, width, channels), or a batch of one.
        image: what the layer's network was given; it is drawn first.
        name: what the title calls them.
        most: how many channels are drawn at most.
    Returns: the matplotlib figure.
    Errors: ValueError for what is not the maps of one image.
    """
    maps = np.asarray(maps, np.float32)
    maps = maps[0] if maps.ndim == 4 and len(maps) == 1 else maps
    if maps.ndim != 3 or not maps.size:
        raise ValueError(
            "feature_maps draws what a layer gives for one image, (height, width, channels). "
            f"Received: shape {maps.shape}"
        )
    shown, largest = min(most, maps.shape[-1]), max(float(np.abs(maps).max()), 1e-12)
    signed = maps.min() < 0
    first = 0 if image is None else 1
    panels = shown + first
    columns = panels if panels < 9 else min((8, 7, 9), key=lambda c: -panels % c)  # a last row that is full
    with _style.look() as plt:
        figure, axes = _style.grid(plt, panels, columns, 1.0, 0.2, 1.0,
                                   aspect=maps.shape[0] / maps.shape[1])  # fmt: skip
        if first:
            _style.picture(axes[0], image[0] if np.ndim(image) == 4 else image)
            axes[0].set_title("the image", size="small", loc="center")
        for k, axis in enumerate(axes[first:]):
            low, cmap = (-largest, _style.SIGNED) if signed else (0, _style.SHARES)
            drawn = axis.imshow(maps[..., k], cmap=cmap, vmin=low, vmax=largest)
            axis.set_title(k, size="x-small", loc="center", pad=2)
            _style.frame(axis)
        of = "" if shown == maps.shape[-1] else f"the first {shown} of "
        dead = int((maps == 0).all((0, 1)).sum())
        nowhere = f"; {dead} of them 0 everywhere" if dead else ""
        height, width, channels = maps.shape
        figure.suptitle(f"{name}: {of}{channels} channels of {height} x {width}{nowhere}")
        figure.colorbar(drawn, ax=figure.axes, shrink=0.8, label="value")
        return figure


def segmentation(section, truth, probability, threshold=0.5):
    """A segmentation beside its truth: section, truth, probability, segmentation, and where it errs.

    In the last panel orange pixels are missed (the truth has them), blue ones are too many. With more than
    two classes orange pixels are wrong, and the probability is that of the class that was chosen.

    Arguments:
        section: the image (height, width[, 1 or 3]).
        truth: class numbers (height, width[, 1]): 0 and 1, or more.
        probability: of class 1, (height, width[, 1]); or of each class, (height, width, classes).
        threshold: from which probability on a pixel is of class 1.
    Returns: the matplotlib figure.
    Errors: ValueError where the three are not of one size.
    """
    section, truth, probability = map(np.asarray, (section, truth, probability))
    truth = truth[..., 0] if truth.ndim == 3 and truth.shape[-1] == 1 else truth
    probability = probability[..., 0] if probability.ndim == 3 and probability.shape[-1] == 1 else probability
    if truth.ndim != 2 or not truth.shape == probability.shape[:2] == section.shape[:2]:
        raise ValueError(
            "section, truth and probability are of one height and width. Received: shapes "
            f"{section.shape}, {truth.shape}, {probability.shape}"
        )
    truth = truth.astype(int)
    several = probability.ndim == 3
    found = probability.argmax(-1) if several else (probability >= threshold).astype(int)
    sure = probability.max(-1) if several else probability
    classes = max(int(truth.max()), int(found.max()), 1) + 1
    with _style.look() as plt:
        height = 2.3 * truth.shape[0] / truth.shape[1]
        figure, axes = plt.subplots(1, 5, figsize=(12.5, height + 1.35), layout="constrained")
        for axis in axes:
            _style.frame(axis)
        _style.picture(axes[0], section)
        colours = plt.matplotlib.colors.ListedColormap(["white", "black", *_style.SERIES][:classes])
        for axis, classified in ((axes[1], truth), (axes[3], found)):
            axis.imshow(classified, cmap=colours, vmin=0, vmax=classes - 1, interpolation="nearest")
        image = axes[2].imshow(sure, cmap=_style.SHARES, vmin=0, vmax=1)
        figure.colorbar(image, cax=axes[2].inset_axes((0, -0.1, 1, 0.05)), orientation="horizontal")
        kinds = errors(axes[4], section, truth, found, several)
        chosen = "probability of that class" if several else "probability"
        titles = ("section", "truth", chosen, "segmentation", "errors")
        for axis, title in zip(axes, titles):
            axis.set_title(title)
        patch = plt.matplotlib.patches.Patch
        marks = [patch(color=colour, label=f"{name}: {count:,}") for name, colour, count in kinds]
        axes[4].legend(handles=marks, loc="upper left", bbox_to_anchor=(-0.05, -0.02), handlelength=1)
        right = float((truth == found).mean())
        both = sum(int(((truth == k) & (found == k)).sum()) for k in range(1, classes))
        dice = 2 * both / max(int((truth > 0).sum() + (found > 0).sum()), 1)
        figure.suptitle(f"{right:.2%} of the pixels right, Dice {dice:.3f}")
        return figure


def errors(axis, section, truth, found, several):
    """Draws the wrong pixels over the faint section; returns (name, colour, how many) of each kind."""
    missed, extra = (truth != found) & (truth > 0), (truth != found) & (truth == 0)
    if several:
        kinds = [("wrong", _style.ORANGE, truth != found)]
    else:
        kinds = [("missed", _style.ORANGE, missed), ("too many", _style.BLUE, extra)]
    _style.picture(axis, section, alpha=0.25)
    layer = np.zeros((*truth.shape, 4))
    for _, colour, where in kinds:
        layer[where] = (*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1)
    axis.imshow(layer, interpolation="nearest")
    return [(name, colour, int(where.sum())) for name, colour, where in kinds]
