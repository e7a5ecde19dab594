"""`cyconv bench dense`: the three products of a Dense layer beside the BLAS that NumPy brings, and PyTorch's.

    forward y = x w + b,    input gradient dx = dy w',    kernel gradient dw += x' dy

They decide on which of the two Dense runs. BLAS adds no bias and accumulates nothing: it is given less to
do, but for the forward pass, which adds the bias in a second call. Where threadpoolctl is installed, BLAS is
held to the same number of threads. Each works in a process of its own, and they take turns: threads of a pool
spin for a while after their last work, and would take the processors from the next one.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, nullcontext, suppress

import numpy as np

from . import child, duration, kernels, machine, peers
from .kernels import PASSES
from .timing import heads, mean_line, ratio, row

# (rows of a batch, inputs, units): of LeNet and the mnist network; larger ones; one image.
SHAPES = [(64, 400, 120), (64, 120, 84), (128, 1600, 10), (32, 512, 512), (128, 1024, 1024),
          (256, 2048, 1000), (1, 1024, 1000), (4, 1024, 1000), (8, 1024, 1000)]  # fmt: skip
CALLS = 3  # of a turn, after one that wakes the threads
PAUSE = 0.02  # seconds between turns
# OpenBLAS's threads spin for 2^28 cycles after their last work, a tenth of a second, in which they would take
# the next one's core: here 2^24.
SPIN = {"OPENBLAS_THREAD_TIMEOUT": "24"}
LEAST_TURNS = 5


def arguments(parser):
    parser.add_argument("--seconds", type=duration, default=2.0, help="of timing a product (%(default)s)")
    machine.thread_argument(parser)


def title(options):
    return f"Dense and BLAS, threads: {options.threads}"


def report(options):
    torch = peers.installed("torch")
    held = "" if peers.installed("threadpoolctl") else "; BLAS on as many threads as it likes"
    yield machine.heading(options.threads, f"numpy {np.__version__}{held}", f"torch {torch or 'not here'}")
    yield ""
    yield (f"Microseconds, medians of {options.seconds:g} seconds in turn, each in a process of its own; in "
           "brackets the time of NumPy's BLAS, and of PyTorch, over cyconv's.")  # fmt: skip
    yield ""
    yield from heads("rows", "inputs", "units", *PASSES)
    ratios = []
    with ExitStack() as stack:
        asked = {name: stack.enter_context(worker(name, options.threads))
                 for name in ("cyconv", "BLAS", *(["torch"] if torch else []))}  # fmt: skip
        for shape in SHAPES:
            cells = []
            for product in PASSES:
                times = turns(asked, (product, *shape), options.seconds)
                own = times.pop("cyconv")
                peer = [ratio(own, taken) for taken in times.values()]
                ratios.append(min(peer))
                beside = ", ".join(f"{r:.2f}" for r in peer)
                cells.append(f"{1e6 * statistics.median(own):.0f} ({beside})")
            yield row(*shape, *cells)
    yield from mean_line(ratios, "the faster of the others")


def turns(asked, product, seconds):
    """{name: seconds of each turn} of functions that time a turn of a product."""
    times = {name: [] for name in asked}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times["cyconv"]) < LEAST_TURNS:
        for name, ask in asked.items():
            time.sleep(PAUSE)
            times[name].append(ask(product))
    return times


@contextmanager
def worker(name, threads):
    """Gives the function that has a process of its own time a turn of (pass, rows, inputs, units)."""
    command = child(f"from cyconv.bench import dense; dense.work({name!r}, {threads})")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env={**SPIN, **os.environ}, **pipes) as process:

        def ask(product):
            process.stdin.write(json.dumps(product) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            if not answer:
                raise SystemExit(f"no time is given: {name} failed on {product}, as it says above")
            return float(answer)

        try:
            yield ask
        finally:
            process.stdin.close()


def work(name, threads):
    """A worker: for each product that comes in, a line of JSON, the seconds of a call goes out."""
    quietly = suppress(KeyboardInterrupt, BrokenPipeError)  # the one who asks has more to say
    with quietly, peers.on_threads(threads), blas_on(threads):
        for run in served(name):
            run()
            times = []
            for _ in range(CALLS):
                start = time.perf_counter()
                run()
                times.append(time.perf_counter() - start)
            print(statistics.median(times), flush=True)


def served(name):
    """What runs the product of each line: the same function while the same one is asked for."""
    last = run = None
    for line in sys.stdin:
        product = json.loads(line)
        if product != last:
            last, run = product, MAKERS[name](*product)
        yield run


def blas_on(threads):
    """Within it NumPy's BLAS uses so many threads, where it can be told."""
    if not peers.installed("threadpoolctl"):
        return nullcontext()
    from threadpoolctl import threadpool_limits

    return threadpool_limits(threads, "blas")


def operands(M, K, N):
    """x, w, b, dy."""
    generator = np.random.default_rng(0)
    return [generator.standard_normal(s, np.float32) for s in ((M, K), (K, N), (N,), (M, N))]


def in_cyconv(product, M, K, N):
    """The kernel, after it gave the right answer."""
    x, w, b, dy = operands(M, K, N)
    dw = np.zeros((K, N), np.float32)
    run, terms = {
        "forward": (lambda ops: ops.matmul(x, w, b), K),
        "input gradient": (lambda ops: ops.matmul(dy, w, transpose_b=True), N),
        "kernel gradient": (lambda ops: ops.matmul(x, dy, transpose_a=True, accumulate=True, out=dw), M),
    }[product]
    if product != "kernel gradient":  # which adds to dw
        kernels.check(run, terms)
    return kernels.recorded(run).run


def in_blas(product, M, K, N):
    x, w, b, dy = operands(M, K, N)
    y, dx, dw = (np.zeros(s, np.float32) for s in ((M, N), (M, K), (K, N)))

    def forward():
        np.matmul(x, w, out=y)
        np.add(y, b, out=y)

    return {
        "forward": forward,
        "input gradient": lambda: np.matmul(dy, w.T, out=dx),
        "kernel gradient": lambda: np.matmul(x.T, dy, out=dw),
    }[product]


def in_torch(product, M, K, N):
    import torch

    x, w, b, dy = map(torch.from_numpy, operands(M, K, N))
    return {
        "forward": lambda: torch.addmm(b, x, w),
        "input gradient": lambda: torch.mm(dy, w.t()),
        "kernel gradient": lambda: torch.mm(x.t(), dy),
    }[product]


MAKERS = {"cyconv": in_cyconv, "BLAS": in_blas, "torch": in_torch}
