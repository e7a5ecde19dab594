"""The C engine. In a checkout it must have been built from the sources beside it: an engine from another
state of them would take the numbers of a call for other things, and crash.
"""

from pathlib import Path

from .sources import fingerprint

_ROOT = Path(__file__).resolve().parents[2]
_BUILD = f"in {_ROOT} run: python setup.py build_ext --inplace --force   (needs Cython and gcc or clang)"

try:
    from . import engine
except ImportError as error:
    raise ImportError(f"the C engine is not built, or not for this Python ({error}); {_BUILD}") from error

_expected = fingerprint(_ROOT)
if _expected is not None and getattr(engine, "SOURCES", None) != _expected:
    raise ImportError(
        f"the C engine, {engine.__file__}, was built from other sources than those in {_ROOT}: they have "
        f"changed since, or it was copied from elsewhere; {_BUILD}"
    )
