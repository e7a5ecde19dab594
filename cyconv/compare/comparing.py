"""`compare_backends`: one model, one batch, several backends."""

from collections import Counter
from datetime import date

import numpy as np

import cyconv

from .. import fusion, graph
from ..bench.machine import cpu_name
from ..models import Model, data
from ..testing import tolerance as table
from . import allowing, crossing, timing, variants
from .contestant import Contestant
from .differing import difference, distance, largest
from .recording import Recording
from .result import WHOLE, Comparison, Entry
from .scoring import Score

SECONDS = 1.0
# By norm. Rounding alone moves gradients of a whole network where a relu's input comes to lie on the other
# side of 0: by up to 0.026 in the ResNet-20 with Winograd's algorithm. Kernels are judged layer by layer.
GRADIENTS_OF_ALL = 0.2


def compare_backends(model, x, y=None, backends=None, *, tolerance=None, seconds=SECONDS, up_to=64):
    """Runs `model` on each backend with the same weights, batch and random numbers: where do they differ?

    x, y: one batch, as for `train_on_batch`. Without y gradients are those of a fixed random sum of the
    outputs, and the model need not be compiled.
    backends: names: "reference" (the definitions, in float64), "cpu", "gpu" or what else is registered, with
    options behind colons: "cpu:winograd", "cpu:avx2", "cpu:naive", "cpu:threads=1", "cpu:unfused" (see
    `compare/variants.py`). The others are held against the reference; without it, against the first. None:
    all that this machine has; "all": also each algorithm and instruction-set level of the CPU.
    tolerance: the largest relative difference that a layer may have; None: what the table of tolerances
    (`cyconv.testing`) allows for the layer's operations.
    seconds: for how long each measurement of times goes on; 0: no times. up_to: the largest batch for which
    the time of a step is measured, doubling from 1, to see which backend overtakes which; 0: not at all.

    Returns a Comparison: `.layers`, `.worst`, `.over`, `.to_json(path)`, `.to_html(path)`, and text by `str`.
    Model and weights stay as they are. Penalties of regularisers play no part.
    """
    inputs = _checked(model, x)
    names = _names(backends)
    chosen = [variants.parse(name) for name in names]
    flat = labelled(graph.flatten(model))
    score = Score(model, inputs, y)
    contestants = [Contestant(variant, model, flat) for variant in chosen]
    baseline, others = contestants[0], contestants[1:]
    right = baseline.through(flat, inputs, score, learning=True)
    for contestant in others:
        contestant.without = baseline.without
    layers = [
        Entry(n.path, _type(n.layer), right.values[n.output].shape, baseline.name, {}) for n in flat.nodes
    ]
    for fused in (False, True):
        members = [c for c in others if bool(c.variant.fusion) == fused]
        if members:
            nodes = _fused(flat, inputs) if fused else flat
            layers += by_layer(baseline, members, nodes, right, tolerance)
            _accumulated(layers, members, nodes, inputs, score, right)
    order = {name: i for i, name in enumerate(names)}
    place = {node.path: node.number for node in flat.nodes}
    layers.sort(key=lambda e: (place.get(e.layer.split(" + ")[0], 0), order[e.backend]))
    whole = [Entry(WHOLE, type(model).__name__, (len(inputs[0]),), c.name, {}) for c in contestants]
    _whole(contestants, whole, flat, inputs, score, right, tolerance)
    points = []
    if seconds:
        _times(contestants, layers, whole, flat, inputs, score, seconds)
        if up_to:
            points = crossing.curve(contestants, flat, model, inputs, y, up_to, seconds / 4)
    about = {
        "name": model.name,
        "parameters": model.count_params(),
        "batch": len(inputs[0]),
        "inputs": [list(a.shape) for a in inputs],
        "dtype": model.dtype,
        "score": score.what,
        "machine": cpu_name(),
        "cyconv": cyconv.__version__,
        "date": date.today().isoformat(),
    }
    return Comparison(
        about,
        {v.name: v.describe() for v in chosen},
        layers,
        whole,
        points,
        crossing.crossings(points, [c.name for c in contestants]),
    )


def _checked(model, x):
    """The inputs as arrays; errors for what cannot be compared."""
    if not isinstance(model, Model):
        raise TypeError(f"compare_backends takes a Model. Received: {type(model).__name__}")
    if not model.built:
        raise ValueError(
            f"model {model.name!r} has no weights yet, for it does not know its input's shape: begin it with "
            "Input(shape), or call model.build((None, ...)) first"
        )
    return data.prepare_inputs(model, x)


def _names(backends):
    if isinstance(backends, str) and backends != "all":
        raise TypeError(f'`backends` is a list of names or "all". Received: {backends!r}')
    if backends is None or backends == "all":
        backends = variants.every() if backends else variants.available()
    names = list(backends)
    if len(names) < 2:
        raise ValueError(f"`backends` needs two names at least, e.g. ['reference', 'cpu']. Received: {names}")
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise ValueError(f"`backends` names {twice[0]!r} twice")
    return sorted(names, key=lambda name: name != "reference")  # what the words mean comes first


def labelled(flat):
    """The same list with paths that differ, where a layer stands at several places."""
    seen, nodes = Counter(), []
    for node in flat.nodes:
        seen[node.path] += 1
        path = node.path if seen[node.path] == 1 else f"{node.path} (call {seen[node.path]})"
        nodes.append(graph.FlatNode(node.layer, node.inputs, node.nested, node.output, path, node.number))
    return graph.Flat(flat.inputs, nodes, flat.outputs)


def _fused(flat, inputs):
    return fusion.fuse(flat, graph.shapes_in(flat, [a.shape for a in inputs]), True)


# Layer by layer ---------------------------------------------------------------------------------------------


def by_layer(baseline, members, flat, right, tolerance):
    """An Entry for each node and contestant. Every layer is given what the baseline's layers before it (and,
    backwards, behind it) gave: `right`, in the model's type.
    """
    entries, dtype = [], baseline.model.dtype
    for node in flat.nodes:
        given = [right.values[n].astype(dtype) for n in node.inputs]
        dy = right.slopes.get(node.output)
        dy = None if dy is None else dy.astype(dtype)
        if dy is not None:
            dy = np.where(_kinks([c.alone(node, given, None) for c in (baseline, *members)]), 0, dy)
        wanted = baseline.alone(node, given, dy)
        for who in members:
            found = who.alone(node, given, dy)
            passes = who.steps(node, [a.shape for a in given], bool(wanted.backward))
            entry = Entry(node.path, _type(node.layer), wanted.forward["output"].shape, who.name, {})
            for phase, steps in zip(("forward", "backward"), passes, strict=True):
                expected, actual = getattr(wanted, phase), getattr(found, phase)
                allowed = allowing.allowed(steps, who.backend, who.dtype) if tolerance is None else tolerance
                if tolerance is None and not baseline.variant.exact:
                    allowed *= 2  # both sides may err
                entry.differences[phase] = differences(actual, expected, allowed)
                entry.algorithms[phase] = allowing.algorithms(steps, who.backend)
            entries.append(entry)
    return entries


def _kinks(outcomes):
    """Where an output is on the other side of 0 on one backend than on another: a relu inside the layer lets
    the gradient through on one of them alone, which rounding decides. No gradient is sent there.
    """
    sides = [np.sign(o.forward["output"].astype(np.float32)) for o in outcomes]
    return np.any([side != sides[0] for side in sides[1:]], axis=0)


def differences(actual, expected, allowed):
    """A Difference for each result. All gradients of a layer's parameters have one scale, the largest of
    them: a bias before a normalisation has a gradient that is nothing but rounding.
    """
    parameters = [
        k for k in expected if k.startswith("gradient of") and not k.startswith("gradient of input")
    ]
    common = largest(*(expected[k] for k in parameters)) if parameters else None
    return [
        difference(k, actual[k], expected[k], allowed, common if k in parameters else None) for k in expected
    ]


def _type(layer):
    """The class of a layer, or those that fusion put together."""
    return type(layer).__name__


def _accumulated(entries, members, flat, inputs, score, right):
    """Into the entries: how far each contestant is off where it ran everything by itself."""
    for who in members:
        own = who.through(flat, inputs, score)
        found = {e.layer: e for e in entries if e.backend == who.name}
        for node in flat.nodes:
            entry, n = found[node.path], node.output
            entry.accumulated["forward"] = difference("", own.values[n], right.values[n]).relative
            sources = [k for k in node.inputs if k in right.slopes]
            if sources and entry.differences["backward"]:
                entry.accumulated["backward"] = max(
                    difference("", own.slopes[k], right.slopes[k]).relative for k in sources
                )


# The whole model --------------------------------------------------------------------------------------------


def _whole(contestants, entries, flat, inputs, score, right, tolerance):
    """Into the entries: the recorded step of the whole model, and its prediction, against the baseline's."""
    wanted = right.results(flat)
    wanted[0].update(_inference(contestants[0], flat, inputs))
    for who, entry in zip(contestants[1:], entries[1:], strict=True):
        recording = Recording(who, flat, inputs, score)
        results = recording.results()
        results[0].update(_inference(who, flat, inputs))
        terms = max((allowing.terms(s) for s in recording.steps if s.phase == "forward"), default=1)
        allowed = table("network", who.dtype, terms) if tolerance is None else tolerance
        entry.differences["forward"] = differences(results[0], wanted[0], allowed)
        norms = [np.linalg.norm(g) for g in wanted[1].values()]
        unit = 1e-3 * max(norms, default=0.0)
        entry.differences["backward"] = [
            distance(name, results[1][name], expected, GRADIENTS_OF_ALL, unit)
            for name, expected in wanted[1].items()
        ]


def _inference(who, flat, inputs):
    """{name: output} of a prediction."""
    outputs, _ = Recording(who, flat, inputs).results()
    return {f"{name} in inference": a for name, a in outputs.items()}


def _times(contestants, layers, whole, flat, inputs, score, seconds):
    """Into the entries: medians of the times, taken in turn."""
    single, fused = {}, {}
    for who in contestants:
        group = fused if who.variant.fusion else single
        group[who.name] = Recording(who, flat, inputs, score, fused=bool(who.variant.fusion))
    times = timing.by_layer({**single, **fused}, seconds)
    for entry in layers:
        for phase in ("forward", "backward"):
            taken = times[entry.backend].get((entry.layer, phase))
            entry.milliseconds.update({} if taken is None else {phase: taken})
    steps = timing.milliseconds({c.name: Recording(c, flat, inputs, score).run for c in contestants}, seconds)
    predictions = timing.milliseconds({c.name: Recording(c, flat, inputs).run for c in contestants}, seconds)
    for entry in whole:
        entry.milliseconds = {"prediction": predictions[entry.backend], "step": steps[entry.backend]}
