"""Data files: found in a folder of the user's, in the cache, or downloaded and verified; in that order."""

import gzip
import hashlib
import os
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

CHUNK = 1 << 20
LIMIT = 1 << 28  # no file of any set is this long: one that is, is broken or hostile


class NotFound(FileNotFoundError):
    """A set that is neither in a folder, nor in the cache, nor to be downloaded."""


@dataclass(frozen=True)
class Remote:
    """A file that can be downloaded, and the only content that is accepted for it.

    `of` says what `sha256` was taken of: "file", or "content" where mirrors pack the same bytes differently.
    """

    name: str
    urls: tuple
    sha256: str
    of: str = "file"


def data_folder():
    """The folder that CYCONV_DATA names, or None. FileNotFoundError if it names something else."""
    named = os.environ.get("CYCONV_DATA")
    if not named:
        return None
    if not Path(named).is_dir():
        raise FileNotFoundError(
            f"CYCONV_DATA names {named!r}, which is not a folder. Name the folder that holds mnist/, "
            "cifar-10-batches-bin/ ..., or unset CYCONV_DATA."
        )
    return Path(named)


def cache_folder(dataset):
    """The folder that keeps the downloads of one set; it need not exist yet."""
    base = os.environ.get("CYCONV_CACHE")
    if not base:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "cyconv")
    return Path(base, dataset)


def read_packed(path, most=LIMIT):
    """The content of a file, unpacked if its name ends in .gz. ValueError for a damaged or oversized one."""
    opened = gzip.open if Path(path).suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            content = file.read(most + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}. Delete it, and fetch it again.") from None
    if len(content) > most:
        raise ValueError(f"{path} unpacks to more than {most:,} bytes, which no file of this set does.")
    return content


def is_genuine(path, remote):
    """Whether the file at `path` is byte for byte what `remote` promises."""
    if remote.of == "content":
        try:
            return hashlib.sha256(read_packed(path)).hexdigest() == remote.sha256
        except ValueError:
            return False
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest() == remote.sha256


def cached(remote, dataset):
    """Path of the verified file in the cache, downloaded if need be. NotFound: what each mirror answered."""
    path = cache_folder(dataset) / remote.name
    if path.exists() and is_genuine(path, remote):
        return path
    failures = []
    for url in remote.urls:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Written beside its place, and moved there once it is verified: a reader sees all of it or none.
            handle, name = tempfile.mkstemp(prefix="partial-", suffix=f"-{remote.name}", dir=path.parent)
            os.close(handle)
            partial = Path(name)
            try:
                download(url, partial)
                if is_genuine(partial, remote):
                    partial.replace(path)
                    return path
                failures.append(f"{url}: its SHA-256 is not the published one; thrown away")
            finally:
                partial.unlink(missing_ok=True)
        except (OSError, ValueError) as error:
            failures.append(f"{url}: {getattr(error, 'reason', error)}")
    raise NotFound("\n".join(failures))


def download(url, path):
    """Writes what `url` answers to `path`, with a line of progress on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        urlopen(Request(url, headers={"User-Agent": "cyconv"}), timeout=20) as answer,
        open(path, "wb") as file,
    ):
        size = int(answer.headers.get("Content-Length") or 0)
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(f"downloading {url}", total=size or None)
            received = 0
            while chunk := answer.read(CHUNK):
                received += len(chunk)
                if received > LIMIT:
                    raise ValueError(f"more than {LIMIT:,} bytes, which no file of this set has")
                file.write(chunk)
                progress.update(task, advance=len(chunk))


def not_found(dataset, tried, instead):
    """The error for a set that is nowhere: what was tried, and what to do."""
    lines = "\n".join(f"  - {line}" for line in tried)
    return NotFound(f"{dataset} was not found. Tried:\n{lines}\n{instead}")
