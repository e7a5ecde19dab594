"""`cyconv bench roofline`: the kernels in one picture (Williams, Waterman, Patterson 2009).

A kernel that does I operations for each byte it moves can do no more than min(ceiling, I * bandwidth) a
second. Ceiling and bandwidth are measured; one point a kernel.
"""

from pathlib import Path

from .. import visualize
from . import kernels, machine


def arguments(parser):
    kernels.arguments(parser)
    parser.add_argument("--out", default="roofline.png", help="the picture (%(default)s)")


def title(options):
    return f"Roofline, level {options.level}, threads: {options.threads}"


def report(options):
    visualize.require_matplotlib()  # told now rather than after the measurements
    with machine.at(options.level, options.threads):
        ceiling, bandwidth = machine.ceiling(), machine.bandwidth()
        yield machine.heading(options.threads)
        yield ""
        yield f"Ceiling {ceiling:.0f} GFLOP/s, memory {bandwidth:.1f} GB/s."
        found = [m for m in kernels.measure(options.repeats) if isinstance(m, kernels.Measured)]
    points = [(m.kind, m.name, m.intensity, m.rate) for m in found]
    name = f"{machine.cpu_name()}, {options.level}, threads: {options.threads}"
    figure = visualize.roofline(points, ceiling, bandwidth, name)
    path = Path(options.out)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=160)
    yield f"{len(found)} kernels, wrote {path}"
