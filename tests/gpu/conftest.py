"""Tests of the gpu backend: on a stand-in for CuPy, or with CYCONV_TEST_DEVICE=1 on the device itself."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # kernels.py, cuda_on_cpu.py

from across import checker  # noqa: E402
from by_definition import ByDefinition  # noqa: E402
from standin import StandIn  # noqa: E402

from cyconv import backends  # noqa: E402
from cyconv.backends import gpu  # noqa: E402

ON_DEVICE = bool(os.environ.get("CYCONV_TEST_DEVICE"))


@pytest.fixture(scope="session")
def shared_door():
    """One gpu backend for tests that leave nothing behind: kernels are loaded once."""
    return gpu.Gpu(gpu.open_cupy() if ON_DEVICE else StandIn())


@pytest.fixture
def door(shared_door, monkeypatch):
    """The gpu backend under its name, for `use("gpu")` and `model.to("gpu")`."""
    monkeypatch.setattr(backends, "_made", {**backends._made, "gpu": shared_door})
    return shared_door


@pytest.fixture
def cases(door, monkeypatch):
    """Lets a test of the C kernels check the gpu backend: cases(test, ...) runs it."""

    def run(test, *arguments):
        monkeypatch.setitem(test.__globals__, "check_all", checker(door))
        monkeypatch.setitem(test.__globals__, "check_threads", lambda *_: None)
        test(*arguments)

    return run


@pytest.fixture(scope="session")
def shared_by_definition(shared_door):
    return shared_door if ON_DEVICE else ByDefinition()


@pytest.fixture
def by_definition(shared_by_definition, monkeypatch):
    """The same with definitions instead of kernels: quick, strict about all else. On a device, kernels."""
    monkeypatch.setattr(backends, "_made", {**backends._made, "gpu": shared_by_definition})
    return shared_by_definition


@pytest.fixture
def counts(door):
    """What the stand-in counts: reads, writes, allocations, launches, graphs, modules."""
    if ON_DEVICE:
        pytest.skip("only the stand-in counts")
    door.cupy.counts.clear()
    return door.cupy.counts
