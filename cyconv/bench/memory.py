"""`cyconv bench memory`: the most memory that a whole process holds during training steps.

Each framework runs in a process of its own, which imports it, builds the network, and does some steps; then
it reads the highest resident size that the system noted.
"""

import re
import subprocess
import sys
from pathlib import Path

from . import child, machine, peers
from .nets import NETS, data
from .timing import heads, row

STEPS = 4


def arguments(parser):
    parser.add_argument("--net", choices=NETS, default="unet", help="which network (%(default)s)")
    machine.thread_argument(parser)


def title(options):
    return f"Memory of a training step, threads: {options.threads}"


def report(options):
    torch = peers.installed("torch")
    yield machine.heading(options.threads, f"PyTorch {torch}" if torch else "no PyTorch")
    yield ""
    shape = "x".join(map(str, NETS[options.net][1]))
    yield f"MB (10^6 bytes) resident at most, {STEPS} steps of {options.net} on {shape}, a process each."
    yield ""
    yield from heads("", "after the imports", "at most", "beside cyconv's")
    own = None
    for name in ("cyconv", *(["eager", "channels_last"] if torch else [])):
        imported, most = apart(options.net, name, options.threads)
        own = own or most
        shown = name if name == "cyconv" else f"torch {name}"
        yield row(shown, f"{imported / 1e6:.0f}", f"{most / 1e6:.0f}", f"{most / own:.2f}x")


def apart(net, framework, threads):
    """(bytes after the imports, most bytes) of a process that trains with a framework."""
    command = child(f"from cyconv.bench import memory; memory.train({net!r}, {framework!r}, {threads})")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{framework}: the process that trains ended with {done.returncode}:\n{done.stderr}")
    return map(int, done.stdout.split())


def train(net, framework, threads):
    """What that process does; prints the two numbers."""
    from .training import cyconv_step

    builder, shape, classes, _ = NETS[net]
    x, y = data(shape, classes)
    with peers.on_threads(threads) if framework != "cyconv" else machine.at(threads=threads):
        if framework != "cyconv":
            from .torch_peer import torch_step
        imported = highest()
        if framework == "cyconv":
            step, _ = cyconv_step(builder(), x, y, classes)
        else:
            step, _ = torch_step(builder(), x, y, classes, framework)
        for _ in range(STEPS):
            step()
    print(imported, highest())


def highest():
    """The most bytes that this process has held so far."""
    try:  # getrusage would count the process that started this one too
        found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
        return int(found[1]) * 1024
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
