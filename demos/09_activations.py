# %% [markdown]
# # Activation functions
# Without something that is not linear between them, any number of layers is one linear map. What training
# needs of an activation is its derivative: the gradient is multiplied by it in every layer.

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
# ## Two layers without an activation are one
# Two convolutions of width 3 one after the other, against one of width 5, whose filter is the convolution
# of the two filters.

# %%
generator = np.random.default_rng(0)
x = generator.normal(size=(1, 50, 1))
f, g = generator.normal(size=(2, 3))
twice = keras.ops.conv(keras.ops.conv(x, f[:, None, None]), g[:, None, None])
once = keras.ops.conv(x, np.convolve(f, g)[:, None, None])
print(f"largest difference of two linear layers from one: {np.abs(twice - once).max():.0e}")

# %% [markdown]
# ## Functions and derivatives
# Blue is the function, orange its derivative, as the layer's backward pass gives it. Look at both ends: the
# derivatives of sigmoid and tanh vanish there, that of ReLU is 1 for all positive numbers. Look at 0:
# sigmoid has no more than 1/4 even there.

# %%
names = [
    "sigmoid", "tanh", "relu", "leaky_relu", "relu6",
    "elu", "selu", "softplus", "softsign", "silu",
    "gelu", "mish", "hard_sigmoid", "hard_silu", "hard_tanh",
    "log_sigmoid", "exponential", "celu", "squareplus", "tanh_shrink",
]  # fmt: skip
x = np.linspace(-4, 4, 802)
steepest, differences = {}, []
figure, axes = plt.subplots(4, 5, figsize=(13, 9), sharex=True, layout="constrained")
for axis, name in zip(axes.flat, names):
    layer = layers.Activation(name, dtype="float64")
    ops = keras.backends.active()
    y, saved = layer.forward(ops, x.reshape(1, -1), training=True)
    slope = layer.backward(ops, np.ones((1, x.size)), saved, True).ravel()
    steepest[name] = slope.max()
    f = keras.activations.get(name)
    differences.append(np.abs(slope - (f(x + 1e-6) - f(x - 1e-6)) / 2e-6).max())
    axis.plot(x, f(x), color="#0072B2")
    axis.plot(x, slope, color="#D55E00")
    axis.set_title(f"{name}\nsteepest slope {steepest[name]:.2f}", fontsize="medium")
    axis.set_ylim(-2, 4)
    axis.grid(color="0.9")
figure.savefig(folder / "09-activations.png", dpi=120)
print(f"largest difference from a difference quotient, of {len(names)} activations: {max(differences):.0e}")

# %% [markdown]
# ## What that means in ten layers
# The gradient that reaches the first layer is at most the product of ten derivatives.

# %%
for name in ("sigmoid", "tanh", "relu"):
    print(f"{name}: slope at most {steepest[name]:.4f}; ten in a row {steepest[name] ** 10:.1e}")
