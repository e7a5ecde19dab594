"""Metrics of a yes or no: counts of true and false positives and negatives at thresholds (Fawcett 2006)."""

import numpy as np

from .base import Metric

KINDS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def ratio(a, b):
    """a / b, 0 where b is 0."""
    a, b = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


class _Confusion(Metric):
    """Counts at `thresholds`, of what `kinds` names. A prediction above the threshold is a yes."""

    kinds = KINDS

    def __init__(self, thresholds, name, dtype, top_k=None, class_id=None):
        super().__init__(dtype, name)
        self.top_k, self.class_id = top_k, class_id
        given = thresholds if thresholds is not None else (-np.inf if top_k else 0.5)
        self.single = not isinstance(given, (list, tuple, np.ndarray))
        self.limits = np.array([given] if self.single else given, np.float32)
        outside = [] if thresholds is None else self.limits[(self.limits < 0) | (self.limits > 1)]
        if len(outside):
            raise ValueError(f"{self.name}: `thresholds` lie in [0, 1]. Received: {outside[0]}")
        for kind in self.kinds:
            setattr(self, kind, self.add_variable(self.limits.shape, name=kind))

    def update_state(self, y_true, y_pred, sample_weight=None):
        true, predicted = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float32)
        true = true.reshape(predicted.shape)
        weight = np.ones(true.shape)
        if sample_weight is not None:
            given = np.asarray(sample_weight, np.float64)
            weight = weight * given.reshape(given.shape + (1,) * (true.ndim - given.ndim))
        if self.top_k:
            least = np.sort(predicted, -1)[..., -self.top_k :][..., :1]
            predicted = np.where(predicted >= least, predicted, -np.inf)
        if self.class_id is not None:
            true, predicted, weight = (a[..., self.class_id] for a in (true, predicted, weight))
        yes = (true.ravel() > 0) * weight.ravel(), (true.ravel() <= 0) * weight.ravel()
        above = [count_above(predicted.ravel(), w, self.limits) for w in yes]
        below = [w.sum() - a for w, a in zip(yes, above, strict=True)]
        counts = dict(zip(KINDS, (*above, *below[::-1]), strict=True))
        for kind in self.kinds:
            getattr(self, kind).assign_add(counts[kind])

    def shown(self, values):
        """A float for a single threshold, else the array."""
        return float(values[0]) if self.single else np.float32(values)


def count_above(values, weights, limits):
    """For every limit the sum of the weights of the values above it."""
    order = np.argsort(values, kind="stable")
    sums = np.concatenate([[0], np.cumsum(weights[order])])
    return sums[-1] - sums[np.searchsorted(values[order], limits, side="right")]


class _Count(_Confusion):
    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(thresholds, name or self.kinds[0], dtype)

    def result(self):
        return self.shown(getattr(self, self.kinds[0]).numpy())


class TruePositives(_Count):
    """The number (or weight) of yes that are predicted."""

    kinds = KINDS[:1]


class FalsePositives(_Count):
    """The number (or weight) of no that are predicted as yes."""

    kinds = KINDS[1:2]


class TrueNegatives(_Count):
    """The number (or weight) of no that are predicted."""

    kinds = KINDS[2:3]


class FalseNegatives(_Count):
    """The number (or weight) of yes that are predicted as no."""

    kinds = KINDS[3:]


class Precision(_Confusion):
    """TP / (TP + FP): how many of those predicted as yes are. thresholds: one, or a list (then the result is
    an array). top_k: only the k largest predictions of a row can be a yes. class_id: this class alone.
    """

    kinds = ("true_positives", "false_positives")

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(thresholds, name or "precision", dtype, top_k, class_id)

    def result(self):
        true, false = self.true_positives.numpy(), self.false_positives.numpy()
        return self.shown(ratio(true, true + false))


class Recall(_Confusion):
    """TP / (TP + FN): how many of the yes are predicted. Arguments as of Precision."""

    kinds = ("true_positives", "false_negatives")

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(thresholds, name or "recall", dtype, top_k, class_id)

    def result(self):
        true, missed = self.true_positives.numpy(), self.false_negatives.numpy()
        return self.shown(ratio(true, true + missed))


class AUC(Metric):
    """The area under the curve of recall over false-positive rate ("ROC") or of precision over recall ("PR"),
    from counts at num_thresholds thresholds. summation_method: "interpolation", "minoring" or "majoring".

    multi_label: a curve for each of the last axis's columns, averaged with label_weights. PR is interpolated
    as by Davis & Goadrich 2006.
    """

    def __init__(self, num_thresholds=200, curve="ROC", summation_method="interpolation", name=None,
                 dtype=None, thresholds=None, multi_label=False, num_labels=None, label_weights=None,
                 from_logits=False):  # fmt: skip
        super().__init__(dtype, name or "auc")
        if curve not in ("ROC", "PR"):
            raise ValueError(f'`curve` is "ROC" or "PR". Received: {curve!r}')
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(f'`summation_method` is "interpolation", "minoring" or "majoring". '
                             f"Received: {summation_method!r}")  # fmt: skip
        if thresholds is None and num_thresholds < 2:
            raise ValueError(f"`num_thresholds` must be at least 2. Received: {num_thresholds}")
        inner = np.linspace(0, 1, num_thresholds)[1:-1] if thresholds is None else np.sort(thresholds)
        self.limits = np.array([-1e-7, *inner, 1 + 1e-7], np.float32)
        self.curve, self.summation_method, self.from_logits = curve, summation_method, from_logits
        self.multi_label, self.label_weights, self.positives = multi_label, label_weights, None

    def update_state(self, y_true, y_pred, sample_weight=None):
        predicted = np.asarray(y_pred, np.float32)
        true = np.asarray(y_true, np.float64).reshape(predicted.shape)
        if self.from_logits:
            predicted = 1 / (1 + np.exp(-predicted))
        weight = np.ones(true.shape)
        if sample_weight is not None:
            given = np.asarray(sample_weight, np.float64)
            weight = weight * given.reshape(given.shape + (1,) * (true.ndim - given.ndim))
        if self.label_weights is not None and not self.multi_label:
            weight = weight * np.asarray(self.label_weights)
        columns = true.shape[-1] if self.multi_label else 1
        true, predicted, weight = (a.reshape(-1, columns) for a in (true, predicted, weight))
        if self.positives is None:
            self.build(columns)
        for i, (counts, truth) in enumerate(((self.positives, true), (self.negatives, 1 - true))):
            share = truth * weight
            above = [count_above(p, w, self.limits) for p, w in zip(predicted.T, share.T, strict=True)]
            counts.assign_add(np.stack(above, -1))
            self.totals.assign_add(np.eye(2)[:, i, None] * share.sum(0))

    def build(self, columns):
        self.positives = self.add_variable((len(self.limits), columns), name="positives")
        self.negatives = self.add_variable((len(self.limits), columns), name="negatives")
        self.totals = self.add_variable((2, columns), name="totals")

    def result(self):
        if self.positives is None:
            return 0.0
        tp, fp, (all_true, all_false) = self.positives.numpy(), self.negatives.numpy(), self.totals.numpy()
        recall = ratio(tp, all_true)
        if self.curve == "PR" and self.summation_method == "interpolation":
            area = self._interpolated(tp, fp, all_true)
        else:
            x, y = (ratio(fp, all_false), recall) if self.curve == "ROC" else (recall, ratio(tp, tp + fp))
            height = {"interpolation": lambda a, b: (a + b) / 2, "minoring": np.minimum,
                      "majoring": np.maximum}[self.summation_method](y[:-1], y[1:])  # fmt: skip
            area = ((x[:-1] - x[1:]) * height).sum(0)
        weights = self.label_weights if self.multi_label and self.label_weights is not None else None
        return float(np.average(area, weights=weights))

    @staticmethod
    def _interpolated(tp, fp, all_true):
        """Between two thresholds tp grows in proportion to tp + fp, so precision follows a hyperbola."""
        size = tp + fp
        slope = ratio(tp[:-1] - tp[1:], np.maximum(size[:-1] - size[1:], 0))
        start = tp[1:] - slope * size[1:]
        both = (size[:-1] > 0) & (size[1:] > 0)
        growth = np.where(both, ratio(size[:-1], size[1:]), 1.0)
        logs = np.log(np.where(growth > 0, growth, 1.0))
        return ratio(slope * (tp[:-1] - tp[1:] + start * logs), all_true).sum(0)
