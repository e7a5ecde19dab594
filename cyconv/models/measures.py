"""Loss and metrics of an epoch so far."""

import numpy as np


class Measures:
    """The means of the losses over the samples since `reset`, and the metrics of `model`.

    A recorded step counts for itself (its `tally`), where its arrays are; `collect` brings home what it has
    counted: after each step where that costs nothing, else when `logs` are asked for.
    """

    def __init__(self, model):
        self.model, self._counting = model, []
        self.reset()

    def reset(self):
        self._collect_all()
        self.sums, self.seen = None, 0
        for _, metric in self._metrics():
            metric.reset_state()

    def _metrics(self):
        return self.model.compiled.named_metrics

    def begin(self, recorded):
        """What the step counts from now on is for these measures."""
        if recorded.counts_for is not self:
            if recorded.counts_for is not None:
                recorded.counts_for.collect(recorded)
            recorded.counts_for = self
            self._counting.append(recorded)

    def collect(self, recorded):
        """Takes over what the step has counted."""
        if recorded.counts_for is not self or not recorded.pending:
            return
        recorded.pending = 0
        for counted in recorded.tally.take():  # step by step: sums do not depend on when they are asked for
            each = len(counted) - 2 * len(recorded.metrics)
            losses = counted[:each]
            sums = self.sums
            self.sums = losses if sums is None else [a + b for a, b in zip(sums, losses, strict=True)]
            for i, (metric, *_) in enumerate(recorded.metrics):
                metric.add(*counted[each + 2 * i : each + 2 * i + 2])

    def _collect_all(self):
        for recorded in self._counting:
            self.collect(recorded)

    def add(self, recorded, count, steps=1):
        """Steps on `count` samples each have been run."""
        host = recorded.backend.to_host
        self.seen += count * steps
        recorded.pending += steps
        if recorded.backend.memory == "host":
            self.collect(recorded)
        for i, weighted, metric in self.model.compiled.on_host:
            arrays = recorded.targets[i], recorded.outputs[i], recorded.weights[i] if weighted else None
            metric.update_state(*(None if a is None else np.array(host(a)) for a in arrays))

    def logs(self):
        """{name: value}, by name, as Keras orders them."""
        self._collect_all()
        if not self.seen:
            return {}
        names = [*self.model.compiled.loss_keys(), "loss"]
        logs = {name: total / self.seen for name, total in zip(names, self.sums, strict=True)}
        for name, metric in self._metrics():
            result = metric.result()
            if isinstance(result, dict):
                logs.update({k: _shown(v) for k, v in result.items()})
            else:
                logs[name] = _shown(result)
        return dict(sorted(logs.items()))

    def state(self):
        self._collect_all()
        metrics = [metric.state() for _, metric in self._metrics()]
        return {"sums": self.sums, "seen": self.seen, "metrics": metrics}

    def restore(self, state):
        self._collect_all()
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
