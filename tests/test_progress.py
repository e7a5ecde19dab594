"""What fit, evaluate and predict print: in a file, on a terminal, in a notebook."""

import io
import sys
import types

import numpy as np
import pytest

import cyconv as keras
from cyconv import progress

X, Y = np.full((12, 1), 0.01), np.zeros((12, 1))


def model(**options):
    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    net.compile(**{"optimizer": keras.optimizers.SGD(0.0), "loss": "mse", "metrics": ["mse"], **options})
    return net


class Terminal(io.StringIO):
    def __init__(self, tty=True):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves by hand."""
    now = types.SimpleNamespace(time=100.0)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now.time)
    return now


@pytest.fixture
def terminal(monkeypatch):
    out = Terminal()  # not sys.stdout itself: pytest sets that anew when the test begins
    monkeypatch.setattr(progress, "sys", types.SimpleNamespace(stdout=out, modules=sys.modules))
    monkeypatch.setenv("COLUMNS", "100")
    return out


def test_a_file_gets_one_line_an_epoch_and_no_control_characters(capsys):
    net = model()
    net.fit(X, Y, batch_size=4, epochs=2, validation_data=(X, Y))
    net.evaluate(X, Y, batch_size=4)
    net.predict(X, batch_size=4)
    lines = capsys.readouterr().out.splitlines()
    bar = "3/3 ━━━━━━━━━━━━━━━━━━━━ "
    assert [line[: len(bar)] for line in lines] == ["Epoch 1/2", bar, "Epoch 2/2", bar, bar, bar]
    numbers = " - loss: 1.0000e-04 - mse: 1.0000e-04"
    assert lines[1].endswith("/step" + numbers + " - val_loss: 1.0000e-04 - val_mse: 1.0000e-04")
    assert lines[4].endswith("/step" + numbers) and lines[5].endswith("/step")
    assert all(line.isprintable() for line in lines)


def test_verbose(capsys):
    net = model()
    net.fit(X, Y, verbose=0, epochs=2)
    net.evaluate(X, Y, verbose=0)
    net.predict(X, verbose=0)
    assert capsys.readouterr().out == ""
    net.fit(X, Y, verbose=2, batch_size=1)
    assert capsys.readouterr().out.startswith("12/12 - 0s - ")
    net.evaluate(X, Y, verbose=2)
    assert " - loss: 1.0000e-04 - mse: 1.0000e-04\n" in capsys.readouterr().out


def test_a_terminal_gets_a_bar_that_moves(terminal, clock):
    bar = progress.Progbar(10)
    clock.time += 1.0
    bar.update(1, {"loss": 0.5})
    clock.time += 0.01  # too soon for another
    bar.update(2, {"loss": 0.4})
    clock.time += 0.19
    bar.update(3, {"loss": 0.3})
    clock.time += 0.7
    bar.finish(10, {"loss": 0.25, "val_loss": -2e-7})
    lines = terminal.getvalue().split("\r")
    assert lines[1] == " 1/10 ━━────────────────── 9s 1s/step - loss: 0.5000"
    assert lines[2].startswith(" 3/10 ━━━━━━────────────── 0s 100ms/step - loss: 0.3000")
    assert lines[3] == "10/10 ━━━━━━━━━━━━━━━━━━━━ 2s 100ms/step - loss: 0.2500 - val_loss: -2.0000e-07\n"
    assert len(lines) == 4
    assert len(lines[2]) >= len(lines[1])  # what was longer before is covered


def test_a_line_is_cut_to_the_terminals_width_while_it_moves(terminal, clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    bar = progress.Progbar(2)
    clock.time += 1
    bar.update(1, {"loss": 0.5, "accuracy": 0.5})
    assert len(terminal.getvalue()) == 30  # "\r" and 29 characters
    bar.finish(2, {"loss": 0.5, "accuracy": 0.5})
    assert terminal.getvalue().endswith("accuracy: 0.5000\n")


def test_a_notebook_gets_a_moving_bar_too(monkeypatch, clock):
    out = Terminal(tty=False)
    monkeypatch.setattr(sys, "stdout", out)
    bar = progress.Progbar(3)
    clock.time += 1
    bar.update(1)
    assert out.getvalue() == ""
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    shell = types.ModuleType("IPython")
    shell.get_ipython = lambda: object()
    monkeypatch.setitem(sys.modules, "IPython", shell)
    bar.update(1)
    clock.time += 0.3
    bar.update(2)  # browsers are spared: twice a second
    assert out.getvalue().count("\r") == 1


def test_steps_that_are_not_known_yet(terminal, clock):
    bar = progress.Progbar(None)
    clock.time += 1
    bar.update(1)
    bar.finish(1)
    assert terminal.getvalue().split("\r")[1].startswith("      1/Unknown 1s 1s/step")
    assert terminal.getvalue().split("\r")[2].startswith("1/1 ━━━━━━━━━━━━━━━━━━━━ 1s 1s/step")


def test_an_output_that_only_takes_ascii(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    model().fit(X, Y)
    assert raw.getvalue().startswith(b"1/1 ==================== ")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(5, "5s"), (65.9, "1:05"), (3600, "1:00:00"), (7384, "2:03:04"), (0.2, "0s")]
)
def test_remaining_time(seconds, shown):
    assert progress.remaining(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(5, "5s"), (0.0421, "42ms"), (3.4e-6, "3us"), (0, "0s"), (1.5, "2s")]
)
def test_time_of_a_step(seconds, shown):
    assert progress.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.5000"), (0, "0.0000e+00"), (0.001, "1.0000e-03"), (-3.25, "-3.2500"), (float("nan"), "nan")],
)
def test_numbers(value, shown):
    assert progress.number(value) == shown
