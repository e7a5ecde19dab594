# %% [markdown]
# # 1-D convolution
# A convolution slides a small filter along the signal. At each place it multiplies the numbers that lie on
# top of each other and adds the products. What deep learning calls convolution is cross-correlation: the
# filter is not turned round.

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import cyconv as keras
from cyconv import layers

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## The numbers of the slide
# Work out the second output before you look: 2 * 1 + 3 * 2 = 8. A signal has the axes (batch, length,
# channels), a filter (length, channels in, channels out): one signal, one channel, one filter here.

# %%
x = np.array([1, 2, 3, 2, 5, 1])
f = np.array([1, 2])
y = keras.ops.conv(x.reshape(1, 6, 1), f.reshape(2, 1, 1)).ravel()
print("x", *x)
print("f", *f)
print("y", *(f"{value:g}" for value in y))

# %% [markdown]
# The same as a layer, which can tell how each of its outputs came about:

# %%
layer = layers.Conv1D(1, 2, use_bias=False)
layer.build((1, 6, 1))
layer.set_weights([f.reshape(2, 1, 1)])
text = layer.explain(x.reshape(1, 6, 1), position=(1, 0))

# %% [markdown]
# The convolution of mathematics turns the filter round first. NumPy's `convolve` does; with the filter
# turned round beforehand, the two agree.

# %%
turned = np.convolve(x, f[::-1], mode="valid")
print("np.convolve with f turned round", *turned)

# %% [markdown]
# ## Three filters on a row of a photograph
# Look at three things. The mean of nine pixels smooths. The difference of two neighbours is zero where the
# row is even and stands out at edges. A filter with a single 1 away from its middle only shifts the row.

# %%
row = data.camera()[200] / 255.0
one = np.zeros(41)
one[0] = 1
filters = {"mean of 9": np.full(9, 1 / 9), "difference": np.array([-1.0, 1.0]), "a single 1": one}
results = {name: keras.ops.conv(row[None, :, None], g[:, None, None]).ravel() for name, g in filters.items()}

figure, axes = plt.subplots(4, 1, figsize=(7, 7), sharex=True, layout="constrained")
axes[0].plot(row, color="0.3", linewidth=1)
axes[0].set_title("row 200 of the photograph", loc="left")
for axis, (name, result) in zip(axes[1:], results.items()):
    middle = (len(filters[name]) - 1) / 2
    axis.plot(np.arange(len(result)) + middle, result, linewidth=1)
    axis.set_title(f"{name}: {len(row)} pixels in, {len(result)} out", loc="left")
axes[-1].set_xlabel("pixel")
figure.savefig(folder / "02-convolution-1d.png", dpi=120)

# %% [markdown]
# Smoothing takes away most of what changes from pixel to pixel:

# %%
roughness = [np.abs(np.diff(signal)).mean() for signal in (row, results["mean of 9"])]
print(f"mean step from pixel to pixel: {roughness[0]:.4f} before, {roughness[1]:.4f} after the mean of 9")
