"""Layers drawn for a shape: their class, their arguments, regularisers and constraints of their weights."""

import numpy as np

ACTIVATIONS = [None, "relu", "tanh", "sigmoid", "elu", "selu", "silu", "gelu", "leaky_relu", "softplus",
               "softsign", "hard_sigmoid", "hard_silu", "mish", "relu6", "softmax",
               "log_sigmoid"]  # fmt: skip
# These divide a gradient by its size, so where the true gradient is 0 (a bias before a normalisation) they
# make rounding errors large. A penalty on every weight leaves no such place.
RESCALING = {"Lion", "Adafactor", "Muon", "Lamb"}


class Drawer:
    """Draws from `self.rng` and makes layers of `self.library`. Shapes are without the batch axis."""

    # Drawing ---------------------------------------------------------------------------------------------

    def pick(self, values):
        values = list(values)
        return values[self.rng.integers(len(values))]

    def coin(self, chance=0.5):
        return self.rng.random() < chance

    def some(self, **choices):
        """A drawn value for each argument; about half of the arguments keep their defaults."""
        return {name: self.pick(values) for name, values in choices.items() if self.coin()}

    def penalty(self, matrix=False):
        """matrix: whether OrthogonalRegularizer will do (Keras's is NaN for one row or a row of zeros)."""
        rules = self.library.regularizers
        if self.optimizer_name in RESCALING:
            return rules.L2(0.05)
        if self.coin(0.7):
            return None
        return self.pick(["l2", "l1", rules.L1L2(0.01, 0.02), rules.L2(0.03)]
                         + [rules.OrthogonalRegularizer(0.1)] * matrix)  # fmt: skip

    def constraint(self, axes):
        rules = self.library.constraints
        if self.coin(0.8):
            return None
        return self.pick([rules.MaxNorm(0.8, axis=axes), rules.UnitNorm(axis=axes), "non_neg", "max_norm",
                          rules.MinMaxNorm(0.3, 0.9, rate=0.5, axis=axes)])  # fmt: skip

    def weights(self, *names, axes=(0,), matrix=False):
        """Regularisers and constraints of the weights with these names."""
        options = {}
        for name in names:
            whole = matrix and name == "kernel"
            options[f"{name}_regularizer"] = self.penalty(whole)
            options[f"{name}_constraint"] = (
                None if whole else self.constraint([0] if name in ("bias", "gamma", "beta") else list(axes))
            )
        return options

    def convolving(self, *kernels, rank):
        """Arguments that all convolutions have."""
        options = self.weights(*kernels, "bias", axes=range(rank + 1))
        if self.coin(0.15):
            options["activity_regularizer"] = self.pick(["l2", "l1"])
        return {**options, "activation": self.pick(ACTIVATIONS), **self.some(use_bias=[False])}

    def window(self, shape, largest=3):
        """A window that fits into the image."""
        sizes = [self.pick(range(1, min(largest, n) + 1)) for n in shape[:-1]]
        return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)

    # One layer for a shape (without the batch axis) ------------------------------------------------------

    def convolution(self, shape):
        """Strides are no larger than the window: else PyTorch's MKL-DNN reads beyond the image."""
        rank = len(shape) - 1
        padding = self.pick(["valid", "same", "causal"] if rank == 1 else ["valid", "same"])
        options = dict(padding=padding, kernel_size=self.window(shape))
        if self.coin(0.4) and np.min(options["kernel_size"]) > 1:
            options["strides"] = self.pick([2, (2, 1, 1)[:rank]])
        elif self.coin(0.4) and (padding != "valid" or min(shape[:-1]) >= 5):
            options["dilation_rate"] = 2
        groups = self.pick([g for g in (1, 1, 2, 3) if shape[-1] % g == 0])
        return self.layer(f"Conv{rank}D", groups * self.pick((1, 2, 3)), groups=groups, **options,
                          **self.convolving("kernel", rank=rank))  # fmt: skip

    def transposed(self, shape):
        rank = len(shape) - 1
        strides = self.pick([1, 2, (2, 1, 1)[:rank]]) if np.prod(shape) < 300 else 1
        options = dict(
            kernel_size=self.pick([2, 3, 4]), strides=strides, padding=self.pick(["valid", "same"])
        )
        if strides == 1 and self.coin():
            options["dilation_rate"] = 2
        return self.layer(f"Conv{rank}DTranspose", self.pick([1, 2, 4]), **options,
                          **self.convolving("kernel", rank=rank))  # fmt: skip

    def depthwise(self, shape):
        rank, separable = len(shape) - 1, self.coin()
        padding = self.pick(["valid", "same"])
        options = dict(padding=padding, kernel_size=self.window(shape), **self.some(depth_multiplier=[2]))
        if self.coin(0.3) and np.min(options["kernel_size"]) > 1:
            options["strides"] = 2
        if separable:
            return self.layer(f"SeparableConv{rank}D", self.pick([2, 4]), **options,
                              **self.convolving("depthwise", "pointwise", rank=rank))  # fmt: skip
        return self.layer(f"DepthwiseConv{rank}D", **options, **self.convolving("depthwise", rank=rank))

    def pooling(self, shape):
        rank, padding, kind = len(shape) - 1, self.pick(["valid", "same"]), self.pick(["Max", "Average"])
        options = dict(pool_size=self.window(shape), padding=padding, **self.some(strides=[1, 2, 3]))
        if (kind, padding) == ("Average", "same"):  # with unequal margins Keras's means are wrong on PyTorch
            options.update(pool_size=2, strides=1)
        return self.layer(f"{kind}Pooling{rank}D", **options)

    def adaptive(self, shape):
        rank = len(shape) - 1
        return self.layer(f"Adaptive{self.pick(['Max', 'Average'])}Pooling{rank}D", self.pick([1, 2, 3]))

    def resizing(self, shape):
        rank = len(shape) - 1
        what = self.pick(["up", "pad", "crop"])
        pairs = [(self.pick([0, 1]), self.pick([0, 1, 2])) for _ in range(rank)]
        if what == "crop" and min(shape[:-1]) > 3:
            return self.layer(f"Cropping{rank}D", self.pick([1, pairs if rank > 1 else pairs[0]]))
        if what == "up" and np.prod(shape) < 250:
            smooth = {"interpolation": "bilinear"} if rank == 2 and self.coin() else {}
            return self.layer(
                f"UpSampling{rank}D", self.pick([2, (1, 2, 2)[:rank] if rank > 1 else 3]), **smooth
            )
        return self.layer(f"ZeroPadding{rank}D", self.pick([1, pairs if rank > 1 else pairs[0]]))

    def normalization(self, shape):
        kind = self.pick(
            ["BatchNormalization"] * 3 + ["LayerNormalization", "GroupNormalization", "UnitNormalization"]
        )
        if kind == "UnitNormalization":
            return self.layer(kind)
        options = {
            **self.weights("gamma", "beta"),
            **self.some(center=[False], scale=[False], epsilon=[0.01]),
        }
        if kind == "LayerNormalization" and len(shape) > 1 and self.coin():
            options["axis"] = [-2, -1]
        if kind == "GroupNormalization":
            options["groups"] = self.pick([g for g in (-1, 1, 2, 4) if g < 0 or shape[-1] % g == 0])
        if kind == "BatchNormalization":
            options.update(self.some(momentum=[0.5, 0.9]))
            if len(shape) > 1 and self.coin(0.2):
                options["axis"] = 1
            if self.coin(0.15):
                options["trainable"] = False
        if "axis" in options:
            options["gamma_constraint"] = options["beta_constraint"] = None
        return self.layer(kind, **options)

    def activation(self, shape):
        rank = len(shape) - 1
        kind = self.pick(["Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"])
        options = {
            "Activation": lambda: dict(activation=self.pick(ACTIVATIONS[1:])),
            "ReLU": lambda: self.some(max_value=[0.9, 6.0], negative_slope=[0.1], threshold=[0.15]),
            "LeakyReLU": lambda: self.some(negative_slope=[0.1]),
            "PReLU": lambda: dict(alpha_regularizer=self.penalty(), shared_axes=self.pick(
                [None, list(range(1, rank + 1))]) if rank else None),
            "ELU": lambda: self.some(alpha=[0.5]),
            "Softmax": lambda: self.some(axis=[1]),
        }[kind]()  # fmt: skip
        return self.layer(kind, **options)

    def quiet(self, shape):
        """What has no effect in inference; drawn so that it has none in training, unless `noisy`."""
        rank, amount = len(shape) - 1, 0.4 if self.noisy else 0.0
        kinds = [
            "Dropout",
            "GaussianNoise",
            "GaussianDropout",
            "AlphaDropout",
            "ActivityRegularization",
            "Identity",
        ]
        kind = self.pick(kinds + [f"SpatialDropout{rank}D"] * (rank > 0))
        if kind == "ActivityRegularization":
            return self.layer(kind, l1=0.01, l2=0.02)
        return self.layer(kind) if kind == "Identity" else self.layer(kind, amount)

    def dense(self, shape):
        matrix = self.coin() and shape[-1] > 1 and self.optimizer_name != "Ftrl"
        options = {**self.weights("kernel", "bias", matrix=matrix), "activation": self.pick(ACTIVATIONS),
                   **self.some(use_bias=[False])}  # fmt: skip
        return self.layer("Dense", self.pick([3, 5, 8]), **options, **self.some(activity_regularizer=["l2"]))

    def reshaping(self, shape):
        if len(shape) == 1:
            return self.pick(
                [lambda: self.layer("RepeatVector", 3), lambda: self.layer("Reshape", (-1, 1))]
            )()
        if self.coin():
            return self.layer("Permute", tuple(int(a) + 1 for a in self.rng.permutation(len(shape))))
        return self.layer(
            "Reshape", (shape[0], -1) if self.coin() else (shape[0], int(np.prod(shape[1:-1])) * shape[-1])
        )

    def flattening(self, shape):
        rank = len(shape) - 1
        kind = self.pick(
            ["Flatten", f"Global{self.pick(['Average', 'Max'])}Pooling{rank}D"] if rank else ["Identity"]
        )
        return self.layer(kind)

    def layer(self, kind, *arguments, **options):
        return getattr(self.layers, kind)(*arguments, **options)

    def any_layer(self, shape):
        """A layer for this shape, whatever it is."""
        if len(shape) == 1:
            kinds = [self.dense] * 4 + [self.normalization, self.activation, self.quiet]
        elif len(shape) > 4 or min(shape[:-1]) < 2:
            return self.flattening(shape) if len(shape) <= 4 else self.layer("Flatten")
        else:
            kinds = [self.convolution] * 4 + [
                self.transposed,
                self.pooling,
                self.resizing,
                self.normalization,
            ] * 2
            kinds += [self.activation, self.quiet, self.dense, self.adaptive, self.reshaping]
            kinds += [self.depthwise] * 2 if len(shape) < 4 else []
        return self.pick(kinds)(shape)
