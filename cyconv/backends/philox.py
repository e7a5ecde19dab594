"""Philox4x32-10 in NumPy: random numbers as a function of a counter (Salmon et al. 2011, "Parallel random
numbers: as easy as 1, 2, 3"). The C and CUDA kernels compute the same words."""

import numpy as np

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)  # multipliers
W0, W1 = 0x9E3779B9, 0xBB67AE85  # what is added to the key each round
LOW = np.uint64(0xFFFFFFFF)


def philox(counter, key):
    """Ten rounds. counter: four uint64 arrays below 2**32; key: two ints. Returns four such arrays."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = M0 * c0, M1 * c2
        c0, c1, c2, c3 = (
            (p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0),
            p1 & LOW,
            (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1),
            p0 & LOW,
        )
        k0, k1 = (k0 + W0) & 0xFFFFFFFF, (k1 + W1) & 0xFFFFFFFF
    return c0, c1, c2, c3


def uniforms(seed, stream, step, count):
    """`count` numbers in [0, 1): element i is word i % 4 of block i // 4, its upper 24 bits times 2**-24."""
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    constant = np.zeros_like(blocks)
    words = philox(
        (
            blocks & LOW,
            blocks >> np.uint64(32),
            constant + np.uint64(stream & 0xFFFFFFFF),
            constant + np.uint64(step & 0xFFFFFFFF),
        ),
        (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF),
    )
    return (np.stack(words, axis=1).reshape(-1)[:count] >> np.uint64(8)) * 2.0**-24


def normals(seed, stream, step, count):
    """`count` normal numbers: elements 2i and 2i + 1 from the uniforms u, v of the same places (Box & Muller
    1958): sqrt(-2 ln(1 - u)) times cos and sin of 2 pi v."""
    u, v = uniforms(seed, stream, step, count + count % 2).reshape(-1, 2).T
    radius, angle = np.sqrt(-2 * np.log1p(-u)), 2 * np.pi * v
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]
