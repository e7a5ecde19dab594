"""Images in folders: one folder a class."""

from pathlib import Path

import numpy as np

from .flow import Flow

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff")
CLASS_MODES = ("categorical", "binary", "sparse", "input", None)
COLORS = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}


class DirectoryFlow(Flow):
    """Images from `directory`/<class>/**, each class's files in the order of their names."""

    def __init__(self, generator, directory, target_size, color_mode, classes, class_mode, batch_size,
                 shuffle, seed):  # fmt: skip
        if color_mode not in COLORS:
            raise ValueError(f"`color_mode` is one of {', '.join(COLORS)}. Received: {color_mode!r}")
        if class_mode not in CLASS_MODES:
            raise ValueError(
                f"`class_mode` is one of {', '.join(map(str, CLASS_MODES))}. Received: {class_mode!r}"
            )
        folder = Path(directory)
        names = list(classes or sorted(p.name for p in folder.iterdir() if p.is_dir()))
        files = [(i, path) for i, name in enumerate(names) for path in _images(folder / name)]
        if not files:
            raise ValueError(f"no images in {folder}; folders looked at: {', '.join(names) or 'none'}")
        self.generator, self.target_size, self.mode = generator, tuple(target_size), COLORS[color_mode]
        self.class_mode, self.class_indices = class_mode, {name: i for i, name in enumerate(names)}
        self.filepaths = [str(path) for _, path in files]
        self.filenames = [str(path.relative_to(folder)) for _, path in files]
        self.classes = np.array([i for i, _ in files], np.int32)
        self.samples, self.num_classes = len(files), len(names)
        super().__init__(self.samples, batch_size, shuffle, seed)
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")

    def batch(self, rows, generator):
        images = np.stack([self.generator.changed(self._read(self.filepaths[i]), generator) for i in rows])
        if self.class_mode is None:
            return images
        if self.class_mode == "input":
            return images, images.copy()
        labels = self.classes[rows]
        if self.class_mode == "categorical":
            return images, np.eye(self.num_classes, dtype=np.float32)[labels]
        return images, labels.astype(np.float32)

    def _read(self, path):
        try:
            from PIL import Image
        except ImportError as error:
            raise ImportError("reading image files needs the package pillow: pip install pillow") from error
        with Image.open(path) as picture:
            height, width = self.target_size
            picture = picture.convert(self.mode).resize((width, height), Image.NEAREST)
            array = np.asarray(picture, np.float32)
        return array[..., None] if array.ndim == 2 else array


def _images(folder):
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}")
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
