"""The pictures of the report, in SVG: dots on a logarithmic scale for each layer, lines over the batch."""

import math
from dataclasses import dataclass
from html import escape

from ..visualize._style import GREY, SERIES, VERMILION

ROW, LEFT, GAP, TOP, BOTTOM, WIDTH = 17, 230, 26, 34, 30, 960
FONT = 'font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif" font-size="11.5"'
NAME = 34  # characters of a layer's name that fit


@dataclass
class Mark:
    """A dot in row `row` for series number `series`. hollow: the second kind; over: with a red ring."""

    row: int
    series: int
    value: float
    hollow: bool = False
    over: bool = False
    note: str = ""


@dataclass
class Panel:
    """One column of dots: its heading, its Marks, and {row: a limit}, drawn as a small bar."""

    heading: str
    marks: list
    limits: dict


def colour(series):
    return SERIES[series % len(SERIES)]


def _shape(series, x, y, hollow=False, size=3.9):
    """A circle, square, triangle or diamond: series differ in form too, for print in grey."""
    fill = f'fill="{"white" if hollow else colour(series)}" stroke="{colour(series)}" stroke-width="1.4"'
    s = size
    form = series % 4
    if form == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{s}" {fill}/>'
    if form == 1:
        corner = f'x="{x - s * 0.9:.1f}" y="{y - s * 0.9:.1f}"'
        return f'<rect {corner} width="{1.8 * s:.1f}" height="{1.8 * s:.1f}" {fill}/>'
    triangle, diamond = (
        [(0, -1.15), (1.1, 0.85), (-1.1, 0.85)],
        [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)],
    )
    path = "L".join(f"{x + s * a:.1f} {y + s * b:.1f}" for a, b in (triangle if form == 2 else diamond))
    return f'<path d="M{path}Z" {fill}/>'


def _text(x, y, words, anchor="start", **more):
    extra = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in more.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(words)}</text>'


def _line(x1, y1, x2, y2, stroke="#DDD", width=1.0, **more):
    extra = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in more.items())
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" '
            f'stroke-width="{width}"{extra}/>')  # fmt: skip


def _power(exponent):
    """10 to a power as it is read: 0.001 to 1000 in digits."""
    return f"{10.0**exponent:g}" if -3 <= exponent <= 3 else f"1e{exponent}"


class Scale:
    """Values between the decades around `values`, on pixels from `start` to `end`; 0 stands at the left."""

    def __init__(self, values, start, end):
        values = list(values)
        found = [v for v in values if v > 0 and math.isfinite(v)] or [1.0]
        self.low, self.high = math.floor(math.log10(min(found))), math.ceil(math.log10(max(found)))
        self.high = max(self.high, self.low + 1)
        self.nothing = any(v == 0 for v in values)
        self.zero, self.start, self.end = start + 8, start + 34 * self.nothing + 6, end - 16

    def at(self, value):
        if value == 0:
            return self.zero
        if not math.isfinite(value):
            return self.end
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0), 1) * (self.end - self.start)

    def decades(self):
        step = math.ceil((self.high - self.low) / 7)
        return range(self.low, self.high + 1, step)


def svg(width, height, shapes, label):
    """A picture of that size."""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
            f'aria-label="{escape(label)}" {FONT} fill="#222">\n{chr(10).join(shapes)}\n</svg>')  # fmt: skip


def key(names, hollow=None, limit=None):
    """The legend, as HTML: a mark for each series, and what hollow marks and grey bars are."""

    def one(picture, words):
        drawn = f'<svg width="15" height="13" viewBox="0 0 15 13">{picture}</svg>'
        return f'<span class="key">{drawn}{escape(words)}</span>'

    parts = [one(_shape(i, 7.5, 6.5), name) for i, name in names]
    if hollow:
        ring = f'<circle cx="7.5" cy="6.5" r="3.9" fill="white" stroke="{GREY}" stroke-width="1.4"/>'
        parts.append(one(ring, hollow))
    if limit:
        parts.append(one(_line(7.5, 1, 7.5, 12, "#999", 2.5), limit))
    return f'<p class="keys">{"".join(parts)}</p>'


def dots(labels, panels, label):
    """Rows of dots: what a value is in each row, for each series, on a logarithmic scale."""
    height = TOP + ROW * len(labels) + BOTTOM
    width = (WIDTH - LEFT - GAP * (len(panels) - 1)) / len(panels)
    shapes = []
    for i, name in enumerate(labels):
        y = TOP + ROW * (i + 0.5)
        if i % 2 == 0:
            shapes.append(
                f'<rect x="0" y="{y - ROW / 2:.1f}" width="{WIDTH}" height="{ROW}" fill="#F6F7F8"/>'
            )
        shown = name if len(name) <= NAME else "\u2026" + name[1 - NAME :]
        shapes.append(_text(LEFT - 10, y + 4, shown, "end"))
    for number, panel in enumerate(panels):
        start = LEFT + number * (width + GAP)
        values = [m.value for m in panel.marks] + [v for v in panel.limits.values() if v]
        scale = Scale(values, start, start + width)
        foot = TOP + ROW * len(labels)
        shapes.append(_text(start, TOP - 18, panel.heading, font_weight="600"))
        for exponent in scale.decades():
            x = scale.at(10.0**exponent)
            shapes += [
                _line(x, TOP - 4, x, foot),
                _text(x, foot + 15, _power(exponent), "middle", fill="#555"),
            ]
        if scale.nothing:
            x = scale.zero
            shapes += [_line(x, TOP - 4, x, foot), _text(x, foot + 15, "0", "middle", fill="#555")]
        for row, value in panel.limits.items():
            if value:
                x, y = scale.at(value), TOP + ROW * (row + 0.5)
                shapes.append(_line(x, y - ROW * 0.42, x, y + ROW * 0.42, "#999", 2.5))
        crowd = max((m.series for m in panel.marks), default=0) + 1
        for m in sorted(panel.marks, key=lambda m: not m.hollow):
            lift = (m.series - (crowd - 1) / 2) * min(2.2, 8 / crowd)
            x, y = scale.at(m.value), TOP + ROW * (m.row + 0.5) + lift
            place = f'cx="{x:.1f}" cy="{y:.1f}" r="7.5"'
            ring = f'<circle {place} fill="none" stroke="{VERMILION}" stroke-width="2"/>' * m.over
            shapes.append(f"<g>{ring}{_shape(m.series, x, y, m.hollow)}<title>{escape(m.note)}</title></g>")
    return svg(WIDTH, height, shapes, label)


def curves(points, names, marks, label):
    """Milliseconds over the batch, both logarithmic. marks: [(batch, milliseconds, words)]."""
    left, right, top, foot, width = 70, 700, 20, 330, 960
    across = [batch for batch, _ in points]
    x_scale = Scale([1], left, right)
    x_scale.low, x_scale.high = (
        math.log10(across[0]),
        max(math.log10(across[-1]), math.log10(across[0]) + 0.3),
    )
    up = Scale([t for _, times in points for t in times.values()], 0, 1)
    up.start, up.end = foot - 6, top + 6
    shapes = []
    for exponent in up.decades():
        y = up.at(10.0**exponent)
        shapes += [_line(left, y, right, y), _text(left - 8, y + 4, _power(exponent), "end", fill="#555")]
    for batch in across:
        x = x_scale.at(batch)
        shapes += [_line(x, top, x, foot), _text(x, foot + 16, str(batch), "middle", fill="#555")]
    shapes += [_text((left + right) / 2, foot + 36, "samples in a batch", "middle"),
               _text(16, (top + foot) / 2, "milliseconds a step", "middle",
                     transform=f"rotate(-90 16 {(top + foot) / 2:.0f})")]  # fmt: skip
    ends = []
    for series, name in names:
        here = [(x_scale.at(b), up.at(times[name])) for b, times in points if name in times]
        if not here:
            continue
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in here)
        shapes.append(f'<path d="M{path}" fill="none" stroke="{colour(series)}" stroke-width="2"/>')
        shapes += [_shape(series, x, y) for x, y in here]
        ends.append([here[-1][1], name, series])
    for batch, milliseconds, words in marks:
        x, y = x_scale.at(batch), up.at(milliseconds)
        ring = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="none" stroke="#222" stroke-dasharray="3 2"/>'
        shapes.append(f"<g>{ring}<title>{escape(words)}</title></g>")
    last = -math.inf
    for y, name, series in sorted(ends):
        y = max(y, last + 16)
        last = y
        shapes += [_shape(series, right + 20, y), _text(right + 32, y + 4, name)]
    return svg(width, foot + 48, shapes, label)
