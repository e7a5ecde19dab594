"""Loss and metrics of an epoch so far."""

import numpy as np


class Measures:
    """Means over the samples since `reset`, of what each step of `model` measured."""

    def __init__(self, model):
        self.model = model
        self.reset()

    def reset(self):
        self.sums, self.seen = 0.0, 0

    def add(self, recorded, count):
        """A step on `count` samples has been run."""
        host = recorded.backend.to_host
        losses = recorded.losses if self.model.compiled.loss_keys() else []
        measured = [*recorded.metrics, *losses, recorded.loss]
        self.sums = self.sums + count * np.array([float(host(v)[0]) for v in measured])
        self.seen += count

    def logs(self):
        """{name: float}, by name, as Keras orders them."""
        if not self.seen:
            return {}
        compiled = self.model.compiled
        keys = [*compiled.keys(), *compiled.loss_keys(), "loss"]
        return dict(sorted(zip(keys, (self.sums / self.seen).tolist(), strict=True)))

    def state(self):
        return {"sums": self.sums, "seen": self.seen}

    def restore(self, state):
        self.sums, self.seen = state["sums"], state["seen"]


def direction(name):
    """+1 where more of the metric called `name` is better, -1 where less is; None where that is not known."""
    if name.endswith(("loss", "crossentropy")) or "error" in name or name in ("mse", "mae", "mape", "msle"):
        return -1
    if name == "acc" or name.endswith(("accuracy", "auc", "precision", "recall", "iou", "score")):
        return 1
    return None
