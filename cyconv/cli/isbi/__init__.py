"""`cyconv demo isbi`: from raw sections to a scored segmentation, with the U-Net of zoo.unet_same.

Training: tiles bent and turned (augment.Tiles), pixels weighted (segmentation.weight_map), Adam, a learning
rate that falls along half a cosine. Test: overlapping tiles, mean of eight views, the challenge's scores.
"""

from pathlib import Path

import cyconv as keras

from . import report
from .training import Settings, train

SYNTHETIC_STEPS = 300  # enough to see it learn


def arguments(parser):
    """The options of `cyconv demo isbi`."""
    from ...bench import positive

    default = Settings()
    parser.add_argument("--data", help="folder with train-volume.tif and train-labels.tif; by default "
                        "isbi2012/ in CYCONV_DATA, the cache, and else SYNTHETIC sections")  # fmt: skip
    parser.add_argument("--out", default="isbi-output", help="for models, scores, pictures (isbi-output)")
    parser.add_argument("--folds", type=positive, help="cross-validation: every section is held out once; "
                        "without it the last fifth of the sections is held out")  # fmt: skip
    parser.add_argument("--fold", type=positive, help="of the --folds only this one, from 1 on")
    parser.add_argument("--all", action="store_true", help="train on all sections, and hold none out")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out where it stopped")
    parser.add_argument("--minutes", type=float, help="how long each network may train on this machine")
    parser.add_argument("--steps", type=positive, help=f"training steps, instead ({default.steps}; "
                        f"{SYNTHETIC_STEPS} on synthetic sections)")  # fmt: skip
    parser.add_argument("--filters", type=positive, help=f"of the first level ({default.filters})")
    parser.add_argument("--tile", type=positive, help=f"pixels a side in training ({default.tile})")
    parser.add_argument(
        "--optimizer", choices=("adam", "sgd"), help="sgd: with momentum 0.99, as the paper (adam)"
    )
    parser.add_argument("--learning-rate", type=float, help=f"its highest ({default.learning_rate})")
    parser.add_argument("--w0", type=float, help=f"weight of narrow membranes ({default.w0:g}; 0: none)")
    parser.add_argument("--seed", type=int, help="of weights and tiles (0)")
    parser.add_argument("--score", metavar="MODEL", help="no training: this model on the sections of --data")


def run(options):
    """Does what the options ask; see `arguments`."""
    keras.visualize.require_matplotlib()  # told now rather than after the training
    out = Path(options.out)
    sections, labels, real = load(options.data)
    if options.score:
        return score(options.score, sections, labels, out / "scored")
    if labels is None:
        raise ValueError("there are no labels beside these sections; --score MODEL segments them")
    plan = parts(len(sections), options)
    if not (real or options.steps or options.minutes):
        options.steps = SYNTHETIC_STEPS
    settings = Settings.of(options, out)
    found = {}
    for name, held_out in plan.items():
        folder = out / name
        if report.done(folder):
            print(f"{name}: done already, {folder / 'scores.json'}")
            found[name] = report.done(folder)
            continue
        print(f"{name}: {len(sections) - len(held_out)} sections to learn from, {len(held_out)} held out")
        model = train(sections, labels, held_out, folder, settings)
        if len(held_out):
            probability = keras.segmentation.segment(model, sections[held_out])
            found[name] = report.fold(folder, held_out, sections[held_out], labels[held_out], probability)
    if len(found) > 1:
        report.together(out, found)
    return found


def load(data):
    """(sections, labels, whether they are real): the challenge's, or synthetic ones where there are none."""
    try:
        return *keras.datasets.isbi2012(data), True
    except FileNotFoundError as error:
        if data is not None:
            raise
        print(f"NOTE: {error}")
        print("NOTE: these are SYNTHETIC sections; scores on them say nothing about real tissue.")
        return *keras.datasets.synthetic_membranes(count=10, size=256), False


def parts(count, options):
    """{name: numbers of the held-out sections}, neighbours together: neighbouring sections look alike."""
    if options.all:
        return {"all": []}
    folds = options.folds or 5
    if not 2 <= folds <= count:
        raise ValueError(f"--folds lies between 2 and the number of sections, {count}. Received: {folds}")
    cuts = [range(i * count // folds, (i + 1) * count // folds) for i in range(folds)]
    plan = {f"fold-{i}": list(held_out) for i, held_out in enumerate(cuts, 1)}
    if options.folds is None:
        return {"held-out": plan[f"fold-{folds}"]}
    if options.fold is None:
        return plan
    if options.fold > folds:
        raise ValueError(f"--fold lies between 1 and --folds, {folds}. Received: {options.fold}")
    return {f"fold-{options.fold}": plan[f"fold-{options.fold}"]}


def score(path, sections, labels, folder):
    """The probability of each section by a saved model; its scores and pictures where there are labels."""
    model = keras.models.load_model(path)
    folder.mkdir(parents=True, exist_ok=True)
    probability = keras.segmentation.segment(model, sections)
    if labels is None:
        report.write_probability(folder, probability)
        return None
    return report.fold(folder, list(range(len(sections))), sections, labels, probability)
