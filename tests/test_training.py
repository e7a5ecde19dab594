"""compile, fit, evaluate, predict: numbers worked by hand, Keras's habits, and the same bytes every time."""

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers
from cyconv.testing import assert_close


def classifier(**options):
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same"),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Conv2D(16, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"],
                     **options})  # fmt: skip
    return model


def stripes(count=96, seed=0):
    """Three kinds of images: horizontal, vertical, diagonal stripes, with noise. Labels 0, 1, 2."""
    generator = np.random.default_rng(seed)
    row, column = np.mgrid[:8, :8]
    kinds = np.stack([row % 2, column % 2, (row + column) % 2]).astype(np.float32)
    labels = np.arange(count) % 3
    x = kinds[labels] + generator.normal(0, 0.3, (count, 8, 8)).astype(np.float32)
    return x[..., None], labels


def weight_model(value=1.0):
    """y = w * x."""
    model = keras.Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[value]])])
    return model


# Optimisers against the formulas, worked through in Python floats -------------------------------------------


def trained(optimizer, steps=3):
    """w after some steps of loss (w * 2 - 1)**2, whose gradient is 4 * (2 w - 1)."""
    model = weight_model()
    model.compile(optimizer, "mse")
    for _ in range(steps):
        model.train_on_batch(np.array([[2.0]]), np.array([[1.0]]))
    return model.get_weights()[0]


def test_sgd():
    w = 1.0
    for _ in range(3):
        w -= 0.1 * 4 * (2 * w - 1)
    assert_close(trained(keras.optimizers.SGD(0.1)), np.array([[w]]), "network")


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_momentum_keeps_the_learning_rate_inside(nesterov):
    w, m = 1.0, 0.0
    for _ in range(3):
        g = 4 * (2 * w - 1)
        m = 0.9 * m - 0.01 * g
        w += 0.9 * m - 0.01 * g if nesterov else m
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9, nesterov=nesterov)
    assert_close(trained(optimizer), np.array([[w]]), "network")


def test_adam():
    w, m, v = 1.0, 0.0, 0.0
    for t in range(1, 4):
        g = 4 * (2 * w - 1)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.001 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)
    assert_close(trained("adam"), np.array([[w]]), "network")


# fit, evaluate, predict -------------------------------------------------------------------------------------


def test_fit_learns_and_history_is_kerass():
    x, y = stripes()
    history = classifier().fit(x, y, epochs=12, validation_split=0.25, verbose=0)
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.epoch == list(range(12))
    assert history.params == {"verbose": 0, "epochs": 12, "steps": 3}
    assert history.history["accuracy"][-1] > 0.9
    assert history.history["loss"][-1] < history.history["loss"][0] / 2


def test_validation_split_takes_the_last_part():
    model = weight_model()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.arange(10.0)[:, None]
    history = model.fit(x, np.zeros((10, 1)), validation_split=0.25, verbose=0).history
    assert history["loss"][0] == np.mean(np.arange(7.0) ** 2)  # the first floor(0.75 * 10) samples
    assert_close(np.float32(history["val_loss"][0]), np.mean(np.arange(7.0, 10) ** 2), "elementwise")


def test_loss_is_the_mean_over_samples_not_batches():
    model = weight_model()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.array([[1.0], [1.0], [4.0]])
    assert model.fit(x, np.zeros((3, 1)), batch_size=2, verbose=0).history["loss"] == [6.0]
    assert model.evaluate(x, np.zeros((3, 1)), batch_size=2, verbose=0) == 6.0


def test_sample_weight_and_class_weight():
    model = weight_model()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x, y = np.array([[1.0], [2.0]]), np.zeros((2, 1))
    assert model.evaluate(x, y, sample_weight=[2.0, 0.5], verbose=0) == 2.0  # (2 * 1 + 0.5 * 4) / 2
    model = classifier()
    x, y = stripes(6)
    plain = [model.evaluate(x[i : i + 1], y[i : i + 1], verbose=0)[0] for i in range(6)]
    weights = {0: 1.0, 1: 3.0, 2: 0.0}
    for layer in model.layers:  # no dropout, and batch norm as in inference: loss alone is looked at
        layer.trainable = layer.name.startswith("dense")
    model.layers[4].rate = 0.0
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    loss = model.train_on_batch(x, y, class_weight=weights)
    expected = np.mean([weights[int(c)] * p for c, p in zip(y, plain, strict=True)])
    assert_close(np.float32(loss), np.array(expected), "network", 16)


def test_what_evaluate_and_predict_return():
    x, y = stripes(40)
    model = classifier()
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert model.metrics_names == ["loss", "accuracy"]
    p = model.predict(x, verbose=0, batch_size=7)
    assert p.dtype == np.float32 and p.shape == (40, 3)
    assert_close(np.float32(accuracy), np.array((p.argmax(1) == y).mean()), "elementwise")
    assert_close(np.float32(loss), -np.log(p[np.arange(40), y]).mean(), "network", 40)
    np.testing.assert_array_equal(model.predict_on_batch(x[:7]), p[:7])
    np.testing.assert_array_equal(model(x[:7]), p[:7])


def test_the_progress_line_off_a_terminal(capsys):
    x, y = stripes(40)
    model = classifier()
    model.fit(x, y, epochs=2, validation_data=(x, y))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2" and len(lines) == 4
    assert lines[1].startswith("2/2 ━━━━━━━━━━━━━━━━━━━━ ") and "ms/step - accuracy: 0." in lines[1]
    assert " - loss: " in lines[1] and " - val_accuracy: " in lines[1] and " - val_loss: " in lines[1]
    assert all(c.isprintable() for line in lines for c in line)
    model.fit(x, y, verbose=2)
    assert capsys.readouterr().out.startswith("2/2 - 0s - ")  # a single epoch has no heading
    model.fit(x, y, verbose=0)
    assert capsys.readouterr().out == ""


def test_early_stopping():
    x, y = np.ones((4, 1)), np.zeros((4, 1))
    model = weight_model()
    model.compile(keras.optimizers.SGD(0.0), "mse")  # nothing ever improves
    stop = keras.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    assert len(model.fit(x, y, epochs=10, callbacks=[stop], verbose=0).epoch) == 3
    diverging = weight_model()
    diverging.compile(keras.optimizers.SGD(1.5), "mse")
    stop = keras.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    diverging.fit(x, y, epochs=5, callbacks=[stop], validation_data=(x, y), verbose=0)
    assert_close(diverging.get_weights()[0], np.array([[1 - 1.5 * 2]]), "elementwise")  # after epoch 1
    with pytest.warns(UserWarning, match="`val_loss` which is not available. Available metrics are: loss"):
        model.fit(x, y, callbacks=[keras.callbacks.EarlyStopping()], verbose=0)


def test_callbacks_hear_everything_in_order():
    heard = []

    class Listener(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            heard.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            heard.append(f"epoch {epoch}")

        def on_train_batch_end(self, batch, logs=None):
            heard.append(f"batch {batch} {sorted(logs)}")

        def on_epoch_end(self, epoch, logs=None):
            heard.append(sorted(logs))

        def on_train_end(self, logs=None):
            heard.append("end")

    model = weight_model()
    model.compile("sgd", "mse")
    model.fit(np.ones((5, 1)), np.ones((5, 1)), batch_size=3, callbacks=[Listener()], verbose=0)
    assert heard == ["begin", "epoch 0", "batch 0 ['loss']", "batch 1 ['loss']", ["loss"], "end"]


# The same numbers every time --------------------------------------------------------------------------------


def final_weights(threads=1, seed=5, backend="cpu", **options):
    keras.utils.set_random_seed(seed)
    keras.set_num_threads(threads)
    x, y = stripes(72)
    with backends.use(backend):
        model = classifier(**options)
        model.fit(x, y, epochs=2, batch_size=24, verbose=0)
        return [w.tobytes() for w in model.get_weights()]


def test_training_gives_the_same_bytes_for_any_number_of_threads():
    once = final_weights(1)
    assert once == final_weights(2) == final_weights(3) == final_weights(7)
    assert once == final_weights(1) and once != final_weights(1, seed=6)


def test_backends_train_alike():
    """With SGD: Adam divides by sqrt(v), so where a gradient is 0 but for rounding (the bias before a batch
    normalisation), it would turn the rounding into a full step."""
    fast = [np.frombuffer(w, np.float32) for w in final_weights(optimizer="sgd")]
    slow = [np.frombuffer(w, np.float32) for w in final_weights(optimizer="sgd", backend="reference")]
    assert_close(np.concatenate(fast), np.concatenate(slow), "network", terms=72)


def test_changing_threads_or_backend_mid_training_is_fine():
    x, y = stripes(48)
    model = classifier()
    model.fit(x, y, verbose=0)
    keras.set_num_threads(3)
    model.fit(x, y, verbose=0)
    with backends.use("reference"):
        model.fit(x, y, verbose=0)
    model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 8
    for count in (0, -1, 10**6):
        with pytest.raises(ValueError, match="at least 1"):
            keras.set_num_threads(count)


@pytest.mark.parametrize("backend", backends.NAMES)
def test_gradients_of_a_whole_network_against_central_differences(backend):
    """In float64: two branches, a shared layer, batch norm in training mode, weights on the samples."""
    from cyconv.testing import check_gradients

    double = {"dtype": "float64"}
    inputs = keras.Input((6, 6, 2))
    shared = layers.Conv2D(3, 3, padding="same", activation="tanh", **double)
    x = layers.Conv2D(2, 3, padding="same", groups=2, **double)(inputs)
    x = layers.BatchNormalization(**double)(layers.add([shared(inputs), shared(x)]))
    x = layers.concatenate([layers.MaxPooling2D(2, **double)(x), layers.AveragePooling2D(2, **double)(x)])
    model = keras.Model(inputs, layers.Dense(3, activation="softmax", **double)(layers.Flatten(**double)(x)))
    generator = np.random.default_rng(0)
    x, y, weight = generator.standard_normal((5, 6, 6, 2)), np.arange(5) % 3, generator.random(5)
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    with backends.use(backend):
        model.train_on_batch(x, y, sample_weight=weight)
        variables = model.trainable_weights
        assert all(v.dtype == "float64" for v in variables)

        def loss(*values):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return model.train_on_batch(x, y, sample_weight=weight)

        gradients = [np.array(v.gradient) for v in variables]
        check_gradients(loss, [v.numpy() for v in variables], gradients, directions=2)


def test_first_nonfinite_names_the_layer():
    x, _ = stripes(4)
    model = classifier()
    assert model.first_nonfinite(x) is None
    kernel, bias = model.layers[5].get_weights()
    model.layers[5].set_weights([kernel * np.inf, bias])
    assert model.first_nonfinite(x) == model.layers[5].name
    assert model.first_nonfinite(x * np.nan) == "input"
