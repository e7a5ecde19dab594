"""How a classifier does: which classes it takes for which, and the images that it gets wrong."""

import numpy as np

from . import _style


def labels_of(y, name):
    """Class numbers (n,) from class numbers (n,) or (n, 1), or from one value a class (n, classes)."""
    y = np.asarray(y)
    if y.ndim == 2:
        return y.argmax(1) if y.shape[1] > 1 else y[:, 0].astype(int)
    if y.ndim != 1:
        raise ValueError(
            f"{name} holds class numbers (n,), or probabilities (n, classes). Received: shape {y.shape}"
        )
    return y.astype(int)


def pair_of_labels(y_true, y_pred):
    """Both as class numbers; ValueError unless they are equally many, and some."""
    true, predicted = labels_of(y_true, "y_true"), labels_of(y_pred, "y_pred")
    if len(true) != len(predicted) or not len(true):
        raise ValueError(
            f"y_true and y_pred describe the same images: {len(true)} and {len(predicted)} received."
        )
    return true, predicted


def confusion_matrix(y_true, y_pred, names=None):
    """A table of which class (row) was taken for which (column); the colour is the share of the row.

    Arguments:
        y_true, y_pred: class numbers (n,), or one-hot or probabilities (n, classes).
        names: the classes' names; their numbers if not given.
    Returns: the matplotlib figure.
    Errors: ValueError where the lengths differ, or a label has no name.
    """
    true, predicted = pair_of_labels(y_true, y_pred)
    classes = int(max(true.max(), predicted.max())) + 1
    if names is not None and len(names) < classes:
        raise ValueError(f"there are {len(names)} names, and labels up to {classes - 1}.")
    names = list(names) if names is not None else list(range(classes))
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (true, predicted), 1)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    with _style.look() as plt:
        side = 1.6 + 0.36 * len(names)
        figure, axis = plt.subplots(figsize=(side + 0.6, side), layout="constrained")
        image = axis.imshow(shares, cmap=_style.SHARES, vmin=0, vmax=1)
        for row, column in zip(*np.nonzero(counts)):
            dark = shares[row, column] > 0.5
            axis.text(column, row, counts[row, column], ha="center", va="center", size="small",
                      color="white" if dark else "black")  # fmt: skip
        axis.set_xticks(range(len(names)), names, rotation=0 if len(str(names[-1])) < 3 else 90)
        axis.set_yticks(range(len(names)), names)
        axis.grid(False)
        right = int((true == predicted).sum())
        axis.set(
            xlabel="predicted",
            ylabel="true",
            title=f"{right:,} of {len(true):,} right: {right / len(true):.2%}",
        )
        figure.colorbar(image, shrink=0.8, label="share of the true class")
        return figure


def mistakes(x, y_true, y_pred, n=25, names=None):
    """The images that were classified wrongly, the surest mistakes first.

    Arguments:
        x: images (n, height, width), or (n, height, width, 1 or 3).
        y_true: class numbers or one-hot.
        y_pred: class numbers, or probabilities, which order the images and are written above them.
        n: how many are drawn at most.
        names: the classes' names; their numbers if not given.
    Returns: the matplotlib figure; a line of text if there are no mistakes.
    """
    x, (true, predicted) = np.asarray(x), pair_of_labels(y_true, y_pred)
    if len(x) != len(true) or x.ndim not in (3, 4):
        raise ValueError(
            f"x holds the {len(true)} images, (n, height, width[, channels]). Received: shape {x.shape}"
        )
    name = (lambda label: label) if names is None else (lambda label: names[label])
    certainty = np.asarray(y_pred)
    certainty = certainty.max(1) if certainty.ndim == 2 and certainty.shape[1] > 1 else None
    wrong = np.flatnonzero(true != predicted)
    if certainty is not None:
        wrong = wrong[np.argsort(-certainty[wrong], kind="stable")]
    with _style.look() as plt:
        figure, axes = _style.grid(
            plt, max(1, min(n, len(wrong))), columns=min(max(len(wrong), 3), 5), size=1.2, above=0.4
        )
        for axis, i in zip(axes, wrong):
            _style.picture(axis, x[i])
            sure = "" if certainty is None else f"\n{certainty[i]:.0%} sure"
            axis.set_title(
                f"{name(true[i])}, taken for {name(predicted[i])}{sure}", size="x-small", loc="center"
            )
        shown = f", the {n} surest" if n < len(wrong) else ""
        figure.suptitle(f"{len(wrong):,} of {len(true):,} wrong{shown}" if len(wrong) else "No mistakes")
        return figure
