"""`cyconv bench` beside PyTorch and Keras: answers agree, so there are ratios."""

import re

import numpy as np
import pytest

from cyconv import cli
from cyconv.bench import inference, training
from cyconv.bench.nets import NETS, data


def test_training_and_inference_have_ratios(capsys):
    assert cli.main(["bench", "networks", "--nets", "tiny", "--seconds", "0.01"]) == 0
    shown = capsys.readouterr().out
    assert len(re.findall(r"^\| tiny \|.*\| [\d.]+x \|", shown, re.M)) == 2
    assert shown.count("Geometric mean of 1 ratios") == 2


def test_the_latency_of_one_image_has_a_row_for_keras(capsys):
    assert cli.main(["bench", "latency", "--seconds", "0.01"]) == 0
    assert re.search(r"^\| Keras \| \d+", capsys.readouterr().out, re.M)


def test_a_wrong_gradient_gets_no_time(monkeypatch):
    builder, shape, classes, _ = NETS["tiny"]
    x, y = data(shape, classes)
    monkeypatch.setattr(training, "GRADIENTS_MAY_DIFFER", 0.0)
    with pytest.raises(SystemExit, match="no time is given"):
        training.check("tiny", builder, x, y, classes)


def test_a_wrong_output_gets_no_time(monkeypatch):
    options = cli.parser().parse_args(["bench", "inference", "--nets", "tiny"])
    model = NETS["tiny"][0]()
    monkeypatch.setattr(model, "predict_on_batch", lambda x: np.zeros((len(x), 10), np.float32))
    monkeypatch.setitem(inference.NETS, "tiny", (lambda: model, *NETS["tiny"][1:]))
    with pytest.raises(AssertionError, match="no time is given, tiny: output of cyconv"):
        inference.checked("tiny", options)
