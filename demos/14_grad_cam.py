# %% [markdown]
# # Grad-CAM: where the network looked
# The feature maps of the last convolution still know where things are. Grad-CAM (Selvaraju et al. 2017)
# adds them up, each weighted by how much it raises the score of a class: alpha_k is the mean slope of the
# score by map k, and the picture is relu(sum of alpha_k * A_k).

# %%
import sys
from pathlib import Path

import numpy as np

import cyconv as keras
from cyconv import layers

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## Digits with room around them
# A digit of scikit-learn, enlarged to 16x16, somewhere on a canvas of 32x32 (so the place is made up). The
# network is told only which digit it is, never where.


# %%
def placed(digits, seed):
    """(images, boxes): each digit at a random place of a canvas; a box is 1 where the digit stands."""
    generator = np.random.default_rng(seed)
    images, boxes = np.zeros((2, len(digits), 32, 32, 1), "float32")
    for i, digit in enumerate(np.kron(digits, np.ones((1, 2, 2))) / 16):
        row, column = generator.integers(0, 17, 2)
        images[i, row : row + 16, column : column + 16, 0] = digit
        boxes[i, row : row + 16, column : column + 16] = 1
    return images, boxes[..., 0]


(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train, _ = placed(x_train, seed=1)
x_test, boxes = placed(x_test, seed=2)
keras.utils.set_random_seed(0)
model = keras.Sequential([
    keras.Input((32, 32, 1)),
    layers.Conv2D(16, 3, padding="same", activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(32, 3, padding="same", activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(32, 3, padding="same", activation="relu"),
    layers.GlobalMaxPooling2D(),
    layers.Dense(10, activation="softmax"),
])  # fmt: skip
model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=8, verbose=0)
print(f"test accuracy: {model.evaluate(x_test, y_test, verbose=0)[1]:.1%}")

# %% [markdown]
# Look whether the colour lies on the digit. A quarter of the canvas is digit; of Grad-CAM's sum most should
# lie there.

# %%
heat = keras.interpret.grad_cam(model, x_test)
keras.visualize.heat_over_image(heat[:4], x_test[:4]).savefig(folder / "14-grad-cam.png")
share = (heat * boxes).sum() / heat.sum()
print(f"the digit's square is {boxes.mean():.0%} of the canvas and holds {share:.0%} of the heat")
