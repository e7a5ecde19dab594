"""What `compile` decided: the loss of each output, their weights, the metrics."""

from .. import losses
from .. import metrics as library


class Compiled:
    """losses, loss_weights, metrics: one entry an output.

    An entry of metrics is a list of (metric, whether it takes sample weights). Those that are a mean over the
    rows of a prediction are `recorded` with the step; the others run in NumPy after it (`on_host`).
    """

    def __init__(self, model, loss, loss_weights=None, metrics=None, weighted_metrics=None):
        names = model.output_names
        self.names, self._shapes = names, model.output_shapes_list
        self.losses = [losses.get(entry) for entry in _per_output(loss, names, "loss")]
        if all(entry is None for entry in self.losses):
            raise ValueError("compile: `loss` is missing; e.g. loss='sparse_categorical_crossentropy'")
        weights = _per_output(loss_weights, names, "loss_weights") if loss_weights else [1.0] * len(names)
        self.loss_weights = [1.0 if w is None else float(w) for w in weights]
        plain = _metrics_per_output(metrics, names, "metrics")
        weighted = _metrics_per_output(weighted_metrics, names, "weighted_metrics")
        self._wanted = [[*((m, False) for m in _listed(p)), *((m, True) for m in _listed(w))]
                        for p, w in zip(plain, weighted, strict=True)]  # fmt: skip
        self.metrics = [[] for _ in names]
        self._chosen, self.recorded, self.on_host, self.named_metrics = None, [], [], []

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
            self.metrics[i] = [(library.get(m, labels, shape), weighted) for m, weighted in wanted]
        self._sort_metrics()

    def _sort_metrics(self):
        """recorded: for each output the (metric, whether weighted) that read the labels as the loss does;
        on_host: (output, whether weighted, metric) of all others; named_metrics: (name in the logs, metric).

        The weighted are named last; a name that is taken gets "weighted_" before it, or a number behind.
        """
        self.recorded = [[(metric, weighted) for metric, weighted in entries if self._fits(metric, i)]
                         for i, entries in enumerate(self.metrics)]  # fmt: skip
        self.on_host = [(i, weighted, metric) for i, entries in enumerate(self.metrics)
                        for metric, weighted in entries if not self._fits(metric, i)]  # fmt: skip
        found = {}
        for wanted in (False, True):
            for output, entries in zip(self.names, self.metrics, strict=True):
                prefix = "" if len(self.names) == 1 else f"{output}_"
                for metric, weighted in entries:
                    if weighted == wanted:
                        found[_free(prefix, metric.name, weighted, found)] = metric
        self.named_metrics = list(found.items())

    def _fits(self, metric, i):
        if not isinstance(metric, library.RowMean):
            return False
        loss, shape = self.losses[i], self._shapes[i]
        forms = [(a.target_dtype("float"), a.target_shape(shape), a.row_shape(a.target_shape(shape)))
                 for a in (metric.labels, loss)]  # fmt: skip
        return forms[0] == forms[1]

    def keys(self):
        """Names of the metrics in the order in which they were given."""
        return [name for name, _ in self.named_metrics]

    def loss_keys(self):
        """Names of the outputs' own losses, for models with several."""
        if len(self.names) == 1:
            return []
        return [f"{n}_loss" for n, loss in zip(self.names, self.losses, strict=True) if loss is not None]


def _free(prefix, name, weighted, taken):
    if weighted and prefix + name in taken:
        name = f"weighted_{name}"
    count, free = 0, prefix + name
    while free in taken:
        count += 1
        free = f"{prefix}{name}_{count}"
    return free


def _per_output(value, names, what):
    if isinstance(value, dict) and "class_name" not in value:
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


def _metrics_per_output(metric, names, what):
    if isinstance(metric, dict) or len(names) == 1:
        return _per_output(metric, names, what) if isinstance(metric, dict) else [metric]
    if isinstance(metric, (list, tuple)) and len(metric) == len(names):
        return list(metric)
    return [metric] * len(names)


def _listed(value):
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [m for entry in value for m in _listed(entry)]
    return [value]
