"""Turns what users pass to `fit` into contiguous arrays of the right dtype, or says what is wrong with it."""

from functools import lru_cache

import numpy as np

from ..arrays import numbers


class Batches:
    """Inputs, labels and sample weights of equal length, read in batches of rows.

    inputs, targets, weights: lists of arrays (None where an output has no loss or no weights). copies: what a
    backend keeps of them in memory of its own; they must not change meanwhile.
    """

    def __init__(self, inputs, targets, weights):
        self.inputs, self.targets, self.weights = inputs, targets, weights
        self.size, self.copies = len(inputs[0]), {}
        self._signatures, self._pairs = {}, (None, ())

    def split(self, fraction):
        """(first part, last part): of the rows the first floor((1 - fraction) * size), and the others."""
        cut = int(self.size * (1 - fraction))
        if cut < 1 or cut >= self.size:
            raise ValueError(
                f"validation_split={fraction} of {self.size} samples leaves {cut} for training and "
                f"{self.size - cut} for validation; both need at least 1"
            )
        return self.rows(slice(0, cut)), self.rows(slice(cut, None))

    def rows(self, index):
        """The same arrays, some of their rows."""
        cut = [[None if a is None else a[index] for a in group] for group in self.groups()]
        return Batches(*cut)

    def groups(self):
        return self.inputs, self.targets, self.weights

    def signature(self, count):
        """(shapes, targets, weights) of a batch of `count` rows, as `Executor.step` wants them."""
        if count in self._signatures:
            return self._signatures[count]
        shapes = tuple([(count, *x.shape[1:]) for x in self.inputs])  # a list is faster than a generator
        targets = tuple(
            [None if t is None else ((count, *t.shape[1:]), dtype_name(t.dtype)) for t in self.targets]
        )
        weights = tuple([None if w is None else (count, *w.shape[1:]) for w in self.weights])
        self._signatures[count] = shapes, targets, weights
        return self._signatures[count]

    def load(self, recorded, rows):
        """Copies rows (an index array; None: all) into the arrays of a recorded step."""
        recorded.program.load(self.pairs(recorded), rows, self.copies)

    def pairs(self, recorded):
        """[(array of a recorded step, the data that it is loaded from)]"""
        step, pairs = self._pairs
        if step is not recorded:
            sides = zip(self.groups(), (recorded.inputs, recorded.targets, recorded.weights), strict=True)
            pairs = [(array, values) for group, arrays in sides
                     for values, array in zip(group, arrays, strict=True) if array is not None]  # fmt: skip
            self._pairs = recorded, pairs
        return pairs


dtype_name = lru_cache(str)  # str() of a dtype takes longer than all else that a signature needs


def as_list(value, names, what, optional=()):
    """A value, list, or dict by name as a list in the order of `names`; None for `optional` ones left out."""
    if isinstance(value, dict):
        missing = [n for n in names if n not in value and n not in optional]
        if missing:
            raise ValueError(f"{what}: no entry for {missing[0]!r}; the model has {', '.join(names)}")
        return [value.get(n) for n in names]
    needed = [n for n in names if n not in optional]
    if optional and len(needed) == 1 and hasattr(value, "shape"):
        value = {needed[0]: value}
        return [value.get(n) for n in names]
    if isinstance(value, (list, tuple)) and len(names) > 1:
        values = list(value)
    elif isinstance(value, (list, tuple)) and value and hasattr(value[0], "shape"):
        values = list(value)  # a list of arrays: one for each
    else:
        values = [value]
    if len(values) != len(names):
        raise ValueError(f"{what}: the model has {len(names)} ({', '.join(names)}). Received: {len(values)}")
    return values


def contiguous(array, dtype):
    """The array as C-contiguous native `dtype`; the same object where it is so already."""
    return np.ascontiguousarray(array, np.dtype(dtype))


def prepare_inputs(model, x):
    """x as a list of float arrays, each checked against the model's inputs."""
    if _fits_as_it_is(model, x):
        return [x]
    if x is None:
        raise ValueError("`x` is missing: give an array with the batch as its first axis")
    if not model.built:
        first = x[0] if isinstance(x, (list, tuple)) and x and hasattr(x[0], "shape") else x
        model.ensure_inputs([numbers(first, "`x`").shape])
    raw = as_list(x, model.input_names, "`x`")
    arrays = [numbers(a, f"`x` for input {n!r}") for a, n in zip(raw, model.input_names, strict=True)]
    if any(a.ndim == 0 for a in arrays):
        raise ValueError("`x` must have a batch axis. Received: a single number")
    lengths = {len(a) for a in arrays}
    if len(lengths) > 1:
        raise ValueError(f"the inputs differ in their number of samples: {sorted(lengths)}")
    if 0 in lengths:
        raise ValueError("`x` is empty: it has 0 samples along its first axis")
    for array, tensor in zip(arrays, model.inputs, strict=True):
        check_input(model, array.shape, tensor)
    return [contiguous(a, model.dtype) for a in arrays]


def _fits_as_it_is(model, x):
    """Whether x is the array of the model's only input as kernels read it. A small network is mostly handed
    such, and the questions that others are asked take as long as one of its layers.
    """
    if type(x) is not np.ndarray or not model.built or len(model.inputs) != 1:
        return False
    fits = x.ndim > 1 and x.shape[0] > 0 and x.shape[1:] == model.inputs[0].shape[1:]
    return fits and dtype_name(x.dtype) == model.dtype and x.flags.c_contiguous  # ">f4" has another name


def check_input(model, shape, tensor):
    """ValueError where data of `shape` does not fit an input of the model."""
    wanted = tensor.shape
    if shape[1:] == wanted[1:]:
        return
    fits = len(shape) == len(wanted) and all(
        w is None or w == s for w, s in zip(wanted[1:], shape[1:], strict=True)
    )
    if fits:
        return
    hint = ""
    if len(shape) == len(wanted) - 1 and wanted[-1] == 1 and tuple(shape[1:]) == wanted[1:-1]:
        hint = "; add the channel axis: x[..., None]"
    elif tuple(shape) == wanted[1:]:
        hint = "; a single sample needs a batch axis: x[None]"
    elif len(shape) == len(wanted) and tuple(shape[2:]) + (shape[1],) == wanted[1:]:
        order = (0, *range(2, len(shape)), 1)
        hint = f"; it looks like channels first: x.transpose{order}"
    raise ValueError(
        f"model {model.name!r}: input {tensor.name!r} takes arrays of shape {wanted} (None: any number). "
        f"Received: {tuple(shape)}{hint}"
    )


def prepare(model, inputs, y, sample_weight=None, class_weight=None):
    """A Batches of checked arrays for training or evaluation with labels `y`; inputs: of `prepare_inputs`."""
    if y is None:
        raise ValueError("`y` is missing: training and evaluation need labels")
    compiled = model.compiled
    unlabelled = [n for n, loss in zip(model.output_names, compiled.losses, strict=True) if loss is None]
    raw = as_list(y, model.output_names, "`y`", unlabelled)
    targets = []
    for values, name, loss, shape in zip(raw, model.output_names, compiled.losses, model.output_shapes_list,
                                         strict=True):  # fmt: skip
        if loss is None:
            targets.append(None)
            continue
        values = numbers(values, f"`y` for output {name!r}")
        if values.ndim == 0 or len(values) != len(inputs[0]):
            raise ValueError(
                f"`x` has {len(inputs[0])} samples, `y` for output {name!r} has "
                f"{len(values) if values.ndim else 'none'}; they must be equal"
            )
        actual = (None, *model.actual_output_shape(len(targets), inputs)[1:]) if None in shape[1:] else shape
        prepared = loss.prepare(values, actual, f"output {name!r}")
        targets.append(contiguous(prepared, loss.target_dtype(model.dtype)))
    compiled.choose_metrics([None if t is None else t.shape for t in targets], model.output_shapes_list)
    if class_weight is not None:
        if sample_weight is not None:
            raise ValueError("give `class_weight` or `sample_weight`, not both; multiply them into one array")
        sample_weight = [by_class(model, targets, class_weight)]
    return Batches(inputs, targets, _weights(model, sample_weight, targets))


def by_class(model, targets, weights):
    """One weight for each labelled row, from {class number: weight}; labels sparse or one-hot."""
    if len(targets) != 1:
        raise ValueError("`class_weight` is for models with one output; use `sample_weight`")
    if not isinstance(weights, dict):
        raise TypeError(f"`class_weight` is a dict {{class number: weight}}. Received: {weights!r}")
    for number, weight in weights.items():
        if not isinstance(number, (int, np.integer)) or not isinstance(weight, (int, float, np.number)):
            raise TypeError(
                f"`class_weight` gives class numbers their weights, as {{0: 1.0, 1: 2.5}}. Received: "
                f"{number!r}: {weight!r}"
            )
    target = targets[0]
    if target.ndim == len(model.output_shapes_list[0]):  # not class numbers: one-hot, or a single unit
        target = target.argmax(-1) if target.shape[-1] > 1 else np.round(target[..., 0])
    classes, places = np.unique(target, return_inverse=True)
    table = np.array([weights.get(c, 1.0) for c in classes.tolist()], model.dtype)
    return table[places.reshape(target.shape)]


def _weights(model, sample_weight, targets):
    """Sample weights as one array an output, spread over the rows that the loss averages."""
    if sample_weight is None:
        return [None] * len(targets)
    names = model.output_names
    if len(names) > 1 and not isinstance(sample_weight, (list, tuple, dict)):
        sample_weight = [sample_weight] * len(names)  # one weight a sample, for all outputs
    weights = []
    given = as_list(sample_weight, names, "`sample_weight`", names)
    for name, values, target, loss in zip(names, given, targets, model.compiled.losses, strict=True):
        if target is None or values is None:
            weights.append(None)
            continue
        spread = loss.spread(values, target.shape, f"`sample_weight` for output {name!r}")
        weights.append(contiguous(spread, model.dtype))
    return weights
