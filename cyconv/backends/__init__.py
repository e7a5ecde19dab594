"""Which backend runs the operations: `use("reference" | "cpu")`, CYCONV_BACKEND, `active()`; `register` adds
another.
"""

import os

__all__ = ["active", "get", "names", "register", "restart_random", "use"]

NAMES = ("reference", "cpu")  # those that every machine has; "gpu" needs CuPy and a device
_makers = {"reference": lambda: _host().Reference(), "cpu": lambda: _host().Cpu(), "gpu": lambda: _gpu()}
_made = {}
_active = None


def _host():
    from . import host

    return host


def _gpu():
    from . import gpu

    return gpu.Gpu(gpu.open_cupy())


def register(name, make):
    """Makes a backend known as `name`; make(), called at its first use, gives it: a `Door` with the functions
    that move arrays in and out (see `host.Host`). A name that was known means the new one from then on.
    """
    _makers[name] = make
    _made.pop(name, None)


def names():
    """The names of all backends that are known; whether a machine can run one shows when it is first used."""
    return tuple(_makers)


def get(name):
    """The backend called `name`; one object per process. ValueError for an unknown name."""
    if name not in _makers:
        raise ValueError(f"unknown backend {name!r}; there are: {', '.join(_makers)}")
    if name not in _made:
        _made[name] = _makers[name]()
    return _made[name]


def active():
    """The backend in force: the last `use`, else CYCONV_BACKEND, else "cpu"."""
    global _active
    if _active is None:
        _active = get(os.environ.get("CYCONV_BACKEND") or "cpu")
    return _active


def restart_random():
    """Sets every backend's counter of calls on arrays, from which dropout and noise draw, to its start."""
    for backend in _made.values():
        backend.restart()


class use:
    """Switches the backend: `use("reference")` for good, `with use("reference"):` for a while."""

    def __init__(self, name):
        global _active
        self._before, _active = active(), get(name)

    def __enter__(self):
        return _active

    def __exit__(self, *error):
        global _active
        _active = self._before
