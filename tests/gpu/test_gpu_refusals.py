"""Where there is no GPU: what is missing is named, and nothing runs on the CPU instead."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import cyconv as keras
from cyconv import backends, layers
from cyconv.backends.gpu import GpuUnavailable, device

ROOT = Path(__file__).resolve().parents[2]


class CudaError(Exception):
    pass


def cupy_that(answer):
    """A module whose getDeviceCount gives or raises `answer`."""

    def count():
        if isinstance(answer, Exception):
            raise answer
        return answer

    runtime = SimpleNamespace(getDeviceCount=count, CUDARuntimeError=CudaError)
    return SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))


@pytest.fixture
def without_gpu(monkeypatch):
    """The backend has not been made yet; `import cupy` gives what is set in sys.modules."""
    monkeypatch.setattr(backends, "_made", {k: v for k, v in backends._made.items() if k != "gpu"})
    return lambda module: monkeypatch.setitem(sys.modules, "cupy", module)


def test_without_cupy_the_extra_is_named(without_gpu):
    without_gpu(None)  # `import cupy` fails
    for ask in (lambda: backends.use("gpu"), lambda: backends.get("gpu"), device.open_cupy):
        with pytest.raises(ModuleNotFoundError, match=r'pip install "cyconv\[gpu\]"'):
            ask()
    assert backends.active().name == "cpu"


@pytest.mark.parametrize(
    "answer, named",
    [
        (CudaError("cudaErrorInsufficientDriver: CUDA driver version is"), "needs an NVIDIA driver"),
        (CudaError("cudaErrorNoDevice: no CUDA-capable device is detected"), "no NVIDIA GPU"),
        (CudaError("cudaErrorUnknown: unknown error"), "cannot reach the GPU: cudaErrorUnknown"),
        (0, "no NVIDIA GPU"),
    ],
)
def test_without_driver_or_device_that_is_named(answer, named, without_gpu):
    without_gpu(cupy_that(answer))
    with pytest.raises(GpuUnavailable, match=named):
        backends.get("gpu")


def test_a_model_that_cannot_go_stays_where_it_is(without_gpu):
    without_gpu(None)
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    with pytest.raises(ModuleNotFoundError, match="CuPy"):
        model.to("gpu")
    assert model.backend.name == "cpu"
    with pytest.raises(ValueError, match="unknown backend 'cuda'; there are: reference, cpu, gpu"):
        model.to("cuda")


def test_the_environment_s_choice_is_no_wish(run_python, tmp_path):
    """CYCONV_BACKEND=gpu without a GPU is an error at the first operation."""
    (tmp_path / "cupy.py").write_text("raise ImportError('not here')")
    code, path = "import cyconv; cyconv.activations.relu([1.0])", f"{tmp_path}:{ROOT}"
    assert "cyconv[gpu]" in run_python(code, fails=True, CYCONV_BACKEND="gpu", PYTHONPATH=path)


@pytest.mark.parametrize("command", [["benchmarks/gpu_check.py"], ["-m", "cyconv", "bench", "gpu"]])
def test_checks_and_times_are_refused_in_one_line(command, tmp_path):
    (tmp_path / "cupy.py").write_text("raise ImportError('not here')")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1 and not done.stdout
    (line,) = done.stderr.strip().splitlines()
    assert "needs" in line and 'pip install "cyconv[gpu]"' in line
