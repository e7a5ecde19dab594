"""Numbers as text: short, and aligned at the decimal point."""

import numpy as np

MOST_ROWS, MOST_COLUMNS = 12, 7  # of a table: what is more is cut
WIDTH = 106


def line(label, text):
    """A line of an explanation."""
    return f"  {label:<20} {text}"


def number(value):
    """Seven digits at most, which is what float32 holds; no minus before 0."""
    return f"{float(value) + 0.0:.7g}"


def aligned(values, present=None):
    """The rows of a table of numbers as text, five digits each; a dot where `present` is False."""
    values = np.asarray(values)
    present = np.ones(values.shape, bool) if present is None else present
    rows = [[f"{v + 0.0:.5g}" if p else "." for v, p in zip(*row)] for row in zip(values, present)]
    rows = [_cut(row, MOST_COLUMNS) for row in rows]
    columns = [_at_the_point(_cut(list(column), MOST_ROWS)) for column in zip(*rows)]
    return ["  ".join(row) for row in zip(*columns)]


def _cut(items, most):
    return items if len(items) <= most else [*items[: most - 2], "...", items[-1]]


def _at_the_point(texts):
    """Texts of one width, decimal points below each other."""
    heads = [text.partition(".")[0] if text not in (".", "...") else text for text in texts]
    left = max(map(len, heads))
    shifted = [" " * (left - len(head)) + text for head, text in zip(heads, texts)]
    return [text.ljust(max(map(len, shifted))) for text in shifted]


def side_by_side(columns):
    """{heading: rows} as lines, the tables beside each other, or below each other where they are too wide."""
    widths = {heading: max(len(heading), *map(len, rows)) for heading, rows in columns.items()}
    if sum(widths.values()) + 5 * len(columns) > WIDTH:
        return [f"    {text}" for heading, rows in columns.items() for text in (heading, *rows)]
    lines = [list(columns), *zip(*columns.values())]
    padded = [[text.ljust(width) for text, width in zip(row, widths.values())] for row in lines]
    return ["    " + "     ".join(row).rstrip() for row in padded]


def columns(table, numeric):
    """Rows of text, headings first, as lines; the columns whose heading is in `numeric` stand right."""
    widths = [max(map(len, column)) for column in zip(*table)]
    rights = [heading in numeric for heading in table[0]]
    lines = ([cell.rjust(width) if right else cell.ljust(width)
              for cell, width, right in zip(row, widths, rights)] for row in table)  # fmt: skip
    return ["  ".join(cells).rstrip() for cells in lines]
