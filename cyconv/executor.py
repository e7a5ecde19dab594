"""Records a step of a model once for each batch shape, then replays it.

Recording runs the layers' own `forward` and `backward` against a Recorder; the buffers get their places by
lifetime; the backend makes a Program of the list. From then on a step is: load the batch, run the program,
read the loss.
"""

import warnings
from collections import OrderedDict

import numpy as np

from . import fusion, graph, memory, variables
from .backends import threads
from .recorder import OnPaper, Recorder, realise
from .variables import Arena

PLANS_KEPT = 16


class Recorded:
    """A step ready to run: arrays to load (inputs, targets, weights), arrays to read, the program."""

    def __init__(self, steps, program, arena_bytes, backend):
        self.steps, self.program, self.arena_bytes, self.backend = steps, program, arena_bytes, backend
        self.inputs, self.targets, self.weights = [], [], []
        self.outputs, self.loss, self.losses, self.metrics = [], None, [], []
        self.tally, self.counts_for, self.pending = None, None, 0  # see models/measures.py
        self.at_once = 1  # how many steps `fit` and `evaluate` run in a call


class Written:
    """A step on paper: operations over placed buffers, without memory."""

    def __init__(self, ops, inputs, targets, weights, outputs, loss, losses, metrics):
        self.ops, self.steps = ops, ops.steps
        self.inputs, self.targets, self.weights, self.outputs = inputs, targets, weights, outputs
        self.loss, self.losses, self.metrics = loss, losses, metrics
        self.arena_bytes = memory.place(ops.steps)
        fed = sum(buffer.storage.nbytes for buffer in ops.fed)
        # The batch, and where it may arrive; the mailbox with its rows, and other small arrays.
        self.needed = self.arena_bytes + 2 * fed + 4 * inputs[0].shape[0] + 16384


class Executor:
    """Runs one model. One recorded step for each (mode, shapes, backend, threads), the oldest forgotten."""

    def __init__(self, model):
        self.model, self.flat = model, graph.flatten(model)
        self._flags, self._freezes = (), None  # of all layers; when they were read
        self._flags_are_set = all(node.layer.trainable_is_set for node in self.flat.nodes)
        self.random_state = np.zeros(1, np.uint64)
        self._drawn = memoryview(self.random_state)  # counts without NumPy, whose way to one number is long
        self.recorded, self.arena = OrderedDict(), None
        self._moves, self._trained = variables.moves(), None  # of the recordings; of the arena

    def forget(self):
        """Drops all recordings: after compile, or when a layer's `trainable` changed."""
        self.recorded.clear()
        self.arena = self._trained = None

    def step(self, mode, shapes, targets=(), weights=()):
        """The recorded step for batches of `shapes`, recorded now if need be.

        mode: "train", "test" (loss and metrics) or "predict". targets: (shape, dtype) of each label array, or
        None. weights: the shape of each sample-weight array, or None.
        """
        backend = self.model.backend
        # Predictions are the same whatever is trained; penalties, which a test adds up, are not.
        trained = () if mode == "predict" else self._trainable()
        if mode == "train" and self._trained != (trained, backend, variables.moves()):
            self.ensure_arena()
            self._trained = trained, backend, variables.moves()
        if self._moves != variables.moves():
            self.recorded.clear()
        key = (mode, tuple(shapes), tuple(targets), tuple(weights), backend.name, threads.count(), trained,
               fusion.enabled())  # fmt: skip
        if key in self.recorded:
            self.recorded.move_to_end(key)
            return self.recorded[key]
        for variable in self.model.weights:
            variable.on(backend)
        recorded = self._record(backend, mode, shapes, targets, weights)
        self._moves = variables.moves()
        self.recorded[key] = recorded
        while len(self.recorded) > PLANS_KEPT:
            self.recorded.popitem(last=False)
        return recorded

    def _trainable(self):
        """`trainable` of every layer; read again when one has been set."""
        if self._freezes != variables.freezes() or not self._flags_are_set:
            self._freezes = variables.freezes()
            self._flags = tuple([node.layer.trainable for node in self.flat.nodes])
        return self._flags

    def ensure_arena(self):
        """Puts all trained weights into one arena, unless they are, and gives the optimiser its slots."""
        backend = self.model.backend
        trained = self.model.trainable_weights
        if not trained:
            raise ValueError(f"{self.model}: nothing to train: no layer has trainable weights")
        same = self.arena is not None and [id(v) for v in self.arena.variables] == [id(v) for v in trained]
        if not (same and self.arena.backend.memory == backend.memory and self.arena.intact()):
            self.arena = Arena(trained, backend)
            self.model.optimizer.attach(self.arena)

    # Recording ---------------------------------------------------------------------------------------------

    def _record(self, backend, mode, shapes, targets, weights):
        batch, free = (shapes, targets, weights), backend.free_bytes()

        def plan(count):
            """The step for `count` rows, on paper."""
            rows = [[_of_batch(a, count) for a in group] for group in batch]
            return self._write(Recorder(backend, self.random_state, OnPaper()), mode, *rows)

        recorded = None
        try:
            mailbox = backend.mailbox(_room(shapes, self.model.optimizer))
            recorded = self._realise(self._write(Recorder(backend, self.random_state, mailbox), mode, *batch))
        except MemoryError:
            if free is None:
                raise
        if recorded is None:  # raised here, where no traceback holds on to what has been allocated
            raise memory.too_large(plan, shapes[0][0], free)
        if mode == "train":
            self._say_hindrances(recorded)
        return recorded

    def _write(self, ops, mode, shapes, targets, weights):
        """Writes a step down, with buffers instead of memory, and places them."""
        dtype = self.model.dtype
        inputs = [ops.given(shape, dtype) for shape in shapes]
        labels = [None if t is None else ops.given(*t) for t in targets]
        sample_weights = [None if w is None else ops.given(w, dtype) for w in weights]
        if mode == "train":
            ops.phase = "zero"
            ops.fill(self.arena.gradient)
        flat = self.flat
        if fusion.enabled():
            flat = fusion.fuse(flat, graph.shapes_in(flat, shapes), mode == "train")
        values, tape = graph.forward(ops, flat, inputs, mode == "train")
        outputs = [ops.keep(values[n]) for n in self.flat.outputs]
        loss, losses, metrics, gradients = None, [], [], {}
        if mode != "predict":
            ops.phase, ops.layer = "loss", "loss"
            loss, losses, gradients = self._losses(ops, outputs, labels, sample_weights)
            loss = ops.keep(self._penalties(ops, values, gradients, loss, mode == "train"))
            metrics = self._metrics(ops, outputs, labels, sample_weights)
        if mode == "train":
            graph.backward(ops, tape, gradients)
            ops.phase, ops.layer = "update", self.model.optimizer.name
            self.model.optimizer.record(ops)
            for variable in self.arena.variables:
                if variable.constraint is not None:
                    ops.layer = variable.path
                    variable.constraint.record(ops, variable.value)
        if fusion.enabled():
            ops.steps = fusion.fuse_steps(ops.steps, ops.adds_gradients)
        return Written(ops, inputs, labels, sample_weights, outputs, loss, losses, metrics)

    def _realise(self, written):
        """Gives the buffers of a written step their memory and makes its program."""
        ops, backend = written.ops, written.ops.backend
        real, fed = realise(ops, written.arena_bytes)

        def all_real(group):
            return [real(b) for b in group]

        loss, losses = real(written.loss), all_real(written.losses)
        metrics = [(metric, *map(real, measured)) for metric, *measured in written.metrics]
        counted = []  # (array, how often its number counts)
        if loss is not None:
            several = losses if self.model.compiled.loss_keys() else []
            counted = [(a, float(written.inputs[0].shape[0])) for a in (*several, loss)]
            counted += [(a, 1.0) for _, *measured in metrics for a in measured]
        tally = backend.tally(*zip(*counted, strict=True)) if counted else None
        program = backend.program(ops.steps, ops.mailbox, fed, tally)
        recorded = Recorded(ops.steps, program, written.arena_bytes, backend)
        recorded.inputs, recorded.targets = all_real(written.inputs), all_real(written.targets)
        recorded.weights, recorded.outputs = all_real(written.weights), all_real(written.outputs)
        recorded.loss, recorded.losses, recorded.metrics, recorded.tally = loss, losses, metrics, tally
        return recorded

    def _say_hindrances(self, recorded):
        """Warns, in a line, where a step is more than the one call that the backend makes of it."""
        reasons = [recorded.program.hindrance] if recorded.program.hindrance else []
        if recorded.backend.memory != "host":
            names = ", ".join(metric.name for _, _, metric in self.model.compiled.on_host)
            reasons += [f"metric {names} is computed on the host after every step"] if names else []
        if reasons:
            text = "the training step is not one CUDA graph without host reads"
            warnings.warn(f"{recorded.backend.name}: {text}: {'; '.join(reasons)}", stacklevel=2)

    def _losses(self, ops, outputs, labels, weights):
        """The total loss, each output's own, and {tensor: gradient of the total}."""
        total, each, gradients = None, [], {}
        compiled = self.model.compiled
        for number, prediction, target, weight, loss, share in zip(
            self.flat.outputs, outputs, labels, weights, compiled.losses, compiled.loss_weights, strict=True
        ):
            if loss is None:
                continue
            value, gradient = loss.record(ops, target, prediction, weight, share)
            each.append(ops.keep(value))
            scaled = value if share == 1 else ops.reduce(value, scale=share)
            total = scaled if total is None else ops.binary(total, scaled, "add")
            graph.add_gradient(ops, gradients, number, gradient)
        return total, each, gradients

    def _penalties(self, ops, values, gradients, total, training):
        """`total` and the penalties of all regularisers, whose gradients are added to what is there.

        A weight's counts once, while it is trained; an output's at every call of its layer, per sample.
        """
        for variable in self.model.trainable_weights:
            if variable.regularizer is not None:
                ops.layer = variable.path
                gradient = variable.gradient if training else None
                penalty, _ = variable.regularizer.record(ops, variable.value, gradient)
                total = ops.binary(total, penalty, "add")
        for node in self.flat.nodes:
            if node.layer.activity_regularizer is not None:
                ops.layer, y = node.path, values[node.output]
                penalty, slope = node.layer.activity_regularizer.record(ops, y, scale=1 / max(y.shape[0], 1))
                total = ops.binary(total, penalty, "add")
                graph.add_gradient(ops, gradients, node.output, slope)
        return total

    def _metrics(self, ops, outputs, labels, weights):
        """(metric, weighted sum, number) of each recorded metric for this batch, counted in samples."""
        measured, compiled = [], self.model.compiled
        for i, (prediction, target, weight) in enumerate(zip(outputs, labels, weights, strict=True)):
            for metric, weighted in compiled.recorded[i]:
                rows = metric.record(ops, target, prediction)
                scale = prediction.shape[0] / max(int(np.prod(rows.shape)), 1)
                count = ops.fill(ops.empty((1,), rows.dtype), float(prediction.shape[0]))
                if weighted and weight is not None:
                    rows, count = ops.map(np.multiply, rows, weight), ops.reduce(weight, scale=scale)
                measured.append((metric, ops.keep(ops.reduce(rows, scale=scale)), ops.keep(count)))
        return measured

    # Running -----------------------------------------------------------------------------------------------

    def run(self, recorded, training):
        """Runs a loaded step."""
        if training:
            self._drawn[0] = (self._drawn[0] + 1) % 2**64
            self.model.optimizer.before_step()
        recorded.program.run()
        if recorded.counts_for is not None:
            recorded.tally.add()

    def run_batches(self, recorded, training, pairs, rows):
        """Runs a step for each row of `rows` (steps, batch). pairs: (array of the step, values) to load."""
        program, tally = recorded.program, recorded.tally
        if not training:
            program.run_batches(pairs, rows, None, None, None, tally)
            return
        optimizer, ready = self.model.optimizer, 0
        hypers = np.empty((len(rows), *optimizer.hyper.shape), optimizer.hyper.dtype)
        try:
            for i in range(len(rows)):
                optimizer.before_step()
                hypers[i], ready = optimizer.hyper, i + 1
        finally:  # a schedule of the user's may raise: the steps before it are done
            if ready:
                drawn, hyper = self.random_state, optimizer.hyper
                program.run_batches(pairs, rows[:ready], drawn, hyper, hypers[:ready], tally)


def _of_batch(what, count):
    """A shape, (shape, dtype) or None, with another number of rows."""
    if what is None:
        return None
    return (_of_batch(what[0], count), what[1]) if isinstance(what[0], tuple) else (count, *what[1:])


def _room(shapes, optimizer):
    """Bytes for what changes from step to step: rows and address of the data, hyper, the random state."""
    hyper = getattr(optimizer, "hyper", None)
    return 1024 + 4 * shapes[0][0] + (0 if hyper is None else hyper.nbytes)
