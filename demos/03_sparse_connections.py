# %% [markdown]
# # Sparse connections and the receptive field
# In a dense layer every output is connected to every input. In a convolution each output sees a window
# only: connections are sparse (figures 9.2 and 9.3 of the Deep Learning book). Yet in deep layers outputs
# see, through those before, a wide part of the input (figure 9.4).

# %%
import sys
from pathlib import Path

import numpy as np

import cyconv as keras
from cyconv import layers

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## One layer
# Five inputs and five outputs, once through a convolution of width 3 and once through a dense layer. Look
# at what the third input reaches (x2: the picture counts from 0): three outputs against all five.

# %%
sparse = layers.Conv1D(1, 3, padding="same", use_bias=False, name="convolution")
dense = layers.Dense(5, use_bias=False, name="dense")
sparse.build((None, 5, 1))
dense.build((None, 5))
for layer in (sparse, dense):
    links = layer.connections()
    reached = (links.inputs == 2).sum()
    print(f"{layer.name}: {len(links.inputs)} connections; the third input reaches {reached} of 5 outputs")
keras.visualize.connections(sparse, dense, input=2).savefig(folder / "03-sparse-connections.png")

# %% [markdown]
# ## Two layers
# Turn the question round: what does the third unit of the second layer see? Three units of the first layer,
# and through them all five inputs.

# %%
matrix = sparse.as_matrix().toarray() != 0
hidden, seen = matrix[2].sum(), (matrix[2] @ matrix).sum()
print(f"the third output of two layers sees {hidden} units of the first layer and {seen} inputs")
keras.visualize.connections([sparse, sparse], output=2).savefig(folder / "03-growing-receptive-field.png")

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
