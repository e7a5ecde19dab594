"""Who is compared: the name of a backend and, behind colons, how it is to run.

    reference       the definitions in NumPy, here in float64: what the words mean
    cpu             the C kernels, as they are in force
    cpu:winograd    every convolution by this algorithm where its shape allows, else direct; also direct, auto
    cpu:naive       the textbook loops, in every operation
    cpu:avx2        the kernels of this instruction-set level; also base, avx512
    cpu:threads=1   on so many threads
    cpu:fused       neighbouring layers run as one operation, as `fit` runs them; also unfused
    cpu:avx2:winograd:threads=2        several at once

Any registered backend may stand first; levels and threads are the C kernels' alone.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

import cyconv

from .. import backends, fusion
from .._native import engine
from ..backends import cpu
from ..backends.algorithms import fits_winograd
from ..backends.interface import ALGORITHMS

FUSIONS = {"fused": True, "unfused": False}
ISA_LEVELS = tuple(name for name in engine.LEVELS if name != "naive")


@dataclass(frozen=True)
class Variant:
    """What a name says; None: as it is in force."""

    name: str
    backend: str
    algorithm: str | None = None
    level: str | None = None
    threads: int | None = None
    fusion: bool | None = None

    @property
    def exact(self):
        """Whether it is the definitions in double precision, with which the others are compared."""
        return self.backend == "reference"

    @contextmanager
    def in_force(self):
        """Within it operations run, and steps are recorded, in this variant's way. Yields the backend."""
        before = cpu.level, cyconv.get_num_threads(), fusion.enabled()
        try:
            cpu.level = self.level or before[0]
            cyconv.set_num_threads(self.threads or before[1])
            fusion.set_fusion(before[2] if self.fusion is None else self.fusion)
            with backends.use(self.backend) as backend:
                yield backend
        finally:
            cpu.level = before[0]
            cyconv.set_num_threads(before[1])
            fusion.set_fusion(before[2])

    def algorithm_for(self, layer):
        """The algorithm that a convolution layer is to ask for."""
        if self.algorithm != "winograd":
            return self.algorithm or layer.algorithm
        groups = getattr(layer, "groups", 1)
        padding = layer.padding_for((None,) * layer.rank)
        fits = fits_winograd(layer.kernel_size, layer.strides, padding, layer.dilation_rate, groups)
        return "winograd" if fits and not hasattr(layer, "depth_multiplier") else "direct"

    def describe(self):
        """What stands behind the name, in words."""
        if self.exact:
            return "the definitions in NumPy, float64"
        words = [f"backend {self.backend}"]
        if self.backend == "cpu":
            words.append(f"level {self.level or cpu.level}")
            words.append(f"threads: {self.threads or cyconv.get_num_threads()}")
        words.append(f"algorithm {self.algorithm or 'as each layer asks'}")
        fused = fusion.enabled() if self.fusion is None else self.fusion
        words.append(f"{'layers and ' * bool(self.fusion)}steps {'fused' if fused else 'not fused'}")
        return ", ".join(words)


def parse(name):
    """The Variant of a name. ValueError for what is unknown, with the nearest names."""
    if not isinstance(name, str):
        raise TypeError(f"a backend is given by its name, as 'cpu' or 'cpu:winograd'. Received: {name!r}")
    backend, *options = [word.strip() for word in name.split(":")]
    if backend not in backends.names():
        known = [*backends.names(), *(f"cpu:{word}" for word in _words("cpu"))]
        raise ValueError(f"unknown backend {name!r}; {_nearest(name, known, backends.names())}")
    chosen = {}
    for word in options:
        for what, value in _option(name, backend, word).items():
            if chosen.setdefault(what, value) != value:
                raise ValueError(f"{name!r} asks for two kinds of {what}: {chosen[what]} and {value}")
    return Variant(":".join([backend, *options]), backend, **chosen)


def _words(backend):
    """The options that a backend takes."""
    if backend == "reference":
        return []
    own = [*engine.levels(), "threads=1"] if backend == "cpu" else []
    return list(dict.fromkeys([*(a for a in ALGORITHMS if backend == "cpu" or a != "naive"), *own, *FUSIONS]))


def _option(name, backend, word):
    """{field of a Variant: value} for one option."""
    known = _words(backend)
    if not known:
        raise ValueError(f"{name!r}: the reference has one form, the definition, and takes no options")
    if backend == "cpu" and word.startswith("threads="):
        count = word.removeprefix("threads=")
        if not count.isdigit() or not int(count):
            raise ValueError(f"{name!r}: threads=N needs a whole number of at least 1. Received: {count!r}")
        return {"threads": int(count)}
    if backend == "cpu" and word in ISA_LEVELS and word not in known:
        raise ValueError(f"{name!r}: this processor runs only the levels {', '.join(engine.levels())}")
    if word not in known:
        raise ValueError(f"{name!r}: unknown option {word!r}; {_nearest(word, known, known)}")
    if word in FUSIONS:
        return {"fusion": FUSIONS[word]}
    if word == "naive":
        return {"algorithm": "naive", "level": "naive"}
    return {"level": word} if word in ISA_LEVELS else {"algorithm": word}


def _nearest(word, known, others):
    near = get_close_matches(word, known, n=3)
    return f"nearest: {', '.join(near)}" if near else f"there are: {', '.join(others)}"


def every():
    """The names that "all" stands for: what this machine has, with each algorithm and level of the CPU."""
    levels = [name for name in engine.levels() if name != "naive"]
    ways = [f"cpu:{word}" for word in ("direct", "winograd", "naive", *levels)]
    found = available()
    return [*(n for n in found if n in backends.NAMES), *ways, *(n for n in found if n not in backends.NAMES)]


def available():
    """The names compared where none are given: the reference, and every backend that this machine can run."""
    found = []
    for name in backends.names():
        try:
            backends.get(name)
        except (ImportError, OSError, RuntimeError):
            continue
        found.append(name)
    return found
