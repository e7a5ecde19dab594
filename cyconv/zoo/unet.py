"""U-Nets: the paper's, the form with "same" padding, and IntelAI's 2D model.

Ronneberger, Fischer, Brox 2015, "U-Net: convolutional networks for biomedical image segmentation". The first
two are a nest of Skip layers; the third names every layer as its source does, so it is a functional model.
"""

from .. import layers
from ..models import Model, Sequential


def unet(input_shape=(572, 572, 1), classes=2, filters=64, depth=4, dropout=0.5, name="unet"):
    """The paper's network: convolutions without padding, so that the skips are cropped and the output is
    smaller than the input (572 -> 388). 31,030,658 parameters.

    filters: of the first level; each of the `depth` levels below has twice as many. dropout: at the end of
    the contracting path.
    Errors: ValueError where a pooling would meet an odd size, with the nearest sizes that fit.
    """
    _check_sizes(name, input_shape[:2], depth, convolutions=4)
    inside = _levels(filters, depth, dropout, "valid", "transposed")
    return Sequential([layers.Input(input_shape), *inside, _output(classes)], name=name)


def unet_same(input_shape=(256, 256, 1), classes=1, filters=64, depth=4, dropout=0.5, up="transposed",
              narrow_end=False, batch_norm=False, name="unet_same"):  # fmt: skip
    """The U-Net with "same" padding: a map of the input's size, which must divide by 2 `depth` times.

    up: "transposed" (2x2 convolutions, as the paper) or "upsampling" (repetition, then a 2x2 convolution).
    narrow_end: a 3x3 convolution to 2 channels before the output. up="upsampling" and narrow_end=True give
    the network of zhixuhao/unet, 31,031,685 parameters; the ReLUs of its narrow end can die, and then the
    output is one constant. batch_norm: normalisation between each 3x3 convolution, which then has no bias,
    and its ReLU; it is not in the paper, and trains in fewer steps.
    """
    if up not in ("transposed", "upsampling"):
        raise ValueError(f'{name}: `up` is "transposed" or "upsampling". Received: {up!r}')
    _check_sizes(name, input_shape[:2], depth, convolutions=0)
    end = [_convolution(2, 3, "same")] if narrow_end else []
    inside = _levels(filters, depth, dropout, "same", up, batch_norm)
    return Sequential([layers.Input(input_shape), *inside, *end, _output(classes)], name=name)


def _convolution(filters, kernel_size, padding):
    return layers.Conv2D(filters, kernel_size, padding=padding, activation="relu",
                         kernel_initializer="he_normal")  # fmt: skip


def _normalized(filters):
    """Convolution, normalisation, ReLU; the shift of the normalisation serves as the bias."""
    return [
        layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal"),
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
    ]


def _levels(filters, depth, dropout, padding, up, batch_norm=False):
    """One level of the U and, inside its skip, those below."""

    def twice():
        if batch_norm:
            return [*_normalized(filters), *_normalized(filters)]
        return [_convolution(filters, 3, padding), _convolution(filters, 3, padding)]

    drop = [layers.Dropout(dropout)] if dropout and depth < 2 else []
    if depth == 0:
        return [*twice(), *drop]
    below = [
        layers.MaxPooling2D(2),
        *_levels(2 * filters, depth - 1, dropout, padding, up, batch_norm),
        *_enlarging(filters, up),
    ]
    skip = layers.Skip(below, crop=padding == "valid")
    return [*twice(), *drop, skip, *twice()]


def _enlarging(filters, up):
    if up == "upsampling":
        return [layers.UpSampling2D(2), _convolution(filters, 2, "same")]
    return [layers.Conv2DTranspose(filters, 2, 2, activation="relu", kernel_initializer="he_normal")]


def _output(classes):
    """One class: its probability; several: their probabilities at each pixel."""
    return layers.Conv2D(classes, 1, activation="sigmoid" if classes == 1 else "softmax", name="output")


def _check_sizes(name, sizes, depth, convolutions):
    """Every pooling must meet an even size; `convolutions` is what the two of a level take away."""

    def fits(size):
        for _ in range(depth):
            size -= convolutions
            if size < 2 or size % 2:
                return False
            size //= 2
        size -= convolutions
        for _ in range(depth if size > 0 else 0):
            size = 2 * size - convolutions
        return size > 0

    for size in sizes:
        if size is not None and not fits(size):
            below = next((n for n in range(size, 0, -1) if fits(n)), None)
            above = next(n for n in range(size, size + 1000 * 2**depth) if fits(n))
            near = f"{above}" if below is None else f"{below} and {above}"
            raise ValueError(
                f"{name}: each of the {depth} poolings must meet an even size; {size} does not lead to that. "
                f"Nearest sizes that do: {near}"
            )


def intel_unet2d(input_shape=(128, 128, 1), num_chan_out=1, fms=16, use_upsampling=False, use_dropout=True,
                 dropout=0.2, name="2DUNet_Brats_Decathlon"):  # fmt: skip
    """The 2D model of IntelAI/unet (Apache-2.0), layer names included: 1,940,817 parameters, 7,759,521 with
    fms=32.

    fms: feature maps of the first level. use_upsampling: repetition instead of transposed convolutions.
    use_dropout: whole maps are dropped with probability `dropout` in the levels C and D.
    """
    _check_sizes(name, input_shape[:2], 4, convolutions=0)

    def convolution(x, filters, name):
        return layers.Conv2D(filters, 3, activation="relu", padding="same", kernel_initializer="he_uniform",
                             name=name)(x)  # fmt: skip

    x = inputs = layers.Input(input_shape, name="MRImages")
    skips = {}
    for level, letter in enumerate("ABCDE"):
        x = convolution(x, fms * 2**level, f"encode{letter}a")
        if use_dropout and letter in "CD":
            x = layers.SpatialDropout2D(dropout)(x)
        x = convolution(x, fms * 2**level, f"encode{letter}b")
        if letter != "E":
            skips[letter] = x
            x = layers.MaxPooling2D(2, name=f"pool{letter}")(x)
    for level, letter in reversed(list(enumerate("ABCD"))):
        filters, below = fms * 2**level, "E" if letter == "D" else letter
        if use_upsampling:
            x = layers.UpSampling2D(2, name=f"up{below}")(x)
        else:
            x = layers.Conv2DTranspose(filters, 2, 2, padding="same", name=f"transconv{below}")(x)
        x = layers.concatenate([x, skips[letter]], name=f"concat{letter}")
        stem = "convOut" if letter == "A" else f"decode{'ABC'[level - 1]}"
        x = convolution(convolution(x, filters, f"{stem}a"), filters, f"{stem}b")
    outputs = layers.Conv2D(num_chan_out, 1, activation="sigmoid", name="PredictionMask")(x)
    return Model(inputs, outputs, name=name)
