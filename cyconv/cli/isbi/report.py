"""What a segmentation is worth: the challenge's scores, tables of them, and pictures of each section."""

import csv
import json

import numpy as np

import cyconv as keras

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


def measure(numbers, labels, probability):
    """All scores as plain numbers: the mean at the best threshold, and of each section at that threshold."""
    found = keras.metrics.segmentation.scores(labels, probability)
    each = {key: getattr(found, key).sections.tolist() for _, key in COLUMNS[:5]}
    right = (probability > found.pixel_error.threshold) == (labels == 1)
    each["accuracy"] = right.mean((1, 2)).tolist()
    each["majority"] = labels.mean((1, 2)).tolist()
    thresholds = {key: getattr(found, key).threshold for _, key in COLUMNS[:5]}
    parts = {f"{key}_{part}": getattr(getattr(found, key), part)
             for key in ("v_rand", "v_info") for part in ("split", "merge")}  # fmt: skip
    means = {key: float(np.mean(values)) for key, values in each.items()}
    return {"sections": [int(n) for n in numbers], **means, **parts, "thresholds": thresholds, "each": each}


def together(out, folds):
    """The table of all folds with mean and spread (their standard deviation), in scores.csv and .json too."""
    rows = [[name, *(one[key] for _, key in COLUMNS)] for name, one in folds.items()]
    values = np.array([row[1:] for row in rows])
    rows += [["mean", *values.mean(0)], ["spread", *values.std(0, ddof=1)]]
    write_table(out / "scores.csv", rows)
    (out / "scores.json").write_text(json.dumps(folds, indent=1) + "\n")
    print(table(rows))
    print(f"wrote {out / 'scores.csv'}")


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
    """Section, truth, probability, segmentation and errors of up to PICTURES sections; training curves."""
    plt = keras.visualize.require_matplotlib()
    count = min(PICTURES, len(numbers))
    for i in np.linspace(0, len(numbers) - 1, count).round().astype(int):
        figure = keras.visualize.segmentation(sections[i], labels[i], probability[i], threshold)
        path = folder / f"section-{numbers[i]:02d}.png"
        figure.savefig(path, dpi=150)
        plt.close(figure)
        print(f"wrote {path}")
    curves = folder / "training.csv"
    if curves.exists():
        with open(curves, newline="") as file:
            lines = list(csv.DictReader(file))
        figure = plt.figure(figsize=(6, 3.2), layout="constrained")
        axis = figure.add_subplot()
        for key, label in (("loss", "weighted loss, training tiles"), ("val_loss", "plain loss, held out")):
            points = [(int(line["epoch"]), float(line[key])) for line in lines if line.get(key, "NA") != "NA"]
            if points:
                axis.plot(*zip(*points), label=label)
        axis.set(xlabel="rounds of 50 steps", ylabel="cross-entropy", yscale="log")
        axis.legend()
        figure.savefig(folder / "training.png", dpi=150)
        plt.close(figure)
        print(f"wrote {folder / 'training.png'}")
