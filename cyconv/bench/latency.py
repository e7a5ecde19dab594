"""`cyconv bench latency`: how long one 28x28 image takes through the mnist network, beside Keras."""

import os

import numpy as np

from ..testing import assert_close
from . import duration, machine, peers
from .inference import LONGEST_SUM
from .nets import data, mnist
from .timing import heads, interleaved, ratio_to_the_fastest, row


def arguments(parser):
    machine.thread_argument(parser)
    parser.add_argument("--seconds", type=duration, default=10.0, help="of timing (%(default)s)")


def title(options):
    return f"Latency of one image, threads: {options.threads}"


def report(options):
    model, (x, _) = mnist(), data((1, 28, 28, 1), 10)
    runs = {"cyconv": lambda: model.predict(x, verbose=0)}
    keras = peers.installed("keras")
    if keras and peers.installed("torch"):
        runs["Keras"] = in_keras(model, x)
    with peers.on_threads(options.threads):
        times = interleaved(runs, options.seconds)
    yield machine.heading(options.threads, f"Keras {keras} on PyTorch" if "Keras" in runs else "no Keras")
    yield ""
    yield f"`model.predict(x, verbose=0)`, microseconds, {options.seconds:g} seconds in turn."
    yield ""
    yield from heads("", "median", "minimum", "calls")
    for name, taken in times.items():
        yield row(name, f"{1e3 * np.median(taken):.0f}", f"{1e3 * min(taken):.0f}", len(taken))
    if "Keras" in runs:
        yield ""
        yield f"Keras takes {ratio_to_the_fastest(times):.0f} times as long (median over the turns)."


def in_keras(model, x):
    """The same through Keras on PyTorch, with the same weights; the outputs must agree."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    peer = keras.models.model_from_json(model.to_json())
    peer.set_weights(model.get_weights())
    assert_close(peer.predict(x, verbose=0), model.predict(x, verbose=0), "network", LONGEST_SUM,
                 "no time is given, Keras's output")  # fmt: skip
    return lambda: peer.predict(x, verbose=0)
