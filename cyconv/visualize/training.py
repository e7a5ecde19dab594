"""The course of a training."""

from . import _style


def history(history):
    """Loss and metrics over the epochs: one panel each, training and validation together.

    Arguments: `history`, what `model.fit` returned, or its dict {"loss": [...], "val_loss": [...], ...}.
    Returns: the matplotlib figure.
    Errors: ValueError if there is nothing to draw.
    """
    values = getattr(history, "history", history)
    names = [name for name in values if not name.startswith("val_") and len(values[name])]
    if not names:
        raise ValueError(
            f"a history with no epochs cannot be drawn; it holds: {', '.join(values) or 'nothing'}"
        )
    names.sort(key=lambda name: name != "loss")  # the loss first
    with _style.look() as plt:
        figure, axes = plt.subplots(
            1, len(names), figsize=(4 * len(names), 3), squeeze=False, layout="constrained"
        )
        for axis, name in zip(axes.flat, names):
            for key, label, color in (
                (name, "training", _style.BLUE),
                (f"val_{name}", "validation", _style.VERMILION),
            ):
                if key in values:
                    y = values[key]
                    axis.plot(range(1, len(y) + 1), y, color=color, marker="o", markersize=3, label=label)
            axis.set(title=name.replace("_", " "), xlabel="epoch")
            axis.xaxis.get_major_locator().set_params(integer=True)
            if axis.lines[1:]:
                axis.legend()
        return figure
