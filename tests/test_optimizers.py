"""Optimisers and schedules: the formulas worked through in Python floats, options, state."""

import math

import numpy as np
import pytest

import cyconv as keras
from cyconv import backends, layers, optimizers
from cyconv.optimizers import schedules
from cyconv.testing import assert_close

# The update of one weight in Python floats: (w, g, t, memory) -> w. `memory` begins empty.


def adam_step(w, g, t, s):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g * g
    return w - 0.1 * (s["m"] / (1 - 0.9**t)) / math.sqrt(s["v"] / (1 - 0.999**t))


def amsgrad_step(w, g, t, s):
    adam_step(w, g, t, s)
    s["largest"] = max(s.get("largest", 0), s["v"])
    return w - 0.1 * (s["m"] / (1 - 0.9**t)) / math.sqrt(s["largest"] / (1 - 0.999**t))



def rmsprop_step(w, g, t, s):
    s["v"] = 0.9 * s.get("v", 0) + 0.1 * g * g
    s["a"] = 0.9 * s.get("a", 0) + 0.1 * g
    s["m"] = 0.5 * s.get("m", 0) + 0.1 * g / math.sqrt(s["v"] - s["a"] ** 2 + 1e-7)
    return w - s["m"]


def adagrad_step(w, g, t, s):
    s["a"] = s.get("a", 0.1) + g * g
    return w - 0.1 * g / math.sqrt(s["a"] + 1e-7)


def adadelta_step(w, g, t, s):
    s["a"] = 0.95 * s.get("a", 0) + 0.05 * g * g
    d = g * math.sqrt(s.get("b", 0) + 1e-2) / math.sqrt(s["a"] + 1e-2)
    s["b"] = 0.95 * s.get("b", 0) + 0.05 * d * d
    return w - 0.1 * d


def adamax_step(w, g, t, s):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["u"] = max(0.999 * s.get("u", 0), abs(g))
    return w - 0.1 / (1 - 0.9**t) * s["m"] / s["u"]


def nadam_step(w, g, t, s):
    now, following = (0.9 * (1 - 0.5 * 0.96**k) for k in (t, t + 1))
    s["product"] = s.get("product", 1) * now
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g * g
    m = following * s["m"] / (1 - s["product"] * following) + (1 - now) * g / (1 - s["product"])
    return w - 0.1 * m / math.sqrt(s["v"] / (1 - 0.999**t))


def ftrl_step(w, g, t, s):
    before = s.get("n", 0.1)
    s["n"] = before + g * g
    s["z"] = s.get("z", 0) + g - (math.sqrt(s["n"]) - math.sqrt(before)) / 0.1 * w
    return (min(max(s["z"], -0.5), 0.5) - s["z"]) / (math.sqrt(s["n"]) / 0.1)


def lion_step(w, g, t, s):
    w -= 0.1 * np.sign(0.9 * s.get("m", 0) + 0.1 * g)
    s["m"] = 0.99 * s.get("m", 0) + 0.01 * g
    return w


def lamb_step(w, g, t, s):
    step = adam_step(0.0, g, t, s) / -0.1
    return w - 0.1 * step * abs(w) / abs(step)


CASES = {
    "SGD": (optimizers.SGD(0.1), lambda w, g, t, s: w - 0.1 * g),
    "decay": (optimizers.SGD(0.1, weight_decay=0.5), lambda w, g, t, s: w - 0.1 * 0.5 * w - 0.1 * g),
    "clipvalue": (optimizers.SGD(0.1, clipvalue=0.5), lambda w, g, t, s: w - 0.1 * min(max(g, -0.5), 0.5)),
    "clipnorm": (optimizers.SGD(0.1, clipnorm=0.3), lambda w, g, t, s: w - 0.1 * g * min(1, 0.3 / abs(g))),
    "global": (
        optimizers.SGD(0.1, global_clipnorm=2.0), lambda w, g, t, s: w - 0.1 * g * min(1, 2 / abs(g)),
    ),
    "Adam": (optimizers.Adam(0.1, epsilon=1e-12), adam_step),
    "amsgrad": (optimizers.Adam(0.1, epsilon=1e-12, amsgrad=True), amsgrad_step),
    "RMSprop": (optimizers.RMSprop(0.1, centered=True, momentum=0.5), rmsprop_step),
    "Adagrad": (optimizers.Adagrad(0.1), adagrad_step),
    "Adadelta": (optimizers.Adadelta(0.1, epsilon=1e-2), adadelta_step),
    "Adamax": (optimizers.Adamax(0.1), adamax_step),
    "Nadam": (optimizers.Nadam(0.1), nadam_step),
    "Ftrl": (optimizers.Ftrl(0.1, l1_regularization_strength=0.5), ftrl_step),
    "Lion": (optimizers.Lion(0.1), lion_step),
    "Lamb": (optimizers.Lamb(0.1, epsilon=1e-12), lamb_step),
}  # fmt: skip


def weight_model(optimizer, value=1.0):
    """y = w * x."""
    model = keras.Sequential([layers.Input((1,)), layers.Dense(1, use_bias=False)])
    model.set_weights([np.array([[value]])])
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize("backend", backends.NAMES)
@pytest.mark.parametrize("name", CASES)
def test_steps(name, backend):
    """Three steps of the loss (w * 2 - 1)**2, whose gradient is 4 * (2 w - 1)."""
    optimizer, formula = CASES[name]
    with backends.use(backend):
        model = weight_model(type(optimizer).from_config(optimizer.get_config()))
        w, memory = 1.0, {}
        for t in range(1, 4):
            w = formula(w, 4 * (2 * w - 1), t, memory)
            model.train_on_batch(np.array([[2.0]]), np.array([[1.0]]))
            assert_close(model.get_weights()[0], np.array([[w]]), "network")


def test_muon_makes_the_step_of_a_matrix_orthogonal():
    model = keras.Sequential([layers.Input((3,)), layers.Dense(3, use_bias=False)])
    before = model.get_weights()[0]
    model.compile(optimizers.Muon(0.1, weight_decay=None, rms_rate=None, ns_steps=20, muon_a=1.5, muon_b=-0.5,
                                  muon_c=0.0), "mse")  # fmt: skip
    x = np.random.default_rng(0).standard_normal((9, 3))
    model.train_on_batch(x, x)
    step = (model.get_weights()[0] - before) / 0.1
    assert_close(step @ step.T, np.eye(3), "network")


def test_running_means_of_the_weights():
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=2)
    model, w, mean = weight_model(optimizer), 1.0, None
    for t in range(1, 5):
        w -= 0.1 * 4 * (2 * w - 1)
        mean = w if t == 1 else 0.75 * mean + 0.25 * w
        if t % 2 == 0:
            w = mean
        model.train_on_batch(np.array([[2.0]]), np.array([[1.0]]))
        assert_close(model.get_weights()[0], np.array([[w]]), "network")
    model = weight_model(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.75))
    model.fit(np.full((2, 1), 2.0), np.ones((2, 1)), batch_size=1, verbose=0)
    first = 1.0 - 0.4
    assert_close(model.get_weights()[0], np.array([[0.75 * first + 0.25 * (first - 0.08)]]), "network")


@pytest.mark.parametrize("backend", backends.NAMES)
def test_variables_that_do_not_decay(backend):
    with backends.use(backend):
        model = keras.Sequential([layers.Input((1,)), layers.Dense(1, bias_initializer="ones")])
        model.set_weights([np.array([[1.0]]), np.array([1.0])])
        optimizer = optimizers.SGD(0.5, weight_decay=0.1)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        model.compile(optimizer, "mse")
        model.train_on_batch(np.array([[1.0]]), np.array([[2.0]]))  # no error: only decay moves weights
        assert_close(model.get_weights()[0], np.array([[0.95]]), "elementwise")
        assert model.get_weights()[1] == [1.0]
    with pytest.raises(ValueError, match="before the first step"):
        optimizer.exclude_from_weight_decay(var_names=["bias"])


def test_frozen_weights_stay_and_have_no_slots():
    model = keras.Sequential([layers.Input((2,)), layers.Dense(3), layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile(optimizers.AdamW(0.1), "mse")
    before = model.get_weights()
    model.train_on_batch(np.ones((4, 2)), np.ones((4, 1)))
    after = model.get_weights()
    assert [(a == b).all() for a, b in zip(before, after, strict=True)] == [True, True, False, False]
    assert len(model.optimizer.variables) == 2 + 2 * 2


def test_the_learning_rate_as_scripts_use_it():
    model = weight_model(optimizers.SGD(0.1))
    rate = model.optimizer.learning_rate
    assert float(rate) == 0.1 and f"{rate:.2f}" == "0.10" and rate.numpy() == np.float32(0.1)
    for change, expected in (
        (lambda: setattr(model.optimizer, "learning_rate", 0.25), 0.25),
        (lambda: model.optimizer.learning_rate.assign(0.125), 0.125),
        (lambda: setattr(model.optimizer, "learning_rate", schedules.ExponentialDecay(1.0, 1, 0.5)), 0.25),
        (lambda: setattr(model.optimizer, "learning_rate", lambda: 0.5), 0.5),
    ):
        change()
        before = model.get_weights()[0]
        model.train_on_batch(np.array([[1.0]]), np.array([[0.0]]))
        assert_close(model.get_weights()[0], before - expected * 2 * before, "elementwise")
    assert model.optimizer.iterations == 4 and model.optimizer.iterations.numpy() == 4
    model.optimizer.iterations.assign(7)
    assert model.optimizer.iterations == 7
    with pytest.raises(TypeError, match="follows CosineDecay"):
        optimizers.SGD(schedules.CosineDecay(0.1, 10)).learning_rate = 0.1
    with pytest.warns(UserWarning, match="learning_rate"):
        assert optimizers.Adam(lr=0.5).learning_rate == 0.5


def test_bad_arguments():
    with pytest.raises(TypeError, match="the argument 'momentums'; it takes .*nesterov.*clipnorm"):
        optimizers.SGD(momentums=0.9)
    with pytest.raises(ValueError, match="clipnorm and clipvalue"):
        optimizers.SGD(clipnorm=1.0, clipvalue=1.0)
    with pytest.raises(NotImplementedError, match="larger batch_size"):
        optimizers.SGD(gradient_accumulation_steps=2)
    with pytest.raises(ValueError, match="negative"):
        optimizers.SGD(-0.1)


@pytest.mark.parametrize("name", ["Adam", "Nadam", "Muon", "Ftrl"])
def test_state_continues_a_training_exactly(name):
    def model():
        made = keras.Sequential([layers.Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
        made.compile(getattr(optimizers, name)(0.05, use_ema=True), "mse")
        return made

    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((8, 3)), generator.standard_normal((8, 1))
    one, two = model(), model()
    for _ in range(2):
        one.train_on_batch(x, y)
    two.set_weights(one.get_weights())
    two.executor.ensure_arena()
    two.optimizer.load_state(one.optimizer.state())
    for either in (one, two):
        either.train_on_batch(x, y)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="Received: 3 arrays"):
        two.optimizer.load_state(one.optimizer.state()[:3])


def test_names_and_configurations():
    import json

    for cls in optimizers.TABLE.values():
        made = cls(schedules.PolynomialDecay(0.1, 5), clipnorm=2.0, name="mine")
        config = json.loads(json.dumps(made.get_config()))
        twin = cls.from_config(config)
        assert twin.get_config() == made.get_config()
        assert twin.learning_rate == 0.1 and twin.clipnorm == 2.0 and twin.name == "mine"
        assert isinstance(optimizers.get(cls.__name__.lower()), cls)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (schedules.ExponentialDecay(1.0, 2, 0.25), [1, 0.5, 0.25, 0.125]),
        (schedules.ExponentialDecay(1.0, 2, 0.25, staircase=True), [1, 1, 0.25, 0.25]),
        (schedules.InverseTimeDecay(1.0, 1, 1.0), [1, 1 / 2, 1 / 3, 1 / 4]),
        (schedules.PiecewiseConstantDecay([0, 2], [1.0, 0.5, 0.1]), [1, 0.5, 0.5, 0.1]),
        (schedules.PolynomialDecay(1.0, 2, 0.0), [1, 0.5, 0, 0]),
        (schedules.PolynomialDecay(1.0, 2, 0.0, cycle=True), [1, 0.5, 0, 0.25]),
        (schedules.CosineDecay(1.0, 2), [1, 0.5, 0, 0]),
        (schedules.CosineDecay(0.0, 2, warmup_target=1.0, warmup_steps=1), [0, 1, 0.5, 0]),
        (schedules.CosineDecayRestarts(1.0, 2, t_mul=1.0, m_mul=0.5), [1, 0.5, 0.5, 0.25]),
    ],
)
def test_schedules_by_hand(schedule, expected):
    assert_close(np.float32([schedule(step) for step in range(4)]), np.array(expected), "elementwise")
    assert type(schedule).from_config(schedule.get_config()).get_config() == schedule.get_config()
