"""Networks on the gpu backend: the cpu's numbers, in captured steps that neither read nor allocate."""

import warnings

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers
from cyconv.layers.base import clear_names
from cyconv.testing import assert_close

CLASSES = 4


def data(count=24, shape=(6, 6, 2)):
    generator = np.random.default_rng(7)
    return generator.random((count, *shape), np.float32), generator.integers(0, CLASSES, count)


SGD = dict(class_name="SGD", config=dict(learning_rate=0.1, momentum=0.9, nesterov=True))


def built(stack, optimizer="adam", shape=(6, 6, 2), **options):
    """A compiled model; every call gives the same weights and the same seeds."""
    clear_names()
    keras.utils.set_random_seed(11)
    model = keras.Sequential([layers.Input(shape), *stack()])
    model.compile(optimizer, "sparse_categorical_crossentropy", **{"metrics": ["accuracy"], **options})
    return model


def weightless():
    """What runs by kernels over elements and rows alone."""
    return [layers.LayerNormalization(), layers.GaussianNoise(0.1), layers.Dropout(0.25), layers.PReLU(),
            layers.Flatten(), layers.Softmax()]  # fmt: skip


def trained(model, place, epochs=2, batch_size=8, **options):
    x, y = data(24, model.input_shape[1:])
    model.to(place)
    history = model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, **options).history
    measured = model.evaluate(x, y, batch_size=10, verbose=0)
    return history, model.get_weights(), measured, model.predict(x, verbose=0)


def compare(stack, **options):
    """The same training on both backends: histories, weights, evaluation, predictions."""
    (history, *ours), (expected_history, *expected) = (
        trained(built(stack, **options), place) for place in ("gpu", "cpu")
    )
    assert history.keys() == expected_history.keys()
    for name, values in expected_history.items():
        assert_close(np.float32(history[name]), values, "network", 1000, name)
    for what, mine, wanted in zip(("weights", "evaluation", "prediction"), ours, expected, strict=True):
        for a, b in zip(mine, wanted, strict=True):
            assert_close(np.float32(a), b, "network", 1000, what)


def convolutional():
    """Small, and of few kinds of kernels: each is compiled."""
    return [layers.Conv2D(4, 3, padding="same", activation="relu"), layers.Conv2D(8, 3, strides=2),
            layers.Activation("tanh"), layers.Flatten(), layers.Dropout(0.25),
            layers.Dense(CLASSES, activation="softmax")]  # fmt: skip


def pooled():
    return [layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D(2),
            layers.AveragePooling2D(2), layers.Flatten(),
            layers.Dense(CLASSES, activation="softmax")]  # fmt: skip


def residual():
    branch = [layers.Conv2D(4, 3, padding="same", use_bias=False), layers.BatchNormalization(),
              layers.Activation("relu")]  # fmt: skip
    return [layers.Residual(branch), layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES, activation="softmax")]  # fmt: skip


def skipping():
    """A small U-Net, down and up once."""
    inner = [layers.MaxPooling2D(2), layers.Conv2D(4, 3, padding="same", activation="relu"),
             layers.Conv2DTranspose(4, 2, strides=2)]  # fmt: skip
    return [layers.Skip(inner), layers.UpSampling2D(2, interpolation="bilinear"), layers.Flatten(),
            layers.Dense(CLASSES, activation="softmax")]  # fmt: skip


@pytest.mark.parametrize("stack", [convolutional, pooled, residual, skipping])
def test_networks_give_the_numbers_of_the_cpu(stack, door):
    compare(stack, shape=(6, 6, 4))


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", SGD])
def test_training_gives_the_numbers_of_the_cpu(optimizer, door):
    compare(weightless, optimizer=optimizer)


def test_a_captured_step_is_one_graph_without_reads_or_allocations(door, counts):
    model = built(weightless).to("gpu")
    x, y = data()
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)  # recorded, warmed, captured
    before = counts.copy()
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    spent = counts - before
    assert spent["graphs"] == 3 and spent["launches"] == spent["modules"] == 0
    assert spent["allocations"] == 2  # the images and the labels of this fit, once
    assert spent["reads"] == 1  # what the epoch has counted
    (recorded,) = model.executor.recorded.values()
    assert recorded.program.stretches == 1 and not recorded.program.hindrance
    counts.clear()
    for _ in range(5):
        model.executor.run(recorded, training=True)
    assert counts == {"graphs": 5, "writes": 5}  # learning rate, rows and dropout counter in one copy


def test_batches_that_are_no_arrays_are_staged(door, counts):
    """A generator's batches go through one buffer; nothing is allocated after the first."""
    x, y = data()
    model, twin = built(weightless).to("gpu"), built(weightless).to("cpu")

    def batches():
        while True:
            for i in range(0, 24, 8):
                yield x[i : i + 8], y[i : i + 8]

    model.fit(batches(), steps_per_epoch=3, epochs=1, verbose=0)
    before = counts.copy()
    history = model.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0).history
    assert (counts - before)["allocations"] == 0
    twin.fit(batches(), steps_per_epoch=3, epochs=1, verbose=0)
    expected = twin.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0).history
    assert_close(np.float32(history["loss"]), expected["loss"], "network", 1000)


def test_what_cannot_be_captured_is_said_in_one_line(door):
    x, y = data()

    class Doubled(layers.Layer):
        def call(self, x):
            return 2 * x

        def backward(self, dy):
            return 2 * dy

    def with_python():
        return [*weightless()[:3], Doubled(name="doubled"), *weightless()[3:]]

    model = built(with_python).to("gpu")
    with pytest.warns(UserWarning, match="gpu: .* not one CUDA graph .*: doubled runs in Python on the host"):
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    compare_quietly(with_python)
    model = built(weightless, metrics=[keras.metrics.SparseTopKCategoricalAccuracy(2)]).to("gpu")
    with pytest.warns(UserWarning, match="sparse_top_k_categorical_accuracy is computed on the host"):
        model.fit(x, y, batch_size=8, verbose=0)


def compare_quietly(stack):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compare(stack)


def test_the_progress_bar_reads_only_when_it_draws(door, counts, monkeypatch):
    """On a terminal the bar moves 20 times a second, whatever the number of steps."""
    from cyconv import progress

    monkeypatch.setattr(progress.Progbar, "live", staticmethod(lambda verbose=1: verbose == 1))
    monkeypatch.setattr(progress, "TERMINAL", 1e9)  # seconds: it draws at the first batch, and at the end
    model = built(weightless).to("gpu")
    x, y = data()
    model.fit(x, y, batch_size=2, epochs=1, verbose=0)
    before = counts.copy()
    model.fit(x, y, batch_size=2, epochs=1, verbose=1)
    assert (counts - before)["reads"] <= 2


def test_weights_go_there_and_back(door, tmp_path):
    x, y = data()
    model = built(lambda: [layers.LayerNormalization(), layers.PReLU(), layers.Flatten(), layers.Softmax()])
    start = model.get_weights()
    assert model.to("gpu") is model and model.backend.name == "gpu"
    assert all(v.backend.name == "gpu" for v in model.weights)
    for a, b in zip(model.get_weights(), start, strict=True):
        np.testing.assert_array_equal(a, b)
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").to("gpu")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    expected = model.predict(x, verbose=0)
    for batch in (x, x[:3]):  # all rows at once, and again with fewer
        assert_close(model.predict_on_batch(batch), expected[: len(batch)], "network", 100)
    model.to("cpu")
    assert_close(model.predict(x, verbose=0), expected, "network", 100)
    more = [m.to(p).fit(x, y, batch_size=8, epochs=1, verbose=0, shuffle=False).history["loss"]
            for m, p in ((model, "cpu"), (again, "gpu"))]  # fmt: skip
    assert_close(np.float32(more[0]), np.float32(more[1]), "network", 1000)


def test_use_switches_and_layers_run_alone(door):
    x, _ = data(3)
    layer = layers.LayerNormalization()
    expected = layer(x)
    with backends.use("gpu"):
        assert backends.active() is door
        assert_close(layer(x), expected, "network", 10)
        assert_close(keras.activations.softmax(x), np.exp(x) / np.exp(x).sum(-1, keepdims=True), "network")
        dropped = layers.Dropout(0.5)(x, training=True)
        assert 0.2 < (dropped == 0).mean() < 0.8
    assert_close(layer(x), expected, "network", 10)


def test_a_batch_that_does_not_fit_names_the_layer_and_one_that_would(counts, monkeypatch):
    from standin import StandIn

    from cyconv.backends.gpu import Gpu

    small = Gpu(StandIn(memory=300_000))
    monkeypatch.setattr(backends, "_made", {**backends._made, "gpu": small})
    x, y = data(2000)
    model = built(weightless).to("gpu")
    with pytest.raises(MemoryError, match=r'at layer "\w+" \(\w+\); a batch of (\d+) would fit') as caught:
        model.fit(x, y, batch_size=1000, epochs=1, verbose=0)
    fits = int(str(caught.value).split("batch of ")[2].split()[0])
    assert 1 < fits < 1000
    model.fit(x[: 2 * fits], y[: 2 * fits], batch_size=fits, epochs=1, verbose=0)
    with pytest.raises(MemoryError):
        model.fit(x, y, batch_size=fits + fits // 4, epochs=1, verbose=0)
