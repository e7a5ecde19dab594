# %% [markdown]
# # U-Net and the ISBI 2012 challenge
# Thirty sections of a fruit fly's nerve cord under the electron microscope: which pixels lie inside a cell,
# and which are membrane? One gap of a pixel in a membrane merges two cells, and neurons are traced wrongly.
# So the challenge does not count pixels: it asks whether pairs of pixels are rightly in one cell or in two.

# %%
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from scipy import ndimage

import cyconv as keras
from cyconv import augment, segmentation
from cyconv.metrics.segmentation import scores

folder = Path(sys.argv[1] if len(sys.argv) > 1 and "ipykernel" not in sys.modules else "demo-output")
folder.mkdir(parents=True, exist_ok=True)
SMALL = os.environ.get("CYCONV_DEMO") == "small"

# %% [markdown]
# ## The sections
# The challenge's own, if CYCONV_DATA names a folder that holds them; synthetic membranes otherwise. The last
# ones are held out.

# %%
try:
    sections, labels = (None, None) if SMALL else keras.datasets.isbi2012()
except FileNotFoundError as error:
    print(error)
    sections = None
if sections is None:
    print("These are SYNTHETIC sections: scores on them say nothing about real tissue.")
    sections, labels = keras.datasets.synthetic_membranes(5 if SMALL else 10, 128 if SMALL else 256)
held_out = slice(-2, None)
train = slice(None, -2)
x = segmentation.standardized(sections)

# %% [markdown]
# ## Few images: bend them
# A bent section is a section that could have been. On a grid of 3 x 3 nodes each node moves by about 10
# pixels, all between them follows smoothly; then the piece is turned and mirrored. Look at the fine lines:
# they were straight. The mask moves with the image.
#
# ## Narrow membranes count more
# The weight map: ten times as much where two cells nearly touch.

# %%
weights = segmentation.weight_map(labels[train])
lines = sections[0].copy()
lines[::16] = lines[:, ::16] = 255
bent, mask, _ = augment.Augment(rotation=30)(lines, labels[0], seed=2)
figure, axes = plt.subplots(1, 4, figsize=(14, 3.8), layout="constrained")
for axis, image, title in (
    (axes[0], sections[0], "section"),
    (axes[1], weights[0], "weight map"),
    (axes[2], bent, "bent, turned, mirrored"),
    (axes[3], mask, "its mask"),
):
    axis.imshow(image, cmap="magma" if image is weights[0] else "gray", interpolation="nearest")
    axis.set_title(title)
    axis.set_axis_off()
figure.savefig(folder / "21-training-data.png", dpi=120)

# %% [markdown]
# ## Training
# Every batch is bent anew, in a background thread. `cyconv demo isbi` does the same with a larger network,
# for longer, and with each fifth of the sections held out in turn.

# %%
keras.utils.set_random_seed(0)
steps = 150 if SMALL else 300
filters, size = (4, 64) if SMALL else (8, 128)
model = keras.zoo.unet_same((None, None, 1), filters=filters, depth=3, dropout=0, batch_norm=True)
rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
changes = augment.Augment(contrast=0.2, brightness=0.2, noise=0.2)
tiles = augment.Tiles(
    x[train], labels[train], weights / weights.mean(), size, batch_size=4, batches=50, augment=changes
)
history = model.fit(tiles, epochs=steps // 50, shuffle=False, verbose=0)

# %% [markdown]
# ## Scores on sections that it never saw
# A rival without a network: membranes are dark, so blur the section and take a threshold. Each method gets
# the threshold that is best for it, as in the challenge. V_Rand 1 means: the same cells.

# %%
blurred = ndimage.gaussian_filter(sections[held_out].astype("float32"), (0, 1.5, 1.5)) / 255
methods = {
    "grey value": blurred,
    "U-Net, one view": segmentation.segment(model, sections[held_out], views=1),
    "U-Net, mean of 8 views": segmentation.segment(model, sections[held_out]),
}
truth = labels[held_out]
print(f"pixel accuracy of calling all of it inside: {truth.mean():.3f}")
for name, probability in methods.items():
    found = scores(truth, probability, warping=False)
    accuracy = ((probability > found.pixel_error.threshold) == truth).mean()
    print(f"{name}: V_Rand {found.v_rand.value:.3f}, V_Info {found.v_info.value:.3f}, pixel error "
          f"{found.pixel_error.value:.3f}, pixel accuracy {accuracy:.3f}")  # fmt: skip
figure = keras.visualize.segmentation(sections[-1], truth[-1], probability[-1], found.v_rand.threshold)
figure.savefig(folder / "21-segmentation.png", dpi=120)
