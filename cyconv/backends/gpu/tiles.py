"""Which tile a product of matrices is cut into, and its sum into how many parts; see kernels/gemm.cuh.

The choice depends on shapes alone, so that a network gives the same bytes on every device.
"""

from math import prod
from typing import NamedTuple

import numpy as np

from .kernels import source
from .launch import Launch, ceil_div

ALIGNMENT = 16  # bytes of a float4
WANTED_THREADS = 132 * 512  # what fills an H100: 132 processors, two blocks of 256 threads each
MOST_PARTS = 512  # of a sum
LEAST_STEPS = 4  # of a part
# What the choice reckons with, of an H100: it need not be exact, since alternatives differ by factors.
OPERATIONS_A_SECOND, BYTES_A_SECOND, LAUNCH_SECONDS = 50e12, 2.5e12, 2e-6


class Tile(NamedTuple):
    """TILE_M, TILE_N, TILE_K, THREAD_M, THREAD_N; worth: its speed by itself, about, where it is full."""

    m: int
    n: int
    k: int
    thread_m: int
    thread_n: int
    worth: float

    @property
    def threads(self):
        return self.m // self.thread_m * (self.n // self.thread_n)


# Sums a value that comes from memory goes into: m * n / (m + n) = 64, 43, 32, 26, 15, 16.
TILES = (
    Tile(128, 128, 8, 8, 8, 1.0),
    Tile(128, 64, 8, 8, 8, 0.95),
    Tile(64, 64, 16, 8, 4, 0.85),
    Tile(128, 32, 16, 8, 4, 0.8),
    Tile(256, 16, 8, 8, 4, 0.6),
    Tile(32, 32, 16, 4, 4, 0.5),
)
FOR_DOUBLES = TILES[2]  # the others would need more registers than there are


class Cut(NamedTuple):
    """A tile, and how the steps along the sum are shared out: `parts` of at most `steps` steps."""

    tile: Tile
    parts: int
    steps: int


def cut(M, N, terms, times=1, dtype="float32"):
    """The Cut by which `times` products of (M, terms) by (terms, N) take least, reckoned in `_seconds`."""
    tiles = TILES if dtype == "float32" else (FOR_DOUBLES,)
    cuts = (_cut(tile, terms, 2**i) for tile in tiles for i in range(MOST_PARTS.bit_length()))
    return min(cuts, key=lambda c: _seconds(c, M, N, terms, times))


def _cut(tile, terms, parts):
    """The Cut into about so many parts, as far as the steps go."""
    steps = max(ceil_div(terms, tile.k), 1)
    each = ceil_div(steps, max(min(parts, steps // LEAST_STEPS), 1))
    return Cut(tile, ceil_div(steps, each), each)


def _seconds(cut, M, N, terms, times):
    """Products, at a speed that falls where blocks are too few; and writing parts down and adding them up."""
    tile, parts, _ = cut
    blocks = ceil_div(M, tile.m) * ceil_div(N, tile.n) * times
    busy = min(blocks * parts * tile.threads / WANTED_THREADS, 1)
    padded = 2 * blocks * tile.m * tile.n * ceil_div(terms, tile.k) * tile.k
    products = padded / (OPERATIONS_A_SECOND * tile.worth * max(busy, 1e-9))
    return products + (parts > 1) * (LAUNCH_SECONDS + 2 * 4 * parts * M * N * times / BYTES_A_SECOND)


def code(family, tile, vectors, activation="linear", tf32=False, **macros):
    """The text of a family of kernels for a tile. vectors: whether a, b and c can be read four at a time."""
    shape = dict(TILE_M=tile.m, TILE_N=tile.n, TILE_K=tile.k, THREAD_M=tile.thread_m, THREAD_N=tile.thread_n)
    vector = dict(zip(("VECTOR_A", "VECTOR_B", "VECTOR_C"), map(int, vectors), strict=True))
    if tf32:
        macros["TENSOR_CORES"] = 1
    return source(family, **shape, **vector, ACTIVATION=f"ACT_{activation}", **macros)


def quads(size, *arrays):
    """Whether rows of `size` elements can be read four at a time: of 4 bytes each, the arrays that are there
    beginning at multiples of 16."""
    there = [a for a in arrays if a is not None]
    return size % 4 == 0 and all(
        np.dtype(a.dtype).itemsize == 4 and _address(a) % ALIGNMENT == 0 for a in there
    )


def _address(array):
    data = getattr(array, "data", None)
    return data.ptr if hasattr(data, "ptr") else array.ctypes.data


def parts_of(work, out, parts):
    """Where a kernel writes its sums: `out`, or, if there are several parts, the scratch for them."""
    return out if parts == 1 else numbers(work, parts * prod(out.shape), out.dtype)


def numbers(work, count, dtype):
    """The first `count` numbers of scratch."""
    return work[: count * np.dtype(dtype).itemsize].view(dtype)


def scratch(parts, out):
    """Bytes of scratch for so many parts of a result."""
    return parts * prod(out.shape) * np.dtype(out.dtype).itemsize


def sum_parts(parts, sums, out, bias=None, residual=None, accumulate=False, activation="linear", alpha=0.0):
    """The launch that adds the parts up: out = f(parts + bias + residual + what was there)."""
    count = prod(out.shape)
    args = (sums, bias, residual, out, count, out.shape[-1], parts, accumulate, float(alpha))
    text = source("parts", ACTIVATION=f"ACT_{activation}")
    return Launch(text, "sum_parts", (ceil_div(count, 32),), (32, 8), args)
