"""`cyconv bench dense`: the three products of a Dense layer beside the BLAS that NumPy brings, and PyTorch's.

    forward y = x w + b,    input gradient dx = dy w',    kernel gradient dw += x' dy

They decide on which of the two Dense runs. BLAS adds no bias and accumulates nothing: it is given less to
do, but for the forward pass, which adds the bias in a second call. Where threadpoolctl is installed, BLAS is
held to the same number of threads.
"""

from contextlib import nullcontext

import numpy as np

from . import kernels, machine, peers
from .timing import heads, interleaved, mean_line, ratio, row

# (rows of a batch, inputs, units): of LeNet and the mnist network; larger ones; one image.
SHAPES = [(64, 400, 120), (64, 120, 84), (128, 1600, 10), (32, 512, 512), (128, 1024, 1024),
          (256, 2048, 1000), (1, 1024, 1000), (4, 1024, 1000), (8, 1024, 1000)]  # fmt: skip
PAUSE = 0.001  # seconds, in which the threads of the one before fall silent


def arguments(parser):
    parser.add_argument("--seconds", type=float, default=2.0, help="of timing a product (%(default)s)")
    machine.thread_argument(parser)


def title(options):
    return f"Dense and BLAS, threads: {options.threads}"


def report(options):
    torch = peers.installed("torch")
    held = "" if peers.installed("threadpoolctl") else "; BLAS on as many threads as it likes"
    yield machine.heading(options.threads, f"numpy {np.__version__}{held}", f"torch {torch or 'not here'}")
    yield ""
    yield (f"Microseconds, medians of {options.seconds:g} seconds in turn; in brackets the time of NumPy's "
           "BLAS, and of PyTorch, over cyconv's.")  # fmt: skip
    yield ""
    yield from heads("rows", "inputs", "units", "forward", "input gradient", "kernel gradient")
    ratios = []
    with peers.on_threads(options.threads), blas_on(options.threads):
        for M, K, N in SHAPES:
            cells = []
            for runs in products(M, K, N, bool(torch)):
                times = interleaved(runs, options.seconds, PAUSE)
                peer = [ratio(times["cyconv"], taken) for name, taken in times.items() if name != "cyconv"]
                ratios.append(min(peer))
                beside = ", ".join(f"{r:.2f}" for r in peer)
                cells.append(f"{1e3 * np.median(times['cyconv']):.0f} ({beside})")
            yield row(M, K, N, *cells)
    yield from mean_line(ratios, "the faster of the others")


def blas_on(threads):
    """Within it NumPy's BLAS uses so many threads, where it can be told."""
    if not peers.installed("threadpoolctl"):
        return nullcontext()
    from threadpoolctl import threadpool_limits

    return threadpool_limits(threads, "blas")


def products(M, K, N, with_torch):
    """For each pass {name: what runs it}, after cyconv's gave the right answer."""
    generator = np.random.default_rng(0)
    x, w, b, dy = (generator.standard_normal(s, np.float32) for s in ((M, K), (K, N), (N,), (M, N)))
    y, dx, dw = (np.zeros(s, np.float32) for s in ((M, N), (M, K), (K, N)))

    def forward():
        np.matmul(x, w, out=y)
        np.add(y, b, out=y)

    door = {
        "forward": (lambda ops: ops.matmul(x, w, b), K),
        "input": (lambda ops: ops.matmul(dy, w, transpose_b=True), N),
        "kernel": (lambda ops: ops.matmul(x, dy, transpose_a=True, accumulate=True, out=dw), M),
    }
    blas = [forward, lambda: np.matmul(dy, w.T, out=dx), lambda: np.matmul(x.T, dy, out=dw)]
    for (name, (run, terms)), numpys in zip(door.items(), blas, strict=True):
        if name != "kernel":  # which adds to dw
            kernels.check(run, terms)
        runs = {"cyconv": kernels.recorded(run).run, "BLAS": numpys}
        if with_torch:
            runs["torch"] = in_torch(name, *(a.copy() for a in (x, w, b, dy)))
        yield runs


def in_torch(name, *arrays):
    """PyTorch's form of a product."""
    import torch

    x, w, b, dy = map(torch.from_numpy, arrays)
    return {
        "forward": lambda: torch.addmm(b, x, w),
        "input": lambda: torch.mm(dy, w.t()),
        "kernel": lambda: torch.mm(x.t(), dy),
    }[name]
