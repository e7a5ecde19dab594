"""What the gpu backend says of itself: plans, profiles, algorithms, times."""

from argparse import Namespace

import numpy as np
import pytest
import test_working

import cyconv as keras
from cyconv import layers, optimizers
from cyconv.bench import gpu as bench
from cyconv.testing import assert_close

def model(algorithm="auto"):
    keras.utils.set_random_seed(2)
    first = layers.Conv2D(4, 3, padding="same", algorithm=algorithm, name="convolution")
    stack = [layers.Input((4, 4, 4)), first, layers.Flatten(), layers.Dense(3)]
    return keras.Sequential(stack).to("gpu")


def compiled(algorithm="auto"):
    made = model(algorithm)
    made.compile(optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made


def plan(made):
    lines = []
    made.plan(4, print_fn=lines.append)
    return lines


def test_a_plan_names_the_backend_and_the_algorithms(by_definition, monkeypatch):
    lines = plan(compiled())
    assert lines[-1].endswith("1 call(s) from Python a step, backend gpu")
    taken = [line.split() for line in lines if "convolution" in line or "matmul" in line]
    assert all("direct" in words for words in taken) and len(taken) == 5
    monkeypatch.setattr(by_definition, "tf32", True)
    taken = [line.split() for line in plan(compiled()) if "convolution" in line or "matmul" in line]
    assert all("tf32" in words for words in taken)
    assert "tf32" not in " ".join(plan(compiled("direct"))[2].split())


def test_a_profile_times_each_step_and_leaves_the_weights(by_definition):
    made = compiled()
    start = made.get_weights()
    lines = []
    times = made.profile(4, repeats=2, print_fn=lines.append)
    assert {"convolution", "dense", "loss"} <= {layer for layer, _, _ in times}
    assert all(seconds > 0 for _, _, seconds in times) and "backend gpu" in lines[-1]
    for a, b in zip(made.get_weights(), start, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_algorithm_report_tells_what_runs_and_why(by_definition, monkeypatch):
    with keras.backends.use("gpu"):
        text = model().algorithm_report(4, print_fn=lambda _: None)
        assert "3 convolutions" not in text and "by direct" in text and "CYCONV_TF32" in text
        assert 'asked for: algorithm="tf32"' in model("tf32").algorithm_report(4, print_fn=lambda _: None)
        measured = model().algorithm_report(4, measure=True, print_fn=lambda _: None)
        assert "tf32 us" in measured and "direct us" in measured


@pytest.mark.parametrize("algorithm", ["winograd", "naive"])
def test_algorithms_of_the_cpu_are_refused_by_name(algorithm, by_definition):
    x = np.zeros((2, 4, 4, 4), np.float32)
    with pytest.raises(ValueError, match=rf'layer "convolution".*{algorithm}.*gpu backend has .direct.,'):
        model(algorithm).predict(x, verbose=0)
    with pytest.raises(ValueError, match="tf32.*is for the gpu backend"):
        model("tf32").to("cpu").predict(x, verbose=0)


def test_tensor_cores_are_refused_where_there_are_none(by_definition, monkeypatch):
    monkeypatch.setattr(by_definition, "capability", (7, 5))
    with pytest.raises(ValueError, match="compute capability 8.0; this device has 7.x"):
        model("tf32").predict(np.zeros((2, 4, 4, 4), np.float32), verbose=0)
    model().predict(np.zeros((2, 4, 4, 4), np.float32), verbose=0)


def test_tf32_rounds_factors_to_ten_bits(door):
    """Within the rounding of its factors of float32, and not the same: tensor cores were in it."""
    x = np.random.default_rng(0).uniform(0.5, 1.5, (2, 4, 4, 4)).astype(np.float32)
    exact = model("direct").predict(x, verbose=0)
    rounded = model("tf32").predict(x, verbose=0)
    off = np.abs(rounded - exact).max() / np.abs(exact).max()
    assert 2.0**-20 < off < 2.0**-8
    assert_close(model("direct").to("cpu").predict(x, verbose=0), exact, "network", 36)


def test_the_benchmark_checks_and_times_a_captured_step(by_definition, monkeypatch, capsys):
    def tiny():
        return keras.Sequential([layers.Input((4, 4, 1)), layers.Flatten(), layers.Dense(3)])

    monkeypatch.setattr(bench, "NETS", {"lenet": (tiny, (2, 4, 4, 1), 3)})
    monkeypatch.setattr(bench, "torch_with_cuda", lambda: None)
    lines = list(bench.report(Namespace(nets=["lenet"], seconds=0.01, tf32=False, algorithm="auto")))
    assert by_definition.device in lines[0] and "no PyTorch with CUDA" in lines[0]
    cells = [cell.strip() for cell in lines[-1].split("|")[1:-1]]
    assert cells[0] == "lenet" and cells[-3:] == ["6x eager", "yes", "-"]


@pytest.mark.parametrize("name", ["conv2d", "gelu", "dense softmax", "formula", "max", "batch norm"])
def test_values_worked_out_by_hand_are_the_device_s(name, by_definition):
    with keras.backends.use("gpu"):
        test_working.test_every_output_worked_out_is_what_the_layer_computes(name, False)
