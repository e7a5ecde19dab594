"""What callbacks that watch one number share."""

import warnings

from .base import Callback


class MonitorCallback(Callback):
    """Watches `monitor`; `mode` is "min", "max" or "auto": the direction of the loss or of the metric.

    best: the best value yet, None before the first. min_delta: how much a value must be better.
    """

    kept = ("best",)

    def __init__(self, monitor="val_loss", mode="auto", baseline=None, min_delta=0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode '{mode}' is unknown, fallback to auto mode.", stacklevel=3
            )
            mode = "auto"
        self.monitor, self.mode, self.best, self.min_delta = monitor, mode, baseline, abs(min_delta)

    def direction(self):
        """+1 where larger is better, -1 where smaller is."""
        if self.mode != "auto":
            return 1 if self.mode == "max" else -1
        sign = self.model.metric_direction(self.monitor.removeprefix("val_"))
        if sign is None:
            raise ValueError(
                f"{type(self).__name__} callback received monitor={self.monitor}, but it is not known "
                "whether that should be maximized or minimized. Pass `mode='max'` in order to monitor based "
                "on the highest value, or `mode='min'` in order to use the lowest value."
            )
        return sign

    def improves(self, value, reference):
        """Whether `value` is better than `reference` by more than min_delta; anything is better than None."""
        if reference is None:
            return True
        sign = self.direction()
        return bool(sign * (value - sign * self.min_delta) > sign * reference)

    def state(self):
        return {name: getattr(self, name) for name in self.kept}

    def restore(self, state):
        for name in self.kept:
            setattr(self, name, state[name])
