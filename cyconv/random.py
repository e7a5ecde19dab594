"""Random numbers that depend on a seed and a counter only: equal on every backend and machine.

NumPy's Philox generator serves initial weights and shuffles; dropout draws in its kernel (same family).
"""

import random as _python_random

import numpy as np

_seed, _drawn = None, 0


def set_random_seed(seed):
    """Seeds Python's and NumPy's generators and starts the sub-seeds anew; see `utils.set_random_seed`."""
    global _seed, _drawn
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise ValueError(f"`seed` must be an integer. Received: {seed!r}")
    _seed, _drawn = int(seed), 0
    _python_random.seed(_seed)
    np.random.seed(_seed % 2**32)


def next_seed():
    """The next sub-seed (63 bits) of the process."""
    global _seed, _drawn
    if _seed is None:
        _seed = int(np.random.SeedSequence().entropy) % 2**63
    _drawn += 1
    words = np.random.SeedSequence([_seed % 2**64, _drawn]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


def generator(seed=None):
    """A NumPy Generator over Philox, from `seed` or the next sub-seed."""
    return np.random.Generator(np.random.Philox(next_seed() if seed is None else int(seed) % 2**63))


def permutation(size, seed, number):
    """Permutation `number` of the numbers below `size` in the sequence of `seed`: the order of a pass."""
    return np.random.Generator(np.random.Philox(key=[seed, number])).permutation(size)


def state():
    """Where the sequence of sub-seeds stands, for `restore`."""
    return [_seed, _drawn]


def restore(state):
    """Sets what `state` gave."""
    global _seed, _drawn
    _seed, _drawn = state
