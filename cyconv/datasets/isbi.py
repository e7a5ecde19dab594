"""ISBI 2012: sections of a fruit fly's nerve cord under the electron microscope, its membranes traced by an
expert (Arganda-Carreras et al. 2015, doi 10.3389/fnana.2015.00142).

The data may be used "for the purpose of generating or testing non-commercial image segmentation software",
and publications must cite Cardona et al. 2010, PLoS Biology 8(10): e1000502. So cyconv does not contain it,
and does not download it.
"""

from pathlib import Path

import numpy as np

from . import _files

VOLUME, LABELS = "train-volume.tif", "train-labels.tif"
FOLDERS = ("isbi2012", "isbi-2012", "ISBI2012", ".")
PAGE = "https://imagej.net/events/isbi-2012-segmentation-challenge"
INSTEAD = (
    f"Fetch the challenge's {VOLUME} and {LABELS} (see {PAGE}), put them into one folder, and do one of "
    "these: give that folder as `path`; set CYCONV_DATA to the folder in which it is called isbi2012/; "
    f"or copy the two files to {{cache}}. Without them: datasets.synthetic_membranes."
)


def isbi2012(path=None):
    """(sections, labels): uint8 arrays (n, 512, 512); labels are 1 inside cells and 0 on membranes.

    path: the folder with the two files, or a stack of images without labels, which then are None. By default
    the folder isbi2012 in CYCONV_DATA, then the cache. The challenge's training set has 30 sections of
    4 x 4 x 50 nm a pixel.
    Errors: FileNotFoundError says where it looked and what to do; ValueError names a file that does not
    hold such images; ModuleNotFoundError without tifffile.
    """
    if path is not None and Path(path).is_file():
        return read_sections(path), None
    folder = find(path)
    sections, labels = read_sections(folder / VOLUME), None
    if (folder / LABELS).is_file():
        labels = read_labels(folder / LABELS)
        if labels.shape != sections.shape:
            raise ValueError(
                f"{folder}: {VOLUME} holds {sections.shape} pixels, {LABELS} {labels.shape}: not of one set."
            )
    return sections, labels


def find(path=None):
    """The folder that holds the volume."""
    if path is not None:
        if (Path(path) / VOLUME).is_file():
            return Path(path)
        what = f"has no {VOLUME}" if Path(path).is_dir() else "is no folder"
        raise _files.not_found("isbi2012", [f"path: {path} {what}"], instructions())
    tried = ["CYCONV_DATA: not set"]
    if folder := _files.data_folder():
        found = next((folder / name for name in FOLDERS if (folder / name / VOLUME).is_file()), None)
        if found:
            return found
        tried = [f"CYCONV_DATA: {folder} has no isbi2012/{VOLUME}"]
    cache = _files.cache_folder("isbi2012")
    if (cache / VOLUME).is_file():
        return cache
    raise _files.not_found("isbi2012", [*tried, f"cache: {cache} has no {VOLUME}"], instructions())


def instructions():
    return INSTEAD.format(cache=_files.cache_folder("isbi2012"))


def read_sections(path):
    """A TIFF stack of grey images, uint8 (n, H, W)."""
    try:
        import tifffile
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'TIFF stacks are read by tifffile, which is not installed: pip install "cyconv[isbi]"'
        ) from None
    try:
        with tifffile.TiffFile(path) as file:
            promised = sum(np.prod(s.shape, dtype=object) * s.dtype.itemsize for s in file.series)
            if promised > _files.LIMIT:
                raise ValueError(f"it promises {promised:,} bytes of pixels, which no stack of this set has")
            stack = file.asarray()
    except (tifffile.TiffFileError, ValueError, RuntimeError, LookupError, TypeError, OSError) as error:
        raise ValueError(f"{path} is no TIFF stack that can be read: {error}") from None
    if stack.ndim == 2:
        stack = stack[None]
    if stack.ndim != 3 or stack.dtype != np.uint8:
        raise ValueError(
            f"{path} holds {stack.dtype} values of shape {stack.shape}; sections are grey images of bytes, "
            "(n, height, width)."
        )
    return stack


def read_labels(path):
    """A stack of labels, uint8 with 1 inside cells (white in the file) and 0 on membranes (black)."""
    labels = read_sections(path)
    values = np.unique(labels)
    if not np.isin(values, (0, 1, 255)).all() or {1, 255} <= set(values.tolist()):
        raise ValueError(
            f"{path} holds the values {', '.join(map(str, values[:8]))}{', ...' if len(values) > 8 else ''}; "
            "labels are 0 (membrane) and 255 (inside)."
        )
    return (labels > 0).astype(np.uint8)
