"""A stand-in for the package `cudnn` (nvidia-cudnn-frontend), stricter than it, on the memory of `standin`.

It takes the calls that cyconv makes and no others, in cuDNN's order; checks dims, strides, ids, addresses and
alignment; chooses among plans of which some are not exact, or not the same in each run; and computes by the
formulas of cuDNN's documentation, images as (N, C, sizes...), kernels as (K, C / groups, window...). A
workspace is full of NaN afterwards. Within a capture no plan may be made.
"""

import ctypes
from itertools import product
from types import SimpleNamespace

import numpy as np

NOTES = (
    "TENSOR_CORE", "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION", "NONDETERMINISTIC", "FFT",
    "WINOGRAD", "WINOGRAD_TILE_4x4", "WINOGRAD_TILE_6x6", "WINOGRAD_TILE_13x13", "STRICT_NAN_PROP",
)  # fmt: skip
# Plans in the order of their promise, and what is noted of each; the last is all that is wanted.
PLANS = [*((note.lower(), {note}) for note in NOTES[:9]), ("plain", set())]
WORKSPACE = 1003
STEPS = ("describe", "validate", "build_operation_graph", "create_execution_plans", "build_plans")


class NotSupported(Exception):
    """As cudnn.cudnnGraphNotSupportedError."""


class Tensor:
    """dims and strides in cuDNN's order of axes; each setter gives the tensor back."""

    def __init__(self, dim=None, stride=None, data_type=None, uid=None):
        self.dim, self.stride, self.data_type, self.uid, self.output = dim, stride, data_type, uid, False

    def set_uid(self, uid):
        self.uid = uid
        return self

    def set_output(self, is_output):
        self.output = is_output
        return self

    def set_data_type(self, data_type):
        self.data_type = data_type
        return self

    def set_dim(self, dim):
        self.dim = dim
        return self

    def set_stride(self, stride):
        self.stride = stride
        return self

    def check(self):
        """Sizes of at least 1, densely packed, channels last, the order that cuDNN gives its results."""
        assert self.data_type == "float32" and type(self.dim) is list and type(self.stride) is list
        assert all(type(n) is int and n > 0 for n in (*self.dim, *self.stride))
        assert len(self.dim) == len(self.stride) and len(self.dim) in (4, 5)
        first, channels, *middle = self.dim
        dense = np.empty((first, *middle, channels), np.float32)
        wanted = np.moveaxis(dense, -1, 1).strides
        if tuple(4 * s for s in self.stride) != wanted:
            raise NotSupported(f"dims {self.dim} with strides {self.stride}: not channels last")

    def at(self, address):
        """The array at an address, axes in cuDNN's order."""
        flat = np.ctypeslib.as_array((ctypes.c_float * int(np.prod(self.dim))).from_address(address))
        return np.lib.stride_tricks.as_strided(flat, self.dim, [4 * s for s in self.stride])


class Graph:
    """`cudnn.pygraph`."""

    def __init__(self, cudnn, **options):
        cudnn.cupy.forbid_in_capture("making a plan")
        name, handle = options.pop("name"), options.pop("handle")
        assert isinstance(name, str) and handle is cudnn.handle and handle.stream is not None
        assert options == dict.fromkeys(
            ("io_data_type", "intermediate_data_type", "compute_data_type"), "float32"
        )
        self.cudnn, self.done, self.tensors, self.unwanted = cudnn, "describe", {}, set()
        cudnn.cupy.counts["cudnn graphs"] += 1

    def _step(self, name):
        assert STEPS[STEPS.index(self.done) + 1] == name, f"{name} after {self.done}"
        self.done = name

    def tensor(self, *, dim, stride, data_type, uid, name):
        assert self.done == "describe" and uid not in self.tensors and isinstance(name, str)
        self.tensors[uid] = made = Tensor(dim, stride, data_type, uid)
        return made

    def _conv(self, kind, a, b, stride, pre_padding, post_padding, dilation):
        assert self.done == "describe" and [a, b] == list(self.tensors.values())
        for values in (stride, pre_padding, post_padding, dilation):
            assert type(values) is list and all(type(v) is int for v in values)
        self.kind, self.window = kind, (stride, pre_padding, post_padding, dilation)
        self.result = Tensor()
        return self.result

    def conv_fprop(self, image, weight, **window):
        return self._conv("fprop", image, weight, **window)

    def conv_dgrad(self, loss, filter, **window):  # noqa: A002 (cuDNN's name)
        return self._conv("dgrad", loss, filter, **window)

    def conv_wgrad(self, image, loss, **window):
        return self._conv("wgrad", image, loss, **window)

    def validate(self):
        self._step("validate")
        assert self.result.output and self.result.uid not in self.tensors
        self.tensors[self.result.uid] = self.result
        for tensor in self.tensors.values():
            tensor.check()
        one, two, three = self.tensors.values()
        roles = {"fprop": (one, two, three), "dgrad": (three, two, one), "wgrad": (one, three, two)}
        x, w, y = roles[self.kind]
        self.sides = x.uid, w.uid, y.uid
        groups, rest = divmod(x.dim[1], w.dim[1])
        assert not rest and not w.dim[0] % groups and y.dim[:2] == [x.dim[0], w.dim[0]]
        for n, k, out, s, before, after, d in zip(x.dim[2:], w.dim[2:], y.dim[2:], *self.window, strict=True):
            assert out == (n + before + after - (k - 1) * d - 1) // s + 1

    def build_operation_graph(self):
        self._step("build_operation_graph")

    def create_execution_plans(self, modes):
        self._step("create_execution_plans")
        assert modes == ["A", "FALLBACK"]

    def deselect_numeric_notes(self, notes):
        assert self.done == "create_execution_plans", "filters mark plans: they must be there"
        self.unwanted.update(notes)

    def build_plans(self):
        self._step("build_plans")
        left = [name for name, notes in PLANS if not notes & self.unwanted and name not in self.cudnn.missing]
        if not left:
            raise NotSupported("no plan in the list could be built")
        self.plan = left[0]
        self.cudnn.plans.append(self.plan)

    def get_workspace_size(self):
        assert self.done == "build_plans"
        return WORKSPACE

    def execute(self, pack, workspace, handle):
        assert self.done == "build_plans" and handle is self.cudnn.handle and set(pack) == set(self.tensors)
        cupy = self.cudnn.cupy
        for uid, address in pack.items():
            assert type(address) is int and address % 16 == 0, "cuDNN reads 16 bytes at a time"
            cupy.expect_memory(address, 4 * int(np.prod(self.tensors[uid].dim)))
        assert type(workspace) is int and workspace % 256 == 0
        cupy.expect_memory(workspace, WORKSPACE)
        cupy.counts["cudnn"] += 1
        handle.stream.queue(lambda: self._compute(pack, workspace))

    def _compute(self, pack, workspace):
        arrays = {uid: self.tensors[uid].at(address) for uid, address in pack.items()}
        arrays[self.result.uid][...] = 0
        values = [np.array(arrays[uid]) for uid in self.sides]
        if self.plan == "tensor_core":  # 10 bits of fraction
            values = [(v.view(np.int32) & ~0x1FFF).view(np.float32) for v in values]
        values = [v.astype(np.float64) for v in values]
        ctypes.memset(workspace, 0xFF, WORKSPACE)
        arrays[self.result.uid][...] = convolve(self.kind, *values, *self.window)


def convolve(kind, x, w, y, stride, before, after, dilation):
    """y[n,k,o] += sum over c, t of x[n,c, o*stride + t*dilation - before] * w[k,c,t]; or a gradient, which
    takes the place of x ("dgrad") or of w ("wgrad")."""
    groups, sizes = x.shape[1] // w.shape[1], x.shape[2:]
    x = np.pad(x, [(0, 0), (0, 0), *zip(before, after, strict=True)])
    result = {"fprop": y, "dgrad": x, "wgrad": w}[kind]
    per_x, per_y = w.shape[1], w.shape[0] // groups
    for g, taps in product(range(groups), product(*map(range, w.shape[2:]))):
        axes = zip(taps, y.shape[2:], stride, dilation, strict=True)
        under = tuple(slice(t * d, t * d + (o - 1) * s + 1, s) for t, o, s, d in axes)
        seen = x[(slice(None), slice(g * per_x, (g + 1) * per_x), *under)]
        filters = slice(g * per_y, (g + 1) * per_y)
        out, tap = y[:, filters], w[(filters, slice(None), *taps)]
        if kind == "fprop":
            out += np.einsum("nc...,kc->nk...", seen, tap)
        elif kind == "dgrad":
            seen += np.einsum("nk...,kc->nc...", out, tap)
        else:
            tap += np.einsum("ncp,nkp->kc", *(a.reshape(*a.shape[:2], -1) for a in (seen, out)))
    inside = tuple(slice(b, b + n) for b, n in zip(before, sizes, strict=True))
    return x[(..., *inside)] if kind == "dgrad" else result


class CudnnStandIn:
    """The module. missing: names of plans that it has not."""

    __version__ = "1.32.0"
    cudnnGraphNotSupportedError = NotSupported  # noqa: N815 (cuDNN's name)

    def __init__(self, cupy, missing=()):
        self.cupy, self.missing, self.handle, self.plans = cupy, set(missing), None, []
        self.data_type = SimpleNamespace(FLOAT="float32")
        self.heur_mode = SimpleNamespace(A="A", FALLBACK="FALLBACK")
        self.numerical_note = SimpleNamespace(**{note: note for note in NOTES})

    def create_handle(self):
        self.cupy.forbid_in_capture("making a handle")
        assert self.handle is None, "one handle is enough"
        self.handle = SimpleNamespace(stream=None)
        return self.handle

    def set_stream(self, handle, stream):
        (handle.stream,) = (s for s in self.cupy.made if s.ptr == stream)

    def pygraph(self, **options):
        return Graph(self, **options)
