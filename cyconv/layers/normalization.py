"""Batch normalisation (Ioffe & Szegedy 2015)."""

import numpy as np

from .. import initializers
from .axes import at_last_axis
from .base import Layer
from .convolution import check_channels


class BatchNormalization(Layer):
    """Training: y = gamma * (x - batch mean) / sqrt(batch variance + epsilon) + beta, per channel (`axis`)
    over all other axes; moving = momentum * moving + (1 - momentum) * batch (population variance). Inference,
    and with trainable=False in training too: the moving statistics instead.

    Weights: gamma, beta, moving_mean, moving_variance, each (C,).
    """

    def __init__(self, axis=-1, momentum=0.99, epsilon=0.001, center=True, scale=True,
                 beta_initializer="zeros", gamma_initializer="ones", moving_mean_initializer="zeros",
                 moving_variance_initializer="ones", beta_regularizer=None, gamma_regularizer=None,
                 beta_constraint=None, gamma_constraint=None, renorm=False, renorm_clipping=None,
                 renorm_momentum=0.99, synchronized=False, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.weight_rules(beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
                          beta_constraint=beta_constraint, gamma_constraint=gamma_constraint)  # fmt: skip
        if renorm or synchronized:
            raise ValueError("BatchNormalization has no renorm and no synchronized: leave them False")
        known = all(isinstance(v, (int, float, np.number)) for v in (momentum, epsilon))
        if not known or not 0 <= momentum <= 1 or not epsilon > 0:
            raise ValueError(
                f"`momentum` lies in [0, 1] and `epsilon` above 0. Received: {momentum!r}, {epsilon!r}"
            )
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.center, self.scale = center, scale
        self.initial = [
            initializers.get(i)
            for i in (gamma_initializer, beta_initializer,
                      moving_mean_initializer, moving_variance_initializer)
        ]
        self.gamma = self.beta = None

    def build(self, input_shape):
        C = (check_channels(self, input_shape, self.axis),)
        gamma, beta, mean, variance = self.initial
        if self.scale:
            self.gamma = self.add_weight(C, gamma, "gamma")
        if self.center:
            self.beta = self.add_weight(C, beta, "beta")
        self.moving_mean = self.add_weight(C, mean, "moving_mean", trainable=False)
        self.moving_variance = self.add_weight(C, variance, "moving_variance", trainable=False)

    def check_input(self, input_shape):
        rank = len(input_shape)
        if rank < 2 or not isinstance(self.axis, int) or not (self.axis % rank and -rank <= self.axis < rank):
            raise ValueError(
                f"`axis` is the number of one axis behind the batch axis. Received: {self.axis!r} for an "
                f"input of {rank} axes"
            )
        check_channels(self, input_shape, self.axis)

    def forward(self, ops, x, training):
        return at_last_axis(ops, x, self.axis, lambda x: self.normalise(ops, x, training))

    def normalise(self, ops, x, training, residual=None, activation="linear", moments=None):
        """f(normalised x + residual) over the last axis, and what `gradients` needs. moments: of x, or None.
        """
        gamma, beta = self.gamma and self.gamma.value, self.beta and self.beta.value
        moving = self.moving_mean.value, self.moving_variance.value
        options = dict(residual=residual, epsilon=self.epsilon, activation=activation)
        if training and self.trainable:
            options |= dict(momentum=self.momentum, moments=moments)
            y, mean, inv_std = ops.batch_norm(x, gamma, beta, *moving, **options)
            return y, (x, mean, inv_std, True)
        y, inv_std = ops.batch_norm_inference(x, gamma, beta, *moving, **options)
        return y, (x, moving[0], inv_std, False)

    def backward(self, ops, dy, saved, needs_dx):
        dx, _ = at_last_axis(ops, dy, self.axis, lambda dy: (self.gradients(ops, dy, saved), None))
        return dx if needs_dx else None

    def gradients(self, ops, dy, saved, y=None, relu=False, residual=False):
        """dx, or [dx, the residual's gradient]. relu: whether one came behind; y: its output, needed where it
        was not the normalised x's."""
        x, mean, inv_std, training = saved
        trained = self.trainable
        result = ops.batch_norm_gradient(
            x, dy, self.gamma and self.gamma.value, mean, inv_std,
            self.gamma.gradient if trained and self.scale else None,
            self.beta.gradient if trained and self.center else None,
            y=y, relu=relu, beta=self.beta.value if relu and self.center else None, residual=residual,
            training=training)  # fmt: skip
        return list(result) if residual else result
