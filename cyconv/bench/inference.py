"""`cyconv bench inference`: a batch through the five networks, beside PyTorch, ONNX Runtime and OpenVINO.

`predict_on_batch` takes NumPy arrays and gives NumPy arrays; the others are handed tensors in the layout they
like best. Every output is checked against PyTorch's in double precision before a time is printed. For
all of them: `pip install torch onnx onnxscript onnxruntime openvino`.
"""

from ..testing import assert_close
from . import machine, peers
from .nets import NETS, data
from .timing import cell, heads, interleaved, mean_line, ratio_to_the_fastest, row

LONGEST_SUM = 9 * 512  # of a convolution in these networks


def arguments(parser):
    peers.network_arguments(parser)


def title(options):
    return peers.network_title("Inference", options)


def report(options):
    names = ["cyconv", *others(options)]
    versions = [f"{name} {version}" for name in ("torch", "onnxruntime", "openvino")
                if (version := peers.installed(name))]  # fmt: skip
    yield machine.heading(options.threads, *versions or ["nothing else is installed"])
    yield ""
    yield (f"Milliseconds a batch, median (minimum) of {options.seconds:g} seconds in turn. Ratio: the "
           "fastest peer's time over cyconv's, median over the turns.")  # fmt: skip
    yield ""
    yield from heads("net", *names, "ratio")
    ratios = []
    with peers.on_threads(options.threads):
        for name in options.nets:
            times = interleaved(checked(name, options), options.seconds)
            ratio = ratio_to_the_fastest(times)
            ratios += [ratio] if ratio else []
            yield row(name, *(cell(times[n]) for n in names), f"{ratio:.2f}x" if ratio else "-")
    yield from mean_line(ratios, "the fastest peer")


def others(options):
    """The names of the peers that are here."""
    modes = peers.torch_modes(options)
    if not modes:
        return []
    runtimes = [name for name in ("onnxruntime", "openvino") if exports() and peers.installed(name)]
    return [*(f"torch {mode}" for mode in modes), *runtimes]


def exports():
    """Whether PyTorch can write ONNX files."""
    return peers.installed("onnx") and peers.installed("onnxscript")


def checked(name, options):
    """{name: function that runs the network}, after each gave the right answer."""
    builder, shape, classes, _ = NETS[name]
    model, (x, _) = builder(), data(shape, classes)
    runs = {"cyconv": lambda: model.predict_on_batch(x)}
    found = others(options)
    if not found:
        return runs
    from .torch_peer import channels_last, torch_run

    exact = channels_last(torch_run(model, x, "double")())
    for other in found:
        if other.startswith("torch "):
            runs[other] = torch_run(model, x, other.removeprefix("torch "))
    if {"onnxruntime", "openvino"} & {*found}:
        from .onnx_peers import RUNTIMES, export

        network, images = export(model, x)
        for other in found:
            if other in RUNTIMES:
                runs[other] = RUNTIMES[other](network, images, options.threads)
    for other, run in runs.items():
        answer = run() if other == "cyconv" else channels_last(run())
        assert_close(answer, exact, "network", LONGEST_SUM, f"no time is given, {name}: output of {other}")
    return runs
