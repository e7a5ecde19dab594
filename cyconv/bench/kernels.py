"""`cyconv bench kernels`: every convolution pass and the other kernels of a small network.

A kernel whose answer differs from the definition gets no time. GFLOP/s count the direct form's operations;
the share is of the machine's ceiling, measured by independent multiply-adds in registers. Winograd's form,
which saves multiplications, may pass it.
"""

import statistics
from math import prod
from typing import NamedTuple

import numpy as np

from .. import backends, shapes
from ..recorder import Recorder, repeatable
from ..testing import assert_close
from . import machine, positive
from .timing import heads, row

# N, H, C, K, window, stride: the shapes of the reference networks.
CONVOLUTIONS = [
    (32, 32, 16, 16, 3, 1), (32, 16, 32, 32, 3, 1), (32, 8, 64, 64, 3, 1), (2, 256, 16, 16, 3, 1),
    (2, 128, 32, 32, 3, 1), (2, 64, 64, 64, 3, 1), (2, 32, 128, 128, 3, 1), (2, 16, 256, 256, 3, 1),
    (32, 16, 64, 64, 1, 1), (128, 28, 1, 32, 3, 1), (32, 32, 3, 16, 3, 1), (64, 14, 6, 16, 5, 1),
    (32, 32, 16, 32, 3, 2),
]  # fmt: skip


def normal(*shape):
    return np.random.default_rng(prod(shape)).standard_normal(shape).astype(np.float32)


PASSES = ("forward", "input gradient", "kernel gradient")


def convolution_passes(N, H, C, K, window, stride, algorithm="auto"):
    """{pass: function of (door) that returns its results}, {pass: terms of its sums}, operations, bytes."""
    geometry = dict(strides=(stride,) * 2, padding=((window // 2,) * 2,) * 2, dilation=(1, 1),
                    algorithm=algorithm)  # fmt: skip
    x, kernel = normal(N, H, H, C), normal(window, window, C, K)
    P, Q = shapes.window_output((H, H), (window,) * 2, (stride,) * 2, (1, 1), geometry["padding"])
    dy = normal(N, P, Q, K)
    y, dx, dkernel = np.empty_like(dy), np.empty_like(x), np.empty_like(kernel)

    def kernel_gradient(door):
        dkernel[...] = 0
        door.convolution_kernel_gradient(x, dy, dkernel, **geometry)
        return dkernel

    passes = {
        "forward": lambda door: door.convolution(x, kernel, **geometry, out=y),
        "input gradient": lambda door: door.convolution_input_gradient(
            dy, kernel, input_shape=x.shape, **geometry, out=dx
        ),
        "kernel gradient": kernel_gradient,
    }
    terms = {"forward": window**2 * C, "input gradient": window**2 * K, "kernel gradient": N * P * Q}
    return passes, terms, 2 * dy.size * window**2 * C, x.nbytes + kernel.nbytes + dy.nbytes


def huber(prediction, target, delta):
    """The loss and its derivative."""
    error = prediction - target
    size = np.abs(error)
    return np.where(size <= delta, 0.5 * error**2, delta * size - 0.5 * delta**2), np.clip(error, -1, 1)


def other_kernels():
    """(name, function of (door), terms of its sums, operations, bytes) on the maps of a small network."""
    x, dy = normal(32, 32, 32, 32), normal(32, 32, 32, 32)
    y, z = np.empty_like(x), np.empty_like(x)
    half, ones = normal(32, 16, 16, 32), np.ones(32, np.float32)
    quarter, state = np.empty_like(half), np.array([1], np.uint64)
    linear = dict(size=(2, 2), interpolation="linear")
    inner, x_steps, y_steps = (32, 30, 30, 32), (32768, 1024, 32, 1), (28800, 960, 32, 1)
    window = dict(window=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)))
    a, b = normal(128, 1600), normal(1600, 128)
    moving = [np.zeros(32, np.float32), np.ones(32, np.float32)]
    options = dict(momentum=1.0, epsilon=1e-3)
    return [
        ("max pool 2x2", lambda d: d.max_pool(x, **window)[0], 1, x.size, x.nbytes * 1.5),
        ("average pool 2x2", lambda d: d.average_pool(x, **window), 4, x.size, x.nbytes * 1.25),
        ("average pool gradient", lambda d: d.average_pool_gradient(half, input_shape=x.shape, **window), 1,
         x.size, x.nbytes * 1.25),
        ("batch norm", lambda d: d.batch_norm(x, ones, ones, *moving, **options)[0], 32768, 5 * x.size,
         3 * x.nbytes),
        ("batch norm gradient", lambda d: d.batch_norm_gradient(x, dy, ones, moving[0], ones), 32768,
         8 * x.size, 5 * x.nbytes),
        ("relu", lambda d: d.activation(x, "relu"), 1, x.size, 2 * x.nbytes),
        ("tanh", lambda d: d.activation(x, "tanh"), 1, x.size, 2 * x.nbytes),
        ("formula a * channel + channel", lambda d: d.map(lambda a, b, c: a * b + c, x, ones, ones, out=y), 1,
         2 * x.size, 2 * x.nbytes),
        ("formula huber", lambda d: d.map(huber, x, dy, ones[:1], out=(y, z))[0], 1, 11 * x.size,
         4 * x.nbytes),
        ("formula exp", lambda d: d.map(np.exp, x, out=y), 1, x.size, 2 * x.nbytes),
        ("sum of all", lambda d: d.reduce(x), x.size, x.size, x.nbytes),
        ("sum over rows", lambda d: d.reduce(x, axes=(0, 1, 2)), 32768, x.size, x.nbytes),
        ("sum over positions", lambda d: d.reduce(x, axes=(1, 2)), 1024, x.size, x.nbytes),
        ("sum over channels", lambda d: d.reduce(x, axes=(3,)), 32, x.size, x.nbytes),
        ("maximum over channels", lambda d: d.reduce(x, "maximum", axes=(3,)), 1, x.size, x.nbytes),
        ("cut a border off", lambda d: d.copy(x, y, shape=inner, x_strides=x_steps, x_offset=33 * 32,
                                              y_strides=y_steps) or y, 1, prod(inner), 8 * prod(inner)),
        ("to channels first", lambda d: d.copy(x, y, shape=(32, 32, 1024), x_strides=(32768, 1, 32),
                                               y_strides=(32768, 1024, 1)) or y, 1, x.size, 2 * x.nbytes),
        ("uniform numbers", lambda d: d.random(state, x.shape, x.dtype, distribution="uniform", seed=1,
                                               stream=0, out=y), 1, x.size, x.nbytes),
        ("normal numbers", lambda d: d.random(state, x.shape, x.dtype, distribution="normal", seed=1,
                                              stream=0, out=y), 1, x.size, x.nbytes),
        ("upsample 2x2", lambda d: d.upsample(half, size=(2, 2), out=y), 1, x.size, 1.25 * x.nbytes),
        ("upsample gradient", lambda d: d.upsample_gradient(x, size=(2, 2), out=quarter), 4, x.size,
         1.25 * x.nbytes),
        ("upsample 2x2, linear", lambda d: d.upsample(half, **linear, out=y), 4, x.size, 1.25 * x.nbytes),
        ("upsample gradient, linear", lambda d: d.upsample_gradient(x, **linear, out=quarter), 16, x.size,
         1.25 * x.nbytes),
        ("add", lambda d: d.binary(x, dy, "add"), 1, x.size, 3 * x.nbytes),
        ("matmul 128x1600x128", lambda d: d.matmul(a, b), 1600, 2 * 128 * 1600 * 128, a.nbytes + b.nbytes),
    ]  # fmt: skip


class Measured(NamedTuple):
    """A kernel's median time; operations and bytes of a call, each byte counted once."""

    kind: str
    name: str
    seconds: float
    operations: int
    moved: int

    @property
    def rate(self):
        """GFLOP/s."""
        return self.operations / self.seconds / 1e9

    @property
    def bandwidth(self):
        """GB/s."""
        return self.moved / self.seconds / 1e9

    @property
    def intensity(self):
        """Operations a byte."""
        return self.operations / self.moved


def check(run, terms):
    """AssertionError where the C kernel's answer is not the definition's."""
    result, wanted = (np.array(run(backends.get(name))) for name in ("cpu", "reference"))
    assert_close(result, wanted, "network", terms)  # both results are float32, so both may stray


def recorded(run):
    """The kernels of a call as a program, as in a recorded step: at the level and on the threads in force."""
    door = backends.get("cpu")
    ops = Recorder(door, np.zeros(1, np.uint64))
    run(ops)
    return repeatable(door, ops.steps)


def seconds(program, repeats):
    """The time of each of `repeats` runs by the clock in C, after two to warm up."""
    return [sum(program.run_timed()) for _ in range(repeats + 2)][2:]


def measure(repeats):
    """Yields each kernel as Measured, or (name, what is wrong with its answer)."""

    def one(kind, name, run, terms, operations, moved):
        try:
            check(run, terms)
        except AssertionError as error:
            return name, str(error)
        time = statistics.median(seconds(recorded(run), repeats))
        return Measured(kind, name, time, operations, moved)

    for N, H, C, K, window, stride in CONVOLUTIONS:
        passes, terms, operations, moved = convolution_passes(N, H, C, K, window, stride)
        for kind, run in passes.items():
            title = f"{kind}, {window}x{window}/{stride}, N={N} H={H} C={C} K={K}"
            yield one(kind, title, run, terms[kind], operations, moved)
    for name, *rest in other_kernels():
        yield one("other", name, *rest)


def arguments(parser):
    machine.level_argument(parser)
    machine.thread_argument(parser)
    parser.add_argument("--repeats", type=positive, default=20, help="calls of each kernel (%(default)s)")


def title(options):
    return f"Kernels, level {options.level}, threads: {options.threads}"


def report(options):
    with machine.at(options.level, options.threads):
        ceiling = machine.ceiling()
        yield machine.heading(options.threads, f"ceiling {ceiling:.0f} GFLOP/s (multiply-adds in registers)")
        yield ""
        yield f"Medians of {options.repeats} calls."
        yield ""
        yield from heads("kernel", "ms", "GFLOP/s", "GB/s", "of the ceiling")
        for found in measure(options.repeats):
            if not isinstance(found, Measured):
                name, error = found
                yield row(name, f"WRONG: {error}", "", "", "")
                continue
            yield row(found.name, f"{found.seconds * 1e3:.3f}", f"{found.rate:.1f}", f"{found.bandwidth:.1f}",
                      f"{100 * found.rate / ceiling:.0f} %")  # fmt: skip
