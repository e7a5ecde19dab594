# %% [markdown]
# # Parameter sharing, and what it saves
# A convolution uses the same few weights at every place (figure 9.5 of the Deep Learning book). It is a
# matrix multiplication all the same: by a matrix that is almost empty and repeats the filter in each row.

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from cyconv import layers

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## The layer as a matrix
# `as_matrix()` gives it. For the filter (1, 2) of the slide, the signal is six long and the output five.
# Look for the filter: it moves one column to the right with each row.

# %%
layer = layers.Conv1D(1, 2, use_bias=False)
layer.build((None, 6, 1))
layer.set_weights([np.array([1, 2]).reshape(2, 1, 1)])
matrix = layer.as_matrix().toarray()
x = np.array([1, 2, 3, 2, 5, 1])
print(matrix)
print("matrix @ x =", matrix @ x)

# %% [markdown]
# ## The same weight, again and again
# Every dot is an entry of the matrix; those of one colour are the same weight. Compare: the convolution of
# width 3 has three colours, each on a diagonal; the dense layer has 144 weights, and each is used once.

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
uses = []
for axis, layer, shape in (
    (axes[0], layers.Conv1D(1, 3, padding="same", use_bias=False), (None, 12, 1)),
    (axes[1], layers.Dense(12, use_bias=False), (None, 12)),
):
    links = layer.connections(shape)
    weights, times = np.unique(links.weights, return_counts=True)
    uses.append(times)
    axis.scatter(links.inputs, links.outputs, c=links.weights, cmap="viridis", s=45)
    axis.set_title(f"{type(layer).__name__}: {len(weights)} weights")
    axis.set(xlabel="input", ylabel="output", aspect="equal")
    axis.invert_yaxis()
figure.savefig(folder / "04-parameter-sharing.png", dpi=120)
print("uses of each weight of the convolution:", *uses[0])
print("most uses of a weight of the dense layer:", uses[1].max())

# %% [markdown]
# ## The efficiency table
# An image of 320 by 280 pixels, a kernel of 2 by 1, an output of 319 by 280: the numbers of the slide. Each
# output takes two multiplications and one addition. As a full matrix the layer would store eight billion
# numbers, nearly all of them zero.

# %%
edges = layers.Conv2D(1, (2, 1), use_bias=False)
cost = edges.cost((1, 320, 280, 1))
print(cost)
ratio = cost.dense.operations / cost.convolution.operations
print(f"operations of the dense matrix: {ratio:,.0f} times as many")

# %% [markdown]
# The sparse matrix can be built, and gives the same picture as the sliding window.

# %%
image = data.camera()[:320, :280] / 255.0
by_window = edges(image[None, ..., None])[0].ravel()
by_matrix = edges.as_matrix((1, 320, 280, 1)) @ image.ravel()
print(f"largest difference of matrix and window: {np.abs(by_window - by_matrix).max():.1e}")
