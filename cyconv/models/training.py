"""compile, fit, evaluate, predict: the part of a Model that runs steps."""

import numpy as np

from .. import optimizers, random
from ..callbacks import CallbackList, History
from ..executor import Executor
from ..progress import Progress
from . import data
from .compiled import Compiled

DEFAULT_BATCH = 32


class Training:
    """The training half of `Model`; it owns the compiled settings and the executor."""

    def _init_training(self):
        self.compiled, self.optimizer, self.history = None, None, None
        self.stop_training, self._executor = False, None

    def compile(self, optimizer="adam", loss=None, loss_weights=None, metrics=None, weighted_metrics=None,
                run_eagerly=False, steps_per_execution=1, jit_compile="auto",
                auto_scale_loss=True):  # fmt: skip
        """Sets the optimiser, the loss (one, or one an output, by list or dict of names) and metrics.

        Each is a name, an object or a configuration. run_eagerly, steps_per_execution, jit_compile and
        auto_scale_loss are accepted and change nothing: a step is always recorded and replayed.
        """
        if weighted_metrics:
            raise NotImplementedError("`weighted_metrics` is not supported yet; use `metrics`")
        self.optimizer = optimizers.get(optimizer)
        self._compile_arguments = dict(loss=loss, loss_weights=loss_weights, metrics=metrics)
        self.compiled = None
        if self.built:
            self._finish_compile()

    def _finish_compile(self):
        arguments = self._compile_arguments
        self.compiled = Compiled(self, arguments["loss"], arguments["loss_weights"], arguments["metrics"])
        if self._executor is not None:
            self._executor.forget()

    def _need_compiled(self):
        if self.optimizer is None:
            raise RuntimeError(
                f"{self} is not compiled; first: model.compile(optimizer='adam', loss=..., metrics=[...])"
            )
        if self.compiled is None:
            self._finish_compile()

    @property
    def executor(self):
        """The executor, made when the model has been built."""
        if self._executor is None:
            self._executor = Executor(self)
        return self._executor

    # Training ----------------------------------------------------------------------------------------------

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None,
            validation_split=0.0, validation_data=None, shuffle=True, class_weight=None, sample_weight=None,
            initial_epoch=0, steps_per_epoch=None, validation_steps=None, validation_batch_size=None,
            validation_freq=1):  # fmt: skip
        """Trains for `epochs` passes over x, y in batches of batch_size (32); returns a History.

        validation_split: the last fraction of the data, before shuffling; validation_data: (x, y) or
        (x, y, sample_weight). class_weight: {class number: weight}. verbose: 0 silent, 1 bar, 2 a line.
        """
        train, validation = self._fit_data(
            x, y, sample_weight, class_weight, validation_split, validation_data
        )
        size = positive(batch_size or DEFAULT_BATCH, "batch_size")
        steps = -(-train.size // size)
        if steps_per_epoch is not None:
            steps = min(steps, positive(steps_per_epoch, "steps_per_epoch"))
        history, progress = History(), Progress(1 if verbose == "auto" else int(verbose))
        hooks = CallbackList([*(callbacks or []), history], self,
                             {"verbose": progress.verbose, "epochs": epochs, "steps": steps})  # fmt: skip
        self.stop_training, self.history = False, history
        order, shuffler = np.arange(train.size), random.generator() if shuffle else None
        hooks.call("on_train_begin")
        for epoch in range(initial_epoch, epochs):
            progress.epoch(epoch, epochs)
            hooks.call("on_epoch_begin", epoch)
            if shuffler is not None:
                shuffler.shuffle(order)
            batches = np.array_split(order, range(size, train.size, size))[:steps]
            logs = self._pass(train, batches, "train", progress, hooks)
            if validation is not None and (epoch + 1) % validation_freq == 0:
                held_out = self._evaluate(validation, validation_batch_size or size, validation_steps, hooks)
                logs.update({f"val_{k}": v for k, v in held_out.items()})
            hooks.call("on_epoch_end", epoch, logs)
            progress.finish(logs)
            if self.stop_training:
                break
        hooks.call("on_train_end", logs if epochs > initial_epoch else None)
        return history

    def _fit_data(self, x, y, sample_weight, class_weight, validation_split, validation_data):
        if not 0 <= validation_split < 1:
            raise ValueError(f"`validation_split` lies in [0, 1). Received: {validation_split}")
        train = self._prepared(x, y, sample_weight)
        if class_weight is not None:
            train.weights = [class_weights(train, class_weight)]
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
                raise ValueError("`validation_data` is (x, y) or (x, y, sample_weight)")
            return train, self._prepared(*validation_data)
        return train.split(validation_split) if validation_split else (train, None)

    def _prepared(self, x, y, sample_weight=None):
        if self.optimizer is None:
            self._need_compiled()
        inputs = data.prepare_inputs(self, x)  # builds a model that learns its input's shape from data
        self._need_compiled()
        return data.prepare(self, inputs, y, sample_weight)

    def _pass(self, batches_of, batches, mode, progress=None, hooks=None):
        """Runs the batches (index arrays); returns the means over all samples, in History's order."""
        executor, kind = self.executor, mode
        keys = [*self.compiled.keys(), *self.compiled.loss_keys(), "loss"]
        sums, seen = np.zeros(len(keys)), 0
        begin = hooks is not None and hooks.listens(f"on_{kind}_batch_begin")
        end = hooks is not None and hooks.listens(f"on_{kind}_batch_end")
        if progress:
            progress.start(len(batches))
        for i, rows in enumerate(batches):
            if begin:
                hooks.call(f"on_{kind}_batch_begin", i)
            recorded = executor.step(mode, *batches_of.signature(len(rows)))
            batches_of.load(recorded, rows)
            executor.run(recorded, mode == "train")
            host = recorded.backend.to_host
            values = [float(host(v)[0]) for v in recorded.metrics]
            if len(self.output_names) > 1:
                values += [float(host(v)[0]) for v in recorded.losses]
            sums += len(rows) * np.array([*values, float(host(recorded.loss)[0])])
            seen += len(rows)
            if end:
                hooks.call(f"on_{kind}_batch_end", i, self._logs(keys, sums / seen))
            if progress and progress.live:
                progress.update(i + 1, self._logs(keys, sums / seen))
            if self.stop_training and mode == "train":
                break
        return self._logs(keys, sums / max(seen, 1))

    @staticmethod
    def _logs(keys, values):
        """{name: float}: metrics by name, then the loss, as Keras orders them."""
        return dict(sorted(zip(keys, values.tolist(), strict=True)))

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One training step on one batch; returns loss and metrics."""
        batch = self._prepared(x, y, sample_weight)
        if class_weight is not None:
            batch.weights = [class_weights(batch, class_weight)]
        return self._reported(self._pass(batch, [np.arange(batch.size)], "train"), return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Loss and metrics of one batch, without training."""
        batch = self._prepared(x, y, sample_weight)
        return self._reported(self._pass(batch, [np.arange(batch.size)], "test"), return_dict)

    # Evaluation and prediction -----------------------------------------------------------------------------

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, steps=None,
                 callbacks=None, return_dict=False):  # fmt: skip
        """[loss, metric, ...] over the data (a float without metrics), or a dict."""
        held_out = self._prepared(x, y, sample_weight)
        progress = Progress(1 if verbose == "auto" else int(verbose))
        hooks = CallbackList(callbacks or [], self, {})
        logs = self._evaluate(held_out, batch_size or DEFAULT_BATCH, steps, hooks, progress)
        progress.finish(logs)
        return self._reported(logs, return_dict)

    def _evaluate(self, held_out, size, steps, hooks, progress=None):
        size = positive(size, "batch_size")
        batches = np.array_split(np.arange(held_out.size), range(size, held_out.size, size))[:steps]
        hooks.call("on_test_begin")
        logs = self._pass(held_out, batches, "test", progress, hooks)
        hooks.call("on_test_end", logs)
        return logs

    def _reported(self, logs, return_dict):
        if return_dict:
            return logs
        order = ["loss", *self.compiled.loss_keys(), *self.compiled.keys()]
        return logs["loss"] if len(order) == 1 else [logs[k] for k in order]

    @property
    def metrics_names(self):
        """The names of what `evaluate` returns."""
        self._need_compiled()
        return ["loss", *self.compiled.loss_keys(), *self.compiled.keys()]

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """The outputs for x, in batches of batch_size (32), as NumPy arrays."""
        inputs = data.prepare_inputs(self, x)
        count = len(inputs[0])
        size = positive(batch_size or DEFAULT_BATCH, "batch_size")
        batches = data.Batches(inputs, [], [])
        starts = range(0, count, size)[:steps]
        if verbose == "auto":
            verbose = 0 if len(starts) < 2 else 1
        progress = Progress(verbose)
        hooks = CallbackList(callbacks or [], self, {})
        progress.start(len(starts))
        hooks.call("on_predict_begin")
        results = None
        for i, start in enumerate(starts):
            rows = np.arange(start, min(start + size, count))
            hooks.call("on_predict_batch_begin", i)
            outputs = self._run_prediction(batches, rows)
            if results is None:
                total = min(count, len(starts) * size)
                results = [np.empty((total, *o.shape[1:]), o.dtype) for o in outputs]
            for result, output in zip(results, outputs, strict=True):
                result[start : start + len(rows)] = output
            hooks.call("on_predict_batch_end", i)
            progress.update(i + 1, {})
        hooks.call("on_predict_end")
        progress.finish({})
        return results[0] if len(results) == 1 else results

    def predict_on_batch(self, x):
        """The outputs for one batch."""
        inputs = data.prepare_inputs(self, x)
        outputs = self._run_prediction(data.Batches(inputs, [], []), np.arange(len(inputs[0])))
        copies = [np.array(o) for o in outputs]
        return copies[0] if len(copies) == 1 else copies

    def _run_prediction(self, batches, rows):
        recorded = self.executor.step("predict", *batches.signature(len(rows)))
        batches.load(recorded, rows)
        self.executor.run(recorded, training=False)
        return [recorded.backend.to_host(o) for o in recorded.outputs]


def positive(value, name):
    """`value` if it is a positive integer."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {value!r}")
    return int(value)


def class_weights(batches, weights):
    """One weight a sample, from {class number: weight}; labels sparse or one-hot."""
    if len(batches.targets) != 1:
        raise ValueError("`class_weight` is for models with one output; use `sample_weight`")
    target = batches.targets[0]
    classes = target if target.dtype == np.int32 else (
        target.argmax(-1) if target.shape[-1] > 1 else target[..., 0].astype(int)
    )  # fmt: skip
    floats = batches.inputs[0].dtype
    table = np.ones(max(int(classes.max(initial=0)), *map(int, weights)) + 1, floats)
    for number, weight in weights.items():
        table[int(number)] = weight
    chosen = table[classes]
    given = batches.weights[0]
    return chosen if given is None else chosen * given
