# %% [markdown]
# # U-Net
# Segmentation gives every pixel a class. A U-Net goes down to see the surroundings and up again to say
# where; at each level the upper path gets what the lower path saw there (Ronneberger, Fischer, Brox 2015).

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage
from skimage import data, filters, segmentation

import cyconv as keras

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## The task
# Greek coins from Pompeii, photographed in uneven light. Which pixels are coin? For the truth we take a
# watershed on the edges, with markers that were chosen by hand for this photograph (after scikit-image's
# own example). Look at the upper left corner: there the background is as bright as the coins, so that no
# one threshold can be right.

# %%
photograph = data.coins()[:296]
markers = np.zeros(photograph.shape, int)
markers[photograph < 30] = 1  # surely background
markers[photograph > 150] = 2  # surely coin
truth = ndimage.binary_fill_holes(segmentation.watershed(filters.sobel(photograph), markers) == 2)
threshold = photograph > filters.threshold_otsu(photograph)
image = photograph[..., None] / 255.0
mask = truth[..., None].astype("float32")
LEFT, RIGHT = slice(0, 192), slice(192, 384)


def overlap(found, true):
    """Intersection over union: pixels that both call coin, of all that either does."""
    return (found & true).sum() / (found | true).sum()


# %% [markdown]
# ## Learning from the right half
# The network learns from pieces of the right half and is tested on the left half, where the light is
# another. So the pieces are turned, mirrored, and made brighter or darker: image and mask move together,
# the light changes in the image only.

# %%


def pieces(count, brightness, seed=0, size=48):
    """(images, masks): random squares of the right half."""
    generator = np.random.default_rng(seed)
    images, masks = [], []
    for _ in range(count):
        row = generator.integers(0, image.shape[0] - size + 1)
        column = generator.integers(RIGHT.start, RIGHT.stop - size + 1)
        place = slice(row, row + size), slice(column, column + size)
        turns, side = generator.integers(4), generator.choice([-1, 1])
        images.append(np.rot90(image[place], turns)[:, ::side] + brightness * generator.uniform(-1, 1))
        masks.append(np.rot90(mask[place], turns)[:, ::side])
    return np.array(images), np.array(masks)


# %%
found = {}
for name, brightness in (("U-Net, light as it is", 0.0), ("U-Net, light varied", 0.3)):
    keras.utils.set_random_seed(0)
    model = keras.zoo.unet_same((None, None, 1), filters=8, depth=2, dropout=0)
    model.compile(keras.optimizers.Adam(2e-3), "binary_crossentropy")
    model.fit(*pieces(400, brightness), batch_size=8, epochs=8, verbose=0)
    found[name] = model.predict(image[None], verbose=0)[0, ..., 0] > 0.5
model.summary()

# %% [markdown]
# The network has no dense layer, so that it takes the whole photograph although it learned from small
# pieces. Look at the left half, which it never saw (left of the line).

# %%
found = {"threshold (Otsu)": threshold, **found}
figure, axes = plt.subplots(1, 4, figsize=(14, 3.6), layout="constrained")
axes[0].imshow(photograph, cmap="gray")
axes[0].contour(truth, [0.5], colors="#D55E00", linewidths=1)
axes[0].set_title("photograph and truth")
for axis, (name, picture) in zip(axes[1:], found.items()):
    axis.imshow(photograph, cmap="gray")
    axis.imshow(np.ma.masked_where(~picture, picture), cmap="winter", alpha=0.6)
    axis.set_title(f"{name}: {overlap(picture[:, LEFT], truth[:, LEFT]):.2f}")
for axis in axes:
    axis.axvline(RIGHT.start, color="white", linewidth=1)
    axis.set_axis_off()
figure.savefig(folder / "19-unet.png", dpi=120)
for name, picture in found.items():
    print(f"overlap on the left half, {name}: {overlap(picture[:, LEFT], truth[:, LEFT]):.3f}")
