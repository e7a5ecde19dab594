"""Networks drawn from a seed: one builder, which takes the library as an argument and draws as it builds.

`Builder(library, seed)` has `.model`, compiled; `.data()` are arrays for it. Both libraries draw the same, as
long as their layers give the same shapes.
"""

import numpy as np
from random_layers import ACTIVATIONS, Drawer

ROWS = 12  # three batches of four
BETAS = dict(beta_1=[0.9, 0.7], beta_2=[0.999, 0.8], epsilon=[1e-3, 1e-2])
OPTIMIZERS = [
    ("SGD", dict(momentum=[0.0, 0.9], nesterov=[False, True])),
    ("Adam", dict(**BETAS, amsgrad=[False, True])), ("AdamW", BETAS),
    ("RMSprop", dict(rho=[0.9, 0.6], momentum=[0.0, 0.8], centered=[False, True], epsilon=[1e-3])),
    ("Adagrad", dict(initial_accumulator_value=[0.1, 0.5])), ("Adadelta", dict(rho=[0.95, 0.8])),
    ("Adamax", BETAS), ("Nadam", BETAS), ("Lamb", BETAS), ("Lion", dict(beta_1=[0.9, 0.6])),
    ("Adafactor", dict(clip_threshold=[1.0, 0.5], relative_step=[True, False])),
    ("Ftrl", dict(l1_regularization_strength=[0.0, 0.01], l2_regularization_strength=[0.0, 0.1])),
    ("Muon", dict(ns_steps=[2, 3], nesterov=[True, False], momentum=[0.9, 0.5], epsilon=[1e-3])),
]  # fmt: skip
OPTIONS = [
    {}, dict(weight_decay=0.1), dict(clipnorm=0.3), dict(clipvalue=0.05), dict(global_clipnorm=0.5),
    dict(use_ema=True, ema_momentum=0.6), dict(use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2),
    dict(weight_decay=0.2, clipnorm=0.5),
]  # fmt: skip
SCHEDULES = [
    ("ExponentialDecay", (2, 0.5)), ("ExponentialDecay", (2, 0.5, True)), ("InverseTimeDecay", (1, 0.3)),
    ("PolynomialDecay", (2, 0.01, 2.0)), ("CosineDecay", (3, 0.1)), ("CosineDecayRestarts", (2,)),
]  # fmt: skip


class Builder(Drawer):
    """Draws and builds the network of a seed in one library."""

    def __init__(self, library, seed):
        self.library, self.layers, self.seed = library, library.layers, seed
        self.rng = np.random.default_rng(seed)
        self.optimizer_name, self.choices = OPTIMIZERS[seed % len(OPTIMIZERS)]
        self.noisy = self.coin(0.15)  # layers that draw numbers: only inference can be compared
        self.model = self.sequential() if self.coin(0.25) else self.functional()
        self.compile()

    # Whole networks --------------------------------------------------------------------------------------

    def input_shape(self):
        rank = self.pick([1, 2, 2, 2, 3])
        low, high = {1: (8, 16), 2: (6, 11), 3: (4, 6)}[rank]
        return tuple(int(self.rng.integers(low, high)) for _ in range(rank)) + (self.pick([1, 2, 3, 4]),)

    def stack(self, shape, depth):
        """(layers one after the other, the last one's shape)."""
        layers = []
        for _ in range(depth):
            layers.append(self.any_layer(shape))
            shape = tuple(layers[-1].compute_output_shape((None, *shape)))[1:]
        return layers, shape

    def sequential(self):
        shape = self.input_shape()
        layers, end = self.stack(shape, self.pick([2, 3, 4, 5]))
        self.heads = [self.pick(["classes", "labels", "numbers"])]
        flat = self.layer("Flatten")
        model = self.library.Sequential([self.library.Input(shape), *layers])
        for layer in (flat, *self.head(self.heads[0])):
            model.add(layer)
        return model

    def functional(self):
        inputs = [self.library.Input(self.input_shape(), name=f"in_{i}") for i in range(self.pick([1, 1, 2]))]
        tensors = [self.entry(x) for x in inputs]
        for _ in range(self.pick([2, 3, 4])):
            x = tensors[self.rng.integers(len(tensors))]
            tensors.append(self.pick([self.chain, self.chain, self.residual, self.branches, self.nested,
                                      self.shared])(x))  # fmt: skip
        ends = [self.flat(x) for x in tensors]
        x = self.layer("Concatenate")(ends)
        if self.coin():
            x = self.dense(x.shape[1:])(x)
        self.heads = [self.pick(["classes", "labels", "numbers"]) for _ in range(self.pick([1, 1, 2]))]
        outputs = []
        for i, kind in enumerate(self.heads):
            y = x
            for layer in self.head(kind, name=f"out_{i}"):
                y = layer(y)
            outputs.append(y)
        image = tensors[-1]
        if len(outputs) == 1 and len(image.shape) > 2 and self.coin(0.4):  # a class for each pixel as well
            self.heads.append("pixels")
            outputs.append(self.layer("Dense", 3, activation="softmax", name="out_1")(image))
        self.map_shape = tuple(image.shape)[1:-1]
        return self.library.Model(
            inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0]
        )

    def entry(self, x):
        """Weights before all else, so that every layer's gradient is seen in them."""
        return self.layer(f"Conv{len(x.shape) - 2}D", self.pick([2, 3, 4]), 3, padding="same",
                          **self.weights("kernel", "bias"))(x)  # fmt: skip

    def flat(self, x):
        while len(x.shape) > 2:
            x = self.flattening(x.shape[1:])(x) if len(x.shape) <= 5 else self.layer("Flatten")(x)
        return x

    def chain(self, x):
        for _ in range(self.pick([1, 2, 3])):
            x = self.any_layer(tuple(x.shape)[1:])(x)
        return x

    def residual(self, x):
        """A branch of the same shape, merged with what went in."""
        shape = tuple(x.shape)[1:]
        rank = len(shape) - 1
        if not 1 <= rank <= 3:
            branch = self.layer(
                "Dense", shape[-1], activation=self.pick(ACTIVATIONS), **self.weights("kernel", "bias")
            )(x)
        else:
            branch = self.layer(f"Conv{rank}D", shape[-1], self.pick([1, 2, 3]), padding="same",
                                **self.convolving("kernel", rank=rank))(x)  # fmt: skip
        kind = self.pick(["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"])
        if self.coin(0.3):
            return getattr(self.layers, kind.lower())([x, branch])
        return self.layer(kind)([x, branch])

    def branches(self, x):
        """Several branches, made flat, merged."""
        ends = [self.flat(self.chain(x)) for _ in range(self.pick([2, 3]))]
        if self.coin():
            return self.layer("Concatenate", axis=self.pick([-1, 1]))(ends)
        ends = [
            self.layer("Dense", 4, activation=self.pick(ACTIVATIONS), **self.weights("kernel", "bias"))(e)
            for e in ends
        ]
        if len(ends) == 2 and self.coin(0.4):
            return self.layer("Dot", axes=1, normalize=self.coin())(ends)
        return self.layer(self.pick(["Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]))(
            ends
        )

    def nested(self, x):
        """A model inside the model, once or twice."""
        shape = tuple(x.shape)[1:]
        if self.coin():
            model = self.library.Sequential([self.library.Input(shape), *self.stack(shape, 2)[0]])
        else:
            inside = self.library.Input(shape)
            model = self.library.Model(inside, self.chain(self.residual(inside)))
        y = model(x)
        if self.coin(0.3):
            return self.layer("Add")([y, model(self.activation(shape)(x))])
        return y

    def shared(self, x):
        """One layer at two places."""
        layer = self.any_layer(tuple(x.shape)[1:])
        return self.layer(self.pick(["Add", "Concatenate"]))(
            [layer(x), layer(self.layer("Activation", "tanh")(x))]
        )

    def head(self, kind, **name):
        units, activation = {"classes": (4, "softmax"), "labels": (3, "sigmoid"), "numbers": (2, None)}[kind]
        return [self.layer("Dense", units, activation=activation, **self.weights("kernel", "bias"), **name)]

    # Training --------------------------------------------------------------------------------------------

    def loss(self, kind):
        losses = self.library.losses
        return self.pick({
            "classes": ["sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy()],
            "pixels": ["categorical_crossentropy", losses.CategoricalCrossentropy(label_smoothing=0.1),
                       "kld"],
            "labels": ["binary_crossentropy", losses.BinaryCrossentropy(label_smoothing=0.1), "mse",
                       losses.BinaryFocalCrossentropy(apply_class_balancing=True), losses.Dice(),
                       losses.Tversky(0.3, 0.7), "squared_hinge"],
            "numbers": ["mse", "mae", losses.Huber(0.5), "log_cosh", losses.CosineSimilarity(), "hinge",
                        losses.BinaryCrossentropy(from_logits=True)],
        }[kind])  # fmt: skip

    def metrics(self, kind):
        metrics = self.library.metrics
        return {
            "classes": ["accuracy", metrics.SparseTopKCategoricalAccuracy(2, name="top")],
            "pixels": ["accuracy"], "numbers": ["mae", metrics.RootMeanSquaredError(name="rmse")],
            "labels": ["accuracy", metrics.Precision(name="p"), metrics.AUC(name="auc", num_thresholds=7)],
        }[kind]  # fmt: skip

    def rate(self):
        rate = {"Adadelta": 1.0, "Lion": 0.01, "Adafactor": 0.3}.get(self.optimizer_name, 0.05)
        if self.coin(0.6):
            return rate
        name, arguments = self.pick(SCHEDULES)
        return getattr(self.library.optimizers.schedules, name)(rate, *arguments)

    def compile(self):
        make = getattr(self.library.optimizers, self.optimizer_name)
        options = {name: self.pick(values) for name, values in self.choices.items()}
        optimizer = make(self.rate(), **{**options, **self.pick(OPTIONS)})
        if self.coin(0.3):
            optimizer.exclude_from_weight_decay(var_names=["bias"])
        losses, metrics = [self.loss(k) for k in self.heads], [self.metrics(k) for k in self.heads]
        if len(self.heads) == 1:
            self.model.compile(optimizer, losses[0], metrics=metrics[0] if self.coin() else None)
        else:
            self.model.compile(optimizer, losses, metrics=metrics if self.coin() else None,
                               loss_weights=self.pick([None, [0.7, 1.5]]))  # fmt: skip

    def data(self):
        """Inputs, targets and what else `fit` takes."""
        rng = np.random.default_rng(self.seed + 10**6)
        xs = [rng.standard_normal((ROWS, *x.shape[1:])).astype("float32") for x in self.model.inputs]
        targets = {
            "classes": lambda: rng.integers(0, 4, ROWS), "numbers": lambda: rng.standard_normal((ROWS, 2)),
            "labels": lambda: rng.integers(0, 2, (ROWS, 3)).astype("float32"),
            "pixels": lambda: np.eye(3, dtype="float32")[rng.integers(0, 3, (ROWS, *self.map_shape))],
        }  # fmt: skip
        ys = [targets[k]() for k in self.heads]
        weights = [rng.random(ROWS).astype("float32") for _ in ys]
        options = {}
        if self.coin(0.3) and len(ys) == 1:
            options = {"sample_weight": weights[0]}
        elif self.coin(0.3) and self.heads == ["classes"]:
            options = {"class_weight": {0: 0.5, 1: 2.0, 3: 1.5}}
        return [v if len(v) > 1 else v[0] for v in (xs, ys)], options
