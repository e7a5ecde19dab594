"""Every optimiser and option, and every schedule, against Keras 3: weights after some steps."""

import keras
import numpy as np
import pytest

import cyconv
from cyconv.testing import assert_close

CASES = [
    ("SGD", {}), ("SGD", dict(momentum=0.9)), ("SGD", dict(momentum=0.8, nesterov=True, weight_decay=0.1)),
    ("Adam", {}), ("Adam", dict(amsgrad=True, beta_1=0.5, epsilon=1e-3)), ("AdamW", dict(weight_decay=0.1)),
    ("RMSprop", {}), ("RMSprop", dict(momentum=0.9)), ("RMSprop", dict(centered=True)),
    ("RMSprop", dict(centered=True, momentum=0.5, rho=0.7, weight_decay=0.2)),
    ("Adagrad", {}), ("Adagrad", dict(initial_accumulator_value=0.5, epsilon=1e-2)),
    ("Adadelta", {}), ("Adadelta", dict(rho=0.8, epsilon=1e-2, learning_rate=1.0)),
    ("Adamax", {}), ("Adamax", dict(beta_1=0.7, beta_2=0.8)), ("Nadam", {}), ("Nadam", dict(beta_1=0.6)),
    ("Ftrl", dict(learning_rate=0.1)),
    ("Ftrl", dict(learning_rate=0.1, l1_regularization_strength=0.05, l2_regularization_strength=0.1,
                  l2_shrinkage_regularization_strength=0.2, beta=0.3, learning_rate_power=-0.7)),
    ("Lion", {}), ("Lion", dict(beta_1=0.5, beta_2=0.6)), ("Lamb", {}), ("Lamb", dict(weight_decay=0.3)),
    ("Muon", dict(learning_rate=0.01)),
    ("Muon", dict(learning_rate=0.01, nesterov=False, ns_steps=3, rms_rate=None, exclude_layers=["bias"],
                  adam_lr_ratio=0.5, weight_decay=0.2)),
    ("Adafactor", {}), ("Adafactor", dict(learning_rate=0.3, clip_threshold=0.5, weight_decay=0.1)),
    ("Adafactor", dict(beta_2_decay=-0.5, epsilon_2=0.5, relative_step=False)),
    ("SGD", dict(clipnorm=0.1)), ("Adam", dict(clipvalue=0.05)), ("SGD", dict(global_clipnorm=0.2)),
    ("SGD", dict(global_clipnorm=1e3, momentum=0.5)), ("Nadam", dict(clipnorm=0.2, weight_decay=0.1)),
    ("SGD", dict(use_ema=True, ema_momentum=0.6, ema_overwrite_frequency=2, weight_decay=0.1)),
    ("Adam", dict(use_ema=True, ema_momentum=0.8)),
]  # fmt: skip

STEPS = 4


def network(library):
    layers = library.layers
    inputs = library.Input((4, 4, 2))
    x = layers.Conv2D(3, 2, activation="tanh", bias_initializer="ones")(inputs)
    x = layers.Dense(4, activation="tanh", bias_initializer="ones")(layers.Flatten()(x))
    return library.Model(inputs, layers.Dense(2, kernel_constraint="max_norm", bias_initializer="ones")(x))


def data():
    generator = np.random.default_rng(0)
    return (generator.standard_normal((24, 4, 4, 2)).astype("float32"),
            generator.standard_normal((24, 2)).astype("float32"))  # fmt: skip


@pytest.mark.parametrize(("name", "options"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_weights_and_state_after_four_steps(name, options):
    x, y = data()
    theirs, ours = network(keras), network(cyconv)
    ours.set_weights(theirs.get_weights())
    options = {"learning_rate": 0.05, **options}
    for model, library in ((theirs, keras), (ours, cyconv)):
        model.compile(getattr(library.optimizers, name)(**options), "mse")
        model.fit(x, y, batch_size=6, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(a, b, "network", terms=STEPS * 64)
    assert len(ours.optimizer.variables) == len(theirs.optimizer.variables)
    for a, b in zip(ours.optimizer.variables, theirs.optimizer.variables, strict=True):
        assert_close(np.float32(a.numpy()), np.float32(b.numpy()), "network", terms=STEPS * 64, what=b.path)
    assert ours.optimizer.iterations == int(theirs.optimizer.iterations)
    expected, actual = theirs.optimizer.get_config(), ours.optimizer.get_config()
    assert set(actual) == set(expected)
    for key in set(expected) - {"name", "exclude_layers"}:
        assert actual[key] == pytest.approx(expected[key]), key


def test_variables_that_do_not_decay():
    x, y = data()
    theirs, ours = network(keras), network(cyconv)
    ours.set_weights(theirs.get_weights())
    for model, library in ((theirs, keras), (ours, cyconv)):
        optimizer = library.optimizers.AdamW(0.05, weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_list=[model.layers[1].kernel], var_names=["bias"])
        model.compile(optimizer, "mse")
        model.fit(x, y, batch_size=6, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(a, b, "network", terms=64)


SCHEDULES = [
    ("ExponentialDecay", (0.1, 10, 0.5)), ("ExponentialDecay", (0.1, 10, 0.5, True)),
    ("InverseTimeDecay", (0.1, 10, 0.5)), ("InverseTimeDecay", (0.1, 10, 0.5, True)),
    ("PiecewiseConstantDecay", ([10, 20], [1.0, 0.5, 0.1])), ("PolynomialDecay", (0.1, 20)),
    ("PolynomialDecay", (0.1, 20, 0.01, 2.0, True)), ("CosineDecay", (0.1, 30)),
    ("CosineDecay", (0.1, 30, 0.1, "name", 0.3, 10)), ("CosineDecayRestarts", (0.1, 10)),
    ("CosineDecayRestarts", (0.1, 10, 1.0, 0.9, 0.1)), ("CosineDecayRestarts", (0.1, 10, 3.0, 0.5)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments"), SCHEDULES)
def test_schedules(name, arguments):
    theirs, ours = (getattr(k.optimizers.schedules, name)(*arguments) for k in (keras, cyconv))
    steps = [s for s in range(100) if s not in (10, 30, 40, 70)]  # ends of periods, where rounding decides
    expected = np.array([float(theirs(s)) for s in steps])
    assert_close(np.float32([ours(s) for s in steps]), expected, "network")
    assert ours.get_config() == theirs.get_config()


def test_a_scheduled_optimiser():
    x, y = data()
    theirs, ours = network(keras), network(cyconv)
    ours.set_weights(theirs.get_weights())
    for model, library in ((theirs, keras), (ours, cyconv)):
        schedule = library.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
        model.compile(library.optimizers.SGD(schedule, momentum=0.9), "mse")
        model.fit(x, y, batch_size=6, shuffle=False, verbose=0)
        assert float(model.optimizer.learning_rate) == pytest.approx(0.1 * 0.5**4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(a, b, "network", terms=64)
    assert len(ours.optimizer.variables) == len(theirs.optimizer.variables)


def described(library, optimizer):
    layers, rules = library.layers, library.regularizers
    apart, short = rules.OrthogonalRegularizer(0.1), library.constraints.MaxNorm()
    conv = layers.Conv2D(3, 2, kernel_regularizer=rules.L2(0.01), bias_constraint="non_neg",
                         activity_regularizer="l1")  # fmt: skip
    dense = layers.Dense(2, kernel_regularizer=apart, kernel_constraint=short)
    model = library.Sequential([library.Input((4, 4, 2)), conv, layers.Flatten(), dense])
    metrics = ["mse", library.metrics.R2Score(), library.metrics.MeanSquaredError(name="b")]
    loss = library.losses.Tversky(0.3)
    model.compile(optimizer(library.optimizers), loss, metrics=metrics, weighted_metrics=["mae"])
    return model


@pytest.mark.parametrize("optimizer", [
    lambda o: o.Nadam(0.01), lambda o: o.RMSprop(0.01, momentum=0.5, centered=True, weight_decay=0.1),
    lambda o: o.SGD(o.schedules.CosineDecay(0.1, 100), momentum=0.9, clipnorm=1.0),
    lambda o: o.AdamW(0.01, use_ema=True, amsgrad=True), lambda o: o.Muon(0.01), lambda o: o.Adafactor(0.01),
])  # fmt: skip
@pytest.mark.parametrize("ours_first", [True, False])
def test_files_carry_the_whole_training(optimizer, ours_first, tmp_path):
    """One library trains and saves, the other loads; both then train on alike."""
    x, y = data()
    first, second = (cyconv, keras) if ours_first else (keras, cyconv)
    one = described(first, optimizer)
    one.fit(x, y, batch_size=6, verbose=0)
    one.save(tmp_path / "net.keras")
    two = second.models.load_model(tmp_path / "net.keras")
    logs = [m.fit(x, y, batch_size=6, shuffle=False, verbose=0).history for m in (one, two)]
    assert list(logs[0]) == list(logs[1])
    for name in logs[0]:
        assert_close(np.float32(logs[1][name]), np.float32(logs[0][name]), "network", 64, name)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        assert_close(b, a, "network", terms=64)
