"""Sequential: layers one after the other."""

from ..layers.base import Layer
from ..layers.core import Input, InputLayer
from ..graph import SymbolicTensor
from . import architecture
from .model import Model


class Sequential(Model):
    """A model of layers in a row: `Sequential([Input(...), Conv2D(...), ...])`, `.add(layer)`, `.pop()`.

    Without an Input the first layer's input_shape=, `build(input_shape)`, or the first data decides.
    """

    def __init__(self, layers=None, trainable=True, name=None):
        Layer.__init__(self, name=name or self._default_name(), trainable=trainable)
        self._init_training()
        self._layers, self._input = [], None
        self.inputs, self.outputs, self.nodes = [], [], []
        self._input_keys = self._output_keys = None
        for layer in layers or []:
            self.add(layer, rebuild=False)
        self._try_build()

    def add(self, layer, rebuild=True):
        """Appends a layer (or a model, or an Input)."""
        if isinstance(layer, SymbolicTensor) and hasattr(layer, "input_layer"):
            layer = layer.input_layer
        if not isinstance(layer, Layer):
            raise TypeError(f"{self}: only layers can be added. Received: {layer!r} ({type(layer).__name__})")
        if isinstance(layer, InputLayer):
            if self._layers or self._input is not None:
                raise ValueError(f"{self}: an Input can only come first")
            self._input = layer.output
            return self._try_build() if rebuild else None
        if any(layer.name == known.name for known in self._layers):
            raise ValueError(f"{self}: there is a layer named {layer.name!r} already; names must differ")
        if not self._layers and self._input is None and getattr(layer, "batch_input_shape", None):
            self._input = Input(batch_shape=layer.batch_input_shape)
        self._layers.append(layer)
        if rebuild:
            self._try_build()
        return None

    def pop(self, rebuild=True):
        """Removes the last layer and returns it."""
        if not self._layers:
            raise ValueError(f"{self} has no layers to remove")
        layer = self._layers.pop()
        self._try_build()
        return layer

    def build(self, input_shape=None):
        """Builds the layers for inputs of `input_shape`, batch axis included (None)."""
        if self.built or input_shape is None:
            return
        self._input = Input(batch_shape=(None, *tuple(input_shape)[1:]))
        self._try_build()

    def ensure_inputs(self, shapes):
        if self.built:
            return
        if not self._layers:
            raise ValueError(f"{self} has no layers yet; add some")
        if len(shapes) != 1:
            raise ValueError(f"{self} takes one input. Received: {len(shapes)}")
        self.build(shapes[0])

    def _try_build(self):
        """Wires the layers, once the input's shape is known."""
        self._executor, self.built = None, False
        if self._input is None or not self._layers:
            return
        tensor = self._input
        for layer in self._layers:
            tensor = layer(tensor)
            if isinstance(tensor, list):
                raise ValueError(f"{self}: {layer} has several outputs; use the functional API")
        layers = self._layers
        self.inputs, self.outputs = [self._input], [tensor]
        self._finish()
        self._layers = layers
        if self.optimizer is not None:
            self._finish_compile()

    keras_module, keras_name = "keras", "Sequential"

    def get_config(self):
        """The layers, as JSON values in Keras's form."""
        return architecture.describe_sequential(self)

    @classmethod
    def _restored(cls, config):
        return architecture.restore_sequential(cls, config)

    def get_build_config(self):
        return {"input_shape": list(self.inputs[0].shape)} if self.built else None

    def __call__(self, inputs, training=None):
        if isinstance(inputs, SymbolicTensor) and not self.built:
            self.build(inputs.shape)
        return super().__call__(inputs, training)
