"""`cyconv demo isbi` on small synthetic sections: it trains, goes on, scores, draws, says what is wrong."""

import json

import numpy as np
import pytest

import cyconv as keras
from cyconv import cli
from cyconv.cli import isbi
from cyconv.cli.isbi import report, training

pytest.importorskip("matplotlib")
pytest.importorskip("scipy")


@pytest.fixture
def sections(monkeypatch, tmp_path):
    """Five synthetic sections of 48 x 48, and no data of the machine's; rounds of two steps."""
    made = keras.datasets.synthetic_membranes(5, 48, cells=8)
    monkeypatch.setattr(keras.datasets, "synthetic_membranes", lambda count, size: made)
    monkeypatch.delenv("CYCONV_DATA", raising=False)
    monkeypatch.setenv("CYCONV_CACHE", str(tmp_path / "nothing"))
    monkeypatch.setattr(training, "ROUND", 2)
    monkeypatch.setattr(report, "PICTURES", 1)
    return made


def same_weights(one, other):
    """Whether two model files hold the same weights. (Names of layers count on within one process.)"""
    one, other = (keras.models.load_model(path).get_weights() for path in (one, other))
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def demo(out, *more):
    small = [] if "--score" in more else ["--filters", "2", "--tile", "32", "--steps", "8"]
    return cli.main(["demo", "isbi", "--out", str(out), *small, *map(str, more)])


def test_it_trains_scores_and_draws_and_says_that_the_sections_are_synthetic(sections, tmp_path, capsys):
    assert demo(tmp_path / "run") == 0
    said = capsys.readouterr().out
    assert "SYNTHETIC" in said and "train-volume.tif" in said
    assert "held-out: 4 sections to learn from, 1 held out" in said
    assert "step     8 of 8: loss" in said and "0s left" in said
    folder = tmp_path / "run" / "held-out"
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["sections"] == [4]
    # The baseline, by its definition: the share of pixels inside.
    np.testing.assert_allclose(scores["majority"], sections[1][4].mean())
    probability = np.load(folder / "probability.npy")
    model = keras.models.load_model(folder / "model.safetensors")
    np.testing.assert_array_equal(probability, keras.segmentation.segment(model, sections[0][4:]))
    threshold = scores["thresholds"]["pixel_error"]
    np.testing.assert_allclose(scores["accuracy"], ((probability > threshold) == sections[1][4:]).mean())
    for name in ("section-04.png", "cells-04.png", "training.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    assert (folder / "training.csv").read_text().count("\n") == 1 + 4


def test_killed_and_resumed_it_ends_with_the_same_bytes(sections, tmp_path, monkeypatch, capsys):
    assert demo(tmp_path / "whole") == 0
    line = training.Progress.on_epoch_end

    def killed(self, epoch, logs=None):
        line(self, epoch, logs)
        if epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training.Progress, "on_epoch_end", killed)
        with pytest.raises(KeyboardInterrupt):
            demo(tmp_path / "parts")
    assert not (tmp_path / "parts/held-out/model.safetensors").exists()
    capsys.readouterr()
    assert demo(tmp_path / "parts", "--resume") == 0
    said = capsys.readouterr().out
    assert "step     6 of 8" in said and "step     4 of 8" not in said
    assert same_weights(*(tmp_path / which / "held-out/model.safetensors" for which in ("whole", "parts")))
    assert not (tmp_path / "parts/held-out/backup").exists()


def test_every_section_is_held_out_once_together_with_its_neighbours(sections, tmp_path, capsys):
    assert demo(tmp_path, "--folds", 3) == 0
    folds = json.loads((tmp_path / "scores.json").read_text())
    assert [fold["sections"] for fold in folds.values()] == [[0], [1, 2], [3, 4]]
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "", "fold-1", "fold-2", "fold-3", "mean", "spread", "all 5 sections",
    ]  # fmt: skip
    v_rand = [float(line.split(",")[1]) for line in lines[1:]]
    np.testing.assert_allclose(v_rand[3:5], [np.mean(v_rand[:3]), np.std(v_rand[:3], ddof=1)], rtol=1e-4)
    # One threshold for all: the scores of all held-out sections as one stack.
    probability = np.concatenate([np.load(tmp_path / f"fold-{i}/probability.npy") for i in (1, 2, 3)])
    found = keras.metrics.segmentation.scores(sections[1], probability)
    expected = [found.v_rand.value, found.v_info.value, found.rand_error.value, found.warping_error.value,
                found.pixel_error.value]  # fmt: skip
    np.testing.assert_allclose([float(v) for v in lines[-1].split(",")[1:6]], expected, rtol=1e-4)
    capsys.readouterr()
    assert demo(tmp_path, "--folds", 3, "--resume") == 0  # nothing is left to do
    assert capsys.readouterr().out.count("done already") == 3


def test_one_fold_alone_gives_what_it_gives_among_all(sections, tmp_path):
    assert demo(tmp_path / "all", "--folds", 2) == 0
    assert demo(tmp_path / "one", "--folds", 2, "--fold", 2) == 0
    assert not (tmp_path / "one/fold-1").exists()
    assert same_weights(*(tmp_path / which / "fold-2/model.safetensors" for which in ("all", "one")))


def test_a_saved_model_scores_sections_that_it_never_saw(sections, tmp_path, monkeypatch, capsys):
    tifffile = pytest.importorskip("tifffile")
    assert demo(tmp_path / "run", "--all") == 0
    model = tmp_path / "run/all/model.safetensors"
    assert not (tmp_path / "run/all/scores.json").exists()
    new, truth = sections[0][::-1], sections[1][::-1]
    (tmp_path / "new").mkdir()
    tifffile.imwrite(tmp_path / "new/train-volume.tif", new, photometric="minisblack")
    assert demo(tmp_path / "bare", "--score", model, "--data", tmp_path / "new") == 0
    assert sorted(p.name for p in (tmp_path / "bare/scored").iterdir()) == ["probability.npy"]
    tifffile.imwrite(tmp_path / "new/train-labels.tif", 255 * truth, photometric="minisblack")
    assert demo(tmp_path / "new scores", "--score", model, "--data", tmp_path / "new") == 0
    assert "section 4" in capsys.readouterr().out
    found = json.loads((tmp_path / "new scores/scored/scores.json").read_text())
    expected = keras.metrics.segmentation.scores(truth, np.load(tmp_path / "bare/scored/probability.npy"))
    assert found["v_rand"] == pytest.approx(expected.v_rand.value)
    assert found["pixel_error"] == pytest.approx(expected.pixel_error.value)


def test_minutes_become_steps_that_are_kept_for_resuming(sections, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "affordable", lambda settings, minutes: int(minutes * 10))
    assert cli.main(["demo", "isbi", "--filters", "2", "--tile", "32", "--minutes", "0.4", "--out",
                     str(tmp_path)]) == 0  # fmt: skip
    assert json.loads((tmp_path / "settings.json").read_text())["steps"] == 4


def test_the_papers_optimizer_trains_too(sections, tmp_path, capsys):
    assert demo(tmp_path, "--optimizer", "sgd", "--learning-rate", "0.01", "--w0", "0") == 0
    losses = [
        float(line.split("loss ")[1][:5]) for line in capsys.readouterr().out.splitlines() if "step " in line
    ]
    assert losses[-1] < losses[0]
    model = keras.models.load_model(tmp_path / "held-out/model.safetensors")
    assert isinstance(model.optimizer, keras.optimizers.SGD) and model.optimizer.momentum == 0.99


def test_the_time_of_a_step_is_measured():
    settings = training.Settings(filters=2, depth=2, tile=16)
    steps = training.affordable(settings, minutes=0.5)
    assert steps % training.ROUND == 0 and steps >= training.ROUND


@pytest.mark.parametrize("arguments, says", [
    (["--folds", "6"], "--folds lies between 2 and the number of sections, 5. Received: 6"),
    (["--folds", "2", "--fold", "3"], "--fold lies between 1 and --folds, 2"),
    (["--tile", "100"], "--tile must divide by 16, 4 poolings by 2; 100 does not. Nearest: 96 and 112"),
    (["--data", "/nowhere"], "path: /nowhere is no folder"),
])  # fmt: skip
def test_what_cannot_be_is_said_in_one_line(sections, tmp_path, capsys, arguments, says):
    assert demo(tmp_path / "run", *arguments) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_is_never_written_over(sections, tmp_path, capsys):
    assert demo(tmp_path) == 0
    before = (tmp_path / "held-out/model.safetensors").read_bytes()
    assert demo(tmp_path) == 1
    assert "--resume goes on with it; or take another --out" in capsys.readouterr().err
    assert demo(tmp_path, "--resume", "--seed", "5") == 1
    assert "another seed" in capsys.readouterr().err
    assert (tmp_path / "held-out/model.safetensors").read_bytes() == before


def test_sections_without_labels_cannot_be_learned_from(tmp_path, capsys):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "train-volume.tif", np.zeros((3, 32, 32), np.uint8), photometric="minisblack")
    assert demo(tmp_path / "run", "--data", tmp_path) == 1
    assert "there are no labels beside these sections; --score MODEL" in capsys.readouterr().err


def test_neighbours_stay_together_whatever_the_numbers():
    class Options:
        all, fold = False, None

    for count in (7, 24, 30):
        for Options.folds in (2, 5, 7):
            plan = list(isbi.parts(count, Options).values())
            assert sum(plan, []) == list(range(count)) and len(plan) == Options.folds
            assert max(map(len, plan)) - min(map(len, plan)) <= 1
