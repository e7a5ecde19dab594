# %% [markdown]
# # One network, every backend and algorithm
# What cyconv computes is defined in NumPy (the backend "reference"). The same operations exist in C: as
# textbook loops, as direct convolution over vectors, as Winograd's algorithm for 3x3 kernels, and for
# several instruction sets. All of them must give the same answer, up to rounding.

# %%
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cyconv as keras
from cyconv import layers

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)
IMAGES = 8 if os.environ.get("CYCONV_DEMO") == "small" else 64

# %% [markdown]
# ## The network
# Three convolutions on digits of scikit-learn, enlarged to 32x32. The weights are random: nothing is
# trained, only calculated.

# %%
(x, _), _ = keras.datasets.digits.load_data()
x = np.kron(x[:IMAGES, ..., None] / 16, np.ones((1, 4, 4, 1))).astype("float32")


def network(algorithm="auto"):
    keras.utils.set_random_seed(0)
    return keras.Sequential([
        keras.Input((32, 32, 1)),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.Conv2D(32, 3, padding="same", activation="relu", algorithm=algorithm),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, padding="same", activation="relu", algorithm=algorithm),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10),
    ])  # fmt: skip


def timed(model):
    """(answers, seconds): the fastest of three calls; the very first one also makes the plan."""
    answer, seconds = model.predict(x, verbose=0), []
    for _ in range(3):
        began = time.perf_counter()
        model.predict(x, verbose=0)
        seconds.append(time.perf_counter() - began)
    return answer, min(seconds)


# %% [markdown]
# ## Backends, algorithms, threads
# Look at both columns: at how little the answers differ, and at what the textbook costs.

# %%
answers, seconds = {}, {}
with keras.backends.use("reference"):
    answers["reference"], seconds["reference"] = timed(network())
for algorithm in ("naive", "direct", "winograd"):
    answers[algorithm], seconds[algorithm] = timed(network(algorithm))
before = keras.get_num_threads()
for threads in (1, 2):
    keras.set_num_threads(threads)
    name = f"auto, {threads} thread{'s' if threads > 1 else ''}"
    answers[name], seconds[name] = timed(network())
keras.set_num_threads(before)


def report(name):
    error = np.abs(answers[name] - answers["reference"]).max()
    print(f"{name:<16} {1000 * seconds[name]:8.1f} ms   largest difference {error:.1e}")


for name in answers:
    report(name)
print(f"largest answer: {np.abs(answers['reference']).max():.2f}")
same = np.array_equal(answers["auto, 1 thread"], answers["auto, 2 threads"])
print(f"one and two threads give the same bytes: {same}")

# %% [markdown]
# ## Instruction sets
# A vector of AVX-512 holds sixteen numbers, one of AVX2 eight, one of plain x86-64 ("base") four; "naive"
# does without. The level is chosen when Python starts, so each gets a Python of its own, and the network in
# a file.

# %%
program = """
import sys, time
import numpy as np
import cyconv as keras

model, x = keras.models.load_model(sys.argv[1]), np.load(sys.argv[2])
keras.set_num_threads(1)
answer, seconds = model.predict(x, verbose=0), []
for _ in range(3):
    began = time.perf_counter()
    model.predict(x, verbose=0)
    seconds.append(time.perf_counter() - began)
np.save(sys.argv[3], answer)
print(min(seconds))
"""
with tempfile.TemporaryDirectory() as temporary:
    files = [str(Path(temporary) / name) for name in ("network.safetensors", "x.npy", "answer.npy")]
    network("direct").save(files[0])
    np.save(files[1], x)
    for level in ("naive", "base", "avx2", "avx512"):
        environment = {**os.environ, "CYCONV_ISA": level}
        done = subprocess.run(
            [sys.executable, "-c", program, *files], env=environment, capture_output=True, text=True
        )
        if done.returncode:
            print(f"level {level:<10} {done.stderr.splitlines()[-1]}")
            continue
        answers[f"level {level}"], seconds[f"level {level}"] = np.load(files[2]), float(done.stdout)
        report(f"level {level}")

# %%
figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
milliseconds = [1000 * s for s in seconds.values()]
axis.barh(list(seconds), milliseconds, color="#0072B2")
axis.set(xscale="log", xlim=(10 ** np.floor(np.log10(min(milliseconds))), None))
axis.set(xlabel=f"milliseconds for {len(x)} images", title="same answers, other speeds")
axis.invert_yaxis()
figure.savefig(folder / "20-backends.png", dpi=120)
