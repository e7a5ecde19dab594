# %% [markdown]
# # Pooling and invariance to translation
# Max pooling keeps the largest value of each window. Where it stands in the window does not matter: when
# the input moves a little, much of the output stays as it was (figure 9.8 of the Deep Learning book).

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cyconv as keras

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## Figure 9.8
# Four values; windows of three, one pixel apart. Then all of them move one place to the right. Count those
# that changed, before and after pooling.

# %%
values = np.array([0.1, 1.0, 0.2, 0.1])
moved = np.array([0.3, 0.1, 1.0, 0.2])


def pooled(x, **how):
    return keras.ops.max_pool(np.reshape(x, (1, -1, 1)), 3, padding="same", **how).ravel()


before, after = pooled(values, strides=1), pooled(moved, strides=1)
print("values", values, " pooled", before)
print("moved ", moved, " pooled", after)
print(f"inputs that change: {(values != moved).sum()} of 4")
print(f"pooled outputs that change: {(before != after).sum()} of 4")

# %% [markdown]
# ## Figure 9.10: pooling with downsampling
# Windows of three, two pixels apart: half as many outputs. The last window is smaller, and is used all the
# same.

# %%
print("stride 2:", pooled([0.1, 1.0, 0.2, 0.1, 0.0, 0.1], strides=2))

# %% [markdown]
# ## Real images
# Every digit moves one pixel to the right. Look at the share of the values that changes by more than a
# tenth of the largest value: of the pixels, of the means and of the maxima of windows of 3x3.

# %%
(images, _), _ = keras.datasets.digits.load_data()
images = np.pad(images / 16.0, ((0, 0), (1, 1), (1, 1)))[..., None]
shifted = np.roll(images, 1, axis=2)
versions = {
    "pixels": (images, shifted),
    "means": [keras.ops.average_pool(x, 3, 1) for x in (images, shifted)],
    "maxima": [keras.ops.max_pool(x, 3, 1) for x in (images, shifted)],
}
shares = {}
for name, (still, after) in versions.items():
    ink = np.maximum(still, after) > 0.1  # places with nothing before and after say nothing
    shares[name] = float((np.abs(still - after)[ink] > 0.1).mean())
    print(f"{name} that change: {shares[name]:.0%}")

figure, axes = plt.subplots(3, 3, figsize=(6, 6.4), layout="constrained")
for column, (name, (still, after)) in enumerate(versions.items()):
    for row, (what, picture) in enumerate((("", still[0]), (", moved", after[0]))):
        axes[row, column].imshow(picture[..., 0], cmap="gray_r", vmin=0, vmax=1)
        axes[row, column].set_title(name + what)
    axes[2, column].imshow((after - still)[0, ..., 0], cmap="PuOr_r", vmin=-1, vmax=1)
    axes[2, column].set_title("difference")
for axis in axes.flat:
    axis.set_axis_off()
figure.savefig(folder / "10-pooling.png", dpi=120)
