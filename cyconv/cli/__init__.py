"""The command `cyconv`: what is installed, demos that train, and what this machine makes of it.

cyconv info
cyconv demo digits | mnist [--epochs N] [--batch-size N] [--seed N] [--out DIR]
cyconv demo isbi [--data DIR] [--folds N] [--minutes M] [--resume] [--score MODEL] [--out DIR] ...
cyconv bench kernels | roofline | steps | networks | ... [options: cyconv bench NAME --help]
cyconv compare [--network NAME | --model FILE] [--backends A,B] [--html FILE] [--json FILE]
"""

import argparse
import os
import sys
from importlib import import_module

from ..bench import BENCHMARKS, positive
from . import compare, isbi


def main(arguments=None):
    """Runs the command; returns the exit status: 0, or 1 after an error that the user can mend, and where
    `compare` found a layer over tolerance.
    """
    options, found = parser().parse_args(arguments), None
    try:
        found = options.run(options)  # of `compare` a status, of the others what they measured, or nothing
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough: `cyconv info | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ModuleNotFoundError, OSError, ValueError) as error:
        print(f"cyconv: {error}", file=sys.stderr)
        return 1
    return found if isinstance(found, int) else 0


def parser():
    """The command line, with the defaults of each demo in its help."""
    top = argparse.ArgumentParser(
        prog="cyconv", description="Convolutional networks on C kernels you can read."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    info = commands.add_parser("info", help="version, backend, processor level, threads, what is installed")
    info.set_defaults(run=run_info)

    demo = commands.add_parser("demo", help="train a network on real images, and draw what it learned")
    demos = demo.add_subparsers(required=True, metavar="NAME")
    for name, what, epochs, batch_size in (
        ("digits", "8x8 digits, in seconds", 30, 32),
        ("mnist", "28x28 digits, in a minute or two", 3, 64),
    ):
        options = demos.add_parser(name, help=what)
        options.add_argument("--epochs", type=positive, help=f"times through the training images ({epochs})")
        options.add_argument("--batch-size", type=positive, help=f"images a step ({batch_size})")
        options.add_argument(
            "--seed", type=int, default=0, help="of the initial weights and the order of images (0)"
        )
        options.add_argument("--out", default="demo-output", help="folder for the pictures (demo-output)")
        options.set_defaults(run=run_demo, name=name)
    options = demos.add_parser("isbi", help="membranes under the electron microscope: a scored U-Net")
    isbi.arguments(options)
    options.set_defaults(run=isbi.run)

    bench = commands.add_parser("bench", help="time kernels and networks, answers checked first")
    benchmarks = bench.add_subparsers(required=True, metavar="NAME")
    for name, what in BENCHMARKS.items():
        benchmark = import_module(f"cyconv.bench.{name}")
        options = benchmarks.add_parser(name, help=what, description=benchmark.__doc__.splitlines()[0])
        benchmark.arguments(options)
        options.set_defaults(run=run_bench, benchmark=benchmark)

    comparison = commands.add_parser("compare", help="one model on several backends: differences and times")
    compare.arguments(comparison)
    comparison.set_defaults(run=compare.run)
    return top


def run_info(options):
    from . import info

    print(info.report())


def run_bench(options):
    try:
        for line in options.benchmark.report(options):
            print(line, flush=True)
    except AssertionError as error:
        raise ValueError(f"a wrong answer gets no time: {error}") from error


def run_demo(options):
    from . import demo

    demo.run(options.name, options.epochs, options.batch_size, options.seed, options.out)
