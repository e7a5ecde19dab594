# %% [markdown]
# # Padding and stride
# A filter of two numbers fits into six in five places. A stride of 2 takes every second of them. Zeros on
# both sides make room for more. The numbers are those of the slide.

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cyconv as keras

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)

# %%
x = np.array([1, 2, 3, 2, 5, 1])
f = np.array([1, 2])
settings = {
    "plain": dict(strides=1, padding=0),
    "stride of 2": dict(strides=2, padding=0),
    "zero padding of 1": dict(strides=1, padding=1),
    "both": dict(strides=2, padding=1),
}
results = {}
for name, setting in settings.items():
    y = keras.ops.conv(x.reshape(1, 6, 1), f.reshape(2, 1, 1), **setting).ravel()
    results[name] = [round(float(value)) for value in y]
    size = (len(x) + 2 * setting["padding"] - len(f)) // setting["strides"] + 1
    print(f"{name}: {' '.join(map(str, results[name]))}")
    print(f"    floor((6 + 2 * {setting['padding']} - 2) / {setting['strides']} + 1) = {size}")

# %% [markdown]
# Each bar in the picture is one place of the filter, with the output that it gives. Look at the first and
# the last bar with padding: half of each lies on a zero. And at "both": it is not "stride of 2" with
# something added. It takes the other places.

# %%
figure, axes = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained")
for axis, (name, setting) in zip(axes, settings.items()):
    for place, value in enumerate([0] * setting["padding"] + list(x) + [0] * setting["padding"]):
        column = place - setting["padding"]
        inside = 0 <= column < len(x)
        axis.text(column, 0, value, ha="center", va="center", color="black" if inside else "#D55E00")
        axis.add_patch(plt.Rectangle((column - 0.5, -0.5), 1, 1, fill=False, edgecolor="0.6"))
    for number, value in enumerate(results[name]):
        start = number * setting["strides"] - setting["padding"]
        axis.add_patch(plt.Rectangle((start - 0.45, number + 0.7), 1.9, 0.6, color="#56B4E9"))
        axis.text(start + 0.5, number + 1, value, ha="center", va="center")
    axis.set(title=name, xlim=(-1.7, 6.7), ylim=(7.6, -0.7))
    axis.set_axis_off()
figure.savefig(folder / "06-padding-and-stride.png", dpi=120)

# %% [markdown]
# In a layer, `padding="same"` asks for as many zeros as keep the size at stride 1; "valid", the default,
# for none. Where the zeros are uneven, the extra one is at the end.

# %%
same = keras.ops.conv(x.reshape(1, 6, 1), f.reshape(2, 1, 1), padding="same").ravel()
print("same:", *(f"{value:g}" for value in same))
