"""From which batch size on the one is faster than the other: measured by doubling the batch."""

import itertools
from dataclasses import dataclass

import numpy as np

from .recording import Recording
from .scoring import Score
from .timing import milliseconds

CLEARLY = 1.05  # by so much a step must be faster to count
LONGEST = 1.0  # seconds of a step beyond which nobody waits for the next batch size


@dataclass(frozen=True)
class Crossing:
    """`overtaking` is faster than `overtaken` from batches of `batch` on; None: not up to `up_to`, the
    largest that was measured.
    """

    overtaken: str
    overtaking: str
    batch: int | None
    up_to: int

    def __str__(self):
        if self.batch is None:
            return f"{self.overtaking} does not overtake {self.overtaken} up to batches of {self.up_to}"
        if self.batch == 1:
            return (
                f"{self.overtaking} is faster than {self.overtaken} from a batch of 1 on (up to {self.up_to})"
            )
        measured = f"(measured up to {self.up_to})"
        return f"{self.overtaking} overtakes {self.overtaken} at batches of {self.batch} {measured}"


def curve(contestants, flat, model, inputs, y, largest, seconds):
    """[(batch, {name: milliseconds of a forward and backward pass})] for batches of 1, 2, 4, ... `largest`.

    The batch is made of the samples given, repeated if need be.
    """
    points, running = [], list(contestants)
    for batch in itertools.takewhile(lambda n: n <= largest, (2**i for i in itertools.count())):
        rows = np.arange(batch) % len(inputs[0])
        some = [a[rows] for a in inputs]
        score = Score(model, some, None if y is None else _rows(y, rows))
        made = {c.name: Recording(c, flat, some, score).run for c in running}
        times = milliseconds(made, seconds)
        points.append((batch, times))
        running = [c for c in running if times[c.name] < 1e3 * LONGEST]
        if not running:
            break
    return points


def _rows(y, rows):
    if isinstance(y, dict):
        return {name: np.asarray(each)[rows] for name, each in y.items()}
    if isinstance(y, (list, tuple)) and y and hasattr(y[0], "shape"):
        return [np.asarray(each)[rows] for each in y]
    return np.asarray(y)[rows]


def crossings(points, names):
    """The Crossing of every two that were measured at one batch size at least.

    Who is clearly faster at the largest batch overtakes; where nobody is, it is asked of the one that began
    slower.
    """
    found = []
    for pair in itertools.combinations(names, 2):
        both = [(batch, times) for batch, times in points if all(name in times for name in pair)]
        if not both:
            continue
        (_, first), (up_to, last) = both[0], both[-1]
        quick, slow = sorted(pair, key=last.get)
        since = None
        for batch, times in reversed(both):
            if times[quick] * CLEARLY >= times[slow]:
                break
            since = batch
        if since is None:
            slow, quick = sorted(pair, key=first.get)
        found.append(Crossing(slow, quick, since, up_to))
    return found
