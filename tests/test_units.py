"""Work that threads take over from each other: every unit once, the slow are helped, nobody races."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cyconv._native import engine

ROOT = Path(__file__).resolve().parents[1]
CC = os.environ.get("CC", "cc").split()
SOURCES = [ROOT / "tests" / "units.c", ROOT / "src_c" / "units.c", ROOT / "src_c" / "threads.c"]
FLAGS = ["-std=gnu11", "-pthread", "-DCYCONV_PTHREADS", f"-I{ROOT / 'src_c'}"]

pytestmark = [
    pytest.mark.skipif(not engine.has_threads(), reason="built without threads"),
    pytest.mark.skipif(shutil.which(CC[0]) is None, reason="no compiler"),
    pytest.mark.skipif(not SOURCES[1].exists(), reason="not a checkout"),
]


def build(folder, *flags):
    """The program; None where the compiler knows no such flags or lacks their library."""
    program = folder / "units"
    done = subprocess.run([*CC, *FLAGS, *flags, *SOURCES, "-o", program], capture_output=True, text=True)
    assert flags[-1].startswith("-fsanitize") or done.returncode == 0, done.stderr
    return program if done.returncode == 0 else None


def test_every_unit_is_done_once_and_the_slow_are_helped(tmp_path):
    done = subprocess.run([build(tmp_path, "-O2"), "20000"], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stdout + done.stderr


def test_there_is_no_race(tmp_path):
    program = build(tmp_path, "-O1", "-g", "-fsanitize=thread")
    if program is None:
        pytest.skip("no ThreadSanitizer here")
    environment = {**os.environ, "TSAN_OPTIONS": "die_after_fork=0"}  # the child's pool starts threads
    done = subprocess.run([program, "1000"], capture_output=True, text=True, timeout=300, env=environment)
    if "unexpected memory mapping" in done.stderr:
        pytest.skip("ThreadSanitizer does not run on this kernel")
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stdout + done.stderr
