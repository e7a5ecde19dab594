"""`cyconv bench threads`: training steps with one thread and with more, in turn."""

from . import machine, positive
from .nets import NETS, data
from .timing import cell, geometric_mean, heads, interleaved, ratio, row
from .training import cyconv_step


def arguments(parser):
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="which networks (all)")
    parser.add_argument("--counts", nargs="+", type=positive, default=[1, 2],
                        help="how many threads; the others are compared with the first (1 2)")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=5.0, help="of timing a network (%(default)s)")


def title(options):
    return f"Threads {', '.join(map(str, options.counts))}"


def report(options):
    first, *more = options.counts
    yield machine.heading(" and ".join(map(str, options.counts)))
    yield ""
    yield (f"Milliseconds a training step, median (minimum) of {options.seconds:g} seconds in turn. Gain: "
           f"the time with {first} over the time with more, median over the turns.")  # fmt: skip
    yield ""
    yield from heads("net", *map(str, options.counts), *(f"gain of {n}" for n in more))
    gains = {n: [] for n in more}
    for name in options.nets:
        times = interleaved({n: trained(name, n) for n in options.counts}, options.seconds)
        for n in more:
            gains[n].append(ratio(times[n], times[first]))
        yield row(name, *map(cell, times.values()), *(f"{gains[n][-1]:.2f}x" for n in more))
    for n in more:
        yield ""
        yield f"Geometric mean of {n} threads' gains: {geometric_mean(gains[n]):.2f}x."


def trained(name, threads):
    """The training step of a network, recorded for so many threads."""
    builder, shape, classes, _ = NETS[name]
    with machine.at(threads=threads):
        return cyconv_step(builder(), *data(shape, classes), classes)[0]
