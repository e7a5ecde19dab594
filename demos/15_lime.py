# %% [markdown]
# # LIME: which parts of the image speak for the answer
# LIME (Ribeiro, Singh, Guestrin 2016) asks no gradients, only answers. It covers some superpixels of the
# image at random, many times, and fits a linear model to what the network says. The weight of a superpixel
# is how much it speaks for the class.

# %%
import os
import sys
from pathlib import Path

import numpy as np
from skimage import data

import cyconv as keras

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)
SAMPLES = 300 if os.environ.get("CYCONV_DEMO") == "small" else 1000

# %% [markdown]
# ## A model whose reasons we know
# To judge an explanation one must know the truth. So the "network" is a function of our own: it says how
# orange the image is, the mean of red minus blue. Look at the astronaut's suit: it must come out on top.

# %%
photograph = (data.astronaut()[:400, 60:460] / 255.0).astype("float32")[::2, ::2]


def orange(images):
    return np.maximum(images[..., 0] - images[..., 2], 0).mean((1, 2))


explanation = keras.interpret.lime_image(orange, photograph, segments=40, samples=SAMPLES, fill=0.0)
keras.visualize.superpixels(explanation, photograph).savefig(folder / "15-lime.png")

# %% [markdown]
# With black as the cover the truth is known exactly: the answer is the sum of what each superpixel gives.

# %%
count = len(explanation.weights)
amount = np.maximum(photograph[..., 0] - photograph[..., 2], 0)
truth = np.bincount(explanation.segments.ravel(), amount.ravel(), count) / amount.size
correlation = np.corrcoef(truth, explanation.weights)[0, 1]
print(f"{count} superpixels; correlation of LIME's weights with the truth {correlation:.3f}")
print(f"the strongest superpixel is the right one: {truth.argmax() == explanation.weights.argmax()}")
again = keras.interpret.lime_image(orange, photograph, segments=40, samples=SAMPLES, fill=0.0)
print(f"the same seed gives the same weights: {np.array_equal(again.weights, explanation.weights)}")
