# %% [markdown]
# # Batch normalisation
# In training each channel of a layer is brought to mean 0 and variance 1 over the batch, then scaled and
# shifted by two learned numbers (Ioffe and Szegedy 2015, algorithm 1). For testing, when there is no batch,
# running averages of mean and variance are kept.

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
# ## One batch
# A batch of images with two channels of different size. A channel is one feature: its mean is taken over
# all images and all pixels.

# %%
generator = np.random.default_rng(0)
x = generator.normal(loc=[5.0, -2.0], scale=[3.0, 0.5], size=(16, 6, 6, 2)).astype("float32")
layer = layers.BatchNormalization(momentum=0.9)
y = layer(x, training=True)
print("mean before", *x.mean((0, 1, 2)).round(2), " variance before", *x.var((0, 1, 2)).round(2))
print("mean after", *(abs(y.mean((0, 1, 2))).round(2)), " variance after", *y.var((0, 1, 2)).round(2))
text = layer.explain(x, position=(0, 2, 3, 1), training=True)

# %% [markdown]
# ## The running statistics
# mu_run = lambda * mu_run + (1 - lambda) * mu_batch, and the same for the variance. They start at 0 and 1.
# The call above was the first step; let ten more batches follow, and calculate along.

# %%
mean = 0.9 * np.zeros(2) + 0.1 * x.mean((0, 1, 2))
variance = 0.9 * np.ones(2) + 0.1 * x.var((0, 1, 2))
for _ in range(10):
    batch = generator.normal(loc=[5.0, -2.0], scale=[3.0, 0.5], size=(16, 6, 6, 2)).astype("float32")
    layer(batch, training=True)
    mean = 0.9 * mean + 0.1 * batch.mean((0, 1, 2))
    variance = 0.9 * variance + 0.1 * batch.var((0, 1, 2))
print("running mean by the formula", *mean.round(4), " in the layer", *layer.moving_mean.numpy().round(4))
error = max(
    np.abs(layer.moving_mean.numpy() - mean).max(), np.abs(layer.moving_variance.numpy() - variance).max()
)
print(f"largest difference of the running statistics from the formula: {error:.0e}")

# %% [markdown]
# ## What it does to training
# The same network on the digits of scikit-learn, with and without batch normalisation: four convolutions,
# the same first weights, order of batches and learning rate. Every ten steps we look at the test images.


# %%
class TestAccuracy(keras.callbacks.Callback):
    """Measures the accuracy on the test images every ten steps."""

    def __init__(self):
        super().__init__()
        self.steps, self.accuracies = 0, []

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps % 10 == 0:
            classes = self.model.predict(x_test, verbose=0).argmax(1)
            self.accuracies.append(float((classes == y_test).mean()))


def network(normalised):
    rows = [keras.Input((8, 8, 1))]
    for _ in range(4):
        rows.append(layers.Conv2D(16, 3, padding="same", use_bias=not normalised))
        if normalised:
            rows.append(layers.BatchNormalization(momentum=0.9))
        rows.append(layers.Activation("relu"))
    return keras.Sequential([*rows, layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(10, "softmax")])


(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train, x_test = x_train[..., None] / 16, x_test[..., None] / 16
curves = {}
for name, normalised in (("plain", False), ("batch norm", True)):
    keras.utils.set_random_seed(0)
    model = network(normalised)
    model.compile(keras.optimizers.SGD(0.03), "sparse_categorical_crossentropy")
    watch = TestAccuracy()
    model.fit(x_train, y_train, batch_size=64, epochs=20, verbose=0, callbacks=[watch])
    curves[name] = np.array(watch.accuracies)

# %% [markdown]
# Look at where the curves reach the grey line. It is the best that the plain network does in all its steps.

# %%
best = curves["plain"].max()
reached = {name: 10 * int((curve >= best).argmax() + 1) for name, curve in curves.items()}
figure, axis = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
for (name, curve), colour in zip(curves.items(), ("#D55E00", "#0072B2")):
    axis.plot(10 * np.arange(1, len(curve) + 1), curve, color=colour, label=name)
    axis.plot(reached[name], best, "o", color=colour)
axis.axhline(best, color="0.6", linewidth=0.8)
axis.set(xlabel="step", ylabel="test accuracy")
axis.legend()
figure.savefig(folder / "16-batch-norm.png", dpi=120)

print(f"best accuracy of the plain network: {best:.1%}")
print(f"steps to reach it: plain {reached['plain']}, batch norm {reached['batch norm']}")
print(f"batch norm takes {reached['batch norm'] / reached['plain']:.0%} of the steps")
