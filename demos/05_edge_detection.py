# %% [markdown]
# # Edge detection
# Subtract from each pixel its neighbour on the left (figure 9.6 of the Deep Learning book). Two weights, -1
# and 1, find all vertical edges of a picture.

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import cyconv as keras

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# The photograph is cut to the size in the book, 280 rows of 320 pixels. Look at the legs of the tripod and
# the tower, and at what is missing: horizontal lines leave no trace.

# %%
image = data.camera()[60:340, 100:420] / 255.0


def filtered(image, kernel):
    """A grey image, correlated with a kernel (rows, columns)."""
    return keras.ops.conv(image[None, ..., None], np.asarray(kernel, float)[..., None, None])[0, ..., 0]


left = filtered(image, [[-1, 1]])
up = filtered(image, [[-1], [1]])
named = {"minus the pixel on the left": left, "minus the pixel above": up}

figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
axes[0].imshow(image, cmap="gray")
axes[0].set_title(f"the photograph, {image.shape[0]} x {image.shape[1]}")
for axis, (title, edges) in zip(axes[1:], named.items()):
    shown = axis.imshow(edges, cmap="PuOr_r", vmin=-0.6, vmax=0.6)
    axis.set_title(f"{title}, {edges.shape[0]} x {edges.shape[1]}")
figure.colorbar(shown, ax=axes[2], label="darker < 0 < brighter")
for axis in axes:
    axis.set_axis_off()
figure.savefig(folder / "05-edge-detection.png", dpi=120)

# %% [markdown]
# Is it what we wanted? NumPy's own difference says so. And what does a picture with nothing but horizontal
# stripes give?

# %%
error = np.abs(left - np.diff(image, axis=1)).max()
print(f"output: {left.shape[0]} x {left.shape[1]}")
print(f"largest difference from np.diff: {error}")
stripes = np.zeros((280, 320))
stripes[::20] = 1.0
across, down = (int((filtered(stripes, kernel) != 0).sum()) for kernel in ([[-1, 1]], [[-1], [1]]))
print(f"horizontal stripes: {across} pixels differ from their left neighbour, {down:,} from the one above")
