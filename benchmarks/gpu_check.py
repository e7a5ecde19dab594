"""`make gpu-check`: everything about the GPU backend that only a machine with a GPU can show, in one go.

1. the tests of tests/gpu with CuPy on the device, not on the stand-in;
2. the operations of the door once more under compute-sanitizer, where that is installed: no access outside an
   array, no race in shared memory;
3. `cyconv bench gpu`: steps of three networks, each captured as one CUDA graph, losses checked, beside
   PyTorch, in float32 and in TF32, and with cuDNN's convolutions where it is installed; the tables go to
   benchmarks/results/<date>-<device>.md.
"""

import os
import shutil
import subprocess
import sys
from argparse import Namespace
from importlib.util import find_spec
from itertools import product
from pathlib import Path

from report import save

from cyconv import backends
from cyconv.backends.gpu import GpuUnavailable
from cyconv.bench import gpu

ROOT = Path(__file__).resolve().parents[1]
SANITIZERS = ("memcheck", "racecheck")


def main():
    try:
        backend = backends.get("gpu")
    except (ImportError, GpuUnavailable) as error:
        sys.exit(f"make gpu-check needs a GPU. {error}")
    print(f"{backend!r}\n", flush=True)
    run([sys.executable, "-m", "pytest", "tests/gpu", *sys.argv[1:]])
    sanitizer = shutil.which("compute-sanitizer")
    for tool in SANITIZERS if sanitizer else ():
        check = [sys.executable, "-m", "pytest", "-x", "tests/gpu/test_gpu_door.py"]
        run([sanitizer, "--tool", tool, "--error-exitcode", "1", *check])
    if not sanitizer:
        print("\nno compute-sanitizer on the PATH (it comes with the CUDA toolkit): that check is left out\n")
    algorithms = ["auto", "cudnn"] if find_spec("cudnn") else ["auto"]
    if len(algorithms) == 1:
        print('\nno cuDNN (pip install "cyconv[gpu-cudnn]"): its convolutions are left out\n')
    for algorithm, tf32 in product(algorithms, (False, True)):
        options = Namespace(nets=list(gpu.NETS), seconds=3.0, tf32=tf32, algorithm=algorithm)
        lines = []
        for line in gpu.report(options):
            print(line, flush=True)
            lines.append(line)
        print("written to", save(gpu.title(options), lines, device=backend.device))


def run(command):
    """A step that must pass, on the device."""
    print("$", *command, flush=True)
    environment = {**os.environ, "CYCONV_TEST_DEVICE": "1"}
    if subprocess.run(command, cwd=ROOT, env=environment).returncode:
        sys.exit("gpu-check stops here: the step above failed")


if __name__ == "__main__":
    main()
