"""The roofline of a machine, and kernels under it."""

from . import _style

MARKS = {
    "forward": (_style.BLUE, "o"),
    "input gradient": (_style.VERMILION, "s"),
    "kernel gradient": (_style.GREEN, "^"),
    "other": (_style.GREY, "D"),
}
LABEL_GAP = 8.5  # points between the lines of the names beside the picture


def roofline(points, ceiling, bandwidth, title=""):
    """What a machine can do with each kernel, and what the kernel does: both axes logarithmic.

    Arguments: `points`, (kind, name, operations a byte, GFLOP/s) of each kernel, kind one of "forward",
        "input gradient", "kernel gradient" and "other"; `ceiling`, GFLOP/s of multiply-adds in registers;
        `bandwidth`, GB/s of memory; `title`, such as the processor's name.
    Returns: the matplotlib figure. Points of the kind "other" carry numbers, told beside the picture.
    Errors: ValueError where there is no point, or a kind is unknown.
    Source: Williams, Waterman, Patterson 2009, "Roofline: an insightful visual performance model".
    """
    points = list(points)
    if not points:
        raise ValueError("a roofline needs at least one point (kind, name, operations a byte, GFLOP/s)")
    for kind, *_ in points:
        if kind not in MARKS:
            raise ValueError(f"the kind of a point is one of {', '.join(MARKS)}. Received: {kind!r}")
    with _style.look() as plt:
        figure, axis = plt.subplots(figsize=(9, 5), layout="constrained")
        left = min(p[2] for p in points) / 2
        right = max(max(p[2] for p in points), ceiling / bandwidth) * 2
        corner = ceiling / bandwidth
        axis.plot([left, corner, right], [left * bandwidth, ceiling, ceiling], color="black",
                  label=f"{ceiling:.0f} GFLOP/s, {bandwidth:.0f} GB/s")  # fmt: skip
        for kind, (color, marker) in MARKS.items():
            own = [p for p in points if p[0] == kind]
            axis.plot([p[2] for p in own], [p[3] for p in own], marker, color=color, markersize=5, alpha=0.8,
                      label=kind)  # fmt: skip
        others = [p for p in points if p[0] == "other"]
        sides = {name: i % 2 for i, (_, name, _, _) in enumerate(sorted(others, key=lambda p: p[2:]))}
        for i, (_, name, x, y) in enumerate(others):  # left and right by turns: no number is covered
            place, side = ((4, -3), "left") if sides[name] else ((-4, -3), "right")
            axis.annotate(str(i + 1), (x, y), place, textcoords="offset points", fontsize=7, ha=side)
            axis.annotate(f"{i + 1}  {name}", (1.02, 1), (0, -LABEL_GAP * (i + 1)), fontsize=7,
                          xycoords="axes fraction", textcoords="offset points")  # fmt: skip
        axis.set(xscale="log", yscale="log", ylabel="GFLOP/s", title=title, xlabel="operations a byte\n"
                 "above the roof: data from a cache, and Winograd's form, which multiplies less")  # fmt: skip
        axis.legend(loc="lower right")
        return figure
