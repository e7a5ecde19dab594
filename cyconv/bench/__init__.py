"""`cyconv bench`: measurements that check their answers first. One file a benchmark.

A benchmark is a module with `arguments(parser)`, which adds its options, `title(options)`, and
`report(options)`, which yields the lines of a table in Markdown as they are measured. The command
`cyconv bench` and the scripts in benchmarks/, which keep dated results, run the same modules.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the package

# {name: what it measures}, in the order of `cyconv bench --help`.
BENCHMARKS = {
    "kernels": "every kernel of a small network: GFLOP/s, GB/s, share of the processor's ceiling",
    "ceiling": "convolutions of 16 to 128 channels against the ceiling, call by call",
    "roofline": "the kernels in one picture: operations a byte against operations a second",
    "steps": "from the textbook's loops to Winograd: what each step gains on this machine",
    "networks": "training and inference of five networks, beside other frameworks where installed",
    "training": "a training step of five networks beside PyTorch",
    "inference": "a batch through five networks beside PyTorch, ONNX Runtime, OpenVINO",
    "latency": "predict of one small image, beside Keras",
    "memory": "the most memory that a process needs for a training step of the U-Net",
    "threads": "training steps with one thread and with more",
    "dense": "the products of a Dense layer beside BLAS and PyTorch",
    "overhead": "what a step takes beside its kernels",
    "gpu": "a training step of three networks on the GPU beside PyTorch's",
}


def child(code):
    """The command of a process that runs `code` on the same cyconv as this one."""
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]


def duration(text):
    """Seconds, more than none, from the command line."""
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"seconds, more than 0, not {text}")
    return seconds


def positive(text):
    """A whole number of at least 1, from the command line."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"at least 1, not {number}")
    return number
