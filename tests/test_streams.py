"""Batches that come from generators, PyDatasets and iterables: the numbers of the same arrays, and no threads
left behind."""

import threading
import time
import traceback

import numpy as np
import pytest

import cyconv as keras
from cyconv import layers
from cyconv.testing import assert_close

X = np.arange(1.0, 7.0)[:, None]
Y = np.zeros((6, 1))


def weight_model(value=1.0, rate=0.0, **options):
    """y = w * x, trained to give 0."""
    model = keras.Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[value]])])
    model.compile(**{"optimizer": keras.optimizers.SGD(rate), "loss": "mse", **options})
    return model


def singles(count, start=0):
    """Batches of one sample: x = 1, 2, 3 ..."""
    for i in range(start, start + count):
        yield X[i % 6 : i % 6 + 1], Y[:1]


class Batches(keras.utils.PyDataset):
    def __init__(self, size=2, **options):
        super().__init__(**options)
        self.size, self.heard = size, []

    def __len__(self):
        return -(-6 // self.size)

    def __getitem__(self, i):
        self.heard.append(i)
        return X[i * self.size : (i + 1) * self.size], Y[i * self.size : (i + 1) * self.size]

    def on_epoch_begin(self):
        self.heard.append("begin")

    def on_epoch_end(self):
        self.heard.append("end")


class Numbered:
    """What a PyDataset is, but not derived from it."""

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return X, Y


@pytest.fixture(autouse=True)
def no_threads_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def losses(model, *data, **options):
    return model.fit(*data, verbose=0, **options).history["loss"]


# What an epoch is -------------------------------------------------------------------------------------------


def test_a_generator_goes_on_where_the_last_epoch_ended():
    history = weight_model().fit(singles(6), steps_per_epoch=2, epochs=3, verbose=0)
    assert history.history["loss"] == [2.5, 12.5, 30.5]
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 2}


def test_exactly_the_batches_of_an_epoch_are_drawn():
    batches = singles(100)
    weight_model().fit(batches, steps_per_epoch=2, epochs=2, verbose=0)
    assert next(batches)[0] == 5


def test_a_generator_without_steps_is_one_epoch_long():
    history = weight_model().fit(singles(4), verbose=0)
    assert history.history["loss"] == [7.5] and history.params["steps"] is None
    with pytest.warns(UserWarning, match="ran out of data"):
        assert losses(weight_model(), singles(4), epochs=3) == [7.5]
    with pytest.warns(UserWarning, match="ran out of data"):
        history = weight_model().fit(X, Y, epochs=2, validation_data=singles(4), verbose=0).history
    assert history["val_loss"] == [7.5] and len(history["loss"]) == 2
    with pytest.warns(UserWarning, match="ran out of data"):
        assert losses(weight_model(), singles(5), steps_per_epoch=2, epochs=3) == [2.5, 12.5, 25.0]
    with pytest.raises(ValueError, match="gave none"):
        weight_model().fit(singles(0), verbose=0)


def test_an_iterable_is_read_anew_each_epoch():
    class Loader:
        def __iter__(self):
            return singles(4)

    assert losses(weight_model(), Loader(), epochs=3) == [7.5] * 3
    assert losses(weight_model(), Loader(), epochs=3, steps_per_epoch=2) == [2.5, 12.5, 2.5]
    with pytest.warns(UserWarning, match="ran out of data"):
        assert losses(weight_model(), Loader(), epochs=3, steps_per_epoch=3) == [14 / 3, 16.0, 14 / 3]


def test_arrays_with_steps_per_epoch_as_in_keras():
    assert losses(weight_model(), X, Y, steps_per_epoch=2, shuffle=False, epochs=2) == losses(
        weight_model(), X, Y, batch_size=3, shuffle=False, epochs=2
    )
    with pytest.warns(UserWarning, match="ran out of data"):
        given = losses(weight_model(), X, Y, steps_per_epoch=2, batch_size=2, shuffle=False, epochs=3)
    assert given == [7.5, 30.5, 7.5]


def test_a_dataset_gives_what_its_arrays_give():
    expected = weight_model(rate=0.01)
    expected.fit(X, Y, batch_size=2, epochs=3, shuffle=False, verbose=0)
    for options in ({}, {"workers": 3}, {"workers": 2, "use_multiprocessing": True, "max_queue_size": 1}):
        model, batches = weight_model(rate=0.01), Batches(**options)
        model.fit(batches, epochs=3, shuffle=False, verbose=0)
        np.testing.assert_array_equal(model.get_weights()[0], expected.get_weights()[0])
        assert batches.heard.count("begin") == batches.heard.count("end") == 3
        assert sorted(i for i in batches.heard if isinstance(i, int)) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert Batches.workers == 1 and keras.utils.Sequence is keras.utils.PyDataset


def test_a_dataset_is_shuffled_by_batches():
    heard = []

    class Listener(Batches):
        def __getitem__(self, i):
            heard.append(i)
            return super().__getitem__(i)

    weight_model().fit(Listener(1), epochs=4, verbose=0)
    epochs = [heard[i : i + 6] for i in range(0, 24, 6)]
    assert all(sorted(e) == list(range(6)) for e in epochs) and len(set(map(tuple, epochs))) > 1


def test_datasets_with_steps_and_without_end():
    batches = Batches()
    with pytest.warns(UserWarning, match="ran out of data"):
        weight_model().fit(batches, steps_per_epoch=2, epochs=2, shuffle=False, verbose=0)
    assert batches.heard == ["begin", 0, 1, "end", "begin", 2, "end"]

    class Endless(keras.utils.PyDataset):
        num_batches = None

        def __getitem__(self, i):
            return X[i % 6 : i % 6 + 1], Y[:1]

    assert losses(weight_model(), Endless(), steps_per_epoch=2, epochs=3) == [2.5, 12.5, 30.5]

    class Nothing(keras.utils.PyDataset):
        def __len__(self):
            return 0

    with pytest.raises(ValueError, match="at least 1"):
        weight_model().fit(Nothing(), verbose=0)


def test_evaluate_predict_and_validation_from_batches():
    model = weight_model(metrics=["mse"])
    loss = np.mean(X**2)
    assert_close(np.float32(model.evaluate(Batches(), verbose=0)), np.array([loss, loss]), "elementwise")
    assert model.evaluate(singles(99), steps=4, verbose=0)[0] == 7.5
    np.testing.assert_array_equal(model.predict(Batches(), verbose=0), X)
    np.testing.assert_array_equal(model.predict(([x] for x, _ in singles(3)), verbose=0), X[:3])
    np.testing.assert_array_equal(model.predict(X, batch_size=2, steps=2, verbose=0), X[:4])
    history = model.fit(X, Y, validation_data=Batches(), epochs=2, verbose=0).history
    assert_close(np.float32(history["val_loss"]), np.full(2, loss), "elementwise")
    history = model.fit(X, Y, validation_data=(X, Y), validation_batch_size=1, validation_steps=4, epochs=2,
                        verbose=0).history  # fmt: skip
    assert history["val_loss"] == [7.5, 7.5]
    history = model.fit(X, Y, validation_data=singles(9), validation_steps=2, epochs=2, verbose=0).history
    assert history["val_loss"] == [2.5, 12.5]


def test_a_model_learns_its_input_shape_from_the_first_batch():
    for make in (Batches, lambda: singles(6)):
        model = keras.Sequential([layers.Dense(1, kernel_initializer="ones", use_bias=False)])
        model.compile(keras.optimizers.SGD(0.0), "mse")
        assert_close(np.float32(losses(model, make())), np.array([np.mean(X**2)]), "elementwise")


@pytest.mark.parametrize(("frequency", "measured"), [(1, 5), (2, 2), ([1, 4], 2), (range(2, 6), 4)])
def test_validation_frequency(frequency, measured):
    history = weight_model().fit(X, Y, epochs=5, validation_data=(X, Y), validation_freq=frequency, verbose=0)
    assert len(history.history["val_loss"]) == measured and len(history.history["loss"]) == 5


def test_initial_epoch():
    history = weight_model().fit(X, Y, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]


def test_batches_of_new_sizes():
    sizes = [4, 1, 6, 1, 2]
    batches = [(X[:n], Y[:n]) for n in sizes]
    total = sum(np.sum(X[:n] ** 2) for n in sizes) / sum(sizes)
    assert_close(np.float32(losses(weight_model(), iter(batches))), np.array([total]), "elementwise")


def test_a_generator_may_predict_with_the_model_that_is_trained():
    model = weight_model(rate=0.01)

    def of_its_own_predictions():
        for i in range(60):
            size = i % 6 + 1
            yield X[:size], model.predict(X, verbose=0)[:size] / 2

    assert np.isfinite(losses(model, of_its_own_predictions(), steps_per_epoch=20, epochs=3)).all()
    assert 0 <= model.get_weights()[0].item() < 1


# Errors and ends --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["generator", "dataset"])
def test_an_error_in_the_data_is_raised_with_its_traceback(kind):
    done = []

    def broken_line(i):
        if i == 2:
            raise FileNotFoundError("picture 3 is missing")
        return X[i : i + 1], Y[:1]

    class Broken(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return broken_line(i)

    data = Broken(workers=2) if kind == "dataset" else (broken_line(i) for i in range(5))
    seen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: done.append(batch))
    with pytest.raises(FileNotFoundError, match="picture 3") as error:
        weight_model().fit(data, shuffle=False, callbacks=[seen], verbose=0)
    assert "broken_line" in "".join(traceback.format_tb(error.value.__traceback__))
    assert done == [0, 1]  # what came before it has been trained on


def test_an_error_elsewhere_ends_the_drawing():
    def stop(batch, logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weight_model().fit(singles(10**9), steps_per_epoch=10**6, verbose=0,
                           callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop)])  # fmt: skip


def test_stopping_inside_an_epoch_ends_the_drawing():
    drawn = []

    def endless():
        for i in range(10**9):
            drawn.append(i)
            time.sleep(0.001)
            yield X * np.inf, Y

    stop = keras.callbacks.TerminateOnNaN()
    assert len(losses(weight_model(), endless(), steps_per_epoch=10**6, epochs=5, callbacks=[stop])) == 1
    assert len(drawn) < 10


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.fit(Batches(), Y), "`y` must be part of them"),
        (lambda m: m.fit(singles(4), sample_weight=Y), "`sample_weight` must be part of them"),
        (lambda m: m.fit(singles(4), validation_split=0.5), "`validation_split` is for arrays"),
        (lambda m: m.fit(b for b in [(X, Y, Y, Y)]), r"\(x,\), \(x, y\) or .* 4 entries"),
        (lambda m: m.fit(x for x in [X]), "`y` is missing"),
        (lambda m: m.fit(singles(4), steps_per_epoch=0), "`steps` must be a positive integer"),
        (lambda m: m.fit(X, Y, validation_data=X), "`validation_data` is"),
        (lambda m: m.fit(X, Y, validation_data=(X, Y), validation_freq=0), "`validation_freq`"),
        (lambda m: m.fit(X, Y, epochs=-1), "`epochs` must be a positive integer"),
        (lambda m: m.fit(Numbered()), "derive its class from utils.PyDataset"),
        (lambda m: m.fit("pictures/", Y), "expected numbers"),
        (lambda m: m.fit(keras.utils.PyDataset()), "needs `__len__`"),
        (lambda m: m.fit(X, Y, callbacks=[keras.callbacks.TerminateOnNaN]), r"write TerminateOnNaN\(...\)"),
        (lambda m: m.fit_generator(singles(4)), r"model.fit\(generator"),
        (lambda m: m.evaluate_generator(singles(4)), r"model.evaluate\(generator"),
        (lambda m: m.predict_generator(singles(4)), r"model.predict\(generator"),
    ],
)
def test_wrong_data(call, message):
    with pytest.raises((ValueError, TypeError, AttributeError, NotImplementedError), match=message):
        call(weight_model())


# Weights ----------------------------------------------------------------------------------------------------


def pixel_model():
    model = keras.Sequential([layers.Input((2, 2, 1)), layers.Conv2D(3, 1, activation="softmax")])
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    return model


def test_weights_of_samples_and_pixels():
    generator = np.random.default_rng(0)
    x, y = generator.random((4, 2, 2, 1)), generator.integers(0, 3, (4, 2, 2))
    weight = generator.random((4, 2, 2))
    model = pixel_model()
    p = model.predict(x, verbose=0)
    each = -np.log(np.take_along_axis(p, y[..., None], -1)[..., 0])
    for given in (weight, weight[..., None], weight[:, 0, 0]):
        used = np.broadcast_to(given[:, None, None], y.shape) if given.ndim == 1 else weight
        expected = np.array(np.mean(each * used))  # divided by the number of pixels, as in Keras
        for value in (
            model.evaluate(x, y, sample_weight=given, verbose=0),
            model.evaluate(iter([(x, y, given)]), verbose=0),
            model.test_on_batch(x, y, sample_weight=given),
            model.train_on_batch(x, y, sample_weight=given),
        ):
            assert_close(np.float32(value), expected, "network")
    by_class = {"class_weight": {0: 2.0, 2: 0.5}}  # class 1 is not in it: 1
    expected = np.array([np.mean(each * np.array([2.0, 1.0, 0.5])[y])])
    assert_close(np.float32(losses(model, x, y, **by_class)), expected, "network")
    assert_close(np.float32(losses(model, iter([(x, y)]), **by_class)), expected, "network")
    with pytest.raises(ValueError, match=r"\(4,\) or \(4, 2, 2\) or \(4, 2, 2, 1\). Received: \(4, 3\)"):
        model.evaluate(x, y, sample_weight=np.ones((4, 3)), verbose=0)
    with pytest.raises(ValueError, match="not both"):
        model.fit(x, y, class_weight={0: 1.0}, sample_weight=weight, verbose=0)
    with pytest.raises(TypeError, match="is a dict"):
        model.fit(x, y, class_weight=[1.0, 2.0, 3.0], verbose=0)


def two_outputs(**options):
    inputs = keras.Input((1,), name="x")
    weights = {"use_bias": False, "kernel_initializer": "ones"}
    a, b = layers.Dense(1, name="a", **weights)(inputs), layers.Dense(1, name="b", **weights)(inputs)
    model = keras.Model(inputs, [a, b])
    model.compile(**{"optimizer": keras.optimizers.SGD(0.0), "loss": ["mse", "mse"], **options})
    return model


def test_weights_of_several_outputs():
    weight = np.arange(6.0)
    plain, weighted = np.mean(X**2), np.mean(weight * X[:, 0] ** 2)
    model = two_outputs()
    for given, expected in (
        (None, [plain, plain]),
        (weight, [weighted, weighted]),
        ([weight, np.ones(6)], [weighted, plain]),
        ({"b": weight}, [plain, weighted]),
    ):
        for y in ([Y, Y], {"a": Y, "b": Y}):
            logs = model.evaluate({"x": X}, y, sample_weight=given, verbose=0, return_dict=True)
            assert list(logs) == ["a_loss", "b_loss", "loss"]
            found = np.float32([logs["a_loss"], logs["b_loss"], logs["loss"]])
            assert_close(found, np.array([*expected, sum(expected)]), "network")


def test_an_output_without_a_loss_needs_no_labels():
    model = two_outputs(loss={"a": "mse"})
    for y in (Y, {"a": Y}, [Y, None]):
        assert_close(np.float32(losses(model, X, y)), np.array([np.mean(X**2)]), "elementwise")
