"""`compare_backends` with the gpu backend among the others: arrays cross only where they must."""

import numpy as np

import cyconv as keras
from cyconv import layers


def test_layers_are_held_against_the_definitions(door):
    model = keras.Sequential([
        keras.Input((6, 6, 3)),
        layers.UpSampling2D(2, name="larger"),
        layers.Activation("tanh", name="bent"),
        layers.Dropout(0.4, name="dropped"),
        layers.Reshape((36, 12), name="rows"),
        layers.Softmax(name="shares"),
    ])  # fmt: skip
    x = np.random.default_rng(0).standard_normal((4, 6, 6, 3)).astype(np.float32)
    result = keras.compare_backends(model, x, backends=["reference", "cpu", "gpu"], seconds=0.01, up_to=2)
    assert not result.over, str(result)
    entries = {e.layer: e for e in result.layers if e.backend == "gpu"}
    assert list(entries) == ["larger", "bent", "dropped", "rows", "shares"]
    assert entries["dropped"].worst("forward").relative < 1e-7, "the same elements are dropped"
    for name in ("bent", "shares"):
        assert set(entries[name].milliseconds) == {"forward", "backward"}
    assert [set(times) for _, times in result.curve] == [{"reference", "cpu", "gpu"}] * 2
