"""What a comparison found: objects, text for the terminal, JSON."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from ..layers.tables import columns

SCHEMA = "cyconv.compare/1"
WHOLE = "whole model"
NUMERIC = {"absolute", "relative", "allowed", "ULPs", "99 %", "summed up", "ms"}


@dataclass
class Entry:
    """One layer on one backend: fed with the same numbers as the baseline, so the differences are its own.

    differences: a Difference for each result of the pass `forward` (the output, moving means) and `backward`
    (the gradient of the input and of each parameter). accumulated: {pass: relative difference} where the
    backend ran the whole model by itself up to here. milliseconds: {pass: median}. algorithms: {pass: those
    of its convolutions}.
    """

    layer: str
    type: str
    shape: tuple
    backend: str
    differences: dict
    accumulated: dict = field(default_factory=dict)
    milliseconds: dict = field(default_factory=dict)
    algorithms: dict = field(default_factory=dict)

    def worst(self, phase=None):
        """The Difference that takes most of what it is allowed; None without any."""
        found = [d for p, each in self.differences.items() for d in each if phase in (None, p)]
        return max(found, key=lambda d: (d.share, d.relative), default=None)

    @property
    def over(self):
        """Whether any result differs by more than is allowed."""
        return any(d.over for each in self.differences.values() for d in each)


@dataclass
class Finding:
    """One layer, one backend, one result: where, and the Difference."""

    layer: str
    type: str
    backend: str
    phase: str
    difference: object

    def __str__(self):
        d = self.difference
        return (f'layer "{self.layer}" ({self.type}) on {self.backend}: {d.what} differs by '
                f"{number(d.relative)} of the largest value; allowed {number(d.allowed)}")  # fmt: skip


class Comparison:
    """The result of `compare_backends`.

    layers: an Entry for each layer and backend, in the model's order; the baseline's hold times alone. whole:
    an Entry for each backend, of the recorded step of the whole model. curve, crossings: times by batch size,
    and who overtakes whom. backends: {name: what stands behind it}, the baseline first.
    """

    def __init__(self, model, backends, layers, whole, curve, crossings):
        self.model, self.backends, self.layers, self.whole = model, backends, layers, whole
        self.curve, self.crossings = curve, crossings
        self.baseline = next(iter(backends))

    @property
    def findings(self):
        """A Finding for each result of each layer, those that take most of what they are allowed first."""
        found = [Finding(e.layer, e.type, e.backend, phase, d)
                 for e in self.layers for phase, each in e.differences.items() for d in each]  # fmt: skip
        return sorted(found, key=lambda f: -f.difference.share)

    @property
    def over(self):
        """The Findings over tolerance, worst first."""
        return [f for f in self.findings if f.difference.over]

    @property
    def worst(self):
        """The Finding that takes most of what it is allowed; None without layers."""
        return next(iter(self.findings), None)

    @property
    def entries(self):
        """All entries, those of the whole model last."""
        return [*self.layers, *self.whole]

    def verdict(self):
        """The lines that say what was found, a layer over tolerance first."""
        yield from verdict(self)

    def __str__(self):
        return "\n".join(lines(self))

    __repr__ = object.__repr__

    def to_dict(self):
        """The result as JSON values; the keys are documented in docs/compare.md."""
        return as_values(self)

    def to_json(self, path):
        """Writes `to_dict` to a file."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")

    def to_html(self, path):
        """Writes the report as one HTML page with its pictures in it."""
        from .page import page

        Path(path).write_text(page(self), encoding="utf-8")


# Text -------------------------------------------------------------------------------------------------------


def number(value):
    """A difference or a tolerance: two digits."""
    if value is None:
        return "-"
    if value in (0, math.inf):
        return "0" if value == 0 else "not finite"
    return f"{value:.1e}"


def count(value):
    """A number of ULPs, short."""
    return f"{value:,}" if value < 1_000_000 else f"{value:.0e}"


def share(difference):
    """How much of what is allowed a difference is."""
    part = difference.share
    if part < 10:
        return f"{100 * part:.0f} %"
    return f"{part:.0f} times" if math.isfinite(part) else "not finite"


def time_of(milliseconds):
    """Three digits of a time."""
    if milliseconds is None:
        return "-"
    return f"{milliseconds:.0f}" if milliseconds >= 1000 else f"{milliseconds:.3g}"


def verdict(result):
    """What a reader must know first."""
    over, shown = result.over, 5
    if over:
        places = list(dict.fromkeys((f.layer, f.backend) for f in over))
        yield f"OVER TOLERANCE: {len(over)} results of {len(places)} layers differ by more than is allowed."
        for finding in over[:shown]:
            yield f"  {finding}"
        if len(over) > shown:
            yield f"  and {len(over) - shown} more, in the table below"
        yield (f"Each layer was given the same numbers as {result.baseline} gave it, so the difference is "
               "made in that layer:")  # fmt: skip
        yield "its kernel on that backend is wrong, or less precise than the table of tolerances assumes."
    elif result.worst is None:
        yield "No layer to compare."
    else:
        w = result.worst
        yield "All layers are within tolerance."
        yield (f'Nearest to it: layer "{w.layer}" ({w.type}) on {w.backend}, {w.difference.what}, with '
               f"{share(w.difference)} of what is allowed.")  # fmt: skip
    wrong = [(e.backend, d) for e in result.whole for each in e.differences.values() for d in each if d.over]
    for backend, d in wrong[:shown]:
        yield (f"The whole model on {backend}: {d.what} differs by {number(d.relative)}, allowed "
               f"{number(d.allowed)}.")  # fmt: skip


HEADINGS = ("layer", "backend", "pass", "worst in", "absolute", "relative", "allowed", "ULPs", "99 %",
            "summed up", "ms", "algorithm")  # fmt: skip


def rows(entries):
    """The cells of the table: a row for each entry and pass, of its worst result."""
    for entry in entries:
        for phase in entry.differences:
            d = entry.worst(phase)
            if d is None:
                continue
            yield (entry, d, [
                entry.layer, entry.backend, phase, d.what, number(d.absolute), number(d.relative),
                number(d.allowed) + (" OVER" if d.over else ""), count(d.ulps), count(d.ulps_most),
                number(entry.accumulated.get(phase)), time_of(entry.milliseconds.get(phase)),
                ", ".join(entry.algorithms.get(phase, ())),
            ])  # fmt: skip


def lines(result):
    """The report for the terminal."""
    m = result.model
    yield (f"{m['name']}: {m['parameters']:,} parameters, a batch of {m['batch']}, gradients of "
           f"{m['score']}; {m['machine']}")  # fmt: skip
    width = max(map(len, result.backends))
    for name, what in result.backends.items():
        yield f"  {name:<{width}}  {what}{' (the others are held against it)' * (name == result.baseline)}"
    yield ""
    yield from result.verdict()
    yield ""
    yield from columns([list(HEADINGS), *(cells for _, _, cells in rows(result.entries))], NUMERIC)
    yield ""
    steps = [e for e in result.whole if e.milliseconds]
    if steps:
        for e in steps:
            yield (f"whole model on {e.backend}: prediction {time_of(e.milliseconds['prediction'])} ms, "
                   f"forward and backward {time_of(e.milliseconds['step'])} ms")  # fmt: skip
        yield ""
    yield "absolute, relative: the largest difference, and the same over the largest value. ULPs: floats"
    yield "between the two values at most (many where a sum cancels to nearly 0), and for 99 % of the values."
    yield "summed up: where the backend ran all layers up to there itself. ms: medians, taken in turn."
    if result.curve:
        yield ""
        names = [n for n in result.backends if any(n in times for _, times in result.curve)]
        table = [["batch", *(f"{n} ms" for n in names)]]
        for batch, times in result.curve:
            table.append([str(batch), *(time_of(times.get(n)) for n in names)])
        yield from columns(table, set(table[0]))
        yield from map(str, result.crossings)


# JSON -------------------------------------------------------------------------------------------------------


def _finite(value):
    """None in the place of infinity, which JSON does not know."""
    return None if value is None or math.isinf(value) else value


def _difference(d):
    return {"what": d.what, "absolute": _finite(d.absolute), "relative": _finite(d.relative), "ulps": d.ulps,
            "ulps_99": d.ulps_most, "allowed": d.allowed, "over": d.over}  # fmt: skip


def _entry(e):
    return {
        "layer": e.layer, "type": e.type, "output_shape": list(e.shape), "backend": e.backend,
        "differences": {phase: [_difference(d) for d in each] for phase, each in e.differences.items()},
        "accumulated": {phase: _finite(value) for phase, value in e.accumulated.items()},
        "milliseconds": e.milliseconds, "algorithms": {p: list(a) for p, a in e.algorithms.items()},
    }  # fmt: skip


def as_values(result):
    """The result as dicts, lists, strings and numbers."""
    findings = [{"layer": f.layer, "type": f.type, "backend": f.backend, "pass": f.phase,
                 **_difference(f.difference)} for f in result.over]  # fmt: skip
    return {
        "schema": SCHEMA,
        "model": result.model,
        "baseline": result.baseline,
        "backends": [{"name": name, "description": what} for name, what in result.backends.items()],
        "over": findings,
        "layers": [_entry(e) for e in result.layers],
        "whole": [_entry(e) for e in result.whole],
        "curve": [{"batch": batch, "milliseconds": times} for batch, times in result.curve],
        "crossings": [{"overtaken": c.overtaken, "overtaking": c.overtaking, "batch": c.batch,
                       "up_to": c.up_to} for c in result.crossings],
    }  # fmt: skip
