# %% [markdown]
# # The shape of the output
# For each spatial axis: floor((H + 2P - K) / S + 1), with H the input's size, P the zeros on each side, K
# the kernel's size and S the stride. The channels are as many as there are filters. The batch stays as it
# is.

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cyconv as keras
from cyconv import layers

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# A layer puts the numbers into the formula:

# %%
layer = layers.Conv2D(16, (5, 3), strides=(2, 1), padding=(2, 0))
text = layer.explain((8, 28, 28, 3))

# %% [markdown]
# ## Is the formula right?
# Every combination of small numbers, convolved, and its shape compared with the formula:

# %%
agree = tried = 0
for H in range(3, 12):
    for K in range(1, 4):
        for S in range(1, 4):
            for P in range(3):
                y = keras.ops.conv(np.zeros((2, H, H, 1)), np.zeros((K, K, 1, 5)), strides=S, padding=P)
                formula = (H + 2 * P - K) // S + 1
                agree += y.shape == (2, formula, formula, 5)
                tried += 1
print(f"the formula is right in {agree} of {tried} cases")

# %% [markdown]
# Look at the floor: with a stride of 3 the output grows by one only with every third pixel. Up to two
# columns at the edge are not seen.

# %%
sizes = np.arange(3, 24)
figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
for stride, colour in ((1, "#0072B2"), (2, "#D55E00"), (3, "#009E73")):
    shapes = [keras.ops.conv(np.zeros((1, H, 1)), np.zeros((3, 1, 1)), stride).shape for H in sizes]
    outputs = [shape[1] for shape in shapes]
    axis.plot(sizes, outputs, "o", color=colour, markersize=4, label=f"stride {stride}")
axis.set(xlabel="input size", ylabel="output size", title="kernel 3, no padding")
axis.set(xticks=sizes[::3], yticks=range(0, 22, 3))
axis.grid(color="0.9")
axis.legend()
figure.savefig(folder / "08-output-shape.png", dpi=120)
