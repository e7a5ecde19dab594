"""`cyconv bench gpu`: a training step on the GPU beside PyTorch's, eager, in channels last, compiled, and as
PyTorch's own CUDA graph of the whole step, which is the honest rival.

Needs a GPU, and for the comparison PyTorch with CUDA. First the answers: from the same weights the losses of
three steps must agree. Then the times: blocks of steps with one synchronization at the end, in turn. Both
sides compute in float32, or with --tf32 both let tensor cores round the factors.
"""

import time

import numpy as np

import cyconv
import cyconv as keras

from ..models.plans import recorded_step
from . import duration, nets, peers
from .timing import cell, heads, ratio, row

# name: (builder, input shape, classes or 0 for one logit a pixel); a U-Net of full width.
NETS = {
    "lenet": (nets.lenet, (128, 28, 28, 1), 10),
    "resnet20": (nets.resnet20, (128, 32, 32, 3), 10),
    "unet": (lambda: nets.unet(64), (8, 256, 256, 1), 0),
}
AIMS = {"lenet": 6.0, "resnet20": 3.0, "unet": 0.95}  # times as fast as eager
LOSSES_MAY_DIFFER = {False: 2e-3, True: 2e-2}  # relative, after three steps; with tf32
BLOCK = 20  # steps between two synchronizations


def arguments(parser):
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS), help="which networks (all)")
    parser.add_argument("--seconds", type=duration, default=3.0, help="of timing a network (%(default)s)")
    parser.add_argument("--tf32", action="store_true", help="tensor cores may round factors, on both sides")
    choices = ("auto", "direct", "cudnn")
    parser.add_argument("--algorithm", choices=choices, default="auto", help="of convolutions (%(default)s)")


def title(options):
    by = "" if options.algorithm == "auto" else f", convolutions by {options.algorithm}"
    return f"Training steps on the GPU, {'TF32' if options.tf32 else 'float32'}{by}"


def report(options):
    backend = cyconv.backends.get("gpu")
    torch = torch_with_cuda()
    beside = f"PyTorch {torch.__version__}" if torch else "no PyTorch with CUDA"
    yield f"{backend!r}, CuPy {backend.cupy.__version__}, cyconv {cyconv.__version__}, {beside}"
    yield ""
    yield ("Milliseconds a training step (forward, backward, Adam), median (minimum) of blocks of "
           f"{BLOCK} steps, {options.seconds:g} seconds in turn. Ratio: PyTorch's time over cyconv's, median "
           "over the turns. Losses: how far apart after three steps.")  # fmt: skip
    yield ""
    modes = ["eager", "channels_last", "compile", "graph"] if torch else []
    names = *(f"torch {m}" for m in modes), *(f"ratio to {m}" for m in modes)
    yield from heads("net", "cyconv", *names, "aim", "graph captured", "losses")
    before = backend.tf32
    backend.tf32 = options.tf32
    try:
        for name in options.nets:
            yield one(name, backend, torch, modes, options)
    finally:
        backend.tf32 = before


def torch_with_cuda():
    """The module, where it is installed and sees a GPU."""
    if not peers.installed("torch"):
        return None
    import torch

    return torch if torch.cuda.is_available() else None


def one(name, backend, torch, modes, options):
    """The line of a network."""
    builder, shape, classes = NETS[name]
    x, y = nets.data(shape, classes)
    model = builder().to("gpu")
    for layer in model.layers:
        if hasattr(layer, "algorithm"):
            layer.algorithm = options.algorithm
    runs = {mode: torch_step(torch, model, x, y, classes, mode, options.tf32) for mode in modes}
    step, recorded = cyconv_step(model, backend, x, y, classes)
    apart = "-"
    if modes:
        ours, theirs = [step() for _ in range(3)], [runs["eager"]() for _ in range(3)]
        apart = max(abs(a / b - 1) for a, b in zip(ours, theirs, strict=True))
        if not apart < LOSSES_MAY_DIFFER[options.tf32]:
            raise SystemExit(f"{name}: no time is given, losses differ: cyconv {ours}, PyTorch {theirs}")
        apart = f"{apart:.1e}"
    times = blocks({"cyconv": step, **runs}, backend, torch, options.seconds)
    ratios = [f"{ratio(times['cyconv'], times[mode]):.2f}x" for mode in modes]
    captured = "yes" if recorded.program.stretches == 1 else recorded.program.hindrance
    return row(name, *map(cell, times.values()), *ratios, f"{AIMS[name]:g}x eager", captured, apart)


def cyconv_step(model, backend, x, y, classes):
    """A function that does one step and, where asked, returns the loss; the recorded step."""
    loss = keras.losses.SparseCategoricalCrossentropy if classes else keras.losses.BinaryCrossentropy
    model.compile(keras.optimizers.Adam(0.001), loss(from_logits=True))
    recorded = recorded_step(model, len(x), "train")
    recorded.program.load([(recorded.inputs[0], x), (recorded.targets[0], y)], np.arange(len(x)), {})

    def step(read=True):
        model.executor.run(recorded, training=True)
        return float(backend.to_host(recorded.loss)[0]) if read else None

    return step, recorded


def torch_step(torch, model, x, y, classes, mode, tf32):
    """The same of PyTorch on the GPU, from the model's weights."""
    from .torch_peer import channels_first, in_mode

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    layout = "channels_last" if mode == "graph" else mode
    forward, module, _, images = in_mode(model, x, layout, training=True)
    module.cuda()
    images = images.cuda()
    labels = (torch.from_numpy(y).long() if classes else channels_first(y).to(images.dtype)).cuda()
    functional = torch.nn.functional
    criterion = functional.cross_entropy if classes else functional.binary_cross_entropy_with_logits
    optimizer = torch.optim.Adam(module.parameters(), 0.001, eps=1e-7, fused=True, capturable=mode == "graph")
    loss = None

    def whole():
        nonlocal loss
        optimizer.zero_grad(set_to_none=mode != "graph")
        loss = criterion(forward(images), labels)
        loss.backward()
        optimizer.step()

    if mode != "graph":

        def step(read=True):
            whole()
            return float(loss.detach()) if read else None

        return step
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # PyTorch wants some steps before a capture
        for _ in range(3):
            whole()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        whole()

    def replay(read=True):
        graph.replay()
        return float(loss.detach()) if read else None

    return replay


def blocks(steps, backend, torch, seconds):
    """{name: milliseconds a step of each of its blocks}, in turn until the seconds are over."""

    def synchronize():
        backend.stream.synchronize()
        if torch:
            torch.cuda.synchronize()

    times = {name: [] for name in steps}
    for step in steps.values():
        for _ in range(BLOCK):  # warms up, compiles, captures
            step(False)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times["cyconv"]) < 5:
        for name, step in steps.items():
            synchronize()
            start = time.perf_counter()
            for _ in range(BLOCK):
                step(False)
            synchronize()
            times[name].append(1e3 * (time.perf_counter() - start) / BLOCK)
    return times
