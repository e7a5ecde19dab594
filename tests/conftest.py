"""Every test starts alike: backend cpu, layer names from the start, a fixed seed, no figure open."""

import os
import subprocess
import sys

import pytest

import cyconv
from cyconv import backends
from cyconv.layers.base import clear_names

os.environ["MPLBACKEND"] = "agg"  # no windows


@pytest.fixture(autouse=True)
def fresh_state():
    threads = cyconv.get_num_threads()
    clear_names()
    cyconv.utils.set_random_seed(1234)
    with backends.use("cpu"):
        yield
    cyconv.set_num_threads(threads)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def one_thread():
    cyconv.set_num_threads(1)


@pytest.fixture
def register(monkeypatch):
    """Registers backends for the time of a test."""
    for name in ("_makers", "_made"):
        monkeypatch.setattr(backends, name, dict(getattr(backends, name)))
    return backends.register


@pytest.fixture
def run_python():
    """Runs code in a new interpreter with extra environment variables; returns its output, stripped."""

    def run(code, fails=False, **environment):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CYCONV_")}
        result = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env={**clean, **environment}
        )
        assert (result.returncode != 0) == fails, result.stderr
        return (result.stderr if fails else result.stdout).strip()

    return run
