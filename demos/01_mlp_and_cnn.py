# %% [markdown]
# # MLP against CNN
# A multilayer perceptron connects everything with everything, and knows nothing of which pixels are
# neighbours. A convolutional network has fewer parameters because it does.

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
# ## Images
# The digits of scikit-learn, each on a canvas of 18x18 with room to move. Two changes: every digit moves
# two pixels to the right; or all pixels change places, the same way in all images. Look at the last row:
# nobody could read it, and yet nothing is lost.

# %%
(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train, x_test = (np.pad(x / 16, ((0, 0), (5, 5), (5, 5)))[..., None] for x in (x_train, x_test))
places = np.random.default_rng(0).permutation(18 * 18)


def moved(x):
    return np.roll(x, 2, axis=2)


def shuffled(x):
    return x.reshape(len(x), -1)[:, places].reshape(x.shape)


figure, axes = plt.subplots(3, 8, figsize=(8, 3.4), layout="constrained")
for row, name, x in zip(axes, ("as it was", "moved", "shuffled"), (x_test, moved(x_test), shuffled(x_test))):
    row[0].set_ylabel(name)
    for axis, picture in zip(row, x):
        axis.imshow(picture[..., 0], cmap="gray_r")
        axis.set(xticks=[], yticks=[])
figure.savefig(folder / "01-digits.png", dpi=120)

# %% [markdown]
# ## Two networks


# %%
def mlp():
    return [layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(10, "softmax")]


def cnn():
    return [
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.GlobalMaxPooling2D(),
        layers.Dense(10, "softmax"),
    ]


def trained(rows, x):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((18, 18, 1)), *rows()])
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y_train, batch_size=32, epochs=30, verbose=0)
    return model


# %% [markdown]
# Each learns the digits where they are. Then it is tested on digits that moved. And each learns, anew, the
# shuffled pixels, and is tested on shuffled ones.

# %%
accuracies = {}
for name, rows in (("MLP", mlp), ("CNN", cnn)):
    model = trained(rows, x_train)
    on_shuffled = trained(rows, shuffled(x_train))
    accuracies[name] = [
        model.evaluate(x_test, y_test, verbose=0)[1],
        model.evaluate(moved(x_test), y_test, verbose=0)[1],
        on_shuffled.evaluate(shuffled(x_test), y_test, verbose=0)[1],
    ]
    plain, after_move, after_shuffle = accuracies[name]
    print(f"{name}: {model.count_params():,} parameters")
    print(f"{name}, test accuracy: {plain:.1%}; moved {after_move:.1%}; shuffled {after_shuffle:.1%}")

# %% [markdown]
# Look at the middle bars: the MLP does not know a digit that moved; the CNN does, since its filters move
# along and the largest value of each map is the same wherever it stands. Look at the last: the MLP does not
# mind the shuffling, since it never knew which pixels are neighbours. To the CNN it matters.

# %%
figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
for offset, (name, values), colour in zip((-0.2, 0.2), accuracies.items(), ("#D55E00", "#0072B2")):
    axis.bar(np.arange(3) + offset, values, 0.38, color=colour, label=name)
axis.set_xticks(range(3), ["as it was", "moved by 2 pixels", "pixels shuffled"])
axis.set(ylabel="test accuracy", ylim=(0, 1.2))
axis.legend(ncols=2)
figure.savefig(folder / "01-mlp-and-cnn.png", dpi=120)
