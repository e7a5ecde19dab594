"""Known networks, each a function that returns a model with fresh weights: compositions of layers, no more.

    model = cyconv.zoo.resnet20()
    model.summary(expand_nested=True)

`input_shape` is without the batch axis, `classes` the number of outputs. The models are not compiled.
"""

from .book import fixed_size, fully_convolutional, variable_size
from .lenet import lenet5, mnist_convnet
from .resnet import resnet18, resnet20, resnet32, resnet34, resnet44, resnet50, resnet56, resnet110
from .unet import intel_unet2d, unet, unet_same

__all__ = [name for name in dir() if not name.startswith("_") and callable(globals()[name])]
