# %% [markdown]
# # One network, every backend and algorithm
# What cyconv computes is defined in NumPy (the backend "reference"). The same operations exist in C: as
# textbook loops, as direct convolution over vectors, as Winograd's algorithm for 3x3 kernels, and for
# several instruction sets. All of them must give the same answer, up to rounding.

# %%
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cyconv as keras
from cyconv import layers

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)
SMALL = os.environ.get("CYCONV_DEMO") == "small"

# %% [markdown]
# ## The network
# Three convolutions on digits of scikit-learn, enlarged to 32x32. The weights are random: nothing is
# trained, only calculated.

# %%
(x, _), _ = keras.datasets.digits.load_data()
x = np.kron(x[: 4 if SMALL else 16, ..., None] / 16, np.ones((1, 4, 4, 1))).astype("float32")
keras.utils.set_random_seed(0)
network = keras.Sequential([
    keras.Input((32, 32, 1)),
    layers.Conv2D(32, 3, padding="same", activation="relu"),
    layers.Conv2D(32, 3, padding="same", activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(32, 3, padding="same", activation="relu"),
    layers.GlobalAveragePooling2D(),
    layers.Dense(10),
])  # fmt: skip

# %% [markdown]
# ## Every backend, algorithm, and instruction set of this machine
# A vector of AVX-512 holds sixteen numbers, one of AVX2 eight, one of plain x86-64 ("base") four; the
# textbook loops ("naive") do without. Look at both columns: at how little the answers differ from the
# definition, and at what the textbook costs.

# %%
result = keras.compare_backends(network, x, backends="all", seconds=0.1 if SMALL else 0.5, up_to=0)
milliseconds = {entry.backend: entry.milliseconds["prediction"] for entry in result.whole}
for entry in result.whole:
    for difference in entry.differences.get("forward", ()):
        if difference.what == "output":
            print(f"{entry.backend:<16} {milliseconds[entry.backend]:8.1f} ms   largest difference "
                  f"{difference.absolute:.1e}")  # fmt: skip
print(f"largest answer: {np.abs(network.predict(x, verbose=0)).max():.2f}")

# %% [markdown]
# ## Which layer is it?
# Each layer was also given the same input on every backend, forwards and backwards. What it may differ by
# follows from how many products it sums up. Look at which layer comes nearest to that, and by which
# algorithm. `print(result)` shows all layers, `result.to_html("report.html")` draws them.

# %%
print(result.worst)
print(f"layers that differ by more than rounding allows: {len(result.over)}")

# %% [markdown]
# ## Threads
# Sums are cut into pieces that do not depend on the number of threads: not one bit differs.

# %%
threads = keras.compare_backends(network, x, backends=["cpu:threads=1", "cpu:threads=2"], seconds=0)
same = all(finding.difference.absolute == 0 for finding in threads.findings)
print(f"one and two threads give the same bytes: {same}")

# %%
figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
axis.barh(list(milliseconds), list(milliseconds.values()), color="#0072B2")
axis.set(xscale="log", xlim=(10 ** np.floor(np.log10(min(milliseconds.values()))), None))
axis.set(xlabel=f"milliseconds for {len(x)} images", title="same answers, other speeds")
axis.invert_yaxis()
figure.savefig(folder / "20-backends.png", dpi=120)
