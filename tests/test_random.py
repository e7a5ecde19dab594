"""Random numbers against the published test vectors, and the seeds."""

import numpy as np
import pytest

import cyconv
from cyconv import backends, layers
from cyconv.backends.philox import philox, uniforms

# Known-answer vectors of Random123 (Salmon et al. 2011), philox4x32, 10 rounds: counter, key, words.
VECTORS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


@pytest.mark.parametrize(("counter", "key", "words"), VECTORS)
def test_philox_against_published_vectors(counter, key, words):
    numbers = [np.array([int(w, 16)], np.uint64) for w in counter.split()]
    result = philox(numbers, [int(w, 16) for w in key.split()])
    assert [int(w[0]) for w in result] == [int(w, 16) for w in words.split()]


def test_dropout_draws_the_published_words():
    """Seed, stream and step 0: the first four uniforms are the first vector's words."""
    words = [int(w, 16) >> 8 for w in VECTORS[0][2].split()]
    np.testing.assert_array_equal(uniforms(0, 0, 0, 4), np.array(words) * 2.0**-24)


@pytest.mark.parametrize("size", [1, 3, 4, 64, 1001])
@pytest.mark.parametrize("seed", [0, 7, 2**40 + 5, 2**63 - 1])
def test_dropout_is_the_same_mask_on_both_backends(size, seed):
    x = np.arange(1, size + 1, dtype=np.float32)
    state = np.array([3], np.uint64)
    masks = [backends.get(n).dropout(x, state, rate=0.4, seed=seed, stream=5) for n in backends.NAMES]
    np.testing.assert_array_equal(*masks)
    kept = masks[0] != 0
    np.testing.assert_array_equal(kept, uniforms(seed, 5, 3, size) >= 0.4)
    np.testing.assert_array_equal(masks[0][kept], (x * np.float32(1 / 0.6))[kept])


def test_seeds_repeat_and_differ():
    def weights(seed):
        cyconv.utils.set_random_seed(seed)
        layer = layers.Dense(5)
        layer.build((None, 3))
        return layer.kernel.numpy()

    np.testing.assert_array_equal(weights(1), weights(1))
    assert (weights(1) != weights(2)).any()
    with pytest.raises(ValueError, match="integer"):
        cyconv.utils.set_random_seed("a")


@pytest.mark.parametrize("backend", backends.NAMES)
def test_a_seed_repeats_what_layers_and_models_draw_on_arrays(backend):
    x = np.ones((2, 64), np.float32)

    def drawn():
        cyconv.utils.set_random_seed(3)
        layer, noise = layers.Dropout(0.5), layers.GaussianNoise(1.0)
        model = cyconv.Sequential([layers.Input((64,)), layers.Dropout(0.5)])
        return [f(x, training=True) for f in (layer, layer, noise, model)]

    with backends.use(backend):
        first, second = drawn(), drawn()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (first[0] != first[1]).any(), "two calls draw two masks"


def test_glorot_and_he_have_their_variances():
    """Glorot & Bengio: 2 / (fan_in + fan_out); He: 2 / fan_in, for a 5x5 kernel of 40 to 60 channels."""
    from cyconv import initializers

    shape, fan_in, fan_out = (5, 5, 40, 60), 25 * 40, 25 * 60
    for name, variance in [
        ("glorot_uniform", 2 / (fan_in + fan_out)),
        ("glorot_normal", 2 / (fan_in + fan_out)),
        ("he_normal", 2 / fan_in),
        ("he_uniform", 2 / fan_in),
        ("lecun_normal", 1 / fan_in),
    ]:
        values = initializers.get(name)(shape)
        # 60,000 draws: the sample variance has a relative standard deviation below 1 %.
        assert abs(values.var() / variance - 1) < 0.05, name
        assert abs(values.mean()) < 5 * np.sqrt(variance / values.size), name
