"""Every barrier of the CUDA kernels is needed, and some test fails without it."""

import re

import numpy as np
from gpu_kernels import check, fails_without_barriers, normal

from cyconv.backends.gpu.kernels import FOLDER

HEAD = r'^[\w "]*?(\w+)\([^;{}]*\)\n\{\n'  # of a function
# Function that has barriers -> the file of tests that takes them away.
TAKEN_AWAY = {
    "multiply": "convolution",
    "sum_of_eight": "convolution",
    "depthwise_kernel_gradient": "convolution",
    "batch_moments": "batch_norm",
    "batch_statistics": "batch_norm",
    "gradient_sums": "batch_norm",
    "gradient_totals": "batch_norm",
    "reduce_by_block": "barriers",
}


def test_all_functions_with_barriers_are_known():
    found = set()
    for path in FOLDER.glob("*.cu*"):
        text = path.read_text()
        heads = [(m.end(), m[1]) for m in re.finditer(HEAD, text, re.M)]
        for barrier in re.finditer("__syncthreads", text):
            found.add(max(head for head in heads if head[0] < barrier.start())[1])
    assert found == set(TAKEN_AWAY)


def test_a_sum_without_its_barriers_fails():
    x = normal(np.random.default_rng(0), 600)

    def run(change):
        check(lambda door, x: [door.reduce(x)], [x], 600, orders=(0, 1), change=change)

    fails_without_barriers(run, "reduce_by_block")
