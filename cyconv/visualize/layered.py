"""Where boxes and arrows lie: ranks one after the other, as Sugiyama, Tagawa and Toda (1981) do it.

"Across" is the direction of a rank, "along" the direction of the arrows. An arrow that passes ranks gets a
narrow place in each of them, so that it runs beside the boxes and not behind them. What is linked stands in
one column where possible, so that most arrows are straight (after Brandes and Koepf 2002).
"""

from functools import cache

ACROSS, ALONG = 28, 34  # gaps between neighbours of a rank, and between ranks
NARROW = 10  # the place of an arrow that passes by
SWEEPS = 8


def layout(sizes, arrows):
    """Where everything lies.

    sizes: (across, along) of each box; arrows: (from, to), numbers of boxes, each box after those it needs.
    Returns the centres of the boxes (across, along), the (begin, end) of each box's rank along the arrows,
    the bends of each arrow (across, begin and end of each rank that it passes), and the size of the whole.
    """
    ranks = _ranks(len(sizes), arrows)
    place_rank, widths = list(ranks), [across for across, _ in sizes]
    links, passed = [], []
    for start, end in arrows:
        between = range(ranks[start] + 1, ranks[end])
        way = [start, *range(len(widths), len(widths) + len(between)), end]
        place_rank.extend(between)
        widths.extend([NARROW] * len(between))
        links.extend(zip(way, way[1:], strict=False))
        passed.append(way[1:-1])
    rows = [[] for _ in range(max(ranks, default=0) + 1)]
    for place, rank in enumerate(place_rank):
        rows[rank].append(place)
    _order(rows, links)
    across, total = _across(rows, widths, _columns(rows, links, len(sizes)))
    spans = _spans(rows, sizes)
    middle = [(begin + end) / 2 for begin, end in spans]
    centres = [(across[box], middle[ranks[box]]) for box in range(len(sizes))]
    bends = [[(across[p], *spans[place_rank[p]]) for p in way] for way in passed]
    return centres, [spans[rank] for rank in ranks], bends, (total, spans[-1][1] if sizes else 0)


def _ranks(count, arrows):
    """The longest way to each box; a box without arrows to it comes down to the one that it leads to."""
    ranks = [0] * count
    for start, end in sorted(arrows, key=lambda arrow: arrow[1]):
        ranks[end] = max(ranks[end], ranks[start] + 1)
    for box in set(range(count)) - {end for _, end in arrows}:
        ranks[box] = min((ranks[end] for start, end in arrows if start == box), default=1) - 1
    return ranks


def _order(rows, links):
    """Sorts each rank by the mean position of its links in the rank before, down and up in turn."""
    linked = {}
    for start, end in links:
        linked.setdefault(start, []).append(end)
        linked.setdefault(end, []).append(start)
    for sweep in range(SWEEPS):
        ordered = rows if sweep % 2 == 0 else rows[::-1]
        for before, row in zip(ordered, ordered[1:], strict=False):
            position, means = {place: i for i, place in enumerate(before)}, {}
            for i, place in enumerate(row):
                known = [position[n] for n in linked.get(place, ()) if n in position]
                means[place] = sum(known) / len(known) if known else i
            row.sort(key=means.get)


def _columns(rows, links, boxes):
    """{place: its column}: links that do not cross make columns, passing arrows first, then box to box."""
    position = {place: i for row in rows for i, place in enumerate(row)}
    rank = {place: r for r, row in enumerate(rows) for place in row}

    def importance(link):
        return -((link[0] >= boxes) + (link[1] >= boxes)) % 3, links.index(link)

    above, below, straight = {}, {}, [[] for _ in rows]
    for start, end in sorted(set(links), key=importance):
        i, j, kept = position[start], position[end], straight[rank[start]]
        crosses = any((i - k) * (j - m) < 0 for k, m in kept)
        if start not in below and end not in above and not crosses:
            below[start], above[end] = end, start
            kept.append((i, j))
    columns = {}
    for row in rows:
        for place in row:
            columns[place] = columns[above[place]] if place in above else place
    return columns


def _across(rows, widths, columns):
    """({place: centre}, the width of all): columns packed from the left and from the right, then the mean."""
    before, after = {}, {}
    for row in rows:
        for a, b in zip(row, row[1:], strict=False):
            apart = (widths[a] + widths[b]) / 2 + ACROSS
            before.setdefault(columns[b], []).append((columns[a], apart))
            after.setdefault(columns[a], []).append((columns[b], apart))
    widest = {}
    for place, column in columns.items():
        widest[column] = max(widest.get(column, 0), widths[place] / 2)

    @cache
    def left(column):
        bounds = [left(other) + apart for other, apart in before.get(column, ())]
        return max([widest[column], *bounds])

    total = max((left(column) + widest[column] for column in widest), default=0)

    @cache
    def right(column):
        bounds = [right(other) - apart for other, apart in after.get(column, ())]
        return min([total - widest[column], *bounds])

    return {place: (left(column) + right(column)) / 2 for place, column in columns.items()}, total


def _spans(rows, sizes):
    """(begin, end) of each rank along the arrows."""
    spans, end = [], -ALONG
    for row in rows:
        begin = end + ALONG
        end = begin + max((sizes[p][1] for p in row if p < len(sizes)), default=0)
        spans.append((begin, end))
    return spans
