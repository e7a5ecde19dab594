"""A user's installation: sdist, wheel, fresh environment; without threads too, with gcc and with clang."""

import shutil
import sys
import zipfile

import pytest
from building import CHECKOUT, run, sdist, sdist_names, wheel

pytestmark = pytest.mark.slow

# Trains nothing, but goes through the kernels; prints the answer's bytes for comparison between builds.
PROGRAM = """
import hashlib, numpy as np, cyconv
from cyconv._native import engine
signal, filter = np.float32([1, 2, 3, 2, 5, 1]).reshape(1, 6, 1), np.float32([1, 2]).reshape(2, 1, 1)
assert cyconv.ops.conv(signal, filter).ravel().tolist() == [5, 8, 7, 12, 7]
rng = np.random.default_rng(0)
x, k = rng.normal(size=(2, 9, 9, 16)).astype("f4"), rng.normal(size=(3, 3, 16, 32)).astype("f4")
y = cyconv.ops.conv(x, k, padding="same")
digest = hashlib.sha256(y.tobytes()).hexdigest()
print(cyconv.__file__, engine.compiler(), engine.has_threads(), digest, sep="|")
"""


def answer(python, folder, **env):
    """(file, compiler, threads, digest) as PROGRAM prints them, run in a folder that has no cyconv."""
    return run(python, "-c", PROGRAM, cwd=folder, env=env).strip().split("|")


def test_the_sdist_holds_every_file_of_the_project():
    if not (CHECKOUT / ".git").exists():
        pytest.skip("what belongs to the project is asked of git, and this is no checkout")
    tracked = run("git", "ls-files", cwd=CHECKOUT).split()
    packed = sdist_names()
    missing = [name for name in tracked if name not in packed and not name.startswith(".")]
    assert not missing
    assert not [name for name in packed if name.endswith((".so", ".o", ".pyc"))]
    assert "cyconv/_native/engine.c" not in packed


def test_the_wheel_is_small_and_holds_no_more_than_the_package():
    assert wheel().stat().st_size <= 6e6
    names = zipfile.ZipFile(wheel()).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"cyconv"}
    assert sum(name.endswith(".so") for name in names) == 1
    assert not [name for name in names if name.endswith((".c", ".o"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_works_in_a_fresh_environment(tmp_path):
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel())
    file, *_ = answer(python, tmp_path)
    assert file.startswith(str(tmp_path))
    assert "cyconv" in run(tmp_path / "venv" / "bin" / "cyconv", "info", cwd=tmp_path)
    assert run(python, "-m", "pip", "check")


def build(folder, **env):
    """Builds the unpacked sdist with this environment's setuptools and Cython; returns PYTHONPATH for it."""
    for command in (["build_ext", "--build-temp", folder / "objects"], ["build_py"]):
        written = run(
            sys.executable, "setup.py", *command, "--build-lib", folder / "lib", cwd=sdist(), env=env
        )
        print(written)
    return {"PYTHONPATH": str(folder / "lib")}


def test_without_threads(tmp_path, capsys):
    where = build(tmp_path, CYCONV_PTHREADS="0")
    assert "CYCONV_PTHREADS=0, so the kernels are built to run on one thread" in capsys.readouterr().out
    file, _, threads, digest = answer(sys.executable, tmp_path, **where)
    assert file.startswith(str(tmp_path)) and threads == "False"
    assert digest == answer(sys.executable, tmp_path)[3]  # the same bytes as this environment's own build


def test_with_clang(tmp_path):
    if not shutil.which("clang"):
        pytest.skip("clang is not installed (Debian: apt install clang)")
    where = build(tmp_path, CC="clang", LDSHARED="clang -shared")
    file, compiler, _, _ = answer(sys.executable, tmp_path, **where)
    assert file.startswith(str(tmp_path)) and "clang" in compiler.lower()


def test_a_system_without_threads_is_told_of_in_one_line(tmp_path):
    """The probe of setup.py itself, with a compiler that refuses -pthread."""
    refusing = tmp_path / "cc"
    refusing.write_text('#!/bin/sh\ncase " $* " in *" -pthread "*) exit 1;; esac\nexec cc "$@"\n')
    refusing.chmod(0o755)
    program = (
        "import runpy, sys; sys.argv = ['setup.py', '--version']; module = runpy.run_path('setup.py')\n"
        "from setuptools import Distribution\n"
        "command = module['BuildKernels'](Distribution())\n"
        "from setuptools._distutils.ccompiler import new_compiler\n"
        f"command.compiler = new_compiler(); command.compiler.set_executables(compiler=['{refusing}'])\n"
        "assert command.find_threads() == [] and command.builds(module['X86_64_PROGRAM']) in (True, False)"
    )
    written = run(sys.executable, "-c", program, cwd=sdist())
    lines = [line for line in written.splitlines() if line.startswith("cyconv:")]
    assert len(lines) == 1 and "run on one thread" in lines[0]
