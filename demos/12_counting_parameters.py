# %% [markdown]
# # Counting parameters
# A convolution has (K0 * K1 * Cin + 1) * Cout parameters: a window of weights for each pair of channels,
# and a bias for each filter. The size of the image does not matter. A dense layer has (in + 1) * out. ReLU,
# padding and pooling have none.

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
# LeNet-5 (LeCun et al. 1998). Count before you run the cell: the first layer has six filters of 5x5 on one
# channel.

# %%
model = keras.zoo.lenet5()
model.summary()

# %% [markdown]
# Layer by layer, by the formula:

# %%
counted = 0
for layer in model.layers:
    if isinstance(layer, layers.Conv2D):
        K0, K1, Cin, Cout = layer.kernel.shape
        formula, number = f"({K0} * {K1} * {Cin} + 1) * {Cout}", (K0 * K1 * Cin + 1) * Cout
    elif isinstance(layer, layers.Dense):
        rows, columns = layer.kernel.shape
        formula, number = f"({rows} + 1) * {columns}", (rows + 1) * columns
    else:
        formula, number = "nothing to learn", 0
    counted += number
    print(f"{layer.name:<20} {formula:<22} = {number:>6,}   the layer says {layer.count_params():>6,}")
print(f"counted {counted:,}; the model says {model.count_params():,}")

# %% [markdown]
# ## Where parameters and work are
# Look at how the two part: the convolutions do most of the work with few of the parameters. An operation is
# one multiplication or one addition.

# %%
learning = [layer for layer in model.layers if layer.weights]
parameters = np.array([layer.count_params() for layer in learning])
operations = np.array([layer.cost().convolution.operations for layer in learning])

figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
place = np.arange(len(learning))
axis.bar(place - 0.2, parameters / parameters.sum(), 0.4, color="#0072B2", label="parameters")
axis.bar(place + 0.2, operations / operations.sum(), 0.4, color="#D55E00", label="operations")
axis.set_xticks(place, [layer.name for layer in learning])
axis.set(ylabel="share", title="LeNet-5")
axis.legend()
figure.savefig(folder / "12-counting-parameters.png", dpi=120)
convolution = np.array([isinstance(layer, layers.Conv2D) for layer in learning])
for name, numbers in (("parameters", parameters), ("operations", operations)):
    print(f"the convolutions' share of the {name}: {numbers[convolution].sum() / numbers.sum():.0%}")

# %% [markdown]
# ## Known networks

# %%
for name in ("lenet5", "mnist_convnet", "resnet20", "intel_unet2d"):
    known = getattr(keras.zoo, name)()
    trained = sum(weight.numpy().size for weight in known.trainable_weights)
    print(f"{name}: {trained:,} trained parameters")
