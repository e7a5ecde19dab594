"""What goes to the device before each step, and what comes back when it is asked for."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers
from cyconv.backends.gpu.mailbox import Mailbox, Ring


def test_a_ring_waits_before_it_writes_over_what_is_on_its_way(door, counts):
    """The stream does its work as late as it may: each of many small copies must still arrive."""
    ring, sums = Ring(door, size=64), door.asarray(np.zeros(4), "float64")
    host = np.zeros(4)
    box = Mailbox(door, 64)
    there = box.share(host)
    expected = np.zeros(4)
    before, door.ring = door.ring, ring
    try:
        for i in range(7):
            host[...] = i + np.arange(4)
            expected += host
            with door.stream:
                box.send()
            door.map(lambda a, b: a + b, sums, there, out=sums)
    finally:
        door.ring = before
    np.testing.assert_array_equal(door.to_host(sums), expected)
    assert counts["synchronized"] >= 3


def test_a_ring_grows_for_what_is_larger(door):
    ring = Ring(door, size=64)
    assert len(ring.take(200)) == 200 and ring.size >= 200


def test_a_full_mailbox_says_so(door):
    with pytest.raises(ValueError, match="no room for 100 more"):
        Mailbox(door, 64).share(np.zeros(100, np.uint8))


def test_a_seed_starts_the_draws_of_layers_on_arrays_anew(by_definition):
    """As on the cpu backend, number by number."""
    x, drawn = np.ones((4, 9), np.float32), {}
    for name in ("cpu", "gpu"):
        with keras.backends.use(name):
            layer = layers.Dropout(0.5, seed=3)
            for _ in range(2):
                keras.utils.set_random_seed(8)
                drawn.setdefault(name, []).append([layer(x, training=True) for _ in range(3)])
    np.testing.assert_array_equal(drawn["gpu"], drawn["cpu"])
    np.testing.assert_array_equal(drawn["gpu"][0], drawn["gpu"][1])


def test_what_several_evaluations_count_is_kept_apart(by_definition):
    """Evaluating inside of an evaluation, with the same recorded step: each has its own mean."""
    x = np.random.default_rng(0).random((12, 3), np.float32)
    model = keras.Sequential([layers.Input((3,)), layers.Dense(1)]).to("gpu")
    model.compile("sgd", "mse")
    y = x.sum(1, keepdims=True)
    inside = []

    class Inside(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            if batch == 1 and not inside:
                inside.append(model.evaluate(x[:4], y[:4], batch_size=4, verbose=0))

        def due(self):
            return False

    expected = model.evaluate(x, y, batch_size=4, verbose=0)
    within = model.evaluate(x[:4], y[:4], batch_size=4, verbose=0)
    found = model.evaluate(x, y, batch_size=4, verbose=0, callbacks=[Inside()])
    assert found == expected and inside == [within]
