"""A file is there whole or not at all."""

import os

PART = ".part"  # what a kill during a save leaves behind; the next save writes over it


def write_atomically(path, content):
    """Writes bytes to `path`: beside it first, to the disk, then moved over it in one step.

    A kill or a power cut at any moment leaves the old file or the new one, never a part of either.
    """
    path = os.path.realpath(path)  # through a link, not over it
    temporary = path + PART
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    _sync_folder(os.path.dirname(path))


def _sync_folder(folder):
    """The move itself reaches the disk with the folder; not every system lets a folder be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
