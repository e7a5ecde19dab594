"""The real package `cudnn`, where it is installed, takes cyconv's calls and has plans; no GPU is needed."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from cudnn_without_device import DEVICES, stub
from test_kernels_convolution import GRID

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(find_spec("cudnn") is None, reason='needs cuDNN: pip install "cyconv[gpu-cudnn]"')
@pytest.mark.parametrize("device", DEVICES)
def test_every_geometry_has_plans_in_float32_and_tf32(device, tmp_path):
    stub(tmp_path)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, ROOT / "tests/gpu/cudnn_without_device.py", device]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1 + len(GRID) * 3 * 2
