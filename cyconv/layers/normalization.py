"""Batch normalisation (Ioffe & Szegedy 2015)."""

import numpy as np

from .. import initializers
from .base import Layer
from .convolution import check_channels


class BatchNormalization(Layer):
    """Training: y = gamma * (x - batch mean) / sqrt(batch variance + epsilon) + beta, per channel over all
    other axes; moving = momentum * moving + (1 - momentum) * batch (population variance). Inference, and
    with trainable=False in training too: the moving statistics instead.

    Weights: gamma, beta, moving_mean, moving_variance, each (C,).
    """

    def __init__(self, axis=-1, momentum=0.99, epsilon=0.001, center=True, scale=True,
                 beta_initializer="zeros", gamma_initializer="ones", moving_mean_initializer="zeros",
                 moving_variance_initializer="ones", beta_regularizer=None, gamma_regularizer=None,
                 beta_constraint=None, gamma_constraint=None, synchronized=False, **kwargs):  # fmt: skip
        super().__init__(**kwargs)
        self.weight_rules(beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer,
                          beta_constraint=beta_constraint, gamma_constraint=gamma_constraint)  # fmt: skip
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
        C = (check_channels(self, input_shape),)
        gamma, beta, mean, variance = self.initial
        if self.scale:
            self.gamma = self.add_weight(C, gamma, "gamma")
        if self.center:
            self.beta = self.add_weight(C, beta, "beta")
        self.moving_mean = self.add_weight(C, mean, "moving_mean", trainable=False)
        self.moving_variance = self.add_weight(C, variance, "moving_variance", trainable=False)

    def check_input(self, input_shape):
        axis = self.axis[0] if isinstance(self.axis, (list, tuple)) else self.axis
        if len(input_shape) < 2 or axis not in (-1, len(input_shape) - 1):
            raise ValueError(f"it normalises the last axis (axis=-1) of at least two. Received: axis={axis}")
        check_channels(self, input_shape)

    def forward(self, ops, x, training):
        gamma, beta = self.gamma and self.gamma.value, self.beta and self.beta.value
        moving = self.moving_mean.value, self.moving_variance.value
        if training and self.trainable:
            y, mean, inv_std = ops.batch_norm(x, gamma, beta, *moving, momentum=self.momentum,
                                              epsilon=self.epsilon)  # fmt: skip
            return y, (x, mean, inv_std, True)
        y, inv_std = ops.batch_norm_inference(x, gamma, beta, *moving, epsilon=self.epsilon)
        return y, (x, moving[0], inv_std, False)

    def backward(self, ops, dy, saved, needs_dx):
        x, mean, inv_std, training = saved
        trained = self.trainable
        dx = ops.batch_norm_gradient(
            x, dy, self.gamma and self.gamma.value, mean, inv_std,
            self.gamma.gradient if trained and self.scale else None,
            self.beta.gradient if trained and self.center else None, training=training)  # fmt: skip
        return dx if needs_dx else None
