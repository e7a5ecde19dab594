"""The number whose gradient goes backwards through the model: its loss, or a fixed random sum of outputs."""

import numpy as np

from ..models import data


class Score:
    """score.record gives (the number, its gradient for each output). Penalties of regularisers are left out.

    y: labels for the compiled loss; None: the number is the sum of all outputs, each times a random factor.
    """

    def __init__(self, model, inputs, y):
        self.losses, self.targets, self.shares = None, [], []
        if y is None:
            self.what = "a fixed random sum of the outputs"
            return
        if model.optimizer is None:
            raise ValueError(
                f"model {model.name!r} is not compiled, so `y` has no loss: call model.compile(loss=...) "
                "first, or leave y out; then a fixed random sum of the outputs is followed backwards"
            )
        self.losses, self.shares = model.compiled.losses, model.compiled.loss_weights
        self.targets = data.prepare(model, inputs, y).targets
        self.what = " + ".join(loss.name for loss in self.losses if loss is not None)

    def record(self, ops, outputs, dtype):
        """(the number, an array (1,); the gradient for each output, None where it plays no part)."""
        total, gradients = None, []
        for i, output in enumerate(outputs):
            value, gradient = self._one(ops, i, output, dtype)
            gradients.append(gradient)
            if value is not None:
                total = value if total is None else ops.binary(total, value, "add")
        return total, gradients

    def _one(self, ops, i, output, dtype):
        if self.losses is None:
            factors = np.random.default_rng(i).standard_normal(output.shape).astype(np.float32)
            factors = ops.asarray(factors.astype(dtype), dtype)
            return ops.reduce(ops.map(np.multiply, output, factors)), factors
        loss, share = self.losses[i], self.shares[i]
        if loss is None:
            return None, None
        kind = loss.target_dtype(dtype)
        target = ops.asarray(self.targets[i].astype(kind), kind)
        value, gradient = loss.record(ops, target, output, None, share)
        return (value if share == 1 else ops.reduce(value, scale=share)), gradient
