"""`cyconv compare`: one model on several backends; a table here, a page to hand in, numbers to go on with.

The exit status is 1 where a layer is over tolerance.
"""

import argparse

import numpy as np

import cyconv as keras

from ..bench import positive
from ..bench.nets import NETS, data
from ..compare import compare_backends
from ..compare.comparing import SECONDS


def arguments(parser):
    """Adds the options."""
    parser.description = (
        "Runs one model with the same weights, batch and random numbers on each backend, and tells, layer by "
        "layer, how far they differ and how long they take. The exit status is 1 where a layer differs by "
        "more than the table of tolerances allows."
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--network", choices=tuple(NETS), default="lenet", help="one of these, with new weights (lenet)"
    )
    which.add_argument("--model", metavar="FILE", help="a saved model: .keras or .safetensors")
    parser.add_argument("--backends", metavar="A,B,...",
                        help="what is compared, with reference or the first of them: reference, cpu, gpu, or "
                        "with options, cpu:winograd, cpu:direct, cpu:naive, cpu:avx2, cpu:threads=1, "
                        "cpu:unfused; all: each algorithm and level (default: all backends)")  # fmt: skip
    parser.add_argument("--batch", type=positive, help="samples in the batch (16, unet 1); random numbers")
    parser.add_argument("--up-to", type=_count, default=64, metavar="N",
                        help="largest batch at which backends race (%(default)s; 0: none)")  # fmt: skip
    parser.add_argument("--seconds", type=_seconds, default=SECONDS, metavar="S",
                        help="for each measurement of times (%(default)g; 0: no times)")  # fmt: skip
    parser.add_argument("--tolerance", type=_seconds, metavar="T",
                        help="relative difference allowed to a layer (default: the table's)")  # fmt: skip
    parser.add_argument("--html", metavar="FILE", help="writes the report as a page")
    parser.add_argument("--json", metavar="FILE", help="writes the numbers")


def _count(text):
    return positive(text) if text != "0" else 0


def _seconds(text):
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of at least 0, not {text}")
    return number


def run(options):
    """Runs the comparison; returns the exit status."""
    model, x, y = (
        loaded(options.model, options.batch) if options.model else built(options.network, options.batch)
    )
    names = options.backends
    if names and names != "all":
        names = [name.strip() for name in names.split(",") if name.strip()]
    result = compare_backends(model, x, y, names, tolerance=options.tolerance, seconds=options.seconds,
                              up_to=options.up_to)  # fmt: skip
    print(result)
    for path, write in ((options.html, result.to_html), (options.json, result.to_json)):
        if path:
            write(path)
            print(f"wrote {path}")
    return 1 if result.over else 0


def built(name, batch):
    """A reference network with seeded weights, compiled, and a batch of random images and labels."""
    keras.utils.set_random_seed(0)
    builder, shape, classes, _ = NETS[name]
    model = builder()
    model.name = name
    batch = batch or (1 if name == "unet" else 16)
    loss = keras.losses.SparseCategoricalCrossentropy if classes else keras.losses.BinaryCrossentropy
    model.compile("sgd", loss(from_logits=True))
    return model, *data((batch, *shape[1:]), classes)


def loaded(path, batch):
    """The model of a file and a batch of random numbers; gradients are of a random sum of the outputs."""
    model = keras.models.load_model(path, compile=False)
    for tensor in model.inputs if model.built else ():
        if None in tensor.shape[1:]:
            raise ValueError(
                f"{path}: input {tensor.name!r} takes any size, {tensor.shape}, so there is no batch to "
                "draw; call cyconv.compare_backends(model, x, ...) with x of the size you mean"
            )
    generator = np.random.default_rng(0)
    x = [generator.standard_normal((batch or 16, *t.shape[1:])).astype(np.float32)
         for t in (model.inputs if model.built else ())]  # fmt: skip
    return model, x[0] if len(x) == 1 else x, None
