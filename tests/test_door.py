"""Every backend offers the same operations, with the same arguments, as the door says."""

import inspect

import numpy as np
import pytest

from cyconv import backends
from cyconv.backends import cpu, formula, host, interface, reference
from cyconv._native import engine


def parameters(function):
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", interface.OPERATIONS)
def test_backends_agree_in_names_arguments_and_defaults(name):
    assert parameters(getattr(reference, name)) == parameters(getattr(cpu, name))


def test_the_lists_of_operations_agree():
    methods = {n for n, f in vars(interface.Door).items() if callable(f) and not n.startswith("_")}
    questions = {"takes_pair", "takes_pool", "moments_shape"}
    assert methods - {"empty", "reshape"} - questions == set(interface.OPERATIONS)
    forms = {f"{name}_winograd" for name in interface.OPERATIONS if name.startswith("convolution")}
    assert set(engine.OPERATIONS) == set(interface.OPERATIONS) | forms


def test_every_operation_is_documented():
    for name in interface.OPERATIONS:
        assert inspect.getdoc(getattr(interface.Door, name)), name


def test_activation_tables_agree():
    from cyconv import activations

    assert set(activations.NAMES) == set(engine.ACTIVATIONS) == set(reference.ACTIVATIONS)
    assert activations.NEEDS_INPUT == engine.NEEDS_INPUT
    assert set(reference.BINARIES) == set(engine.BINARIES)
    assert {*formula.FUNCTIONS, "input", "constant"} == set(engine.FUNCTIONS)


def test_use_switches_and_switches_back():
    assert backends.active().name == "cpu"
    with backends.use("reference"):
        assert backends.active().name == "reference"
    assert backends.active().name == "cpu"
    backends.use("reference")
    assert backends.active().name == "reference"
    backends.use("cpu")
    with pytest.raises(ValueError, match="reference, cpu"):
        backends.use("tpu")


def test_environment_chooses_the_backend(run_python):
    code = "import cyconv; print(cyconv.backends.active().name)"
    assert run_python(code, CYCONV_BACKEND="reference") == "reference"
    assert run_python(code) == "cpu"
    assert "unknown backend 'gpus'" in run_python(code, fails=True, CYCONV_BACKEND="gpus")


def test_environment_chooses_the_instruction_set(run_python):
    code = "from cyconv.backends import cpu; print(cpu.level)"
    for level in engine.levels():
        assert run_python(code, CYCONV_ISA=level) == level
    assert "CYCONV_ISA='sse9' is unknown" in run_python(code, fails=True, CYCONV_ISA="sse9")


def test_the_native_layer_refuses_what_is_not_contiguous_or_of_one_dtype():
    x = np.zeros((4, 6), np.float32)
    door = backends.get("cpu")
    with pytest.raises((ValueError, BufferError)):
        door.softmax(x[:, ::2])
    with pytest.raises(TypeError, match="float32, float64"):
        door.binary(x, x.astype(np.float64), "add")
    with pytest.raises(TypeError, match="int16"):
        door.softmax(x.astype(np.int16))


def test_the_door_refuses_shapes_that_do_not_match():
    door = backends.get("cpu")
    x = np.zeros((1, 5, 5, 3), np.float32)
    with pytest.raises(ValueError, match="3 input channels"):
        door.convolution(x, np.zeros((3, 3, 4, 8), np.float32), strides=(1, 1), padding=((0, 0),) * 2,
                         dilation=(1, 1))  # fmt: skip
    with pytest.raises(ValueError, match="`out` must have shape"):
        door.softmax(x, out=np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match="leaves `out`"):
        door.copy(x, x[0], shape=(2, 50), x_strides=(1, 1), y_strides=(50, 1))


def test_a_backend_can_be_registered(monkeypatch):
    """`register` makes it known by name; it is made once, at its first use; a later one takes its place."""
    monkeypatch.setattr(backends, "_makers", dict(backends._makers))
    monkeypatch.setattr(backends, "_made", dict(backends._made))
    made = []

    class Counting(host.Cpu):
        name = "counting"

        def __init__(self):
            super().__init__()
            made.append(self)

        def _do(self, operation, operands, attributes):
            self.last = operation
            super()._do(operation, operands, attributes)

    backends.register("counting", Counting)
    assert backends.names() == ("reference", "cpu", "gpu", "counting") and not made
    with backends.use("counting") as door:
        np.testing.assert_allclose(door.softmax(np.zeros((1, 4), np.float32)), 0.25)
        assert door.last == "softmax" and backends.active() is door
    assert backends.get("counting") is door and made == [door]
    backends.register("counting", Counting)
    assert backends.get("counting") is not door


def test_what_gradients_are_added_to_must_be_there():
    door, dy = backends.get("cpu"), np.zeros((1, 4, 4, 3), np.float32)
    way = dict(strides=(1, 1), padding=((0, 0), (0, 0)), accumulate=True)
    with pytest.raises(ValueError, match="convolution_input_gradient: accumulate adds to `out`"):
        door.convolution_input_gradient(dy, np.zeros((1, 1, 2, 3), np.float32), input_shape=(1, 4, 4, 2),
                                        dilation=(1, 1), **way)  # fmt: skip
    with pytest.raises(ValueError, match="max_pool_gradient: accumulate adds to `out`"):
        door.max_pool_gradient(dy, dy.astype("i4"), input_shape=(1, 4, 4, 3), window=(1, 1), **way)
