"""What was compiled: a wheel built on one processor must run on every other of its family.

An AVX instruction in a file that is not chosen at run time ends the program on a processor without AVX. So
the objects of the wheel's own build are disassembled, and each may use only its own level's registers.
"""

import platform
import re
import shutil

import pytest
from building import CHECKOUT, run, sdist, wheel

LEVELS = {"avx2": {"xmm", "ymm"}, "avx512": {"xmm", "ymm", "zmm"}}
FORBIDDEN = re.compile(r"-march=native|-mtune=native|-mcpu=native|-ffast-math|-Ofast|-funsafe-math")


def test_no_file_asks_for_this_processor_or_for_loose_arithmetic():
    files = [CHECKOUT / name for name in ("setup.py", "pyproject.toml", "Makefile", "MANIFEST.in")]
    files += [path for folder in ("src_c", "cyconv") for path in (CHECKOUT / folder).rglob("*")
              if path.suffix in (".c", ".h", ".inc", ".py", ".pyx", ".pxd")]  # fmt: skip
    assert len(files) > 30
    for path in files:
        if path.exists() and not path.name == "engine.c":
            assert not FORBIDDEN.search(path.read_text()), f"{path} names a flag that no build may use"


def test_the_flags_that_were_used():
    from cyconv._native import engine

    assert not FORBIDDEN.search(engine.flags()) and "-mavx" not in engine.flags()


def disassembled():
    """[(path, code)] of the objects of a wheel's build."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip(f"AVX is a matter of x86-64; this is {platform.machine()}")
    if not shutil.which("objdump"):
        pytest.skip("objdump is not installed (Debian: apt install binutils)")
    wheel()
    objects = list((sdist() / "build").rglob("*.o"))
    seen = {path.stem for path in objects}
    assert {"engine", "dispatch", "base", "avx2", "avx512", "f32", "f64"} <= seen
    return [(path, run("objdump", "--disassemble", "--no-show-raw-insn", path)) for path in objects]


@pytest.mark.slow
def test_the_ceiling_is_of_as_many_multiply_adds_as_are_counted():
    # A compiler that knows where the chains begin leaves out the one that stays what it is.
    for path, code in disassembled():
        if path.parent.name == "isa":
            chains = code.split(f"<cy_fma_chains_{path.stem}>:")[1].split("\n\n")[0]
            assert len(re.findall(r"\t(?:vfmadd\d+|mul)ps ", chains)) >= 12, path.name


@pytest.mark.slow
def test_each_object_uses_only_the_registers_of_its_level():
    for path, code in disassembled():
        level = LEVELS.get(path.stem if path.parent.name == "isa" else None, set())
        registers = set(re.findall(r"%([xyz]mm)\d", code)) - {"xmm"}
        assert registers <= level, f"{path.name} uses {registers - level}"
        # Instructions that AVX brought begin with v, those on 128-bit registers as well.
        vex = set(re.findall(r"\t(v\w+)", code)) - {"verr", "verw"}
        assert bool(vex) == bool(level), f"{path.name}: {sorted(vex)[:5]}"
        if level:  # and the level's own width is really used
            assert max(registers) == {"avx2": "ymm", "avx512": "zmm"}[path.stem]
