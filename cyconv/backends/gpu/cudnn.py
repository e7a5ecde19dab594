"""The convolutions by NVIDIA's cuDNN: `algorithm="cudnn"`. All that knows of the package `cudnn` is here.

cuDNN is told of an image as (N, C, sizes...) with the strides of channels last, which is how ours lie. It
reads kernels as (K, window..., C); ours are (window..., C, K): as matrices, one is the other transposed. So a
kernel is turned into scratch before, a kernel's gradient turned back as it is added to what was there. Bias,
residual and activation follow by `sum_parts`, a kernel of cyconv's own.

A plan is made while an operation is recorded, once for each shape. Running it takes addresses alone, so that
a CUDA graph can hold it. Allowed are plans that multiply in float32, once for each term of the sum, and give
the same bytes in each run: no transforms, and no tensor cores unless the backend's `tf32` lets them round.

Source: https://docs.nvidia.com/cudnn/operations/Convolutions
"""

from importlib import import_module
from importlib.util import find_spec
from math import prod
from typing import NamedTuple

import numpy as np

from . import lower
from .convolution import bias_gradient, bias_scratch
from .tiles import ALIGNMENT, numbers, sum_parts

INSTALL = 'pip install "cyconv[gpu-cudnn]" (CUDA 12), or "cyconv[gpu-cudnn-cuda13]" (CUDA 13)'
OLDEST = (1, 18)  # version of the package; the calls below were checked against 1.18 to 1.32
WORKSPACE_ALIGNMENT = 256
# cuDNN's names for what plans may do that ours may not.
UNWANTED = (
    "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION", "NONDETERMINISTIC", "FFT",
    "WINOGRAD", "WINOGRAD_TILE_4x4", "WINOGRAD_TILE_6x6", "WINOGRAD_TILE_13x13",
)  # fmt: skip


class Way(NamedTuple):
    """cuDNN's name for an operation, what it reads and writes, and the places among the door's operands."""

    method: str
    reads: tuple
    writes: str
    places: dict


WAYS = {
    "convolution": Way("conv_fprop", ("x", "kernel"), "y", dict(x=0, kernel=1, y=4)),
    "convolution_input_gradient": Way("conv_dgrad", ("y", "kernel"), "x", dict(x=3, kernel=1, y=0)),
    "convolution_kernel_gradient": Way("conv_wgrad", ("x", "y"), "kernel", dict(x=0, kernel=2, y=1)),
}


class Plan(NamedTuple):
    """A plan, and the bytes of workspace that it needs."""

    graph: object
    handle: object
    workspace: int

    def run(self, grid, block, args):
        """Called as a kernel is. args: two arrays that are read, the one that is written, the workspace."""
        *arrays, workspace = (array.data.ptr for array in args)
        self.graph.execute(dict(enumerate(arrays, 1)), workspace, handle=self.handle)


class Cudnn:
    """cuDNN on the stream of a backend. module: the package; None: what is installed, when it is needed."""

    def __init__(self, backend, module=None):
        self.backend, self.module, self.handle = backend, module, None
        self._plans = {}

    def open(self):
        """The package, with a handle made. ValueError where package or library is missing or too old."""
        if self.handle is None:
            try:
                self.module = self.module or import_module("cudnn")
                version = self.module.__version__
                if tuple(map(int, version.split(".")[:2])) < OLDEST:
                    raise ImportError(f"version {version} is older than {OLDEST[0]}.{OLDEST[1]}")
                handle = self.module.create_handle()
                self.module.set_stream(handle, self.backend.stream.ptr)
                self.handle = handle
            except (ImportError, RuntimeError) as error:
                text = f"algorithm='cudnn' needs cuDNN and its package ({error}): {INSTALL}; or take 'direct'"
                raise ValueError(text) from error
        return self.module

    def takes(self, operation, operands, attributes, tf32):
        """Whether cuDNN is installed and has a plan."""
        try:
            here = operation in WAYS and (self.module is not None or find_spec("cudnn") is not None)
            return here and self.plan(operation, operands, attributes, tf32) is not None
        except ValueError:
            return False

    def plan(self, operation, operands, attributes, tf32):
        """The Plan of an operation; None where nothing is to be computed. ValueError where cuDNN has none."""
        if lower.checked(operation, operands, attributes) != "float32":
            raise ValueError(f"algorithm='cudnn': {operation} runs in float32 alone; take 'direct'")
        shapes = {side: tuple(operands[at].shape) for side, at in WAYS[operation].places.items()}
        if 0 in shapes["y"]:
            return None
        before, after = zip(*attributes["padding"], strict=True)
        window = dict(stride=_two_axes(attributes["strides"], 1), pre_padding=_two_axes(before, 0),
                      post_padding=_two_axes(after, 0), dilation=_two_axes(attributes["dilation"], 1))
        key = f"{operation} of {shapes}, {window}, {'TF32 or ' * tf32}float32"
        if key not in self._plans:
            cudnn = self.open()
            try:
                self._plans[key] = self._make(cudnn, operation, shapes, window, tf32)
            except (RuntimeError, ValueError, cudnn.cudnnGraphNotSupportedError) as error:
                text = f"algorithm='cudnn': cuDNN has no plan for {key} ({error}); take 'direct'"
                raise ValueError(text) from error
        return self._plans[key]

    def _make(self, cudnn, operation, shapes, window, tf32):
        way, real = WAYS[operation], cudnn.data_type.FLOAT
        sides = {side: described(side, shape) for side, shape in shapes.items()}
        graph = cudnn.pygraph(name=operation, io_data_type=real, intermediate_data_type=real,
                              compute_data_type=real, handle=self.handle)  # fmt: skip
        reads = [
            graph.tensor(dim=sides[side][0], stride=sides[side][1], data_type=real, uid=uid, name=side)
            for uid, side in enumerate(way.reads, 1)
        ]
        result = getattr(graph, way.method)(*reads, **window)
        dims, strides = sides[way.writes]
        result.set_uid(3).set_output(True).set_data_type(real).set_dim(dims).set_stride(strides)
        graph.validate()
        graph.build_operation_graph()
        graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
        unwanted = UNWANTED if tf32 else (*UNWANTED, "TENSOR_CORE")
        graph.deselect_numeric_notes([getattr(cudnn.numerical_note, name) for name in unwanted])
        graph.build_plans()
        return Plan(graph, self.handle, graph.get_workspace_size())

    def scratch(self, operation, operands, attributes, tf32):
        """Bytes of scratch: for the turned kernel and the workspace; in their place then a bias's parts."""
        plan = self.plan(operation, operands, attributes, tf32)
        if plan is None:
            return 0
        kernel = operands[WAYS[operation].places["kernel"]]
        count = prod(kernel.shape) * 4 + WORKSPACE_ALIGNMENT + plan.workspace
        dbias = operands[3] if operation == "convolution_kernel_gradient" else None
        return count if dbias is None else max(count, bias_scratch(operands[1], dbias))

    def prepared(self, operation, operands, attributes, work, tf32):
        """An operation as (function, grid, block, arguments) of each launch, cuDNN's own among them."""
        plan, way = self.plan(operation, operands, attributes, tf32), WAYS[operation]
        if plan is None:
            return []
        sides = {side: operands[at] for side, at in way.places.items()}
        if any(self.backend.address(sides[side]) % ALIGNMENT for side in ("x", "y")):
            raise ValueError(
                f"algorithm='cudnn': {operation} takes arrays that begin at multiples of {ALIGNMENT} bytes, "
                "and one of these, a part of another, does not; take 'direct'"
            )
        kernel, out = sides["kernel"], sides[way.writes]
        sides["kernel"] = turned = numbers(work, prod(kernel.shape), "float32")
        at = turned.nbytes + -(self.backend.address(work) + turned.nbytes) % WORKSPACE_ALIGNMENT
        args = (*(sides[side] for side in way.reads), sides[way.writes], work[at : at + plan.workspace])
        if operation == "convolution_kernel_gradient":
            before, after = [], _transpose(turned, kernel, kernel.shape[-1], accumulate=True)
            if operands[3] is not None:
                after += bias_gradient(operands[1], operands[3], work)
        else:
            before = _transpose(kernel, turned, prod(kernel.shape[:-1]), accumulate=False)
            after = _finish(operation, operands, attributes, out)
        before, after = (self.backend.calls("float32", lower.ready(l, np.float32)) for l in (before, after))
        return [*before, (plan.run, (1,), (1,), args), *after]


def described(side, shape):
    """cuDNN's (dims, strides) of an image, or of a kernel (window..., C, K) that lies turned, as
    (K, window..., C). What lies last is named second; in the middle are two axes or three."""
    first, *middle, last = (shape[-1], *shape[:-1]) if side == "kernel" else shape
    middle = _two_axes(middle, 1)
    steps = [last * prod(middle[i:]) for i in range(len(middle) + 1)]
    return [first, last, *middle], [steps[0], 1, *steps[1:]]


def _two_axes(values, missing):
    """One axis as two: cuDNN's images have two or three."""
    return [missing] * (2 - len(values)) + list(values)


def _transpose(a, b, rows, accumulate):
    """The launch of b[j, i] = a[i, j], or +=, for a of so many rows."""
    columns = prod(a.shape) // rows
    return lower.copy(a, b, shape=(rows, columns), x_strides=(columns, 1), y_strides=(1, rows), x_offset=0,
                      y_offset=0, accumulate=accumulate)  # fmt: skip


def _finish(operation, operands, attributes, out):
    """The launch of out = f(out + bias + residual), if there is any of them."""
    bias, residual = operands[2], operands[3] if operation == "convolution" else None
    if bias is None and residual is None and attributes["activation"] == "linear":
        return []
    rest = {name: attributes[name] for name in ("activation", "alpha")}
    return [sum_parts(1, out, out, bias=bias, residual=residual, **rest)]
