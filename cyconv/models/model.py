"""Model: the layers between some symbolic inputs and outputs, trained and run as one."""

import inspect
import json

import numpy as np

from ..backends import active, get
from ..configurable import custom_object_scope, deserialize_keras_object, serialize_keras_object
from ..graph import SymbolicTensor, flatten, ordered_layers, ordered_nodes
from ..layers.container import Container
from . import architecture
from .data import check_input, prepare_inputs
from .plans import batch_shapes
from .saving import Saving
from .summary import print_summary
from .training import Training


class Model(Training, Saving, Container):
    """A graph of layers: `Model(inputs, outputs)` from symbolic tensors (the functional API).

    inputs, outputs: a symbolic tensor, a list or a dict of them. A model is a layer: it can be called on the
    tensors of another model.
    """

    build_marks_built = False

    def __init__(self, inputs=None, outputs=None, name=None, trainable=True, **kwargs):
        for old in ("input", "output"):
            if old in kwargs:
                raise TypeError(f"Model({old}=...) is Keras 1; write Model(inputs=..., outputs=...)")
        super().__init__(name=name or self._default_name(), trainable=trainable, **kwargs)
        self._init_training()
        if inputs is None or outputs is None:
            raise ValueError("Model needs `inputs` and `outputs`: symbolic tensors, as Input(...) gives them")
        self.inputs, self._input_keys = _tensors(inputs, "inputs")
        self.outputs, self._output_keys = _tensors(outputs, "outputs")
        self._finish()

    def _default_name(self):
        from ..layers.base import unique_name

        return unique_name("Functional" if type(self) is Model else type(self).__name__)

    def _finish(self):
        """From inputs and outputs: the nodes in order, the layers in Keras's order."""
        for tensor in self.inputs:
            if tensor.node is not None and tensor.node.inputs:
                raise ValueError(
                    f"model {self.name!r}: an input must come from Input(...); {tensor!r} is a layer's output"
                )
        self.nodes = ordered_nodes(self.inputs, self.outputs)
        layers = ordered_layers(self.nodes, self.inputs, self.outputs)
        names = [layer.name for layer in layers]
        twice = {n for n in names if names.count(n) > 1}
        if twice:
            raise ValueError(
                f"model {self.name!r}: layer names must differ; {sorted(twice)[0]!r} is there twice"
            )
        self._layers, self.built = layers, True
        self.dtype = self.outputs[0].dtype
        self.build_shape = [t.shape for t in self.inputs]

    # Where it lives -----------------------------------------------------------------------------------------

    @property
    def backend(self):
        """The backend that runs the model: that of `to`, else the one in force."""
        return active() if self._place is None else get(self._place)

    def to(self, backend):
        """Keeps the model on the backend called `backend` ("cpu", "gpu", "reference"), weights and all,
        whatever `use` says; None: on the one in force again. Returns the model.
        """
        place = None if backend is None else get(backend)  # says what is missing, before anything changes
        self._place = None if place is None else place.name
        for variable in self.weights:
            variable.on(self.backend)
        return self

    # Layers and weights -------------------------------------------------------------------------------------

    def count_params(self):
        """The number of weights, trainable or not."""
        if not self.built:
            raise ValueError(f"{self} is not built yet; call model.build(input_shape) or give an Input")
        return sum(v.size for v in self.weights)

    # Shapes -------------------------------------------------------------------------------------------------

    @property
    def input_names(self):
        return self._input_keys or [t.name for t in self.inputs]

    @property
    def output_names(self):
        names = self._output_keys or [t.node.layer.name if t.node else t.name for t in self.outputs]
        return [n if names.count(n) == 1 else f"{n}_{i}" for i, n in enumerate(names)]

    @property
    def output_shapes_list(self):
        return [t.shape for t in self.outputs]

    @property
    def input_shape(self):
        """The shape of the input, batch axis None; a list for several."""
        shapes = [t.shape for t in self.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self):
        """The shape of the output, batch axis None; a list for several."""
        shapes = self.output_shapes_list
        return shapes[0] if len(shapes) == 1 else shapes

    def ensure_inputs(self, shapes):
        """For models that learn their input's shape from data; a functional model knows it."""

    def build(self, input_shape=None):
        """A functional model is built when it is made."""

    def check_input(self, input_shape):
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        if len(shapes) != len(self.inputs):
            raise ValueError(f"it has {len(self.inputs)} inputs. Received: {len(shapes)}")
        for shape, tensor in zip(shapes, self.inputs, strict=True):
            fits = len(shape) == tensor.ndim and all(
                a == b or None in (a, b) for a, b in zip(shape[1:], tensor.shape[1:], strict=True)
            )
            if not fits:
                check_input(self, shape, tensor)

    def actual_output_shape(self, index, inputs):
        """The shape of output `index` for these input arrays."""
        return self.output_shapes([tuple(a.shape) for a in inputs])[index]

    # Calling ------------------------------------------------------------------------------------------------

    def __call__(self, inputs, training=None):
        """On symbolic tensors: a node of another model. On arrays: the outputs, as NumPy arrays.

        training: whether layers behave as in training (dropout drops, batch normalisation measures); by
        default only in a model of augmentation layers, without weights, as their own call has it.
        """
        group = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if any(isinstance(t, SymbolicTensor) for t in group):
            return super().__call__(inputs, training)
        if training is None:
            prepare_inputs(self, inputs)  # builds a Sequential that waits for data
            training = not self.weights and any(layer.trains_when_called for layer in self.layers)
        return self._run_in_training(inputs) if training else self.predict_on_batch(inputs)

    def _run_in_training(self, inputs):
        """The outputs of a forward pass as in training, layer by layer."""
        backend = self.backend
        arrays = [backend.asarray(a, self.dtype) for a in prepare_inputs(self, inputs)]
        for variable in self.weights:
            variable.on(backend)
        backend.advance()
        y, _ = self.forward(backend, arrays if len(arrays) > 1 else arrays[0], True)
        outputs = [np.array(backend.to_host(a)) for a in (y if isinstance(y, list) else [y])]
        return outputs[0] if len(outputs) == 1 else outputs

    # Looking ------------------------------------------------------------------------------------------------

    def summary(self, line_length=None, positions=None, print_fn=None, expand_nested=False,
                show_trainable=False, layer_range=None, columns=()):  # fmt: skip
        """Prints the table of layers in Keras's form; nothing in it is cut short, skip connections are shown.

        columns: more of them, any of "receptive_field", "macs" (multiply-adds by weights) and "memory" (of
        the layer's output), the latter two for one sample. Other arguments as in Keras.
        """
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range,
                      columns)  # fmt: skip

    def plan(self, batch_size=32, mode="train", print_fn=print):
        """Prints what a step is: each recorded operation, its layer, shapes, algorithm, operations, bytes."""
        from .plans import print_plan

        print_plan(self, batch_size, mode, print_fn)

    def profile(self, batch_size=32, mode="train", repeats=20, print_fn=print):
        """Times the recorded step line by line (median of `repeats`); the weights stay as they are."""
        from .plans import print_profile

        return print_profile(self, batch_size, mode, repeats, print_fn)

    def algorithm_report(self, batch_size=32, measure=False, print_fn=print):
        """Prints by which algorithm each convolution of a training step runs, forward and backward, what the
        others are estimated to take, and why; measure: also what they take. Returns the text.

        The weights, and the gradients of the model's input, play no part. See `Layer.algorithm_report`.
        """
        from ..layers.choosing import report

        text = report(self, flatten(self), batch_shapes(self, batch_size), False, measure)
        print_fn(text)
        return text

    def receptive_field(self, layer=None, source=0):
        """(size, jump, first) of what one output position sees of the model's input number `source`.

        layer: a layer, its name, or its path "outer/inner"; None: the model's output. See `costs.py`.
        """
        from .costs import receptive_field

        return receptive_field(self, layer, source)

    def first_nonfinite(self, x, training=False):
        """The first layer whose output for x holds NaN or infinity; None where there is none."""
        from .diagnosis import first_nonfinite

        return first_nonfinite(self, x, training)

    # Configuration ------------------------------------------------------------------------------------------

    keras_module, keras_name = "keras.src.models.functional", "Functional"

    def get_config(self):
        """The layers and how they are wired, as JSON values in Keras's form."""
        return architecture.describe_functional(self)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that `get_config` described, here or in Keras, with fresh weights.

        Errors: ValueError for an unknown class, impossible wiring, or what is no configuration at all.
        """
        try:
            with custom_object_scope(custom_objects):
                return cls._restored(config)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise ValueError(f"not a model's configuration: {type(error).__name__}: {error}") from error

    @classmethod
    def _restored(cls, config):
        return architecture.restore_functional(cls, config)

    def get_build_config(self):
        return {"input_shape": None}

    def get_compile_config(self):
        """What `compile` was given, as JSON values; {} before it."""
        if self.optimizer is None:
            return {}
        given = serialize_keras_object({"optimizer": self.optimizer, **self._compile_arguments})
        defaults = {"run_eagerly": False, "steps_per_execution": 1}
        return {**defaults, "jit_compile": False, **given}

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` of this or of Keras's model says."""
        known = inspect.signature(self.compile).parameters
        given = {k: deserialize_keras_object(v) for k, v in config.items() if k in known}
        self.compile(**given)

    def __reduce__(self):
        layers = [node.layer for node in flatten(self).nodes] if self.built else []
        custom = {type(layer).__name__: type(layer) for layer in layers}
        settings = None if self.optimizer is None else (type(self.optimizer), self.optimizer.get_config())
        state = (self.get_weights(), settings, getattr(self, "_compile_arguments", None))
        return _copy_of, (type(self), self.get_config(), custom, *state)

    def to_json(self, **kwargs):
        """The architecture, and what it was compiled with, as a JSON string."""
        return json.dumps(serialize_keras_object(self), **kwargs)


def _copy_of(cls, config, custom, weights, optimizer, arguments):
    model = cls.from_config(config, custom)
    model.set_weights(weights)
    if optimizer:
        made, settings = optimizer
        model.compile(made.from_config(settings), **arguments)
    return model


def _tensors(group, what):
    keys = None
    if isinstance(group, dict):
        keys, group = list(group), list(group.values())
    tensors = list(group) if isinstance(group, (list, tuple)) else [group]
    for tensor in tensors:
        if not isinstance(tensor, SymbolicTensor):
            raise TypeError(
                f"Model: `{what}` must be symbolic tensors, as Input(...) and layers called on them give. "
                f"Received: {type(tensor).__name__}"
            )
    return tensors, keys
