# %% [markdown]
# # Three ways to a classification
# Figure 9.11 of the Deep Learning book. All three begin alike: convolution, pooling with stride 4,
# convolution. They differ in how they come from a map to one number a class.
#
# - Fixed size: the map is read as one vector, then a dense layer.
# - Variable size: the map is pooled to a fixed grid of 3x3, whatever its size, then a dense layer.
# - Fully convolutional: one map a class, averaged. There is no dense layer.

# %%
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cyconv as keras

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)
EPOCHS = 14 if os.environ.get("CYCONV_DEMO") == "small" else 30

# %% [markdown]
# ## As in the figure
# Colour images of 256x256, 64 filters, 1,000 classes. Look at the parameters of `output`, the dense layer:
# (16 * 16 * 64 + 1) * 1,000 for the map, (3 * 3 * 64 + 1) * 1,000 for the grid. The fully convolutional
# network has just as many in its last convolution.

# %%
figure_models = [keras.zoo.fixed_size(), keras.zoo.variable_size(), keras.zoo.fully_convolutional()]
for model in figure_models:
    model.summary()
for model in figure_models:
    print(f"{model.name}: {model.count_params():,} parameters")

# %% [markdown]
# ## Small ones, on digits
# The digits of scikit-learn, enlarged. The fixed-size network learns from images of 48x48. The other two
# learn from 32x32 and 64x64 by turns, and never see 48x48. Then all are tested on all three sizes.

# %%
(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()


def enlarged(x, size):
    """Every pixel as a square, so that the image becomes size x size."""
    times = size // 8
    return np.kron(x[..., None] / 16, np.ones((1, times, times, 1)))


cases = [
    (keras.zoo.fixed_size, dict(input_shape=(48, 48, 1)), (48,)),
    (keras.zoo.variable_size, dict(input_shape=(None, None, 1), grid=2), (32, 64)),
    (keras.zoo.fully_convolutional, dict(input_shape=(None, None, 1)), (32, 64)),
]
accuracies = {}
for network, arguments, sizes in cases:
    keras.utils.set_random_seed(0)
    model = network(classes=10, filters=16, **arguments)
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    for epoch in range(EPOCHS):
        model.fit(enlarged(x_train, sizes[epoch % len(sizes)]), y_train, batch_size=32, verbose=0)
    for size in (32, 48, 64):
        try:
            accuracy = model.evaluate(enlarged(x_test, size), y_test, verbose=0)[1]
            print(f"{model.name}, {size}x{size}: {accuracy:.1%}")
        except ValueError as error:
            accuracy = np.nan
            print(f"{model.name}, {size}x{size}: refused\n    {error}")
        accuracies[model.name, size] = accuracy

# %% [markdown]
# Look at 48x48, which two of the three networks meet for the first time, and at the two bars that are
# missing.

# %%
figure, axis = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
for place, (size, colour) in enumerate(zip((32, 48, 64), ("#56B4E9", "#0072B2", "#E69F00"))):
    heights = [accuracies[model.name, size] for model in figure_models]
    axis.bar(np.arange(3) + 0.27 * (place - 1), heights, 0.25, color=colour, label=f"{size}x{size}")
axis.set_xticks(range(3), [model.name for model in figure_models])
axis.set(ylabel="test accuracy", ylim=(0, 1.25))
axis.legend(ncols=3)
figure.savefig(folder / "11-classification-architectures.png", dpi=120)
