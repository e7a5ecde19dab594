"""Keras 3's .keras: a zip of metadata.json, config.json and model.weights.h5."""

import io
import json
import os
import time
import zipfile

from . import hdf5
from .reading import EXPANSION, Contents

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
# The version of Keras whose form the description has.
FORM = "3.15.1"


def packed(arrays, names, description):
    """The bytes of a file."""
    content = io.BytesIO()
    metadata = {"keras_version": FORM, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S"), "writer": "cyconv"}
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr(CONFIG, description)
        archive.writestr(WEIGHTS, hdf5.packed(arrays, names))
    return content.getvalue()


def unpack(path, stack):
    """The Contents of a file. Two entries are read into memory; nothing is unpacked to the disk."""
    archive = stack.enter_context(zipfile.ZipFile(path))
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two entries are named {name!r}")
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise ValueError(f"an entry's name leads out of the archive: {name!r}")
    missing = {CONFIG, WEIGHTS} - set(names)
    if missing:
        raise ValueError(f"a zip, but no .keras file: it has no {sorted(missing)[0]}")
    most = EXPANSION * os.path.getsize(path)
    config, weights = (_read(archive, archive.getinfo(name), most) for name in (CONFIG, WEIGHTS))
    return Contents(config.decode(), hdf5.unpack(io.BytesIO(weights), stack).store)


def _read(archive, entry, most):
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{entry.filename} is compressed by a method that Keras does not use")
    if entry.file_size > most:
        raise ValueError(f"{entry.filename} claims {entry.file_size} bytes, too much for this file's size")
    return archive.read(entry)
