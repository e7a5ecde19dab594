"""The command `cyconv`: what it prints, what it refuses, and that importing cyconv stays light."""

import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

import cyconv
from cyconv import cli
from cyconv._native import engine
from cyconv.cli import demo, info


def test_info_tells_all_that_a_bug_report_needs(capsys):
    assert cli.main(["info"]) == 0
    shown = capsys.readouterr().out
    lines = dict(
        line.split(None, 1) for line in shown.splitlines() if line.split()[0] in ("cyconv", "level", "flags")
    )
    assert lines["cyconv"] == cyconv.__version__
    assert "naive" in lines["level"] and "CYCONV_ISA" in lines["level"]
    assert "-O3" in lines["flags"]
    for word in ("backend", "threads", "compiler"):
        assert word in shown


def test_each_missing_part_comes_with_the_command_that_installs_it(monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(info.metadata, "version", nothing)
    shown = info.report()
    for what, _, command in info.PARTS:
        assert any(
            line.startswith(what) and line.endswith(f"not installed: {command}")
            for line in shown.splitlines()
        )


def test_a_build_without_threads_offers_no_threads(monkeypatch):
    assert "set_num_threads" in info.report() or not engine.has_threads()
    monkeypatch.setattr(engine, "has_threads", lambda: False)
    assert "set_num_threads" not in info.report()


def test_a_reader_who_has_seen_enough_gets_no_traceback():
    command = f"{sys.executable} -m cyconv info | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize("name", list(demo.DEMOS))
def test_the_help_tells_the_defaults_of_the_demos(capsys, name):
    with pytest.raises(SystemExit):
        cli.main(["demo", name, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for what, argument in (("epochs", "--epochs EPOCHS"), ("batch_size", "--batch-size BATCH_SIZE")):
        assert shown.split(argument)[-1].split(")")[0].endswith(f"({demo.DEMOS[name][what]}")


def test_a_folder_for_pictures_that_cannot_be_is_told_before_the_training(monkeypatch, tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setitem(demo.DEMOS["mnist"], "load", None)
    assert cli.main(["demo", "mnist", "--out", str(tmp_path / "taken")]) == 1
    assert "taken" in capsys.readouterr().err


def test_the_extras_that_are_named_exist():
    offered = metadata.metadata("cyconv").get_all("Provides-Extra")
    for _, _, command in info.PARTS:
        assert command.split("[")[1].split("]")[0] in offered


def test_the_version_is_said_once():
    assert metadata.version("cyconv") == cyconv.__version__


def test_python_m_cyconv():
    answer = subprocess.run([sys.executable, "-m", "cyconv", "info"], capture_output=True, text=True)
    assert answer.returncode == 0 and cyconv.__version__ in answer.stdout


def test_importing_is_light():
    program = "import sys, cyconv; print(*sorted(set(m.split('.')[0] for m in sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {
        "matplotlib",
        "sklearn",
        "scipy",
        "skimage",
        "h5py",
        "mlxtend",
        "pandas",
        "torch",
        "cupy",
        "hypothesis",
    }
    assert not heavy & set(answer.stdout.split())


@pytest.mark.parametrize("arguments, says", [
    (["demo", "cats"], "invalid choice"),
    (["demo", "digits", "--epochs", "0"], "at least 1, not 0"),
    (["demo", "digits", "--epochs", "many"], "invalid positive value"),
    ([], "COMMAND"),
])  # fmt: skip
def test_a_wrong_command_line_says_what_is_wrong(capsys, arguments, says):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2 and says in capsys.readouterr().err


def test_a_missing_set_ends_in_one_line_of_advice(capsys, monkeypatch):
    def nowhere():
        raise FileNotFoundError("mnist was not found. Do this.")

    monkeypatch.setitem(demo.DEMOS["mnist"], "load", nowhere)
    assert cli.main(["demo", "mnist"]) == 1
    printed = capsys.readouterr().err
    assert printed == "cyconv: mnist was not found. Do this.\n"


def test_the_mnist_demo_runs(monkeypatch, tmp_path, capsys):
    """One short epoch on noise: the network, the pictures, the printed lines; no accuracy is meant."""
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    half = lambda n: (rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n, np.uint8))  # noqa: E731
    monkeypatch.setitem(demo.DEMOS["mnist"], "load", lambda: (half(64), half(32)))
    assert cli.main(["demo", "mnist", "--epochs", "1", "--out", str(tmp_path / "pictures")]) == 0
    printed = capsys.readouterr().out
    assert "test accuracy: 0." in printed
    for what in ("training", "filters", "confusion", "mistakes"):
        path = tmp_path / "pictures" / f"mnist-{what}.png"
        assert path.read_bytes().startswith(b"\x89PNG") and str(path) in printed


def test_the_digits_demo_learns(tmp_path, capsys):
    """The whole demo of `make demo`: 98 % right on digits that it never saw."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    accuracy, paths = demo.run("digits", out=tmp_path)
    assert accuracy >= 0.98 and len(paths) == 4 and all(path.stat().st_size > 5000 for path in paths)
    assert f"test accuracy: {accuracy:.4f}" in capsys.readouterr().out
