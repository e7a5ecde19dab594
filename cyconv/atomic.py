"""A file is there whole or not at all."""

import os
import secrets


def write_atomically(path, content):
    """Writes bytes to `path`: beside it first, to the disk, then moved over it in one step.

    A kill or a power cut at any moment leaves the old file or the new one, never a part of either.
    """
    path = os.path.realpath(path)  # through a link, not over it
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.saving-{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


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
