# %% [markdown]
# # Residual networks
# A residual block adds its input to what it computes: y = f(x) + x. If f gives zero, the block does
# nothing, so that a deeper network need not be a worse one. And the gradient has a way back that no layer
# is on (He, Zhang, Ren, Sun 2016).

# %%
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import cyconv as keras
from cyconv import layers

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)
EPOCHS = 4 if os.environ.get("CYCONV_DEMO") == "small" else 8

# %% [markdown]
# ## One block
# With all weights zero the block is the identity. Where f changes the number of channels, the input goes
# through a matrix W, y = f(x) + Wx, or, for images, through a convolution with 1x1 kernels.

# %%
x = np.random.default_rng(0).normal(size=(4, 8, 8, 16)).astype("float32")
same = layers.Residual([layers.Conv2D(16, 3, padding="same", kernel_initializer="zeros")])
print(f"f = 0: largest difference of output and input {np.abs(same(x) - x).max():g}")
f, W = layers.Dense(6), layers.Dense(6, use_bias=False)
wider = layers.Residual([f], shortcut=W)
v = x[:, 0, 0]
difference = np.abs(wider(v) - (f(v) + v @ W.kernel.numpy())).max()
print(f"f(x) + Wx: {v.shape} -> {wider(v).shape}, largest difference from the formula {difference:.0e}")
wider = layers.Residual([layers.Conv2D(32, 3, padding="same")], shortcut=layers.Conv2D(32, 1))
print(f"f(x) + conv(x): {x.shape} -> {wider(x).shape}")

# %% [markdown]
# ## 56 layers, with and without
# The same 56 layers twice, batch normalisation and first weights included; the only difference is the "+
# x". Both learn the digits of scikit-learn.

# %%


def network(depth, residual):
    """3x3 convolutions with 16 filters, in blocks of two."""

    def convolution():
        return [layers.Conv2D(16, 3, padding="same", use_bias=False), layers.BatchNormalization(momentum=0.9)]

    rows = [keras.Input((8, 8, 1)), *convolution(), layers.ReLU()]
    for _ in range((depth - 2) // 2):
        branch = [*convolution(), layers.ReLU(), *convolution()]
        rows += [layers.Residual(branch)] if residual else branch
        rows.append(layers.ReLU())
    return keras.Sequential([*rows, layers.GlobalAveragePooling2D(), layers.Dense(10, "softmax")])


(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train, x_test = x_train[..., None] / 16, x_test[..., None] / 16
histories, accuracies = {}, {}
for name, residual in (("plain", False), ("residual", True)):
    keras.utils.set_random_seed(0)
    model = network(56, residual)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    histories[name] = model.fit(x_train, y_train, batch_size=64, epochs=EPOCHS, verbose=0).history
    accuracies[name] = model.evaluate(x_test, y_test, verbose=0)[1]
    print(f"{name}: {model.count_params():,} parameters")

# %% [markdown]
# Look at the training accuracy: the plain network does not even learn what it is shown, so this is not
# overfitting. It has the same layers and the same number of parameters.

# %%
figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
for (name, history), colour in zip(histories.items(), ("#D55E00", "#0072B2")):
    axis.plot(range(1, EPOCHS + 1), history["accuracy"], "o-", color=colour, label=name)
axis.axhline(0.1, color="0.6", linewidth=0.8, linestyle=":")
axis.text(EPOCHS, 0.09, "guessing", color="0.4", ha="right", va="top")
axis.set(xlabel="epoch", ylabel="training accuracy", title="56 layers", ylim=(0, 1.02))
axis.legend()
figure.savefig(folder / "18-residual.png", dpi=120)
for name, history in histories.items():
    print(f"{name}, accuracy: training {history['accuracy'][-1]:.1%}, test {accuracies[name]:.1%}")
