# %% [markdown]
# # Sparse connections and the receptive field
# In a dense layer every output is connected to every input. In a convolution each output sees a window
# only: connections are sparse (figures 9.2 and 9.3 of the Deep Learning book). Yet in deep layers outputs
# see, through those before, a wide part of the input (figure 9.4).

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
# ## One layer
# Five inputs x1 to x5 and five outputs s1 to s5, once through a convolution of width 3 and once through a
# dense layer. Look at what the third input reaches (orange): three outputs against all five.


# %%
def draw(axis, links, names, marked):
    """Units as circles, links[level] as arrays of pairs (from, to); marked[level]: units in orange."""
    for level, pairs in enumerate(links):
        for a, b in pairs:
            warm = a in marked[level] and b in marked[level + 1]
            axis.plot([a, b], [level, level + 1], color="#D55E00" if warm else "0.8", zorder=1 + warm)
    for level, name in enumerate(names):
        units = range(5)
        colours = ["#D55E00" if unit in marked[level] else "white" for unit in units]
        axis.scatter(units, [level] * 5, s=500, c=colours, edgecolors="0.3", zorder=3)
        for unit in units:
            axis.text(unit, level, f"${name}_{unit + 1}$", ha="center", va="center", zorder=4)
    axis.margins(0.12)
    axis.set_axis_off()


sparse = layers.Conv1D(1, 3, padding="same", use_bias=False)
dense = layers.Dense(5, use_bias=False)
links = {}
for name, layer, shape in (("convolution of width 3", sparse, (None, 5, 1)), ("dense", dense, (None, 5))):
    found = layer.connections(shape)
    links[name] = list(zip(found.inputs, found.outputs))

figure, axes = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained")
for axis, (name, pairs) in zip(axes, links.items()):
    reached = [b for a, b in pairs if a == 2]
    draw(axis, [pairs], ["x", "s"], [[2], reached])
    axis.set_title(name)
    print(f"{name}: {len(pairs)} connections; x3 reaches {len(reached)} of 5 outputs")
figure.savefig(folder / "03-sparse-connections.png", dpi=120)

# %% [markdown]
# ## Two layers
# Turn the question round: what does the third unit of the second layer see? Three units of the first layer,
# and through them all five inputs.

# %%
pairs = links["convolution of width 3"]
hidden = [a for a, b in pairs if b == 2]
seen = sorted({a for a, b in pairs if b in hidden})
figure, axis = plt.subplots(figsize=(4.5, 3.4), layout="constrained")
draw(axis, [pairs, pairs], ["x", "h", "g"], [seen, hidden, [2]])
axis.set_title("what $g_3$ sees")
figure.savefig(folder / "03-growing-receptive-field.png", dpi=120)
print(f"g3 sees {len(hidden)} units of the first layer and {len(seen)} inputs")

# %% [markdown]
# ## Many layers
# With each layer of width 3 the receptive field grows by 2; after a layer with a stride of 2, by twice as
# much. The summary states it. We measure it too: change one input after another, and count those that
# change the output in the middle.


# %%
def measured(strides):
    """How many of 65 inputs change the middle output of convolutions with these strides."""
    rows = [layers.Conv1D(1, 3, s, padding="same", kernel_initializer="ones") for s in strides]
    model = keras.Sequential([keras.Input((65, 1)), *rows])
    model.summary(columns="receptive_field")
    still = np.zeros((1, 65, 1))
    changed = still + np.eye(65)[..., None]  # 65 inputs, each with another pixel changed
    changes = model.predict(changed, verbose=0) - model.predict(still, verbose=0)
    return int((changes[:, changes.shape[1] // 2] != 0).sum())


print(f"the middle output sees, with stride 1: {measured([1, 1, 1, 1])} inputs")
print(f"the middle output sees, with stride 2: {measured([2, 2, 2, 2])} inputs")
