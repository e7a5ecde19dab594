"""Images in, maps out: the batch axis, grey and colour, a few images at a time, sizes."""

import numpy as np

from ..arrays import numbers
from ..models.data import as_list, prepare_inputs
from .paths import expect_model

AT_ONCE = 32  # every layer's output is kept for the way back: few images keep that small


def prepare(model, x, source=0):
    """(the model's inputs as a list of arrays, whether x came without its batch axis).

    source: the number of the input that is asked about.
    Errors: ValueError for a colour image where grey is wanted and the other way round, for NaN, for an input
    that is not there, and all those of `model.predict`.
    """
    expect_model(model)
    if not getattr(model, "nodes", None):
        return prepare_inputs(model, x), False
    count = len(model.inputs)
    if not isinstance(source, int) or not 0 <= source < count:
        raise ValueError(f"`source` {source!r}: the model's inputs have the numbers 0 to {count - 1}")
    given = [numbers(a, "`x`") for a in as_list(x, model.input_names, "`x`")]
    for array in given:
        _check_finite(array)
    single = all(_is_one(a.shape, t.shape) for a, t in zip(given, model.inputs, strict=True))
    if single:
        given = [a[None] for a in given]
    for array, tensor in zip(given, model.inputs, strict=True):
        _check_colours(array.shape, tensor.shape, model)
    return prepare_inputs(model, given if len(given) > 1 else given[0]), single


def _is_one(shape, wanted):
    """Whether an array is one sample of `wanted`, without the batch axis."""
    return len(shape) == len(wanted) - 1 and all(
        w in (None, s) for s, w in zip(shape, wanted[1:], strict=True)
    )


def _check_finite(array):
    """ValueError for NaN or infinity: every answer would be NaN, or 0 behind a ReLU, and look like one."""
    bad = np.argwhere(~np.isfinite(array)) if array.dtype.kind == "f" else ()
    if len(bad):
        raise ValueError(
            f"`x` holds NaN or infinity in {len(bad):,} of {array.size:,} values, first at "
            f"{tuple(map(int, bad[0]))}; np.nan_to_num(x) makes numbers of them"
        )


def _check_colours(shape, wanted, model):
    """ValueError where only the channels are wrong, or missing."""
    if wanted[-1] == 1 and _is_one((*shape, 1), wanted):
        raise ValueError(f"a grey image needs its channel axis: x[..., None]. Received: shape {shape}")
    if wanted[-1] == 3 and len(shape) < len(wanted) and _is_one((*shape, 3), wanted):
        raise ValueError(
            f"model {model.name!r} takes colour images (3 channels). Received: a grey one, shape {shape}; "
            "np.stack([x] * 3, axis=-1) gives it three equal channels"
        )
    colours, channels = (s[-1] if len(s) > 2 else None for s in (shape, wanted))
    rest = len(shape) == len(wanted) or len(shape) == len(wanted) - 1
    if not rest or (colours, channels) not in ((3, 1), (4, 1), (4, 3), (1, 3)):
        return
    way = {
        (3, 1): "x @ [0.299, 0.587, 0.114] makes grey of red, green and blue; [..., None] gives it an axis",
        (4, 1): "x[..., :3] @ [0.299, 0.587, 0.114] makes grey of it; [..., None] gives it an axis",
        (4, 3): "x[..., :3] leaves the transparency out",
        (1, 3): "np.repeat(x, 3, axis=-1) gives grey three equal channels",
    }[colours, channels]
    kind = {1: "grey images (1 channel)", 3: "colour images (3 channels)"}[channels]
    raise ValueError(f"model {model.name!r} takes {kind}. Received: {colours} channels, shape {shape}; {way}")


def some_at_a_time(inputs, size=AT_ONCE):
    """Slices of rows that together are all of the inputs."""
    return [slice(start, start + size) for start in range(0, len(inputs[0]), size)]


def predict(model, inputs, output):
    """The output number `output` of the model for a list of input arrays."""
    y = model.predict(inputs if len(inputs) > 1 else inputs[0], batch_size=AT_ONCE, verbose=0)
    return y[output] if isinstance(y, list) else y


def enlarge(maps, sizes):
    """maps (N, spatial...) at other sizes, linearly between the centres of their cells."""
    for axis, size in enumerate(sizes, 1):
        old = maps.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        low = np.minimum(at.astype(int), max(old - 2, 0))
        share = (at - low).astype(maps.dtype).reshape(-1, *(1,) * (maps.ndim - axis - 1))
        high = np.minimum(low + 1, old - 1)
        maps = np.take(maps, low, axis) * (1 - share) + np.take(maps, high, axis) * share
    return maps
