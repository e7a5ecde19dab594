"""The report as one HTML page: nothing is loaded from elsewhere, and it prints well."""

from html import escape

from .drawing import Mark, Panel, curves, dots, key
from .result import WHOLE, count, number, share, time_of

STYLE = """
:root { --ink: #1d2126; --soft: #5b636d; --line: #d9dde2; --good: #e7f4ec; --bad: #fdeae4; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.2rem 1.5rem 4rem; max-width: 68rem; color: var(--ink); background: white;
       font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
p { margin: .4rem 0; max-width: 52rem; } .soft { color: var(--soft); }
.verdict { border-left: 6px solid #009E73; background: var(--good); padding: .7rem 1rem; margin: 1.2rem 0; }
.verdict.over { border-color: #D55E00; background: var(--bad); }
.verdict p { max-width: none; } .verdict ul { margin: .3rem 0 .5rem; padding-left: 1.2rem; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; font-variant-numeric: tabular-nums; }
th { text-align: left; border-bottom: 2px solid var(--ink); padding: .25rem .5rem; vertical-align: bottom; }
td { border-bottom: 1px solid var(--line); padding: .18rem .5rem; vertical-align: top; }
.all td:nth-child(1), .all td:nth-child(4) { overflow-wrap: anywhere; min-width: 7.5rem; }
.n { text-align: right; white-space: nowrap; } tr.over td { background: var(--bad); font-weight: 600; }
tr.first td { border-top: 1.5px solid #9aa2ab; }
figure { margin: .6rem 0 1rem; } figure > svg { width: 100%; height: auto; display: block; }
figcaption { color: var(--soft); font-size: 13px; max-width: 56rem; }
.keys { margin: .2rem 0 .4rem; max-width: none; }
.key { margin-right: 1.2rem; white-space: nowrap; font-size: 13px; }
.key svg { width: 15px; height: 13px; vertical-align: -2px; margin-right: .3rem; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 1.2rem; max-width: 52rem; }
@media print {
  @page { margin: 14mm; }
  body { padding: 0; max-width: none; font-size: 11px; } table { font-size: 8.5px; }
  h2 { break-after: avoid; } figure, tr, .verdict { break-inside: avoid; }
  thead { display: table-header-group; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
EXPLAINED = (
    ("absolute", "the largest difference of two values that should be the same."),
    ("relative", "the same, over the largest value of the result; all gradients of a layer's parameters "
     "share the largest of them. For gradients of the whole model: the norm of the difference over it."),
    ("allowed", "what rounding may amount to: a factor for the kind of operation, times the precision of the "
     "type, times the square root of the number of terms in the longest sum; for a layer of several "
     "operations the sum (Higham 2002, section 4.2). The factors are one table, in cyconv/testing.py."),
    ("ULPs", "units in the last place: how many floating-point numbers lie between the two values. Where a "
     "sum cancels to nearly 0 its last places mean little, and many may lie between: so the column 99 % "
     "tells within how many units nearly all values are."),
    ("summed up", "the relative difference where the backend ran the whole model by itself, so that "
     "differences of all layers before (backwards: behind) come together. A relu whose input rounds to the "
     "other side of 0 changes single gradients by far more than rounding does; no kernel is wrong then."),
    ("ms", "medians of times taken in turn. Layers are timed one by one; in a step neighbours may be fused."),
)  # fmt: skip


def page(result):
    """The HTML text."""
    m = result.model
    title = f"{m['name']} on {len(result.backends)} backends"
    shapes = ", ".join("\u00d7".join(map(str, s)) for s in m["inputs"])
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{m["parameters"]:,} parameters; input {shapes} ({m["dtype"]}); gradients of '
        f'{escape(m["score"])}; {escape(m["machine"])}; cyconv {m["cyconv"]}, {m["date"]}</p>',
        _verdict(result), "<h2>Backends</h2>", _backends(result),
        "<h2>How far each layer is off</h2>", _differences(result),
    ]  # fmt: skip
    if any(e.milliseconds for e in result.layers):
        parts += ["<h2>How long each layer takes</h2>", _times(result)]
    if result.curve:
        parts += ["<h2>Who overtakes whom</h2>", _crossings(result)]
    parts += ["<h2>Every result</h2>", _table(result), "<h2>How to read this</h2>", "<dl>"]
    parts += [f"<dt>{escape(word)}</dt><dd>{escape(what)}</dd>" for word, what in EXPLAINED]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts) + "\n</dl>\n</body>\n</html>\n"
    )  # fmt: skip


def _verdict(result):
    first, *rest = result.verdict()
    listed = [line.strip() for line in rest if line.startswith("  ")]
    prose = [line for line in rest if not line.startswith("  ")]
    items = f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in listed)}</ul>" if listed else ""
    state = " over" if result.over else ""
    return (f'<div class="verdict{state}"><p><strong>{escape(first)}</strong></p>{items}'
            f"<p>{escape(' '.join(prose))}</p></div>")  # fmt: skip


def _rows(cells, tag="td", numeric=(), kind=""):
    """A row of a table; `numeric` columns stand right."""
    marks = [' class="n"' if i in numeric else "" for i in range(len(cells))]
    inner = "".join(f"<{tag}{mark}>{cell}</{tag}>" for mark, cell in zip(marks, cells, strict=True))
    return f'<tr class="{kind}">{inner}</tr>' if kind else f"<tr>{inner}</tr>"


def _backends(result):
    heads = ("name", "what it is", "prediction, ms", "forward and backward, ms", "nearest to its tolerance")
    lines = [f"<thead>{_rows(heads, 'th', (2, 3))}</thead><tbody>"]
    for entry in result.whole:
        own = [f for f in result.findings if f.backend == entry.backend]
        nearest = "the others are held against it"
        if own:
            nearest = f"{own[0].layer}, {own[0].difference.what}: {share(own[0].difference)}"
        times = [time_of(entry.milliseconds.get(k)) for k in ("prediction", "step")]
        lines.append(_rows([f"<strong>{escape(entry.backend)}</strong>",
                            escape(result.backends[entry.backend]), *times, escape(nearest)],
                           numeric=(2, 3)))  # fmt: skip
    return f"<table>{''.join(lines)}</tbody></table>"


def _series(result, names):
    order = list(result.backends)
    return [(order.index(name), name) for name in names]


def _labels(entries):
    return list(dict.fromkeys(e.layer for e in entries))


def _differences(result):
    entries = [e for e in result.layers if e.differences]
    labels, order = _labels(entries), list(result.backends)
    panels = []
    for phase, heading in (("forward", "forward: output"), ("backward", "backward: gradients")):
        marks, limits = [], {}
        for e in entries:
            d, row, series = e.worst(phase), labels.index(e.layer), order.index(e.backend)
            if d is None:
                continue
            limits[row] = min(limits.get(row) or d.allowed, d.allowed)
            words = f"{e.layer} on {e.backend}: {d.what}, {number(d.relative)} of the largest value"
            marks.append(
                Mark(row, series, d.relative, False, d.over, f"{words}; allowed {number(d.allowed)}")
            )
            if phase in e.accumulated:
                summed = e.accumulated[phase]
                marks.append(Mark(row, series, summed, True, note=f"{words}; summed up {number(summed)}"))
        panels.append(Panel(f"{heading}, relative difference", marks, limits))
    names = _series(result, dict.fromkeys(e.backend for e in entries))
    return (
        f"<figure>{key(names, 'summed up from layer to layer', 'least tolerance of the layer')}"
        f"{dots(labels, panels, 'relative difference of each layer')}<figcaption>Full marks: the layer by "
        f"itself, fed with the numbers of {escape(result.baseline)}; its worst result. Hollow marks: the "
        "backend ran all layers itself. Right of the grey bar is too much for a layer by itself, and ringed. "
        "Logarithmic scale: from line to line ten times as much.</figcaption></figure>"
    )


def _times(result):
    entries = [e for e in result.layers if e.milliseconds]
    labels, order = _labels(entries), list(result.backends)
    panels = []
    for phase in ("forward", "backward"):
        marks = [
            Mark(labels.index(e.layer), order.index(e.backend), e.milliseconds[phase],
                 note=f"{e.layer} on {e.backend}: {time_of(e.milliseconds[phase])} ms")
            for e in entries if phase in e.milliseconds
        ]  # fmt: skip
        panels.append(Panel(f"{phase}, milliseconds", marks, {}))
    names = _series(result, dict.fromkeys(e.backend for e in entries))
    return (f"<figure>{key(names)}{dots(labels, panels, 'milliseconds of each layer')}<figcaption>Medians "
            f"for a batch of {result.model['batch']}, logarithmic scale.</figcaption></figure>")  # fmt: skip


def _crossings(result):
    times = dict(result.curve)
    met = [c for c in result.crossings if c.batch and c.batch > 1]
    marks = [(c.batch, times[c.batch][c.overtaking], str(c)) for c in met]
    names = _series(result, [n for n in result.backends if any(n in t for _, t in result.curve)])
    said = "".join(f"<li>{escape(str(c))}</li>" for c in result.crossings)
    picture = curves(result.curve, names, marks, "milliseconds a step over the batch")
    return (f"<figure>{picture}<figcaption>A forward and backward pass of the whole model, batches doubled. "
            "Ringed: the first batch at which one has overtaken another.</figcaption></figure>"
            f"<ul>{said}</ul>")  # fmt: skip


def _table(result):
    heads = ("layer", "backend", "pass", "result", "absolute", "relative", "allowed", "ULPs", "99 %",
             "summed up", "ms", "algorithm")  # fmt: skip
    numeric, lines, before = range(4, 11), [], None
    for e in [*result.layers, *result.whole]:
        for phase, each in e.differences.items():
            for i, d in enumerate(each):
                shape = "\u00d7".join(map(str, e.shape))
                layer = e.layer if e.layer == WHOLE else f"{e.layer} ({e.type} \u2192 {shape})"
                new, before = e.layer != before, e.layer
                rest = [number(e.accumulated.get(phase)), time_of(e.milliseconds.get(phase)),
                        ", ".join(e.algorithms.get(phase, ()))] if i == 0 else ["", "", ""]  # fmt: skip
                kind = " ".join(["first"] * new + ["over"] * d.over)
                lines.append(_rows([
                    escape(layer) if new else "", *((escape(e.backend), phase) if i == 0 else ("", "")),
                    escape(d.what), number(d.absolute), number(d.relative), number(d.allowed), count(d.ulps),
                    count(d.ulps_most), *rest], numeric=numeric, kind=kind))  # fmt: skip
    head = _rows(heads, "th", numeric)
    return f'<table class="all"><thead>{head}</thead><tbody>{"".join(lines)}</tbody></table>'
