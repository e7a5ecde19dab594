"""Random networks over the whole list of layers, in Keras 3 and here: the same weights give the same
predictions, and the same weights again after three steps of every optimiser."""

import keras
import numpy as np
import pytest
from random_networks import OPTIMIZERS, Builder

import cyconv
from cyconv.testing import assert_close

SEEDS = range(3 * len(OPTIMIZERS))
STEPS = 3


def assert_all_close(ours, theirs, terms, what):
    ours, theirs = ([v] if not isinstance(v, (list, tuple)) else v for v in (ours, theirs))
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert_close(np.asarray(a, "float32"), np.asarray(b), "network", terms, f"{what} {i}")


def carry(theirs, ours, seed, folder):
    """Keras's weights, a little away from their start, into our model."""
    generator = np.random.default_rng(seed)
    theirs.set_weights(
        [w + generator.uniform(0, 0.2, w.shape).astype("float32") for w in theirs.get_weights()]
    )
    if seed % 3:
        ours.set_weights(theirs.get_weights())
    else:
        theirs.save_weights(folder / "w.weights.h5")
        ours.load_weights(folder / "w.weights.h5")
    return theirs.get_weights()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.filterwarnings("ignore")
def test_same_as_keras(seed, tmp_path):
    a, b = Builder(cyconv, seed), Builder(keras, seed)
    ours, theirs = a.model, b.model
    assert [w.path.split("/")[-1] for w in ours.weights] == [w.path.split("/")[-1] for w in theirs.weights]
    assert [tuple(w.shape) for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert ours.count_params() == theirs.count_params()
    start = carry(theirs, ours, seed, tmp_path)
    terms = 1000 + ours.count_params()
    ((x, y), options), _ = b.data(), a.data()
    assert_all_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), terms, "prediction")
    mine, other = (m.evaluate(x, y, verbose=0, return_dict=True) for m in (ours, theirs))
    assert list(mine) == list(other)
    assert_all_close(list(mine.values()), list(other.values()), terms, "evaluation")
    if a.noisy:
        return
    fits = [m.fit(x, y, batch_size=4, shuffle=False, verbose=0, **options) for m in (ours, theirs)]
    mine, other = (f.history for f in fits)
    assert list(mine) == list(other)
    assert_all_close(list(mine.values()), list(other.values()), STEPS * terms, "history")
    changes = [np.concatenate([(w - s).ravel() for w, s in zip(m.get_weights(), start, strict=True)])
               for m in (ours, theirs)]  # fmt: skip
    assert_close(*changes, "network", STEPS * terms, "change of the weights")
