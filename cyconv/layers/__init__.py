"""All layers, under Keras's names."""

from ..configurable import deserialize_keras_object as deserialize
from ..configurable import serialize_keras_object as serialize
from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .adaptive import (
    AdaptiveAveragePooling1D, AdaptiveAveragePooling2D, AdaptiveAveragePooling3D, AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D, AdaptiveMaxPooling3D,
)  # fmt: skip
from .augmentation import (
    RandomBrightness, RandomContrast, RandomCrop, RandomElasticTransform, RandomFlip, RandomRotation,
    RandomTranslation, RandomZoom,
)  # fmt: skip
from .base import Layer
from .composite import Residual, Skip
from .convolution import Conv1D, Conv2D, Conv3D, Convolution1D, Convolution2D, Convolution3D
from .core import Dense, Input, InputLayer
from .depthwise import (
    DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D, SeparableConvolution1D,
    SeparableConvolution2D,
)  # fmt: skip
from .function import Lambda
from .matching import CropToMatch, PadChannels
from .merging import (
    Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract, add, average, concatenate, dot,
    maximum, minimum, multiply, subtract,
)  # fmt: skip
from .noise import ActivityRegularization, AlphaDropout, GaussianDropout, GaussianNoise
from .normalization import BatchNormalization
from .operators import GetItem
from .padding import Cropping1D, Cropping2D, Cropping3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from .pooling import (
    AveragePooling1D, AveragePooling2D, AveragePooling3D, AvgPool1D, AvgPool2D, AvgPool3D,
    GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D, GlobalAvgPool1D, GlobalAvgPool2D,
    GlobalAvgPool3D, GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D, GlobalMaxPooling1D,
    GlobalMaxPooling2D, GlobalMaxPooling3D, MaxPool1D, MaxPool2D, MaxPool3D, MaxPooling1D, MaxPooling2D,
    MaxPooling3D,
)  # fmt: skip
from .preprocessing import CenterCrop, Normalization, Rescaling, Resizing
from .regularization import Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from .reshaping import Flatten, Identity, Permute, RepeatVector, Reshape
from .standardization import GroupNormalization, LayerNormalization, UnitNormalization
from .transposed import (
    Conv1DTranspose, Conv2DTranspose, Conv3DTranspose, Convolution1DTranspose, Convolution2DTranspose,
    Convolution3DTranspose,
)  # fmt: skip
from .upsampling import UpSampling1D, UpSampling2D, UpSampling3D

__all__ = [name for name in dir() if not name.startswith("_") and name[0].isupper()]
__all__ += ["add", "average", "concatenate", "deserialize", "dot", "maximum", "minimum", "multiply",
            "serialize", "subtract"]  # fmt: skip
