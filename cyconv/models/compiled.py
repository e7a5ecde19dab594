"""What `compile` decided: the loss of each output, their weights, the metrics."""

from .. import losses, metrics


class Compiled:
    """losses, loss_weights, metrics: one entry an output."""

    def __init__(self, model, loss, loss_weights, metric):
        names = model.output_names
        count = len(names)
        self.raw = {"loss": loss, "loss_weights": loss_weights, "metrics": metric}
        self.losses = [losses.get(entry) for entry in _per_output(loss, names, "loss")]
        if all(entry is None for entry in self.losses):
            raise ValueError("compile: `loss` is missing; e.g. loss='sparse_categorical_crossentropy'")
        weights = _per_output(loss_weights, names, "loss_weights") if loss_weights else [1.0] * count
        self.loss_weights = [1.0 if w is None else float(w) for w in weights]
        self._wanted = [_as_metrics(m) for m in _metrics_per_output(metric, names)]
        self.names = names
        self.metrics = [[] for _ in names]
        self._chosen = None

    def choose_metrics(self, label_shapes, output_shapes):
        """Fixes what "accuracy" means, now that the labels' shapes are known."""
        ranks = [None if s is None else s[1:] for s in label_shapes]
        if self._chosen == ranks:
            return
        self._chosen = ranks
        for i, (wanted, labels, shape) in enumerate(
            zip(self._wanted, label_shapes, output_shapes, strict=True)
        ):
            if wanted and labels is None:
                raise ValueError(
                    f"compile: output {self.names[i]!r} has metrics but no loss, so no labels are read"
                )
            self.metrics[i] = [metrics.get(m, labels, shape) for m in wanted]
            for metric in self.metrics[i]:
                ours = metric.target_loss().target_dtype("float")
                if ours != self.losses[i].target_dtype("float"):
                    raise ValueError(
                        f"metric {metric.name!r} and loss {type(self.losses[i]).__name__} read the labels in "
                        "different forms; use 'accuracy', which chooses by the labels' shape"
                    )

    def keys(self):
        """Names of the metrics in the order in which the executor gives them."""
        single = len(self.names) == 1
        return [m.name if single else f"{n}_{m.name}"
                for n, ms in zip(self.names, self.metrics, strict=True) for m in ms]  # fmt: skip

    def loss_keys(self):
        """Names of the outputs' own losses, for models with several."""
        if len(self.names) == 1:
            return []
        return [f"{n}_loss" for n, loss in zip(self.names, self.losses, strict=True) if loss is not None]


def _per_output(value, names, what):
    if isinstance(value, dict):
        unknown = set(value) - set(names)
        if unknown:
            raise ValueError(
                f"compile: `{what}` names {sorted(unknown)[0]!r}; the outputs are {', '.join(names)}"
            )
        return [value.get(n) for n in names]
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            raise ValueError(
                f"compile: `{what}` has {len(value)} entries for {len(names)} outputs ({', '.join(names)})"
            )
        return list(value)
    return [value] * len(names)


def _metrics_per_output(metric, names):
    if isinstance(metric, dict) or len(names) == 1:
        return _per_output(metric, names, "metrics") if isinstance(metric, dict) else [metric]
    if isinstance(metric, (list, tuple)) and len(metric) == len(names):
        return list(metric)
    return [metric] * len(names)


def _as_metrics(value):
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
