"""`algorithm="cudnn"`: convolutions by cuDNN, on a stand-in for its package, against their definition.

On a device (CYCONV_TEST_DEVICE) where cuDNN is installed, by cuDNN itself.
"""

import sys
from argparse import Namespace
from importlib.util import find_spec
from math import prod

import numpy as np
import pytest
import test_gpu_models as networks
import test_kernels_convolution as convolutions
from across import Across, checker
from conftest import ON_DEVICE
from cudnn_standin import NOTES, CudnnStandIn, NotSupported
from hypothesis import given, settings
from kernels import normal
from standin import StandIn

from cyconv import backends, layers
from cyconv.backends import gpu
from cyconv.bench import gpu as bench
from cyconv.testing import assert_close

SAME = dict(strides=(1, 1), padding=((1, 1), (1, 1)), dilation=(1, 1), groups=1, algorithm="cudnn")
stand_in_only = pytest.mark.skipif(ON_DEVICE, reason="of the stand-in")


def made(missing=(), **module):
    """A gpu backend with a stand-in for cuDNN, some of whose parts are replaced."""
    cupy = StandIn()
    cudnn = CudnnStandIn(cupy, missing)
    vars(cudnn).update(module)
    return gpu.Gpu(cupy, cudnn)


@pytest.fixture(scope="module")
def shared_with_cudnn(shared_door):
    if ON_DEVICE and find_spec("cudnn") is None:
        pytest.skip('needs cuDNN: pip install "cyconv[gpu-cudnn]"')
    return shared_door if ON_DEVICE else made()


@pytest.fixture
def with_cudnn(shared_with_cudnn, monkeypatch):
    """The gpu backend with cuDNN, under its name."""
    return installed(shared_with_cudnn, monkeypatch)


def installed(backend, monkeypatch):
    monkeypatch.setattr(backends, "_made", {**backends._made, "gpu": backend})
    return backend


def verify(case, door):
    """The three passes by cuDNN, bias, residual, activation and addition to gradients in them."""
    C, K = case["channels"]
    x = normal((case["N"], *case["sizes"], C), 1)
    kernel = normal((*case["window"], C // case["groups"], K), 2)
    dy = normal((case["N"], *convolutions.sizes_out(case), K), 4)
    longest = max(prod(kernel.shape[:-1]), prod(dy.shape[:-1]), prod(case["window"]) * K)
    passes = convolutions.run_all(case, "cudnn")
    checker(door)(passes, x, kernel, normal((K,), 3), dy, terms=longest)


@pytest.mark.parametrize("name", [n for n in convolutions.GRID if ON_DEVICE or n != "a large image"])
def test_geometries(name, with_cudnn):
    verify(convolutions.GRID[name], with_cudnn)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(drawn=convolutions.cases())
def test_random_geometries(drawn, shared_with_cudnn):
    verify(drawn, shared_with_cudnn)


def by_cudnn(model):
    """The model on the GPU, its convolutions by cuDNN."""

    def ask(layer):
        for inner in (*getattr(layer, "layers", ()), *getattr(layer, "branch", ())):
            ask(inner)
        if hasattr(layer, "algorithm"):
            layer.algorithm = "cudnn"

    ask(model)
    return model.to("gpu")


@pytest.mark.parametrize("name", ["convolutional", "residual", "skipping"])
def test_networks_give_the_numbers_of_the_cpu(name, with_cudnn):
    """With strides, shortcuts that convolutions add, and convolutions that run backwards to enlarge."""
    stack = getattr(networks, name)
    expected = networks.trained(networks.built(stack, shape=(6, 6, 4)), "cpu")
    model, lines = by_cudnn(networks.built(stack, shape=(6, 6, 4))), []
    for a, b in zip(networks.trained(model, "gpu"), expected, strict=True):
        for mine, wanted in zip(*(x.values() if isinstance(x, dict) else x for x in (a, b)), strict=True):
            assert_close(np.float32(mine), wanted, "network", 1000)
    model.plan(8, print_fn=lines.append)
    asked = [line.split() for line in lines if "convolution" in line]
    assert asked and all("cudnn" in words for words in asked)


@stand_in_only
def test_a_captured_step_makes_no_plan_and_no_allocation(with_cudnn):
    counts = with_cudnn.cupy.counts
    x, y = networks.data(shape=(6, 6, 4))
    model = by_cudnn(networks.built(networks.convolutional, shape=(6, 6, 4)))
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)  # recorded, warmed, captured
    before = counts.copy()
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    spent = counts - before
    assert spent["graphs"] == 3 and spent["launches"] == spent["cudnn"] == spent["cudnn graphs"] == 0
    assert spent["allocations"] == 2 and spent["reads"] == 1  # the data of this fit; what the epoch counted
    (recorded,) = model.executor.recorded.values()
    assert recorded.program.stretches == 1 and not recorded.program.hindrance


@stand_in_only
def test_a_plan_is_made_once_for_a_shape():
    backend = made()
    x, kernel = (backend.asarray(np.ones(s), "float32") for s in ((2, 5, 5, 3), (3, 3, 3, 4)))
    for _ in range(3):
        backend.convolution(x, kernel, **SAME)
    assert backend.cupy.counts["cudnn graphs"] == 1
    backend.convolution(x, kernel, **{**SAME, "padding": ((1, 0), (0, 1))})
    assert backend.cupy.counts["cudnn graphs"] == 2


def test_an_empty_batch_is_no_work(with_cudnn):
    x, kernel = (with_cudnn.asarray(np.ones(s), "float32") for s in ((0, 5, 5, 3), (3, 3, 3, 4)))
    assert with_cudnn.convolution(x, kernel, **SAME).shape == (0, 5, 5, 4)
    dkernel = with_cudnn.asarray(np.ones((3, 3, 3, 4)), "float32")
    with_cudnn.convolution_kernel_gradient(x, with_cudnn.empty((0, 5, 5, 4), "float32"), dkernel, **SAME)
    np.testing.assert_array_equal(with_cudnn.to_host(dkernel), 1)


# What is allowed, and what is said of it ------------------------------------------------------------------


def test_tensor_cores_round_only_where_the_backend_lets_them(with_cudnn, monkeypatch):
    x, kernel = (normal(shape).astype(np.float32) for shape in ((64, 8, 8, 64), (3, 3, 64, 64)))
    exact = Across(with_cudnn).convolution(x, kernel, **SAME)
    expected = backends.get("reference").convolution(*map(np.float64, (x, kernel)), **SAME)
    assert_close(exact, expected, terms=576)
    monkeypatch.setattr(with_cudnn, "tf32", True)
    rounded = Across(with_cudnn).convolution(x, kernel, **SAME)
    assert 2.0**-20 < np.abs(rounded - exact).max() / np.abs(exact).max() < 2.0**-8


@stand_in_only
def test_plans_that_round_transform_or_vary_are_not_taken():
    backend = made()
    x, kernel = (backend.asarray(np.ones(s), "float32") for s in ((2, 5, 5, 3), (3, 3, 3, 4)))
    backend.convolution(x, kernel, **SAME)
    assert backend.cudnn.module.plans == ["plain"]
    without = made(missing={"plain"})
    x, kernel = (without.asarray(np.ones(s), "float32") for s in ((2, 5, 5, 3), (3, 3, 3, 4)))
    with pytest.raises(ValueError, match="no plan for convolution of .*pre_padding.*take 'direct'"):
        without.convolution(x, kernel, **SAME)
    assert without.cudnn.module.plans == []


def model(algorithm):
    stack = [layers.Input((4, 4, 4)), layers.Conv2D(4, 3, algorithm=algorithm, name="first")]
    return networks.keras.Sequential([*stack, layers.Flatten(), layers.Dense(3)])


def report(algorithm, **options):
    with backends.use("gpu"):
        return model(algorithm).to("gpu").algorithm_report(4, print_fn=lambda _: None, **options)


def test_the_report_lists_cudnn_where_it_is_installed_and_auto_never_takes_it(with_cudnn, monkeypatch):
    text = report("auto")
    assert "cudnn M" in text and "2 by direct" in text
    assert "cudnn us" in report("auto", measure=True)
    text = report("cudnn")
    assert "2 by cudnn" in text and 'asked for: algorithm="cudnn"' in text and "tf32 is on" not in text
    monkeypatch.setattr(with_cudnn, "tf32", True)
    assert "2 by cudnn" in report("cudnn") and "tf32 is on: tensor cores may round" in report("cudnn")
    assert "by cudnn" not in report("auto")


@stand_in_only
def test_the_report_leaves_out_what_is_not_there(door, monkeypatch):
    monkeypatch.setattr(gpu.cudnn, "find_spec", lambda name: None)
    assert "cudnn" not in report("auto")
    installed(made(missing={"plain"}), monkeypatch)
    assert "cudnn" not in report("auto")


@stand_in_only
def test_the_benchmark_asks_for_it(with_cudnn, monkeypatch):
    monkeypatch.setattr(bench, "NETS", {"lenet": (lambda: model("auto"), (2, 4, 4, 4), 3)})
    monkeypatch.setattr(bench, "torch_with_cuda", lambda: None)
    options = Namespace(nets=["lenet"], seconds=0.01, tf32=False, algorithm="cudnn")
    assert bench.title(options) == "Training steps on the GPU, float32, convolutions by cudnn"
    before = with_cudnn.cupy.counts["cudnn"]
    assert "| yes |" in list(bench.report(options))[-1]
    assert with_cudnn.cupy.counts["cudnn"] > before


# Errors name the layer and what would do -------------------------------------------------------------------

IMAGES = np.zeros((2, 4, 4, 4), np.float32)


def refused(words, algorithm="cudnn"):
    with pytest.raises(ValueError, match=rf'layer "first" \(Conv2D\): .*{words}.*direct'):
        model(algorithm).to("gpu").predict(IMAGES, verbose=0)


def test_without_the_package_the_extra_is_named(door, monkeypatch):
    monkeypatch.setattr(door.cudnn, "module", None)
    monkeypatch.setattr(door.cudnn, "handle", None)
    monkeypatch.setattr(door.cudnn, "_plans", {})
    monkeypatch.setitem(sys.modules, "cudnn", None)  # `import cudnn` fails
    refused(r'pip install "cyconv\[gpu-cudnn\]"')


@stand_in_only
def test_without_the_library_its_words_are_told(monkeypatch):
    def fails():
        raise RuntimeError("Unable to find symbol cudnnCreate")

    installed(made(create_handle=fails), monkeypatch)
    refused("Unable to find symbol cudnnCreate.*pip install")
    installed(made(__version__="1.9.0"), monkeypatch)
    refused("version 1.9.0 is older than 1.18.*pip install")


@stand_in_only
def test_what_cudnn_refuses_is_told_forwards_and_backwards(monkeypatch):
    backend = installed(made(missing={"plain"}), monkeypatch)
    refused("no plan for convolution of .*no plan in the list could be built")
    make = backend.cudnn._make

    def no_gradients(module, operation, *rest):
        backend.cudnn.module.missing = {"plain"} if "kernel_gradient" in operation else set()
        return make(module, operation, *rest)

    monkeypatch.setattr(backend.cudnn, "_make", no_gradients)
    trained = model("cudnn").to("gpu")
    trained.compile("sgd", networks.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match=r'layer "first" .*no plan for convolution_kernel_gradient'):
        trained.fit(IMAGES, np.zeros(2, np.int32), verbose=0)


def test_doubles_and_arrays_out_of_line_are_refused(with_cudnn):
    x, kernel = (with_cudnn.asarray(np.ones(s), "float64") for s in ((2, 5, 5, 3), (3, 3, 3, 4)))
    with pytest.raises(ValueError, match="convolution runs in float32 alone; take 'direct'"):
        with_cudnn.convolution(x, kernel, **SAME)
    x, kernel = (with_cudnn.asarray(np.ones(s), "float32") for s in ((2, 5, 5, 3), (3, 3, 3, 4)))
    with pytest.raises(ValueError, match="multiples of 16 bytes.*take 'direct'"):
        with_cudnn.convolution(x[1:], kernel, **SAME)


def test_the_cpu_says_whose_it_is():
    with pytest.raises(ValueError, match="'cudnn' is for the gpu backend; the cpu backend has"):
        model("cudnn").to("cpu").predict(IMAGES, verbose=0)


# The stand-in is strict -----------------------------------------------------------------------------------


def graph_of(backend, strides=None):
    """A graph of the stand-in's, described and not yet validated."""
    backend.cudnn.open()
    module, (dims, steps) = backend.cudnn.module, gpu.cudnn.described("x", (2, 5, 5, 3))
    types = dict.fromkeys(("io_data_type", "intermediate_data_type", "compute_data_type"), "float32")
    graph = module.pygraph(name="one", handle=backend.cudnn.handle, **types)
    x = graph.tensor(dim=dims, stride=strides or steps, data_type="float32", uid=1, name="x")
    dims, steps = gpu.cudnn.described("kernel", (1, 1, 3, 4))
    kernel = graph.tensor(dim=dims, stride=steps, data_type="float32", uid=2, name="kernel")
    window = dict(stride=[1, 1], pre_padding=[0, 0], post_padding=[0, 0], dilation=[1, 1])
    dims, steps = gpu.cudnn.described("y", (2, 5, 5, 4))
    y = graph.conv_fprop(x, kernel, **window)
    y.set_uid(3).set_output(True).set_data_type("float32").set_dim(dims).set_stride(steps)
    return graph


@stand_in_only
def test_the_stand_in_refuses_another_order_layout_or_memory():
    backend = made()
    with pytest.raises(AssertionError, match="build_operation_graph after describe"):
        graph_of(backend).build_operation_graph()
    with pytest.raises(NotSupported, match="not channels last"):
        graph_of(backend, [75, 25, 5, 1]).validate()
    graph = graph_of(backend)
    graph.validate()
    graph.build_operation_graph()
    with pytest.raises(AssertionError, match="filters mark plans"):
        graph.deselect_numeric_notes(NOTES)
    graph.create_execution_plans(["A", "FALLBACK"])
    graph.build_plans()
    arrays = [backend.empty(shape, "float32") for shape in ((2, 5, 5, 3), (3, 4), (2, 5, 5, 4))]
    arrays.append(backend.empty((1200,), "uint8"))
    *addresses, work = (array.data.ptr for array in arrays)
    pack = dict(enumerate(addresses, 1))
    graph.execute(pack, work, handle=backend.cudnn.handle)
    with pytest.raises(ValueError, match="not memory of the device"):
        graph.execute({**pack, 3: pack[2]}, work, handle=backend.cudnn.handle)
    with pytest.raises(ValueError, match="not memory of the device"):
        graph.execute(pack, work + 256, handle=backend.cudnn.handle)
    with pytest.raises(AssertionError, match="16 bytes"):
        graph.execute({**pack, 1: pack[1] + 4}, work, handle=backend.cudnn.handle)
    backend.stream.begin_capture()
    with pytest.raises(RuntimeError, match="making a plan inside a capture"):
        graph_of(backend)
    backend.stream.end_capture()
