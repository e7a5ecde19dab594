"""evaluate and predict: the part of a Model that runs without training."""

import os
import threading
import time
from contextlib import closing

import numpy as np

from ..callbacks import CallbackList
from . import data, drawing, sources
from .measures import Measures, direction


class _OneAtATime:
    """A lock for steps: a generator may predict, in its thread, with the model that is being trained.

    A forked process begins with an open one: who held it in the parent is not there.
    """

    def __init__(self):
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self):
        self.lock = threading.RLock()


STEPS = _OneAtATime()
ON_BATCH = "on_test_batch_begin", "on_test_batch_end"
AT_ONCE = 0.1  # seconds of steps that may go by without a look at Python: at Ctrl-C, for one


class Inference:
    """Evaluation and prediction, on arrays or on anything that yields batches."""

    def _step(self, mode, batch, rows, measures):
        """Runs the recorded step once for each of `rows`, index arrays of equal length counted in `measures`;
        returns it. Several only where its program takes them.
        """
        with STEPS.lock:
            recorded, count = self.executor.step(mode, *batch.signature(len(rows[0]))), len(rows)
            measures.begin(recorded)
            if recorded.program.most_at_once > 1:
                pairs = batch.pairs(recorded)
                self.executor.run_batches(recorded, mode == "train", pairs, np.asarray(rows, np.int64))
            else:
                (one,) = rows
                batch.load(recorded, one)
                self.executor.run(recorded, mode == "train")
            measures.add(recorded, len(rows[0]), count)
            return recorded

    def _bundles(self, mode, source, batches, watched):
        """An epoch's batches in bundles that are run in one call; one by one where callbacks watch each, or
        something needs Python between them.
        """
        together = source.in_memory and not watched and not self.compiled.on_host
        together = together and (mode != "train" or self.optimizer.knows_its_rates)

        def most(batch, count):
            with STEPS.lock:
                return self.executor.step(mode, *batch.signature(count)).at_once if together else 1

        return sources.bundles(batches, most)

    def _run_bundle(self, mode, batch, rows, measures):
        start = time.perf_counter()
        recorded = self._step(mode, batch, rows, measures)
        each = (time.perf_counter() - start) / len(rows)
        recorded.at_once = max(1, min(recorded.program.most_at_once, int(AT_ONCE / each)))

    # Data --------------------------------------------------------------------------------------------------

    def _prepared(self, x, y, sample_weight=None, class_weight=None):
        """Checked arrays; builds a model that learns its input's shape from data."""
        if self.optimizer is None:
            self._need_compiled()
        inputs = data.prepare_inputs(self, x)
        self._need_compiled()
        return data.prepare(self, inputs, y, sample_weight, class_weight)

    def _source(self, x, y, sample_weight=None, batch_size=None, steps=None):
        """The source for an evaluation, in the data's order."""
        if drawing.is_stream(x):
            return self._stream(x, y, sample_weight, steps=steps)
        return sources.Arrays(self._prepared(x, y, sample_weight), batch_size, steps=steps)

    def _stream(self, x, y=None, sample_weight=None, class_weight=None, shuffle=False, steps=None):
        """The source that draws its batches from x."""
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(
                    f"`x` is a {type(x).__name__}, which yields batches: `{name}` must be part of them, "
                    "(x, y) or (x, y, sample_weight), and not be given beside it"
                )

        def prepare(raw):
            return self._prepared(*drawing.unpack(raw), class_weight)

        return drawing.stream(x, prepare, self.built, shuffle, steps)

    # Evaluation --------------------------------------------------------------------------------------------

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, steps=None,
                 callbacks=None, return_dict=False):  # fmt: skip
        """[loss, metric, ...] over the data (a float without metrics), or a dict. Data as for `fit`."""
        source = self._source(x, y, sample_weight, batch_size, steps)
        logs = self._evaluate(source, self._hooks(callbacks, verbose, source))
        return self._reported(logs, return_dict)

    def _hooks(self, callbacks, verbose, source):
        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1,
                            steps=source.steps)  # fmt: skip

    def _evaluate(self, source, hooks):
        """Means over one epoch of `source`, {name: float}."""
        begins, ends = map(hooks.listens, ON_BATCH)
        measures = Measures(self)
        self.stop_evaluating = False
        source.restart()
        hooks.on_test_begin()
        with closing(source.epoch()) as batches:
            watched, done = any(map(hooks.each, ON_BATCH)), 0
            for batch, rows in self._bundles("test", source, batches, watched):
                if begins:
                    hooks.on_test_batch_begin(done)
                self._run_bundle("test", batch, rows, measures)
                done += len(rows)
                if ends:
                    hooks.on_test_batch_end(done - 1, hooks.logs_of("on_test_batch_end", measures.logs))
                if self.stop_evaluating:
                    break
        logs = measures.logs()
        hooks.on_test_end(logs)
        return logs

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Loss and metrics of one batch, without training."""
        return self._on_batch("test", self._prepared(x, y, sample_weight), return_dict)

    def _on_batch(self, mode, batch, return_dict):
        measures = Measures(self)
        self._step(mode, batch, [np.arange(batch.size)], measures)
        return self._reported(measures.logs(), return_dict)

    def _reported(self, logs, return_dict):
        if return_dict:
            return logs
        values = [logs[name] for name in self.metrics_names if name in logs]
        return values[0] if len(values) == 1 else values

    @property
    def metrics_names(self):
        """The names of what `evaluate` returns."""
        self._need_compiled()
        return ["loss", *self.compiled.loss_keys(), *self.compiled.keys()]

    def metric_direction(self, name):
        """+1 where more of what `fit` reports as `name` is better, -1 where less is; None: not known."""
        return -1 if name in self.compiled.loss_keys() else direction(name)

    # Prediction --------------------------------------------------------------------------------------------

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """The outputs for x, as NumPy arrays. x: arrays, read in batches of batch_size (32); or batches, of
        which the inputs are used.
        """
        if drawing.is_stream(x):
            source = drawing.stream(
                x, lambda raw: self._inputs(drawing.unpack(raw)[0]), self.built, steps=steps
            )
        else:
            source = sources.Arrays(self._inputs(x), batch_size, steps=steps)
        hooks = self._hooks(callbacks, verbose, source)
        begins, ends = hooks.listens("on_predict_batch_begin"), hooks.listens("on_predict_batch_end")
        self.stop_predicting, parts = False, []
        hooks.on_predict_begin()
        with closing(source.epoch()) as batches:
            for i, (batch, rows) in enumerate(batches):
                if begins:
                    hooks.on_predict_batch_begin(i)
                outputs = self._outputs(batch, rows)
                parts.append(outputs)
                if ends:
                    hooks.on_predict_batch_end(i, {"outputs": outputs[0] if len(outputs) == 1 else outputs})
                if self.stop_predicting:
                    break
        hooks.on_predict_end()
        results = [np.concatenate(each) for each in zip(*parts, strict=True)]
        return results[0] if len(results) == 1 else results

    def predict_on_batch(self, x):
        """The outputs for one batch."""
        outputs = self._outputs(self._inputs(x))
        return outputs[0] if len(outputs) == 1 else outputs

    def _inputs(self, x):
        return data.Batches(data.prepare_inputs(self, x), [], [])

    def _outputs(self, batch, rows=None):
        """Predictions for some rows of a batch, or all."""
        with STEPS.lock:
            executor = self.executor
            recorded = executor.step("predict", *batch.signature(batch.size if rows is None else len(rows)))
            batch.load(recorded, rows)
            executor.run(recorded, False)
            return [np.array(recorded.backend.to_host(o)) for o in recorded.outputs]
