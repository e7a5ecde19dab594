"""One network on some of the sections; it goes on where it was interrupted, to the same bytes."""

import json
import time
from dataclasses import asdict, dataclass, fields

import numpy as np

import cyconv as keras

from ...atomic import write_atomically
from ...progress import remaining

ROUND = 50  # steps between two lines of progress, which is also how often a backup is written


@dataclass
class Settings:
    """What a run is made of; kept in its folder as settings.json."""

    filters: int = 16
    depth: int = 4
    tile: int = 256
    batch_size: int = 2
    steps: int = 2000
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    w0: float = 10.0
    sigma: float = 5.0
    balance: bool = True
    elastic: float = 10.0
    scale: float = 0.1
    contrast: float = 0.25
    brightness: float = 0.25
    noise: float = 0.2
    seed: int = 0

    @classmethod
    def of(cls, options, out):
        """The settings of the command line; with --resume those of the run in `out`."""
        path = out / "settings.json"
        given = {f.name: getattr(options, f.name, None) for f in fields(cls)}
        given = {name: value for name, value in given.items() if value is not None}
        if path.exists():
            settings = cls(**json.loads(path.read_text()))
            differing = [n for n, value in given.items() if getattr(settings, n) != value]
            if not options.resume and options.fold is None:
                raise ValueError(f"{out} holds a run: --resume goes on with it; or take another --out")
            if differing:
                raise ValueError(
                    f"{path}: the run there has another {', '.join(differing)}; leave that out, or take "
                    "another --out"
                )
            return settings
        settings = cls(**given)
        if settings.tile % 2**settings.depth:
            step = 2**settings.depth
            near = settings.tile // step * step
            raise ValueError(
                f"--tile must divide by {step}, {settings.depth} poolings by 2; {settings.tile} does not. "
                f"Nearest: {f'{near} and ' if near else ''}{near + step}"
            )
        if options.minutes:
            settings.steps = affordable(settings, options.minutes)
            print(f"{options.minutes:g} minutes are about {settings.steps} steps on this machine")
        out.mkdir(parents=True, exist_ok=True)
        # Folds may run at once, and none is to read half a file.
        write_atomically(path, json.dumps(asdict(settings), indent=1).encode() + b"\n")
        return settings


def network(settings):
    """The compiled U-Net, with fresh weights that depend on the seed alone."""
    keras.utils.set_random_seed(settings.seed)
    model = keras.zoo.unet_same(
        (None, None, 1), filters=settings.filters, depth=settings.depth, dropout=0, batch_norm=True
    )
    warmup = min(50, settings.steps // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(settings.steps - warmup, 1), warmup_target=settings.learning_rate, warmup_steps=warmup
    )
    if settings.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=0.99)  # the paper's
    else:
        optimizer = keras.optimizers.Adam(rate)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"], weighted_metrics=[])
    return model


def affordable(settings, minutes):
    """How many steps fit into the minutes, by timing a few of them."""
    model, size = network(settings), settings.tile
    x = np.zeros((settings.batch_size, size, size, 1), np.float32)
    model.train_on_batch(x, x)  # the first step records the plan
    begin, steps = time.perf_counter(), 0
    while time.perf_counter() - begin < 5:
        model.train_on_batch(x, x)
        steps += 1
    each = (time.perf_counter() - begin) / steps
    return max(int(60 * minutes / each) // ROUND, 1) * ROUND


def train(sections, labels, held_out, folder, settings):
    """The network trained on all sections but `held_out`; its model file is written into `folder`.

    A finished network is read again; one that was interrupted goes on from its last backup.
    """
    path = folder / "model.safetensors"
    if path.exists():
        print(f"{path} is there already")
        return keras.models.load_model(path)
    folder.mkdir(parents=True, exist_ok=True)
    x = keras.segmentation.standardized(sections)
    rest = np.setdiff1d(np.arange(len(x)), held_out)
    weights = keras.segmentation.weight_map(labels[rest], settings.w0, settings.sigma, settings.balance)
    weights /= weights.mean()
    changes = keras.augment.Augment(
        elastic=settings.elastic, scale=settings.scale, contrast=settings.contrast,
        brightness=settings.brightness, noise=settings.noise,
    )  # fmt: skip
    rounds = max(settings.steps // ROUND, 1)
    tiles = keras.augment.Tiles(x[rest], labels[rest], weights, settings.tile, settings.batch_size,
                                settings.steps // rounds, changes, settings.seed)  # fmt: skip
    model = network(settings)
    hooks = [
        Progress(),
        keras.callbacks.CSVLogger(folder / "training.csv", append=False),
        keras.callbacks.BackupAndRestore(folder / "backup"),
    ]
    checked = {}
    if len(held_out):  # for the curve alone: nothing is chosen by it
        x_held, y_held = fitting(x[held_out], labels[held_out], 2**settings.depth)
        checked = dict(validation_data=(x_held, y_held), validation_batch_size=1, validation_freq=4)
    model.fit(tiles, epochs=rounds, verbose=0, shuffle=False, callbacks=hooks, **checked)
    model.save(path)
    print(f"wrote {path}")
    return model


def fitting(x, labels, step):
    """Images and labels cut to sizes that the poolings divide."""
    H, W = (n // step * step for n in x.shape[1:3])
    return x[:, :H, :W], labels[:, :H, :W, None].astype(np.float32)


class Progress(keras.callbacks.Callback):
    """A line for each round: what is done, the loss, and how long it will still take."""

    def on_train_begin(self, logs=None):
        self.begin, self.first = time.perf_counter(), None

    def on_epoch_end(self, epoch, logs=None):
        self.first = epoch if self.first is None else self.first
        each = (time.perf_counter() - self.begin) / (epoch - self.first + 1)
        left = each * (self.params["epochs"] - epoch - 1)
        done = (epoch + 1) * self.params["steps"]
        held_out = f", held out {logs['val_loss']:.3f}" if "val_loss" in (logs or {}) else ""
        print(f"  step {done:5d} of {self.params['epochs'] * self.params['steps']}: loss {logs['loss']:.3f}"
              f"{held_out}; {remaining(left)} left", flush=True)  # fmt: skip
