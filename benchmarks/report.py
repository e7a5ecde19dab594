"""What every benchmark's results carry: the date, the machine, the software, the command."""

import argparse
import datetime
import os
import platform
import re
import shlex
import sys
from pathlib import Path

import numpy as np

import cyconv
from cyconv._native import engine
from cyconv.bench.machine import cpu_name
from cyconv.cli.info import installed

RESULTS = Path(__file__).parent / "results"


def run(benchmark):
    """A script: runs a module of `cyconv.bench` ; --write keeps its report."""
    parser = argparse.ArgumentParser(description=benchmark.__doc__.splitlines()[0])
    benchmark.arguments(parser)
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/results/")
    options, lines = parser.parse_args(), []
    for line in benchmark.report(options):
        print(line, flush=True)
        lines.append(line)
    if options.write:
        print("written to", save(benchmark.title(options), lines))


def machine(device):
    """The head of a file of results."""
    today = datetime.date.today().isoformat()
    return [
        f"# {today}, {device}",
        "",
        f"- {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"levels {', '.join(engine.levels())}",
        f"- cyconv {cyconv.__version__}, built by {engine.compiler()} with `{engine.flags()}`",
        f"- Python {platform.python_version()}, NumPy {np.__version__}, "
        + (installed(["torch"]) or "no PyTorch"),
    ]


def save(title, lines, device=None):
    """Writes section `title` of results/<date>-<device>.md, in place of an older one; returns the path.

    device: what was measured; left out, the processor.
    """
    RESULTS.mkdir(exist_ok=True)
    device = device or cpu_name()
    slug = re.sub("[^a-z0-9]+", "-", device.lower()).strip("-")
    path = RESULTS / f"{datetime.date.today().isoformat()}-{slug}.md"
    head, *sections = path.read_text().split("\n## ") if path.exists() else ["\n".join(machine(device))]
    kept = [section.strip() for section in sections if section.splitlines()[0] != title]
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    new = "\n".join([title, "", f"    {command}", "", *lines])
    path.write_text("\n\n## ".join([head.strip(), *kept, new]) + "\n")
    return path
