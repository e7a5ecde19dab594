"""The progress line of fit and evaluate, in Keras's form: rewritten in place on a terminal, one line an
epoch (and no control characters) anywhere else."""

import sys
import time

from .callbacks import Callback

WIDTH = 20
REFRESH = 0.1  # seconds between two rewrites


class Progress(Callback):
    """verbose 1: a bar; 2: one line an epoch. Off a terminal 1 means: epoch heading and its final line."""

    def __init__(self, verbose, out=None):
        super().__init__()
        self.verbose, self.out = verbose, out or sys.stdout
        self.live = verbose == 1 and self.out.isatty()
        self.steps, self.width = 0, 0

    def start(self, steps):
        """A new row of `steps` batches."""
        self.steps, self.begun, self.shown, self.width = steps, time.perf_counter(), 0.0, 0

    def update(self, done, logs):
        """After batch `done`: rewrites the line, at most every REFRESH seconds."""
        now = time.perf_counter()
        if self.live and done < self.steps and now - self.shown >= REFRESH:
            self.shown = now
            self._write(self._line(done, now, logs), end="")

    def finish(self, logs):
        """The row's final line."""
        if self.verbose:
            self._write(self._line(self.steps, time.perf_counter(), logs), end="\n")

    def epoch(self, epoch, epochs):
        """The heading of an epoch."""
        if self.verbose:
            self.out.write(f"Epoch {epoch + 1}/{epochs}\n")

    def _line(self, done, now, logs):
        seconds = now - self.begun
        each = seconds / max(done, 1)
        if self.verbose == 2:
            parts = [f"{done}/{self.steps}", f"{seconds:.0f}s", f"{duration(each)}/step"]
            return " - ".join(parts + [f"{k}: {number(v)}" for k, v in logs.items()])
        filled = WIDTH * done // max(self.steps, 1)
        bar = "━" * filled + ("─" if self.live else " ") * (WIDTH - filled)
        remaining = each * (self.steps - done)
        clock = f"{seconds:.0f}s" if done >= self.steps else f"{remaining:.0f}s left"
        parts = [f"{done}/{self.steps} {bar} {clock} {duration(each)}/step"]
        return " - ".join(parts + [f"{k}: {number(v)}" for k, v in logs.items()])

    def _write(self, line, end):
        if self.live:
            self.out.write("\r" + line + " " * max(self.width - len(line), 0) + end)
            self.width = len(line)
        else:
            self.out.write(line + end)
        self.out.flush()


def duration(seconds):
    """A time per step: 3us, 12ms, 1s."""
    if seconds >= 1:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def number(value):
    """%.4f, or %.4e where that would show nothing."""
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
