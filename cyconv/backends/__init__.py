"""Which backend runs the operations: `use("reference" | "cpu")`, CYCONV_BACKEND, `active()`."""

import os

__all__ = ["active", "get", "use"]

NAMES = ("reference", "cpu")
_made = {}
_active = None


def get(name):
    """The backend called `name`; one object per process. ValueError for an unknown name."""
    if name not in NAMES:
        raise ValueError(f"unknown backend {name!r}; there are: {', '.join(NAMES)}")
    if name not in _made:
        from . import host

        _made[name] = {"reference": host.Reference, "cpu": host.Cpu}[name]()
    return _made[name]


def active():
    """The backend in force: the last `use`, else CYCONV_BACKEND, else "cpu"."""
    global _active
    if _active is None:
        _active = get(os.environ.get("CYCONV_BACKEND") or "cpu")
    return _active


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
