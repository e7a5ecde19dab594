# %% [markdown]
# # What the layers have learned: filters and DeconvNet
# The filters of the first layer are small pictures. For deeper layers DeconvNet (Zeiler and Fergus 2014)
# takes the strongest answer of a feature map and leads it back to the pixels: poolings put it where the
# maximum came from, activations let only positive values through, convolutions apply their transposed
# kernels.

# %%
import sys
from pathlib import Path

import numpy as np

import cyconv as keras
from cyconv import layers

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## Two layers by hand
# The first filter adds two pixels, one above the other; the pooling keeps the largest of all its answers;
# the second layer takes it three times: 3 * (1 + 1) = 6. Look at the projection: 6 * 3 = 18 on each pixel
# of the bar, and nothing elsewhere. The pooling left one number, and its switch tells where that came from.

# %%
x = np.zeros((1, 6, 6, 1), "float32")
x[0, 0:2, 2] = 1
model = keras.Sequential([
    keras.Input((6, 6, 1)),
    layers.Conv2D(1, (2, 1), activation="relu", use_bias=False, name="bars"),
    layers.MaxPooling2D((5, 6)),
    layers.Conv2D(1, 1, use_bias=False, activation="relu", name="sum"),
])  # fmt: skip
model.get_layer("bars").set_weights([np.ones((2, 1, 1, 1))])
model.get_layer("sum").set_weights([np.full((1, 1, 1, 1), 3.0)])
(bar,) = keras.interpret.deconvnet(model, x, "sum")
print(f"answer {bar.activation:g}; projection\n{bar.pixels[..., 0]}")

# %% [markdown]
# ## A network that learned digits

# %%
(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train, x_test = (np.kron(x[..., None] / 16, np.ones((1, 2, 2, 1))) for x in (x_train, x_test))
keras.utils.set_random_seed(0)
model = keras.Sequential([
    keras.Input((16, 16, 1)),
    layers.Conv2D(16, 3, padding="same", activation="relu", name="first"),
    layers.MaxPooling2D(2),
    layers.Conv2D(16, 3, padding="same", activation="relu", name="second"),
    layers.MaxPooling2D(2),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])  # fmt: skip
model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=10, verbose=0)
print(f"test accuracy: {model.evaluate(x_test, y_test, verbose=0)[1]:.1%}")

# %% [markdown]
# Look for filters that are bright on one side and dark on the other: they find edges. In the feature maps,
# look where each of them answers.

# %%
keras.visualize.filters(model.get_layer("first")).savefig(folder / "13-filters.png")
maps = keras.interpret.activations(model, x_test[0], "first")
keras.visualize.feature_maps(maps, x_test[0]).savefig(folder / "13-feature-maps.png")

# %% [markdown]
# Now the second layer: for six of its maps, the three test images to which each answers most strongly. On
# the left the projection, on the right the part of the image that the unit sees. Look at what the three
# images of one map have in common.

# %%
found = keras.interpret.deconvnet(model, x_test, "second", maps=range(6), top=3)
keras.visualize.projections(found).savefig(folder / "13-deconvnet.png")
rows, columns = max(projection.pixels.shape[:2] for projection in found)
print(f"projections: {len(found)}; a unit of the second layer sees at most {rows} x {columns} pixels")
