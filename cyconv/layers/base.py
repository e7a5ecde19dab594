"""What every layer is: a name, parameters, an output shape, `forward` and `backward`.

A layer of cyconv's own writes `forward(ops, x, training)` and `backward(ops, dy, saved, needs_dx)` in terms
of the door's operations (`ops`), so that the same code runs on every backend and can be recorded. A layer of
a user's own may write `call(x)` and `backward(dy)` in NumPy instead: see `custom.py`.
"""

import functools
import re
import warnings
from contextlib import contextmanager

import numpy as np

from .. import constraints, initializers, regularizers
from ..arrays import numbers
from ..backends import active
from ..configurable import Configurable, serialize_keras_object
from ..graph import Node, SymbolicTensor
from ..variables import Variable, claim, frozen
from .custom import bridge
from .explainable import Explainable

_counts = {}


def snake_case(cls_name):
    """Conv2DTranspose -> conv2d_transpose."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])", "_", cls_name).lower()


def unique_name(cls_name):
    """Keras's names: snake_case of the class, then _1, _2... in the order of construction."""
    base = snake_case(cls_name)
    _counts[base] = _counts.get(base, -1) + 1
    return f"{base}_{_counts[base]}" if _counts[base] else base


def clear_names():
    """Starts the numbering of layer names afresh (Keras's `clear_session`)."""
    _counts.clear()


class Layer(Explainable, Configurable):
    """Base of all layers.

    name: by default the class's name in snake_case and a number. trainable: whether training changes the
    weights. dtype: "float32", or "float64" on the reference backend and the textbook loops.
    activity_regularizer: a penalty on the output, divided by the batch size, that is part of the loss.
    input_shape (or input_dim, batch_input_shape, batch_shape): the old way to say what a Sequential's first
    layer receives; the first two without the batch axis.
    """

    # How many axes the input must have, batch and channels included; None: any.
    input_rank = None
    # Whether a list is several inputs, as for Add; others take one.
    takes_list = False
    # Whether `layer(x)` alone means training: so it is with Keras's layers that prepare images.
    trains_when_called = False
    # Whether a finished `build` means that the layer is built; a model decides for itself.
    build_marks_built = True

    def __init__(self, *, activity_regularizer=None, name=None, trainable=True, dtype=None, autocast=True,
                 **old):  # fmt: skip
        self.batch_input_shape, unknown = _first_shape(old)
        if unknown:
            raise TypeError(
                f"{type(self).__name__} does not know the argument {next(iter(unknown))!r}; it takes "
                f"{', '.join(k for k in self._arguments if k not in unknown)} and name, trainable, dtype"
            )
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"`name` is a word without a slash. Received: {name!r}")
        self.name = name or unique_name(type(self).__name__)
        self.trainable, self.built, self.variables = trainable, False, []
        self.build_shape = None
        self.dtype = _dtype_name(dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._node = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "call" in cls.__dict__ or ("backward" in cls.__dict__ and hasattr(cls, "call")):  # in NumPy
            bridge(cls)
        if "build" in cls.__dict__ and cls.build_marks_built:
            cls.build = _marking_built(cls.build)
        if "trainable" in cls.__dict__:
            cls.trainable_is_set = cls.__dict__.get("trainable_is_set", False)

    # For subclasses --------------------------------------------------------------------------------------

    def build(self, input_shape):
        """Makes the parameters with `add_weight`. input_shape: a tuple; for several inputs a list of them."""
        self.built, self.build_shape = True, input_shape

    def compute_output_shape(self, input_shape):
        """The output's shape; None stays None. By default the input's."""
        return input_shape

    def forward(self, ops, x, training):
        """(y, what `backward` needs). x: an array or buffer (a list of them for several inputs)."""
        raise NotImplementedError(f"{type(self).__name__} has no forward pass")

    def backward(self, ops, dy, saved, needs_dx):
        """dx (a list for several inputs), None where not needs_dx; adds to the parameters' gradients."""
        raise NotImplementedError(f"{type(self).__name__} has no backward pass: it cannot be trained through")

    def weight_rules(self, **rules):
        """Keeps arguments such as kernel_regularizer and kernel_constraint: `add_weight` finds them by the
        name of the weight. activity_regularizer is the output's.
        """
        for name, rule in rules.items():
            room = regularizers if name.endswith("_regularizer") else constraints
            setattr(self, name, room.get(rule))

    def add_weight(self, shape, initializer="zeros", name="variable", trainable=True, dtype=None,
                   regularizer=None, constraint=None):  # fmt: skip
        """A new parameter, in the order of Keras's `get_weights`.

        regularizer: its penalty is part of the loss while the parameter is trained; constraint: what it is
        brought back to after each update. Left out, those are taken that `weight_rules` has for `name`.
        """
        claim(shape, dtype or self.dtype)
        start = initializers.get("glorot_uniform" if initializer is None else initializer)
        values = start(tuple(shape), dtype or self.dtype)
        if tuple(values.shape) != tuple(shape):
            raise ValueError(f"{self}: the initializer of `{name}` gave {values.shape}, not {tuple(shape)}")
        variable = Variable(values, name, trainable, f"{self.name}/{name}")
        variable.regularizer = regularizers.get(regularizer or getattr(self, f"{name}_regularizer", None))
        variable.constraint = constraints.get(constraint or getattr(self, f"{name}_constraint", None))
        self.variables.append(variable)
        return variable

    # For users -------------------------------------------------------------------------------------------

    def __call__(self, inputs, training=None):
        """On symbolic tensors: a node of a graph. On arrays: the output, as a NumPy array.

        training: whether dropout drops and batch normalisation measures; for arrays alone. In a graph the
        model says it: True is an error there, False a warning.
        """
        nested = isinstance(inputs, (list, tuple))
        tensors = list(inputs) if nested else [inputs]
        if any(isinstance(t, SymbolicTensor) for t in tensors):
            strangers = [t for t in tensors if not isinstance(t, SymbolicTensor)]
            if strangers:
                raise TypeError(f"{self}: symbolic tensors and {type(strangers[0]).__name__} do not mix")
            shapes = [t.shape for t in tensors]
            self._refuse_training(training)
            self.ensure_built(shapes if nested else shapes[0])
            outputs = self.output_shapes(shapes if nested else shapes[0])
            node = Node(self, tensors, nested, outputs, self.dtype)
            self._node = self._node or node
            return node.outputs[0] if len(node.outputs) == 1 else node.outputs
        return self._run_on_arrays(tensors, nested, bool(training))

    def _refuse_training(self, training):
        """A node has no `training` of its own."""
        if training:
            raise ValueError(f"{self}: training=True cannot be part of a model; call model(x, training=True)")
        if training is not None:
            warnings.warn(
                f"{self}: training=False is not kept in a model; to freeze it, set layer.trainable = False",
                stacklevel=3,
            )

    def _run_on_arrays(self, tensors, nested, training):
        backend = active()
        arrays = [backend.asarray(numbers(t, str(self)), self.dtype) for t in tensors]
        shapes = [a.shape for a in arrays]
        self.ensure_built(shapes if nested else shapes[0])
        self.output_shapes(shapes if nested else shapes[0])
        for variable in self.weights:
            variable.on(backend)
        backend.advance()
        y, _ = self.forward(backend, arrays if nested else arrays[0], training)
        return np.array(backend.to_host(y))

    def ensure_built(self, input_shape):
        """Builds the layer once; afterwards checks that the input still fits its weights."""
        with self.naming_errors(input_shape):
            if isinstance(input_shape, list) and not self.takes_list:
                raise ValueError(
                    f"it takes one input. Received: a list of {len(input_shape)}; np.array(...) makes an "
                    "array of a list of numbers"
                )
            if len(input_shape) == 0:
                raise ValueError("expected an array with a batch axis. Received: a single number")
            if not self.built:
                self.check_input(input_shape)
                self.build(input_shape)
                self.built, self.build_shape = True, input_shape
            else:
                self.check_input(input_shape)

    def check_input(self, input_shape):
        """ValueError where rank or channels are not what the layer takes."""
        if self.input_rank and len(input_shape) != self.input_rank:
            axes = ["batch", *["depth", "height", "width"][5 - self.input_rank :], "channels"]
            raise ValueError(
                f"expected an input of {self.input_rank} axes ({', '.join(axes)}). Received: shape "
                f"{_shown(input_shape)}{self._rank_hint(input_shape)}"
            )

    def _rank_hint(self, shape):
        if len(shape) == self.input_rank - 1:
            return "; grey images need a channel axis: x[..., None]; a single image a batch axis: x[None]"
        return ""

    def output_shapes(self, input_shape):
        """The shapes of all outputs, errors naming the layer."""
        with self.naming_errors(input_shape):
            return [tuple(self.compute_output_shape(input_shape))]

    @contextmanager
    def naming_errors(self, input_shape=None):
        """Puts the layer's name before a ValueError from inside, and after it its input's shape, if known."""
        try:
            yield
        except ValueError as error:
            if getattr(error, "named", False):
                raise
            known = "" if input_shape is None else f"\nThe layer's input: shape {_shown(input_shape)}."
            named = ValueError(f"{self}: {error}{known}")
            named.named = True
            raise named from None

    def __str__(self):
        return f'layer "{self.name}" ({type(self).__name__})'

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    # Where it stands in a graph ----------------------------------------------------------------------------

    def _called(self):
        if self._node is None:
            raise AttributeError(f"{self} was not called on a symbolic tensor yet: it has no output")
        return self._node

    @property
    def input(self):
        """The symbolic tensor (or list) that the layer was first called on."""
        node = self._called()
        return list(node.inputs) if node.nested else node.inputs[0]

    @property
    def output(self):
        """The tensor (or list) of that call: Model(model.inputs, layer.output) looks inside a model."""
        outputs = self._called().outputs
        return outputs[0] if len(outputs) == 1 else outputs

    @property
    def input_shape(self):
        """The shape of `input`, batch axis None; a list for several."""
        given = self.input
        return [t.shape for t in given] if isinstance(given, list) else given.shape

    @property
    def output_shape(self):
        """The shape of `output`, batch axis None; a list for several."""
        given = self.output
        return [t.shape for t in given] if isinstance(given, list) else given.shape

    # Weights ---------------------------------------------------------------------------------------------

    # Whether `trainable` changes only where it is set; with a property of its own a class need not say so.
    trainable_is_set = True

    @property
    def trainable(self):
        """Whether training changes the weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = value
        frozen()

    @property
    def weights(self):
        """All variables: the trainable ones, then the others (Keras's order inside a layer)."""
        return self.trainable_of(self.variables) + [v for v in self.variables if not v.trainable]

    @staticmethod
    def trainable_of(variables):
        return [v for v in variables if v.trainable]

    @property
    def trainable_weights(self):
        """The variables that training changes now; none where `trainable` is False."""
        return self.trainable_of(self.variables) if self.trainable else []

    @property
    def non_trainable_weights(self):
        """The variables that training does not change now."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trained]

    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def get_weights(self):
        """Copies of all weights as NumPy arrays, in the order of `weights`."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights):
        """Sets all weights; ValueError where number or shapes differ (nothing is changed then)."""
        variables, arrays = self.weights, [numbers(w, f"{self}: a weight") for w in weights]
        if len(variables) != len(arrays):
            raise ValueError(
                f"{self} has {len(variables)} weights. Received: {len(arrays)} arrays. Expected: "
                + ", ".join(f"{v.path} {v.shape}" for v in variables)
            )
        for i, (variable, array) in enumerate(zip(variables, arrays, strict=True)):
            if variable.shape != array.shape:
                raise ValueError(
                    f"{self}: weight {i} ({variable.path}) has shape {variable.shape}. "
                    f"Received: {array.shape}"
                )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self):
        """The number of weights, trainable or not."""
        if not self.built:
            raise ValueError(f"{self} is not built yet: it does not know its input's shape")
        return sum(v.size for v in self.weights)

    def __reduce__(self):
        """Copies (copy.deepcopy, pickle) are made anew from configuration and weights."""
        return _copy_of, (type(self), self.get_config(), self.build_shape, self.get_weights())

    def get_config(self):
        """The constructor's arguments and the layer's name, as JSON values in Keras's form."""
        policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": self.dtype}}
        config = {"name": self.name, "trainable": self.trainable}
        config["dtype"] = {**policy, "registered_name": None}
        for name, value in super().get_config().items():
            if name.endswith("_initializer") and isinstance(value, str):
                value = serialize_keras_object(initializers.get(value))
            if name not in NOT_KEPT:
                config.setdefault(name, value)
        return config

    def get_build_config(self):
        """{"input_shape": ...} of a layer that has been built and makes something then; else None."""
        if self.build_shape is None or type(self).build is Layer.build:
            return None
        return {"input_shape": serialize_keras_object(self.build_shape)}


# Arguments that no configuration holds: where the layer stands says them, or nothing depends on them.
NOT_KEPT = ("input_shape", "input_dim", "batch_input_shape", "batch_shape", "autocast")


def _first_shape(old):
    """(the input's shape with the batch axis, or None; the arguments that say something else)."""
    old = dict(old)
    whole = [old.pop(name, None) for name in ("batch_input_shape", "batch_shape")]
    single, dim = old.pop("input_shape", None), old.pop("input_dim", None)
    if single is None and dim is not None:
        single = (dim,)
    if single is not None:
        whole.append((None, *((single,) if isinstance(single, int) else single)))
    return next((tuple(shape) for shape in whole if shape is not None), None), old


def _copy_of(cls, config, build_shape, weights):
    layer = cls.from_config(config)
    if build_shape is not None:
        layer.build(build_shape)
        layer.set_weights(weights)
    return layer


def _marking_built(build):
    """`build`, noting afterwards that the layer is built and for which input."""

    @functools.wraps(build)
    def marked(self, input_shape):
        build(self, input_shape)
        self.built, self.build_shape = True, input_shape

    return marked


def _shown(shape):
    return str([tuple(s) for s in shape] if isinstance(shape, list) else tuple(shape))


def _dtype_name(dtype):
    if isinstance(dtype, dict):  # Keras's configuration of a dtype policy
        dtype = dtype.get("config", {}).get("name")
    try:
        name = "float32" if dtype is None else str(np.dtype(dtype))
    except TypeError:  # a policy of mixed precision
        name = None
    if name not in ("float32", "float64"):
        raise ValueError(f'`dtype` of a layer is "float32" or "float64". Received: {dtype!r}')
    return name
