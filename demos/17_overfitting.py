# %% [markdown]
# # Overfitting, and three remedies
# A network that is large for its data learns the examples instead of what they have in common. Its error on
# what it is shown goes on falling while that on new images rises. Dropout, weight decay and early stopping
# hold against it, each in its own way.

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
EPOCHS = 30 if os.environ.get("CYCONV_DEMO") == "small" else 40

# %% [markdown]
# ## What dropout does
# In training half of the values become 0 and the others are doubled, so that the mean stays. Each step
# trains another, thinner network. In testing nothing happens.

# %%
keras.utils.set_random_seed(0)
layer = layers.Dropout(0.5)
ones = np.ones((1, 10_000), "float32")
y = layer(ones, training=True)
print(f"dropout in training: {np.mean(y == 0):.0%} are 0, the others {y.max():g}, the mean is {y.mean():.2f}")
print(f"dropout in testing: all are {layer(ones).min():g}")

# %% [markdown]
# ## A task that invites it
# 200 digits of scikit-learn for a network of 276,842 parameters. And to make it worse we spoil the labels:
# each fifth is drawn anew. The labels of the test are right.

# %%
(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train, y_train, x_test = x_train[:200, ..., None] / 16, y_train[:200].copy(), x_test[..., None] / 16
generator = np.random.default_rng(0)
spoiled = generator.random(200) < 0.2
y_train[spoiled] = generator.integers(0, 10, spoiled.sum())


def network(dropout):
    return keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dropout(dropout),
        layers.Dense(128, activation="relu"),
        layers.Dropout(dropout),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


# %% [markdown]
# Weight decay shrinks each weight a little in every step: here by 0.005 of itself, the learning rate times
# `weight_decay`. Early stopping watches the loss on images that are not learned from, and goes back to the
# best weights when it has not fallen for five epochs. (Strictly a third set of images should be watched,
# not the test.)

# %%
stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
decay = keras.optimizers.AdamW(1e-3, weight_decay=5.0)
attempts = {
    "no remedy": (0.0, keras.optimizers.Adam(1e-3), []),
    "dropout": (0.5, keras.optimizers.Adam(1e-3), []),
    "weight decay": (0.0, decay, []),
    "early stopping": (0.0, keras.optimizers.Adam(1e-3), [stop]),
}
histories, accuracies = {}, {}
for name, (dropout, optimizer, callbacks) in attempts.items():
    keras.utils.set_random_seed(0)
    model = network(dropout)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    histories[name] = model.fit(
        x_train, y_train, batch_size=32, epochs=EPOCHS, validation_data=(x_test, y_test), verbose=0,
        callbacks=callbacks,
    ).history  # fmt: skip
    accuracies[name] = model.evaluate(x_test, y_test, verbose=0)[1]

# %% [markdown]
# Look at the first picture: the two curves part, and the orange one turns upwards. Then look at which of
# the remedies keep it down.

# %%
figure, axes = plt.subplots(1, 4, figsize=(13, 3.4), sharey=True, layout="constrained")
for axis, (name, history) in zip(axes, histories.items()):
    for key, label, colour in (("loss", "training", "#0072B2"), ("val_loss", "test", "#D55E00")):
        axis.plot(range(1, len(history[key]) + 1), history[key], color=colour, label=label)
    axis.set(title=f"{name}: test accuracy {accuracies[name]:.0%}", xlabel="epoch", ylim=(0, 2.4))
axes[0].set_ylabel("loss")
axes[0].legend()
figure.savefig(folder / "17-overfitting.png", dpi=120)

loss = histories["no remedy"]["val_loss"]
best = int(np.argmin(loss))
print(f"test loss without remedy: {loss[best]:.2f} after {best + 1} epochs, {loss[-1]:.2f} at the end")
for name, accuracy in accuracies.items():
    print(f"test accuracy, {name}: {accuracy:.1%}")
