"""Whether a plan asks for company: it follows what runs take, seldom tries the other way, changes no byte."""

import itertools

import numpy as np
import pytest

import cyconv
from cyconv import layers
from cyconv._native import engine

pytestmark = pytest.mark.skipif(not engine.has_threads(), reason="built without threads")


def stretches(went):
    """[(alone, how many runs), ...]"""
    return [(way, len(list(runs))) for way, runs in itertools.groupby(went)]


def taken(together, alone):
    """Seconds of a rehearsal in all."""
    went = engine.rehearsal(together, alone)
    return sum(b if way else a for way, a, b in zip(went, together, alone, strict=True))


@pytest.mark.parametrize("alone", [1.3e-4, 2e-4, 1e-3])
def test_company_that_gains_is_kept_and_trials_cost_little(alone):
    runs = 20_000
    went = engine.rehearsal([1e-4] * runs, [alone] * runs)
    assert all(count == 4 for way, count in stretches(went) if way) and any(went)
    assert taken([1e-4] * runs, [alone] * runs) <= 1.01 * 1e-4 * runs


def test_a_trial_of_long_runs_ends_with_the_second_that_is_slow():
    runs = 2_000
    went = engine.rehearsal([0.1] * runs, [0.19] * runs)
    assert all(count == 2 for way, count in stretches(went) if way) and any(went)


def test_a_close_race_takes_six_runs():
    went = engine.rehearsal([1e-4] * 20_000, [1.1e-4] * 20_000)
    assert all(count == 6 for way, count in stretches(went) if way) and any(went)


@pytest.mark.parametrize("together", [1.1e-4, 2.3e-4, 1e-3])
def test_company_that_costs_is_given_up(together):
    runs = 20_000
    went = engine.rehearsal([together] * runs, [1e-4] * runs)
    (first, begun), (second, _), *later = stretches(went)
    assert (first, second) == (False, True) and begun < 150
    assert all(count == (6 if together < 1.2e-4 else 4) for way, count in later if not way)
    best = together * begun + 1e-4 * (runs - begun)
    assert taken([together] * runs, [1e-4] * runs) <= 1.01 * best


def test_a_change_is_noticed_both_ways():
    calm, slow = 60_000, 60_000
    together = [1e-4] * calm + [2.3e-4] * slow + [1e-4] * calm
    went = engine.rehearsal(together, [1.4e-4] * len(together))
    late = 10_000  # about a second
    assert sum(went[calm + late : calm + slow]) > 0.95 * (slow - late)
    assert sum(went[calm + slow + late :]) < 0.05 * (calm - late)


def test_single_disturbed_runs_and_the_first_of_a_trial_decide_nothing():
    runs, good, bad = 3_000, 1e-4, 1.4e-4
    begins = engine.rehearsal([good] * runs, [bad] * runs).index(True)
    near = [1.1e-4] * runs
    for i in (0, 2, 4):  # the first, which does not count, and two of the other five
        near[begins + i] = 1e-5
    trial, after = stretches(engine.rehearsal([good] * runs, near))[1:3]
    assert trial == (True, 6) and after[0] is False
    clumsy = [good] * runs
    for i in (0, 2, 3):  # data move to the one core; two of the other five are disturbed
        clumsy[begins + i] = 1.0
    assert stretches(engine.rehearsal([bad] * runs, clumsy))[1] > (True, 6)


def test_both_ways_give_the_same_bytes():
    model = cyconv.Sequential(
        [layers.Input((16, 16, 3)), layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(),
         layers.Flatten(), layers.Dense(10)]
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(16, 16, 16, 3)).astype("f4")
    before = cyconv.get_num_threads()
    try:
        cyconv.set_num_threads(1)
        expected = model.predict_on_batch(x).tobytes()
        cyconv.set_num_threads(2)
        assert all(model.predict_on_batch(x).tobytes() == expected for _ in range(2000))
    finally:
        cyconv.set_num_threads(before)
