"""`cyconv bench`: ratios and means worked by hand, tables with their rows, no time for a wrong answer."""

import re
import time
from pathlib import Path

import numpy as np
import pytest

import cyconv
from cyconv import backends, bench, cli, visualize
from cyconv.bench import dense, kernels, machine, memory, threads, timing
from cyconv.backends import cpu

ROOT = Path(__file__).resolve().parents[1]
SMALL = [(1, 6, 3, 17, 3, 1), (1, 6, 16, 16, 1, 1)]


def table(text):
    """The rows of every table in a report, without the heads, as lists of cells."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    marks = [i for i, row in enumerate(rows) if set("".join(row)) <= set("|- ")]
    return [row for i, row in enumerate(rows) if i not in marks and i + 1 not in marks]


def run(capsys, *arguments):
    assert cli.main(["bench", *arguments]) == 0
    return capsys.readouterr().out


def test_ratios_are_medians_over_the_turns_and_the_fastest_peer_counts():
    times = {"cyconv": [1.0, 2.0, 4.0], "slow": [9.0, 9.0, 9.0], "fast": [2.0, 6.0, 4.0]}
    assert timing.ratio(times["cyconv"], times["fast"]) == 2.0  # of 2, 3, 1
    assert timing.ratio_to_the_fastest(times) == 2.0  # the other: of 9, 4.5, 2.25
    assert timing.ratio_to_the_fastest({"cyconv": [1.0]}) is None


def test_the_mean_of_factors_is_geometric():
    np.testing.assert_allclose(timing.geometric_mean([2.0, 4.0, 1.0]), 2.0)
    assert timing.mean_line([], "nobody") == []
    assert "2.00x; least: 1.00x" in timing.mean_line([4.0, 1.0], "the fastest")[1]


def test_everyone_gets_as_many_turns():
    calls = {"a": 0, "b": 0}

    def count(name):
        return lambda: calls.update({name: calls[name] + 1})

    times = timing.interleaved({name: count(name) for name in calls}, 0.01, pause=0)
    assert len(times["a"]) == len(times["b"]) >= 5
    assert calls["a"] == calls["b"] == 3 + 2 * len(times["a"])


def test_every_benchmark_of_the_command_can_be_asked_for_help(capsys):
    for name in bench.BENCHMARKS:
        with pytest.raises(SystemExit) as done:
            cli.main(["bench", name, "--help"])
        assert done.value.code == 0
        assert f"cyconv bench {name}" in capsys.readouterr().out


def test_the_page_on_kernels_names_files_and_commands_that_exist():
    text = (ROOT / "docs" / "kernels.md").read_text()
    files = re.findall(r"`((?:src_c|cyconv)/[\w/.]+)`", text)
    assert len(files) > 10 and all((ROOT / name).exists() for name in files)
    commands = set(re.findall(r"cyconv bench (\w+)", text))
    assert "steps" in commands and commands <= set(bench.BENCHMARKS)


def test_numbers_that_measure_nothing_are_refused(capsys):
    for name, option in (("kernels", "--repeats"), ("training", "--threads"), ("threads", "--counts")):
        with pytest.raises(SystemExit):
            cli.main(["bench", name, option, "0"])
        assert f"argument {option}: at least 1, not 0" in capsys.readouterr().err
    for seconds in ("0", "-1", "nan", "inf"):
        with pytest.raises(SystemExit):
            cli.main(["bench", "threads", "--seconds", seconds])
        assert f"argument --seconds: seconds, more than 0, not {seconds}" in capsys.readouterr().err


def test_kernels_have_a_row_each_and_level_and_threads_come_back(capsys, monkeypatch):
    monkeypatch.setattr(kernels, "CONVOLUTIONS", SMALL)
    before = cpu.level, cyconv.get_num_threads()
    shown = run(capsys, "kernels", "--level", "naive", "--threads", "1", "--repeats", "1")
    rows = table(shown)
    assert len(rows) == 3 * len(SMALL) + len(kernels.other_kernels())
    assert all(re.fullmatch(r"\d+ %", row[-1]) for row in rows)
    assert (cpu.level, cyconv.get_num_threads()) == before


def test_a_wrong_answer_gets_no_time(capsys, monkeypatch):
    """The definition is what answers are held against: with another one the kernel is wrong."""
    right = backends.reference.reduce

    def wrong(x, y, **attributes):
        right(x, y, **attributes)
        y += 1000

    monkeypatch.setattr(backends.reference, "reduce", wrong)
    monkeypatch.setattr(kernels, "CONVOLUTIONS", SMALL)
    rows = {row[0]: row for row in table(run(capsys, "kernels", "--repeats", "1", "--threads", "1"))}
    assert rows["sum over rows"][1].startswith("WRONG")
    assert len(rows["sum over rows"]) == 2  # nothing behind it
    assert re.fullmatch(r"[\d.]+", rows["relu"][1])


def test_operations_and_bytes_of_a_convolution():
    """2 images 5x5, 3 channels to 4, 3x3 with a border: 2 * 2*25*4 * 27 operations."""
    _, terms, operations, moved = kernels.convolution_passes(2, 5, 3, 4, 3, 1)
    assert operations == 2 * (2 * 25 * 4) * 27
    assert moved == 4 * (2 * 25 * 3 + 27 * 4 + 2 * 25 * 4)
    assert terms == {"forward": 27, "input gradient": 36, "kernel gradient": 50}
    m = kernels.Measured("forward", "", 1e-3, 4_000_000, 2_000_000)
    assert (m.rate, m.bandwidth, m.intensity) == (4.0, 2.0, 2.0)


def test_steps_walk_from_the_textbook_to_winograd(capsys):
    shown = run(capsys, "steps", "--shape", "1", "6", "17", "16", "--net", "tiny", "--seconds", "0.01",
                "--threads", "1")  # fmt: skip
    rows = table(shown)
    assert rows[0][0] == "textbook loops" and "Winograd" in [r[0] for r in rows if len(r) > 4][-1]
    assert rows[-1][0] == "1" and len(rows[-1]) == 4  # fusion, by threads


def test_the_ceiling_has_shares_for_three_passes(capsys, monkeypatch):
    from cyconv.bench import ceiling

    monkeypatch.setattr(ceiling, "H", 8)
    monkeypatch.setattr(ceiling, "DIRECT", (32,))
    monkeypatch.setattr(ceiling, "WINOGRAD", (16,))
    rows = table(run(capsys, "ceiling", "--repeats", "1", "--threads", "1"))
    assert [row[:3] for row in rows] == [
        ["direct 3x3", "32", "32"], ["direct 1x1", "32", "32"], ["winograd 3x3", "16", "16"]
    ]  # fmt: skip
    assert all(re.fullmatch(r"\d+ \(\d+ %\)", cell) for row in rows for cell in row[3:])


def test_a_share_is_of_the_faster_of_the_bursts_around_a_call():
    from cyconv.bench import ceiling

    np.testing.assert_allclose(ceiling.shares([50, 90, 60], [100, 80, 90, 120]), [0.5, 1.0, 0.5])
    assert ceiling.shares([50, 90, 60], [100, 0, 0, 120]) == [0.5, 0.5]  # no team came together


def test_threads_and_what_is_beside_the_kernels(capsys):
    shown = run(capsys, "threads", "--nets", "tiny", "--seconds", "0.01", "--counts", "1", "2")
    ((name, _, _, *gains),) = table(shown)
    assert name == "tiny" and "Geometric mean of 2 threads' gains" in shown
    assert re.fullmatch(r"\d+\.\d\dx \d+\.\d\dx (none none|\d+ \d+\.\d\dx \(\d+ of \d+\))", " ".join(gains))
    shown = run(capsys, "overhead", "--nets", "tiny", "--seconds", "0.01", "--threads", "1")
    ((name, *cells),) = table(shown)
    step, kernels, _, _, call, kernels_of_call, _, _ = cells
    assert name == "tiny" and 0 < float(kernels) and 0 < float(kernels_of_call) < float(call) and float(step)


def test_dense_beside_blas(capsys, monkeypatch):
    monkeypatch.setattr(dense, "SHAPES", [(5, 12, 7)])
    ((rows, inputs, units, *cells),) = table(run(capsys, "dense", "--seconds", "0.01", "--threads", "1"))
    assert (rows, inputs, units) == ("5", "12", "7")
    assert all(re.fullmatch(r"\d+ \(\d+\.\d+(, \d+\.\d+)?\)", cell) for cell in cells)


def test_memory_is_measured_in_a_process_of_its_own():
    imported, most = memory.apart("tiny", "cyconv", 1)
    assert 1e7 < imported < most < 1e9
    held = np.ones(1 << 24)
    assert memory.highest() >= held.nbytes


def test_a_roofline_has_its_corner_where_ceiling_and_memory_meet():
    pytest.importorskip("matplotlib").use("agg")
    points = [("forward", "a", 20.0, 50.0), ("other", "b", 0.25, 2.0), ("other", "c", 0.25, 3.0)]
    figure = visualize.roofline(points, 100.0, 10.0, "a machine")
    (axis,) = figure.axes
    roof, *drawn = axis.lines
    assert (roof.get_xdata()[1], roof.get_ydata()[1]) == (10.0, 100.0)
    np.testing.assert_allclose(roof.get_ydata()[0] / roof.get_xdata()[0], 10.0)
    assert sum(len(line.get_xdata()) for line in drawn) == 3
    words = [t.get_text() for t in axis.texts]
    assert {"1", "2", "1  b", "2  c"} <= set(words)
    with pytest.raises(ValueError, match="at least one point"):
        visualize.roofline([], 100.0, 10.0)
    with pytest.raises(ValueError, match="Received: 'sideways'"):
        visualize.roofline([("sideways", "a", 1.0, 1.0)], 100.0, 10.0)


def test_the_roofline_command_writes_a_picture(capsys, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.setattr(kernels, "CONVOLUTIONS", SMALL)
    monkeypatch.setattr(kernels, "other_kernels", lambda: [])
    monkeypatch.setattr(machine, "MEMORY_FLOATS", 1 << 12)
    path = tmp_path / "new" / "roofline.png"
    shown = run(capsys, "roofline", "--repeats", "1", "--threads", "1", "--out", str(path))
    assert "6 kernels, wrote" in shown
    assert path.read_bytes().startswith(b"\x89PNG")


def test_steps_side_by_side_are_counted_until_all_have_done_one():
    fast, slow = [], []

    def step(done, seconds):
        time.sleep(seconds)
        done.append(seconds)

    rate = threads.beside([lambda: step(fast, 0.01), lambda: step(slow, 0.1)])
    assert len(slow) == 2 and len(fast) > 3  # one of each before the clock starts
    assert rate < 1 / 0.01 + 1 / 0.1  # no more than each could do by itself


def test_gains_are_told_apart_by_how_near_the_threads_were():
    alone, together = [10.0, 10.0, 10.0, 10.0], [5.0, 8.0, 5.2, 5.1]
    gave = [(0.2, 40.0), (0.19, 290.0), (0.18, 100.0), (0.19, 106.0)]  # the second and the fourth are far
    assert threads.compared(alone, together, gave) == ("1.94x", "1.90x", "103", "1.96x (2 of 4)")
    gave[0] = (0.2, 0.0)  # no team came together
    assert threads.compared(alone, together, gave)[2:] == ("106", "1.94x (2 of 4)")
    assert threads.compared(alone, together, [(0.2, 0.0)] * 4)[2:] == ("none", "none")
