"""What a segmentation is worth: the challenge's scores, tables of them, and pictures of each section."""

import csv
import json

import numpy as np

import cyconv as keras

from .training import ROUND

# Column, its key in scores.json, and the figure of the U-Net paper or of the challenge's board for it.
COLUMNS = (
    ("V_Rand", "v_rand"),
    ("V_Info", "v_info"),
    ("Rand error", "rand_error"),
    ("warping", "warping_error"),
    ("pixel error", "pixel_error"),
    ("accuracy", "accuracy"),
    ("majority", "majority"),
)
CHALLENGE = [key for _, key in COLUMNS[:5]]  # those that are taken at their best threshold
PICTURES = 6  # of the sections of one fold, evenly spread; all where there are fewer


def fold(folder, numbers, sections, labels, probability):
    """Scores the probabilities of some sections; writes scores.json, scores.csv and pictures into `folder`,
    prints the table. Returns {"sections": ..., "v_rand": ..., ...}: values and thresholds."""
    folder.mkdir(parents=True, exist_ok=True)
    write_probability(folder, probability)
    measured = measure(numbers, labels, probability)
    (folder / "scores.json").write_text(json.dumps(measured, indent=1) + "\n")
    each = measured["each"]
    rows = [[f"section {n}", *(each[key][i] for _, key in COLUMNS)] for i, n in enumerate(numbers)]
    rows.append(["mean", *(measured[key] for _, key in COLUMNS)])
    write_table(folder / "scores.csv", rows)
    print(table(rows))
    print(f"thresholds: V_Rand {measured['thresholds']['v_rand']:.1f}, V_Info "
          f"{measured['thresholds']['v_info']:.1f}, pixel error {measured['thresholds']['pixel_error']:.1f}; "
          f'majority: the accuracy of calling every pixel "inside"')  # fmt: skip
    draw(folder, numbers, sections, labels, probability, measured["thresholds"]["v_rand"])
    return measured


def done(folder):
    """The scores of a fold that is finished, or None."""
    path = folder / "scores.json"
    return json.loads(path.read_text()) if path.exists() else None


def measure(numbers, labels, probability):
    """All scores as plain numbers: the mean over the sections at the best threshold, each section's there,
    and the mean at every threshold ("curves")."""
    found = keras.metrics.segmentation.scores(labels, probability)
    each, thresholds, curves = {}, {}, {}
    for key in CHALLENGE:
        score = getattr(found, key)
        each[key], thresholds[key], curves[key] = (
            score.sections.tolist(),
            score.threshold,
            score.curve.tolist(),
        )
    right = (probability > found.pixel_error.threshold) == (labels == 1)
    each["accuracy"] = right.mean((1, 2)).tolist()
    each["majority"] = labels.mean((1, 2)).tolist()
    parts = {f"{key}_{part}": getattr(getattr(found, key), part)
             for key in ("v_rand", "v_info") for part in ("split", "merge")}  # fmt: skip
    means = {key: float(np.mean(values)) for key, values in each.items()}
    return {"sections": [int(n) for n in numbers], **means, **parts, "thresholds": thresholds, "each": each,
            "curves": curves}  # fmt: skip


def together(out, folds):
    """The table of all folds, as scores.csv and .json too: their mean and spread (standard deviation), and
    all sections with one threshold for all of them."""
    rows = [[name, *(one[key] for _, key in COLUMNS)] for name, one in folds.items()]
    values = np.array([row[1:] for row in rows])
    rows += [["mean", *values.mean(0)], ["spread", *values.std(0, ddof=1)]]
    sizes = [len(one["sections"]) for one in folds.values()]
    one_threshold = []
    for column, (_, key) in enumerate(COLUMNS):
        if key in CHALLENGE:
            curve = np.average([one["curves"][key] for one in folds.values()], axis=0, weights=sizes)
            one_threshold.append(curve.max() if key.startswith("v_") else curve.min())
        else:
            one_threshold.append(np.average(values[:, column], weights=sizes))
    rows.append([f"all {sum(sizes)} sections", *one_threshold])
    write_table(out / "scores.csv", rows)
    (out / "scores.json").write_text(json.dumps(folds, indent=1) + "\n")
    print(table(rows))
    print(f"wrote {out / 'scores.csv'}")
    write(curves([out / name / "training.csv" for name in folds]), out / "training.png")


def table(rows):
    """Rows of a name and numbers as aligned text under the columns' names."""
    head = [""] + [name for name, _ in COLUMNS]
    body = [[row[0], *(f"{value:.6f}" if name == "warping" else f"{value:.4f}"
                       for value, (name, _) in zip(row[1:], COLUMNS))] for row in rows]  # fmt: skip
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    return "\n".join("  ".join(f"{cell:>{w}}" for cell, w in zip(line, widths)) for line in [head, *body])


def write_table(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["", *(name for name, _ in COLUMNS)])
        writer.writerows([row[0], *(f"{value:.7g}" for value in row[1:])] for row in rows)


def write_probability(folder, probability):
    """probability.npy: float32 (N, H, W), for scores and pictures of other kinds."""
    np.save(folder / "probability.npy", probability.astype(np.float32))
    print(f"wrote {folder / 'probability.npy'}")


def draw(folder, numbers, sections, labels, probability, threshold):
    """Up to PICTURES sections, each with its truth, probability, segmentation and errors, and with the cells
    that were split and merged; the curves of the training."""
    count = min(PICTURES, len(numbers))
    for i in np.linspace(0, len(numbers) - 1, count).round().astype(int):
        one = sections[i], labels[i], probability[i]
        write(keras.visualize.segmentation(*one, threshold), folder / f"section-{numbers[i]:02d}.png")
        write(keras.visualize.splits_and_mergers(labels[i], probability[i], sections[i], threshold),
              folder / f"cells-{numbers[i]:02d}.png")  # fmt: skip
    if (folder / "training.csv").exists():
        write(curves([folder / "training.csv"]), folder / "training.png")


def curves(paths):
    """The losses in one or several training.csv, by the number of steps; a matplotlib figure."""
    plt = keras.visualize.require_matplotlib()
    figure = plt.figure(figsize=(6, 3.2), layout="constrained")
    axis = figure.add_subplot()
    for path in paths:
        with open(path, newline="") as file:
            lines = list(csv.DictReader(file))
        for key, label, color in (
            ("loss", "training tiles, weighted", "#0072B2"),
            ("val_loss", "held-out sections", "#D55E00"),
        ):
            points = [
                (ROUND * (int(line["epoch"]) + 1), float(line[key]))
                for line in lines
                if line.get(key, "NA") != "NA"
            ]
            if points:
                axis.plot(
                    *zip(*points), color=color, linewidth=1.2, label=label if path == paths[0] else None
                )
    axis.set(xlabel="steps", ylabel="cross-entropy", ylim=(0, None))
    axis.legend(frameon=False)
    return figure


def write(figure, path):
    """Saves a figure and lets it go."""
    figure.savefig(path, dpi=150)
    keras.visualize.require_matplotlib().close(figure)
    print(f"wrote {path}")
