"""What a network has learned and what it looks at: answers for any model, without changing it.

    heat = cyconv.interpret.grad_cam(model, image)
    cyconv.visualize.heat_over_image(heat, image).savefig("why.png")

Layers are named by their path, "encoder/conv2d" in nested models; `paths(model)` lists them. An image may
come without its batch axis, and its result then has none either.
"""

from .backpropagation import guided_backprop, saliency
from .class_activation import grad_cam
from .deconvolution import Projection, deconvnet
from .fields import EffectiveField, effective_receptive_field, receptive_field
from .local_models import LimeExplanation, lime_image
from .looking import activations, filters
from .occluding import occlusion
from .paths import paths

__all__ = [name for name in dir() if not name.startswith("_") and callable(globals()[name])]
