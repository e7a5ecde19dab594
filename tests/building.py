"""The package as a user builds it: sdist, unpacked far from the checkout, then a wheel; each once a run."""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


def run(*command, env=None, **options):
    """Runs a command and returns its output; a failure shows the end of what it wrote.

    Variables that would lead Python or cyconv elsewhere are not passed on; `env` adds to the others.
    """
    command = [str(part) for part in command]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CYCONV"))
    }
    done = subprocess.run(
        command, capture_output=True, text=True, env={**environment, **(env or {})}, **options
    )
    written = done.stdout + done.stderr
    if done.returncode and "No matching distribution found" in written and not os.environ.get("CI"):
        pytest.skip("the package index cannot be reached, and a build in isolation needs it")
    assert done.returncode == 0, f"{' '.join(command)}\n{written[-6000:]}"
    return written


@functools.cache
def place():
    """A folder for this run, removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="cyconv-build-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def sdist():
    """The folder of the unpacked sdist."""
    pytest.importorskip("build", reason='needs the package "build": pip install "cyconv[test]"')
    run(sys.executable, "-m", "build", "--sdist", "--outdir", place(), CHECKOUT)
    (archive,) = place().glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(place(), **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return archive.with_name(archive.name.removesuffix(".tar.gz"))


def sdist_names():
    """The paths in the sdist as it was packed: the unpacked folder also holds what `wheel` builds in it."""
    sdist()
    (archive,) = place().glob("*.tar.gz")
    with tarfile.open(archive) as file:
        return {name.partition("/")[2] for name in file.getnames()}


@functools.cache
def wheel():
    """The wheel, built in isolation in the unpacked sdist, which keeps the objects below build/."""
    run(sys.executable, "-m", "build", "--wheel", "--outdir", place(), sdist())
    (path,) = place().glob("*.whl")
    return path
