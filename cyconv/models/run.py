"""Where a `fit` stands, and all that decides how it goes on."""

from .. import random


class Run:
    """epoch, batch: what comes next. `state()` is all that going on exactly needs; `restore` takes it back.

    Callbacks meet it in `on_run_begin` and `on_run_step`.
    """

    def __init__(self, model, source, hooks, measures, epoch):
        self.model, self.source, self.hooks, self.measures = model, source, hooks, measures
        self.epoch, self.batch = epoch, 0
        self.stopped, self._resumed = False, None

    def state(self):
        model = self.model
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "stop_training": model.stop_training,
            "weights": model.get_weights(),
            "optimizer": model.optimizer.state(),
            "steps": int(model.executor.random_state[0]),
            "seeds": [layer.seed for layer in self._seeded()],
            "random": random.state(),
            "source": self.source.state(),
            "measures": self.measures.state(),
            "callbacks": self.hooks.state(),
        }

    def restore(self, state):
        """Goes to where `state` was; the callbacks follow when the epoch begins (see `begin_epoch`)."""
        model = self.model
        self.source.restore(state["source"], state["batch"])
        model.set_weights(state["weights"])
        for layer, seed in zip(self._seeded(), state["seeds"], strict=True):
            layer.seed = seed
        model.executor.forget()  # plans hold the seeds
        model.executor.ensure_arena()
        model.optimizer.load_state(state["optimizer"])
        model.executor.random_state[0] = state["steps"]
        random.restore(state["random"])
        self.epoch, self.batch = state["epoch"], state["batch"]
        self.hooks.restore(state["callbacks"])
        model.stop_training = self.stopped = state["stop_training"]
        self._resumed = state

    def begin_epoch(self):
        """After the callbacks' on_epoch_begin: nothing measured yet; or the middle of a resumed epoch, in
        which those hooks have had their effect already."""
        self.measures.reset()
        resumed, self._resumed = self._resumed, None
        if resumed and self.batch:
            self.model.optimizer.load_state(resumed["optimizer"])
            self.measures.restore(resumed["measures"])
            self.hooks.restore(resumed["callbacks"])

    def _seeded(self):
        """The layers that draw random numbers."""
        layers = [node.layer for node in self.model.executor.flat.nodes]
        return [layer for layer in layers if isinstance(getattr(layer, "seed", None), int)]
