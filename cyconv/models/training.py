"""compile and fit: the part of a Model that trains."""

from contextlib import closing

import numpy as np

from .. import optimizers
from ..callbacks import CallbackList
from ..executor import Executor
from . import drawing, sources
from .compiled import Compiled
from .inference import Inference
from .measures import Measures
from .run import Run

ON_BATCH = "on_train_batch_begin", "on_train_batch_end", "on_run_step"


class Training(Inference):
    """The training half of `Model`; it owns the compiled settings and the executor."""

    def _init_training(self):
        self.compiled, self.optimizer, self.history = None, None, None
        self.stop_training, self._executor = False, None
        self._place = None  # the name of the backend it was sent to

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, metrics=None, weighted_metrics=None,
                run_eagerly=False, steps_per_execution=1, jit_compile="auto",
                auto_scale_loss=True):  # fmt: skip
        """Sets the optimiser, the loss (one, or one an output, by list or dict of names) and metrics;
        weighted_metrics: those that take sample weights into account.

        Each is a name, an object or a configuration. run_eagerly, steps_per_execution, jit_compile and
        auto_scale_loss are accepted and change nothing: a step is always recorded and replayed; `fit` runs
        several of them in one call where no callback watches the batches.
        """
        self.optimizer = optimizers.get(optimizer)
        self._compile_arguments = dict(loss=loss, loss_weights=loss_weights, metrics=metrics,
                                       weighted_metrics=weighted_metrics)  # fmt: skip
        self.compiled = None
        if self.built:
            self._finish_compile()

    def _finish_compile(self):
        self.compiled = Compiled(self, **self._compile_arguments)
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
        """Trains for `epochs` passes over the data; returns a History.

        x, y: arrays (lists or dicts of them for several inputs and outputs), read in batches of batch_size
        (32). Or x alone: a generator, a PyDataset or another iterable of batches (x, y) or
        (x, y, sample_weight). validation_split: the last fraction of the arrays, before shuffling.
        validation_data: (x, y), (x, y, sample_weight), or batches like x. class_weight: {class number:
        weight}. sample_weight: a weight for each sample, or for each pixel. steps_per_epoch: batches that
        make an epoch; the next epoch goes on behind them. validation_freq: validate every so many epochs, or
        after those in a list (counted from 1). verbose: 0 silent, 1 bar, 2 a line.
        """
        given = (x, y, sample_weight, class_weight)
        train, held_out = self._fit_sources(given, batch_size, shuffle, steps_per_epoch, validation_split)
        size = validation_batch_size or batch_size
        if validation_data is not None:
            held_out = self._validation(validation_data, size, validation_steps)
        elif held_out is not None:
            held_out = sources.Arrays(held_out, size, steps=validation_steps)
        epochs = sources.positive(epochs, "epochs") if epochs else 0
        hooks = CallbackList(callbacks, add_history=True, add_progbar=verbose != 0, model=self,
                             verbose=verbose, epochs=epochs, steps=train.steps)  # fmt: skip
        self.stop_training = False
        run = Run(self, train, hooks, Measures(self), initial_epoch)
        hooks.on_train_begin()
        hooks.on_run_begin(run)
        logs = {}
        while run.epoch < epochs and not (run.stopped and run.batch == 0):
            epoch = run.epoch
            hooks.on_epoch_begin(epoch)
            run.begin_epoch()
            if not self._train_epoch(run):
                break
            logs = run.measures.logs()
            if held_out is not None and due(epoch, validation_freq):
                logs.update({f"val_{k}": v for k, v in self._evaluate(held_out, hooks).items()})
            logs = dict(sorted(logs.items()))
            hooks.on_epoch_end(epoch, logs)
            run.epoch, run.batch, run.stopped = epoch + 1, 0, self.stop_training
            hooks.on_run_step(run)
        if epochs:
            self.optimizer.finalize_variable_values(self.trainable_weights)
        hooks.on_train_end(logs)
        return self.history

    def _train_epoch(self, run):
        """Trains on the batches of one epoch; whether there were any."""
        hooks = run.hooks
        begins, ends, follows = map(hooks.listens, ON_BATCH)
        if run.stopped:  # resumed behind the batch that stopped it
            return True
        with closing(run.source.epoch()) as batches:
            for batch, rows in self._bundles("train", run.source, batches, any(map(hooks.each, ON_BATCH))):
                if begins:
                    hooks.on_train_batch_begin(run.batch)
                self._run_bundle("train", batch, rows, run.measures)
                run.batch += len(rows)
                if ends:
                    logs = hooks.logs_of("on_train_batch_end", run.measures.logs)
                    hooks.on_train_batch_end(run.batch - 1, logs)
                if follows:
                    hooks.on_run_step(run)
                if self.stop_training:
                    break
        return run.batch > 0

    def _fit_sources(self, given, batch_size, shuffle, steps, split):
        """(source of training batches, Batches split off for validation or None)."""
        if not isinstance(split, (int, float, np.number)) or not 0 <= split < 1:
            raise ValueError(f"`validation_split` lies in [0, 1). Received: {split!r}")
        x, y, sample_weight, class_weight = given
        if drawing.is_stream(x):
            if split:
                raise ValueError("`validation_split` is for arrays; give `validation_data`")
            return self._stream(x, y, sample_weight, class_weight, shuffle, steps), None
        train, held_out = self._prepared(*given), None
        if split:
            train, held_out = train.split(split)
        return sources.Arrays(train, batch_size, shuffle, steps), held_out

    def _validation(self, held_out, batch_size, steps):
        if drawing.is_stream(held_out):
            return self._stream(held_out, steps=steps)
        if not isinstance(held_out, (tuple, list)) or len(held_out) not in (2, 3):
            raise ValueError("`validation_data` is (x, y), (x, y, sample_weight), or yields such batches")
        return self._source(*held_out, batch_size=batch_size, steps=steps)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One training step on one batch; returns loss and metrics."""
        return self._on_batch("train", self._prepared(x, y, sample_weight, class_weight), return_dict)

    # What Keras 1 had --------------------------------------------------------------------------------------

    def fit_generator(self, *args, **kwargs):
        """Gone since Keras 2: `fit` takes generators."""
        raise AttributeError("`fit_generator` is gone from Keras; write model.fit(generator, ...)")

    def evaluate_generator(self, *args, **kwargs):
        """Gone since Keras 2: `evaluate` takes generators."""
        raise AttributeError("`evaluate_generator` is gone from Keras; write model.evaluate(generator, ...)")

    def predict_generator(self, *args, **kwargs):
        """Gone since Keras 2: `predict` takes generators."""
        raise AttributeError("`predict_generator` is gone from Keras; write model.predict(generator, ...)")


def due(epoch, frequency):
    """Whether to validate after `epoch` (from 0): every `frequency` epochs, or those listed (from 1)."""
    if isinstance(frequency, (list, tuple, set, range)):
        return epoch + 1 in frequency
    return (epoch + 1) % sources.positive(frequency, "validation_freq") == 0
