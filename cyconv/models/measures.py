"""Loss and metrics of an epoch so far."""

import numpy as np


class Measures:
    """The means of the losses over the samples since `reset`, and the metrics of `model`."""

    def __init__(self, model):
        self.model = model
        self.reset()

    def reset(self):
        self.sums, self.seen = 0.0, 0
        for _, metric in self._metrics():
            metric.reset_state()

    def _metrics(self):
        return self.model.compiled.named_metrics

    def add(self, recorded, count):
        """A step on `count` samples has been run."""
        host = recorded.backend.to_host
        losses = recorded.losses if self.model.compiled.loss_keys() else []
        self.sums = self.sums + count * np.array([float(host(v)[0]) for v in (*losses, recorded.loss)])
        self.seen += count
        for metric, *measured in recorded.metrics:
            metric.add(*(float(host(m)[0]) for m in measured))
        for i, weighted, metric in self.model.compiled.on_host:
            arrays = recorded.targets[i], recorded.outputs[i], recorded.weights[i] if weighted else None
            metric.update_state(*(None if a is None else np.array(host(a)) for a in arrays))

    def logs(self):
        """{name: value}, by name, as Keras orders them."""
        if not self.seen:
            return {}
        means = zip([*self.model.compiled.loss_keys(), "loss"], (self.sums / self.seen).tolist(), strict=True)
        logs = dict(means)
        for name, metric in self._metrics():
            result = metric.result()
            if isinstance(result, dict):
                logs.update({k: _shown(v) for k, v in result.items()})
            else:
                logs[name] = _shown(result)
        return dict(sorted(logs.items()))

    def state(self):
        metrics = [metric.state() for _, metric in self._metrics()]
        return {"sums": self.sums, "seen": self.seen, "metrics": metrics}

    def restore(self, state):
        self.sums, self.seen = state["sums"], state["seen"]
        for (_, metric), arrays in zip(self._metrics(), state["metrics"], strict=True):
            metric.load_state(arrays)


def _shown(value):
    """A float where there is one number, else an array."""
    value = np.asarray(value)
    return value.item() if value.ndim == 0 else value


def direction(name):
    """+1 where more of the metric called `name` is better, -1 where less is; None where that is not known."""
    if name.endswith(("loss", "crossentropy")) or "error" in name or name in ("mse", "mae", "mape", "msle"):
        return -1
    better = "accuracy", "auc", "precision", "recall", "iou", "score", "dice_coef"
    if name == "acc" or name.endswith(better):
        return 1
    return None
