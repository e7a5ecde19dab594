"""The engine's table of kernels, and gradients of the textbook loops by central differences."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kernels import FAST, LEVELS, draw

import cyconv
from cyconv import backends
from cyconv._native import engine
from cyconv.testing import check_gradients


def test_levels_start_with_the_textbook_loops_and_end_with_the_best():
    assert LEVELS[:2] == ["naive", "base"]
    assert LEVELS[-1] == engine.best_level()
    assert set(LEVELS) <= set(engine.LEVELS) == {"naive", "base", "avx2", "avx512"}


@pytest.mark.parametrize("level", FAST)
def test_the_ceiling_is_measured(level):
    assert engine.measure_fma(level, 0.01) > 0


@pytest.mark.skipif(not engine.has_threads(), reason="built without threads")
def test_meetings_are_measured_where_a_team_comes_together():
    assert engine.measure_meeting(1) == 0
    assert any(0 < engine.measure_meeting(2) < 1e6 for _ in range(50))


def test_the_engine_says_how_it_was_built():
    assert engine.compiler().split()[0] in ("gcc", "clang")
    assert isinstance(engine.flags(), str) and engine.has_threads() in (True, False)


def test_an_engine_of_other_sources_is_refused(tmp_path):
    """A checkout with the engine of another state: an error that says to build, not a crash in a kernel."""
    checkout = Path(cyconv.__file__).parents[1]
    if not (checkout / "src_c").is_dir():
        pytest.skip("an installed package has no sources beside it")
    shutil.copytree(checkout / "cyconv", tmp_path / "cyconv", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(checkout / "src_c", tmp_path / "src_c")

    def imported():
        run = subprocess.run([sys.executable, "-c", "import cyconv; print(cyconv.__file__)"], cwd=tmp_path,
                             capture_output=True, text=True)  # fmt: skip
        assert (run.returncode == 0) == run.stdout.startswith(str(tmp_path))
        return run.stderr

    assert imported() == ""
    with open(tmp_path / "src_c" / "naive" / "map.inc", "a") as file:
        file.write("/* changed */")
    said = imported()
    assert "was built from other sources than those in" in said
    assert f"in {tmp_path} run: python setup.py build_ext --inplace --force" in said
    shutil.rmtree(tmp_path / "src_c")
    assert imported() == ""
    (tmp_path / "cyconv" / "_native" / Path(engine.__file__).name).unlink()
    assert "the C engine is not built, or not for this Python" in imported()


OPTIONS = dict(strides=(2, 1), padding=((1, 1), (1, 0)), dilation=(1, 2), groups=2)


def double(*shape, seed=0):
    return draw(*shape, seed=seed, low=-1, high=1).astype(np.float64)


def test_convolution_s_gradients_are_its_derivatives():
    ops = backends.get("cpu")
    x, kernel, bias = double(2, 6, 7, 4), double(3, 2, 2, 6), double(6)
    y = ops.convolution(x, kernel, bias, **OPTIONS)
    r = double(*y.shape, seed=5)
    dkernel, dbias = np.zeros_like(kernel), np.zeros_like(bias)
    ops.convolution_kernel_gradient(x, r, dkernel, dbias, **OPTIONS)
    dx = ops.convolution_input_gradient(r, kernel, input_shape=x.shape, **OPTIONS)
    check_gradients(
        lambda x, k, b: float((ops.convolution(x, k, b, **OPTIONS) * r).sum()),
        [x, kernel, bias], [dx, dkernel, dbias],
    )  # fmt: skip


def test_batch_norm_s_gradients_are_its_derivatives():
    ops = backends.get("cpu")
    x, gamma, beta, r = double(12, 5), double(5, seed=1), double(5, seed=2), double(12, 5, seed=3)

    def forward(x, gamma, beta):
        moving = np.zeros(5), np.ones(5)
        return ops.batch_norm(x, gamma, beta, *moving, momentum=0.9, epsilon=1e-3)

    _, mean, inv_std = forward(x, gamma, beta)
    dgamma, dbeta = np.zeros(5), np.zeros(5)
    dx = ops.batch_norm_gradient(x, r, gamma, mean, inv_std, dgamma, dbeta)
    check_gradients(
        lambda *arrays: float((forward(*arrays)[0] * r).sum()), [x, gamma, beta], [dx, dgamma, dbeta]
    )


@pytest.mark.parametrize("name", engine.ACTIVATIONS)
def test_activation_s_gradient_is_its_derivative(name):
    ops = backends.get("cpu")
    x = double(60) * 4
    x[np.abs(x - np.round(x)) < 0.02] = 0.5  # away from the corners at 0, 1, 3 and 6
    y = ops.activation(x, name, 0.3)
    dx = ops.activation_gradient(np.ones_like(x), x, y, name, 0.3)
    check_gradients(lambda x: float(ops.activation(x, name, 0.3).sum()), [x], [dx])
