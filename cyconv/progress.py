"""The progress line in Keras's form: rewritten in place where somebody watches, one line at the end (and no
control characters) where it goes to a file."""

import shutil
import sys
import time

import numpy as np

WIDTH = 20
TERMINAL, NOTEBOOK = 0.05, 0.5  # seconds between two rewrites


class Progbar:
    """A row of `target` steps (None: not known yet). verbose 0: silent; 1: a bar; 2: one line at the end."""

    def __init__(self, target, verbose=1):
        self.target, self.verbose = target, verbose
        self.begun, self.first, self.shown, self.width = time.perf_counter(), None, 0.0, 0

    @staticmethod
    def live(verbose=1):
        """Whether the bar moves: on a terminal and in a notebook."""
        return verbose == 1 and (sys.stdout.isatty() or in_notebook())

    def due(self):
        """Whether the line was not rewritten just now."""
        return time.perf_counter() - self.shown >= (NOTEBOOK if in_notebook() else TERMINAL)

    def update(self, done, logs=None):
        """After step `done`: rewrites the line, if that is due. logs {}: nobody asked for them in time."""
        now = time.perf_counter()
        if done == 1:
            self.first = now
        if self.live(self.verbose) and self.due() and logs != {}:
            self.shown = now
            line = self._line(done, now, logs)
            if not in_notebook():  # a line that wraps cannot be rewritten
                line = line[: shutil.get_terminal_size().columns - 1]
            self._rewrite(line)

    def finish(self, done, logs=None):
        """The final line."""
        if not self.verbose:
            return
        self.target = done
        line = self._line(done, time.perf_counter(), logs, final=True)
        if self.live(self.verbose):
            self._rewrite(line)
            line = ""
        self.write(line + "\n")

    def write(self, text):
        """Writes to standard output, now; in ASCII where that is all it takes."""
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:
            sys.stdout.write(text.replace("━", "=").replace("─", ".").encode("ascii", "replace").decode())
        sys.stdout.flush()

    def _rewrite(self, line):
        self.write("\r" + line + " " * (self.width - len(line)))
        self.width = len(line)

    def _line(self, done, now, logs, final=False):
        seconds = now - self.begun
        if self.first is not None and done > 1:  # the first step records the plan, it is no measure
            each = (now - self.first) / (done - 1)
        else:
            each = seconds / max(done, 1)
        numbers = [f"{name}: {number(value)}" for name, value in (logs or {}).items()]
        if self.target is None:
            count = f"{done:7d}/Unknown"
        else:
            count = f"{done:{len(str(self.target))}d}/{self.target}"
        if self.verbose == 2:
            return " - ".join([count, f"{seconds:.0f}s", f"{duration(each)}/step", *numbers])
        clock = f"{seconds:.0f}s"
        if self.target is not None:
            filled = WIDTH * done // max(self.target, 1)
            count += " " + "━" * filled + "─" * (WIDTH - filled)
            clock = clock if final else remaining(each * (self.target - done))
        return " - ".join([f"{count} {clock} {duration(each)}/step", *numbers])


def in_notebook():
    """Whether the output goes to a Jupyter kernel's client."""
    shell = sys.modules.get("IPython")
    return "ipykernel" in sys.modules and shell is not None and shell.get_ipython() is not None


def duration(seconds):
    """A time per step: 3us, 12ms, 1s."""
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def remaining(seconds):
    """A time to wait: 12s, 2:05, 1:02:05."""
    hours, minutes, rest = int(seconds // 3600), int(seconds % 3600 // 60), int(seconds % 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"


def number(value):
    """%.4f, or %.4e for what that would not show; of several values the mean, as Keras shows it."""
    value = float(np.mean(value))
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"
