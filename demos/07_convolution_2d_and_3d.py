# %% [markdown]
# # Convolution in two and three dimensions
# A window with rows and columns slides over an image, one with a third side through a volume or a film.
# Nothing else changes.

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
# ## Two dimensions, by hand
# The filter subtracts the pixel on the lower right from the one on the upper left: 1 - 5 = -4 everywhere.

# %%
x = np.arange(1, 10).reshape(3, 3)
f = np.array([[1, 0], [0, -1]])
y = keras.ops.conv(x[None, ..., None], f[..., None, None])[0, ..., 0]
print(x, f, y, sep="\n\n")

# %% [markdown]
# With a stride of 2 the window takes every second place along both axes: four of the nine in an image of
# 4x4.

# %%
larger = np.arange(1, 17).reshape(1, 4, 4, 1)
strided = keras.ops.conv(larger, np.ones((2, 2, 1, 1)), strides=2)[0, ..., 0]
print("sums of 2x2, stride 2:", *(f"{value:g}" for value in strided.ravel()))

# %% [markdown]
# ## Colour
# An image has three channels, and so has every filter: it multiplies all three and adds everything to one
# map. Several filters make several maps. The kernel's axes are (rows, columns, channels in, filters). Look
# at the suit, which is orange: bright in "red minus blue". The sharpened picture needs three filters, one a
# colour.

# %%
photograph = data.astronaut()[:400, 60:460] / 255.0
grey = np.array([0.299, 0.587, 0.114]).reshape(1, 1, 3, 1)
red_minus_blue = np.array([1, 0, -1]).reshape(1, 1, 3, 1)
sharpen = np.zeros((3, 3, 3, 3))
for colour in range(3):
    sharpen[:, :, colour, colour] = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]

maps = {"the photograph": photograph}
for name, kernel in {"grey": grey, "red minus blue": red_minus_blue, "sharpened": sharpen}.items():
    maps[name] = keras.ops.conv(photograph[None], kernel)[0]  # [None]: a batch of one
    print(f"{name}: kernel {kernel.shape}, {photograph.shape} -> {maps[name].shape}")

figure, axes = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained")
for axis, (name, picture) in zip(axes, maps.items()):
    axis.imshow(picture.clip(0, 1), cmap="gray")
    axis.set_title(name)
    axis.set_axis_off()
figure.savefig(folder / "07-colour.png", dpi=120)
error = np.abs(maps["grey"] - photograph @ grey[0, 0]).max()
print(f"largest difference of grey from the weighted sum: {error:.0e}")

# %% [markdown]
# ## Three dimensions
# A film has the axes (time, rows, columns). This one is made up: a bright square crosses a real photograph,
# three pixels a frame. A kernel of two frames and one pixel, with the weights -1 and 1, subtracts each
# frame from the next. Look at what is left: the front of the square (orange) and what it left behind
# (purple).

# %%
still = data.camera()[100:228, 150:278] / 255.0
film = np.stack([still] * 24)
for time, frame in enumerate(film):
    frame[60:80, 10 + 3 * time : 30 + 3 * time] = 1.0

kernel = np.array([-1.0, 1.0]).reshape(2, 1, 1, 1, 1)
motion = keras.ops.conv(film[None, ..., None], kernel)[0, ..., 0]

figure, axes = plt.subplots(2, 4, figsize=(10, 5), layout="constrained")
for column, time in enumerate((0, 7, 14, 21)):
    axes[0, column].imshow(film[time], cmap="gray", vmin=0, vmax=1)
    axes[0, column].set_title(f"frame {time}")
    axes[1, column].imshow(motion[time], cmap="PuOr_r", vmin=-1, vmax=1)
    axes[1, column].set_title(f"frame {time + 1} - frame {time}")
for axis in axes.flat:
    axis.set_axis_off()
figure.savefig(folder / "07-film.png", dpi=120)

outside = np.delete(motion, range(60, 80), axis=1)
print(f"film {film.shape} -> motion {motion.shape}")
print(f"rows that the square never touches: largest change {np.abs(outside).max():g}")
changes = (motion != 0).sum((1, 2))
print(f"pixels that change from one frame to the next: at most {changes.max()} of {128 * 128}")
