"""THE DOOR: every operation that a layer, a loss or an optimiser may ask of a backend.

Arrays and integers only: "same" has become numbers in `shapes.py` before. Images are channels last,
(N, spatial..., C) with one to three spatial axes; kernels (window..., C // groups, K). Every operation
takes its result buffer as `out=`; left out, it is made. Gradients of parameters are *added* to `out`
(a shared layer adds twice); every other result is overwritten.

The door checks shapes, so that no backend has to; then it calls `_do(name, operands, attributes)`. A backend
runs the operation there and then; the recorder (`recorder.py`) writes it down instead. The backends'
functions have the names, arguments and defaults of the table that `signatures` reads from their modules.

References: Goodfellow, Bengio, Courville, "Deep Learning" (2016), chapters 6 and 9, unless another is named.
"""

from math import prod

import numpy as np

from .. import shapes
from .algorithms import fits_winograd
from .formula import trace

EPSILON = 1e-7  # Keras's backend epsilon: cross-entropies clip probabilities to [EPSILON, 1 - EPSILON]


# "direct" and "naive" give the same numbers by a fast kernel and by the textbook loop; "winograd" is the cpu
# backend's, "tf32" and "cudnn" the gpu's; "auto" chooses.
ALGORITHMS = ("auto", "naive", "direct", "winograd", "tf32", "cudnn")
REDUCTIONS = ("sum", "maximum", "minimum")
DISTRIBUTIONS = ("uniform", "normal")
INTERPOLATIONS = ("nearest", "linear")


class Pair:
    """Two images with the channels of one behind the other's, as x of a convolution that `takes_pair`."""

    def __init__(self, first, second):
        self.first, self.second, self.dtype = first, second, first.dtype
        self.split = first.shape[-1]
        self.shape = (*first.shape[:-1], self.split + second.shape[-1])


def halves(x):
    """(x, None), or the two of a Pair."""
    return (x.first, x.second) if isinstance(x, Pair) else (x, None)


def expect(array, shape, name, operation):
    """Refuses an operand of another shape; such an error is a mistake of the caller, not of the data."""
    if tuple(array.shape) != tuple(shape):
        raise ValueError(
            f"{operation}: `{name}` must have shape {tuple(shape)}. Received: {tuple(array.shape)}"
        )


def in_numpy(function, arrays, shape):
    """function(*arrays), NumPy's, as an array; a ValueError where it has not the shape that was promised."""
    result = np.asarray(function(*arrays))
    if tuple(result.shape) != tuple(shape):
        raise ValueError(f"expected an array of shape {tuple(shape)}, got {tuple(result.shape)}")
    return result


class Door:
    """The operations, with their shape arithmetic. Subclasses give `_do`, `empty` and the array functions."""

    # What a subclass provides -------------------------------------------------------------------------

    def _do(self, operation, operands, attributes):
        """Runs or records one operation; operands are arrays or None in the order inputs, outputs."""
        raise NotImplementedError

    def empty(self, shape, dtype):
        """An array of undefined content."""
        raise NotImplementedError

    def reshape(self, x, shape):
        """The same elements under another shape, without a copy."""
        raise NotImplementedError

    # Convolution ---------------------------------------------------------------------------------------

    def convolution(self, x, kernel, bias=None, residual=None, *, strides, padding, dilation, groups=1,
                    activation="linear", alpha=0.0, algorithm="auto", moments=None, pool=False, out=None):
        """y[n,o,k] = f(bias[k] + residual[n,o,k]
                        + sum over t,c of x[n, o*stride + t*dilation - before, c] * kernel[t,c,k]).

        Cross-correlation, as deep learning means the word (section 9.1); positions outside x are zeros.
        x (N, sizes..., C), or a Pair; kernel (window..., C // groups, K); bias (K,); residual like y
        -> (N, out..., K). moments: an array of `moments_shape`, filled for a `batch_norm` of y.
        pool, where the backend `takes_pool`: returns what `max_pool` with windows and strides of 2 would make
        of y, (the maxima, switches); for two spatial axes, without residual and moments.
        """
        window, (per_group, K) = tuple(kernel.shape[:-2]), kernel.shape[-2:]
        N, *sizes, C = x.shape
        if per_group * groups != C or K % groups:
            raise ValueError(f"convolution: {C} input channels, {K} filters and {groups} groups need a "
                             f"kernel (..., {C // groups}, {K}). Received: {tuple(kernel.shape)}")
        if bias is not None:
            expect(bias, (K,), "bias", "convolution")
        shape = (N, *shapes.window_output(sizes, window, strides, dilation, padding, "kernel"), K)
        if residual is not None:
            expect(residual, shape, "residual", "convolution")
        if pool:
            if len(window) != 2 or residual is not None or moments is not None:
                raise ValueError("convolution: `pool` is for two spatial axes, without residual and moments")
            shape = (N, shape[1] // 2, shape[2] // 2, K)
        out, switches = self._out(out, shape, x, "convolution"), None
        self._known(algorithm, window, strides, padding, dilation, groups)
        x, beside = halves(x)
        if pool:
            switches = self.empty(shape, "int32")
        self._do("convolution", (x, kernel, bias, residual, out, beside, moments, switches), dict(
            strides=strides, padding=padding, dilation=dilation, groups=groups,
            activation=activation, alpha=alpha, algorithm=algorithm, pool=pool))
        return (out, switches) if pool else out

    def convolution_input_gradient(self, dy, kernel, bias=None, *, input_shape, strides, padding, dilation,
                                   groups=1, activation="linear", alpha=0.0, algorithm="auto", split=None,
                                   accumulate=False, out=None):
        """dx[n,i,c] = f(bias[c] + sum of dy[n,o,k] * kernel[t,c,k] over all t, k, o with
        o*stride + t*dilation - before = i).

        The transpose of `convolution`, and so also the forward pass of a transposed convolution
        (Dumoulin & Visin 2016, chapter 4): that is what bias (C,) and activation are for.
        dy (N, out..., K) -> dx (N, sizes..., C) = input_shape; with `split`, that of a Pair: two arrays, the
        first with so many channels. accumulate: the sum begins with what is in `out` (see `adds_gradients`).
        """
        self._may_add("convolution_input_gradient", accumulate, out)
        self._check_gradient("convolution_input_gradient", input_shape, kernel.shape, dy, strides, padding,
                             dilation, groups)
        if bias is not None:
            expect(bias, (input_shape[-1],), "bias", "convolution_input_gradient")
        if split is not None and (activation != "linear" or accumulate):
            text = f"convolution_input_gradient: `split` goes without activation={activation!r}"
            raise ValueError(f"{text} and accumulate={accumulate}")
        *outer, C = input_shape
        out = self._out(out, (*outer, C if split is None else split), dy, "convolution_input_gradient")
        beside = None if split is None else self.empty((*outer, C - split), dy.dtype)
        self._known(algorithm, kernel.shape[:-2], strides, padding, dilation, groups)
        self._do("convolution_input_gradient", (dy, kernel, bias, out, beside), dict(
            strides=strides, padding=padding, dilation=dilation, groups=groups,
            activation=activation, alpha=alpha, algorithm=algorithm, accumulate=accumulate))
        return out if split is None else (out, beside)

    def convolution_kernel_gradient(self, x, dy, dkernel, dbias=None, *, strides, padding, dilation, groups=1,
                                    algorithm="auto"):
        """dkernel[t,c,k] += sum over n,o of x[n, o*stride + t*dilation - before, c] * dy[n,o,k];
        dbias[k] += sum over n,o of dy[n,o,k].
        """
        self._check_gradient("convolution_kernel_gradient", x.shape, dkernel.shape, dy, strides, padding,
                             dilation, groups)
        if dbias is not None:
            expect(dbias, (dkernel.shape[-1],), "dbias", "convolution_kernel_gradient")
        self._known(algorithm, dkernel.shape[:-2], strides, padding, dilation, groups)
        x, beside = halves(x)
        self._do("convolution_kernel_gradient", (x, dy, dkernel, dbias, beside), dict(
            strides=strides, padding=padding, dilation=dilation, groups=groups, algorithm=algorithm))

    adds_gradients = False  # whether input gradients of convolutions and max poolings take `accumulate`

    def _may_add(self, name, accumulate, out):
        if accumulate and out is None:
            raise ValueError(f"{name}: accumulate adds to `out`, which is missing")
        if accumulate and not self.adds_gradients:
            raise ValueError(f"{name}: this backend takes no `accumulate`; add with `binary`")

    def takes_pair(self, x, kernel, *, strides, padding, dilation, groups=1, algorithm="auto"):
        """Whether a convolution with these options, and its gradients, take the Pair x as it is."""
        return False

    def takes_pool(self, x):
        """Whether a convolution of x can pool what it makes (`pool`) in one walk."""
        return False

    def moments_shape(self, x, kernel, *, strides, padding, dilation, groups=1, algorithm="auto"):
        """The shape of `moments`, where a convolution with these options can measure its y; else None."""
        return None

    @staticmethod
    def _known(algorithm, window, strides, padding, dilation, groups):
        if algorithm not in ALGORITHMS:
            raise ValueError(f"`algorithm` must be one of {', '.join(ALGORITHMS)}. Received: {algorithm!r}")
        if algorithm == "winograd" and not fits_winograd(window, strides, padding, dilation, groups):
            raise ValueError(
                "algorithm='winograd' is for 3x3 windows with strides, dilation and groups of 1, padded "
                f"around planes alone. Received: window {tuple(window)}, strides {tuple(strides)}, padding "
                f"{tuple(padding)}, dilation {tuple(dilation)}, groups {groups}; take 'direct' or 'auto'"
            )

    def _check_gradient(self, name, input_shape, kernel_shape, dy, strides, padding, dilation, groups):
        N, *sizes, C = input_shape
        *window, per_group, K = kernel_shape
        if per_group * groups != C or K % groups:
            raise ValueError(
                f"{name}: {C} channels in {groups} groups do not match kernel {tuple(kernel_shape)}"
            )
        expect(dy, (N, *shapes.window_output(sizes, window, strides, dilation, padding), K), "dy", name)

    # Pooling -------------------------------------------------------------------------------------------

    def max_pool(self, x, *, window, strides, padding, dilation=None, out=None, switches=None):
        """y[n,o,c] = max over t of x[n, o*stride + t*dilation - before, c]; padding never wins, NaN does.

        Returns (y, switches): switches (int32, shape of y) hold which spatial position of x won, counted
        row by row: the "switches" of Zeiler & Fergus 2014, and what the gradient needs.
        """
        dilation = dilation or (1,) * len(window)
        shape = self._pool_shape(x, window, strides, padding, dilation)
        out = self._out(out, shape, x, "max_pool")
        switches = self._out(switches, shape, x, "max_pool", dtype="int32")
        self._do("max_pool", (x, out, switches),
                 dict(window=window, strides=strides, padding=padding, dilation=dilation))
        return out, switches

    def max_pool_gradient(self, dy, switches, *, input_shape, window, strides, padding, dilation=None,
                          accumulate=False, out=None):
        """dx[n,i,c] = sum of dy[n,o,c] over the windows o whose switch is i, or dx += with accumulate (see
        `adds_gradients`).
        """
        self._may_add("max_pool_gradient", accumulate, out)
        dilation = dilation or (1,) * len(window)
        expect(switches, dy.shape, "switches", "max_pool_gradient")
        expect(dy, self._pool_shape(None, window, strides, padding, dilation, input_shape), "dy",
               "max_pool_gradient")
        out = self._out(out, input_shape, dy, "max_pool_gradient")
        self._do("max_pool_gradient", (dy, switches, out), dict(
            window=window, strides=strides, padding=padding, dilation=dilation, accumulate=accumulate))
        return out

    def average_pool(self, x, *, window, strides, padding, count_padding=False, out=None):
        """y[n,o,c] = mean over t of x[n, o*stride + t - before, c].

        The mean is over the positions inside the image; with count_padding, over the whole window.
        """
        shape = self._pool_shape(x, window, strides, padding, (1,) * len(window))
        out = self._out(out, shape, x, "average_pool")
        self._do("average_pool", (x, out),
                 dict(window=window, strides=strides, padding=padding, count_padding=count_padding))
        return out

    def average_pool_gradient(self, dy, *, input_shape, window, strides, padding, count_padding=False,
                              out=None):
        """dx[n,i,c] = sum over the windows o that cover i of dy[n,o,c] / (their number of positions)."""
        expect(dy, self._pool_shape(None, window, strides, padding, (1,) * len(window), input_shape), "dy",
               "average_pool_gradient")
        out = self._out(out, input_shape, dy, "average_pool_gradient")
        self._do("average_pool_gradient", (dy, out),
                 dict(window=window, strides=strides, padding=padding, count_padding=count_padding))
        return out

    def _pool_shape(self, x, window, strides, padding, dilation, shape=None):
        N, *sizes, C = x.shape if shape is None else shape
        for k, d, (before, after) in zip(window, dilation, padding, strict=True):
            if max(before, after) >= shapes.extent(k, d):
                raise ValueError(f"pooling padding {before}+{after} must be smaller than the window {k}: "
                                 "a window with nothing but padding has no value; use at most "
                                 f"{shapes.extent(k, d) - 1}")
        return (N, *shapes.window_output(sizes, window, strides, dilation, padding, "pool"), C)

    # Batch normalisation: Ioffe & Szegedy 2015, algorithms 1 and 2 ---------------------------------------

    def batch_norm(self, x, gamma, beta, moving_mean, moving_variance, residual=None, *, momentum, epsilon,
                   activation="linear", moments=None, out=None):
        """y = f(gamma * (x - mean) / sqrt(variance + epsilon) + beta + residual), statistics over all but the
        channels; f: "linear" or "relu".

        moving = momentum * moving + (1 - momentum) * batch, with the population variance, as Keras.
        gamma, beta: (C,) or None; residual: like x or None; moments: those that a convolution took of x in
        passing, which saves reading it. Returns (y, mean, inv_std); inv_std = 1 / sqrt(variance + epsilon).
        """
        C = self._normalises(x, residual, activation, gamma, beta, moving_mean, moving_variance)
        out = self._out(out, x.shape, x, "batch_norm")
        mean, inv_std = self.empty((C,), x.dtype), self.empty((C,), x.dtype)
        operands = (x, gamma, beta, residual, moving_mean, moving_variance, out, mean, inv_std, moments)
        self._do("batch_norm", operands, dict(momentum=momentum, epsilon=epsilon, activation=activation))
        return out, mean, inv_std

    def batch_norm_inference(self, x, gamma, beta, moving_mean, moving_variance, residual=None, *, epsilon,
                             activation="linear", out=None):
        """The same with the moving statistics. Returns (y, inv_std)."""
        C = self._normalises(x, residual, activation, gamma, beta, moving_mean, moving_variance)
        out = self._out(out, x.shape, x, "batch_norm_inference")
        inv_std = self.empty((C,), x.dtype)
        self._do("batch_norm_inference",
                 (x, gamma, beta, residual, moving_mean, moving_variance, out, inv_std),
                 dict(epsilon=epsilon, activation=activation))
        return out, inv_std

    def batch_norm_gradient(self, x, dy, gamma, mean, inv_std, dgamma=None, dbeta=None, *, y=None,
                            relu=False, beta=None, residual=False, training=True, out=None):
        """With xhat = (x - mean) * inv_std over M values a channel, and dz = dy, or, with a relu behind the
        normalisation, dy where that gave more than 0 and 0 elsewhere: dbeta += sum dz;
        dgamma += sum dz * xhat; dx = gamma * inv_std * (dz - (sum dz + xhat * sum(dz * xhat)) / M);
        else gamma * inv_std * dz.

        What the relu gave is y. With relu=True and no y it is made again, gamma * xhat + beta, which costs
        less than reading y, but was not the relu's input where a residual had been added. Returns dx; with
        `residual`, (dx, dz): dz is the residual's gradient.
        """
        self._channels(x, gamma, mean, inv_std, dgamma, dbeta, beta)
        expect(dy, x.shape, "dy", "batch_norm_gradient")
        if y is not None:
            expect(y, x.shape, "y", "batch_norm_gradient")
        out = self._out(out, x.shape, x, "batch_norm_gradient")
        dz = self.empty(tuple(x.shape), x.dtype) if residual else None
        operands = (x, dy, y, gamma, mean, inv_std, out, dz, dgamma, dbeta, beta)
        self._do("batch_norm_gradient", operands, dict(training=training, relu=relu))
        return (out, dz) if residual else out

    def _normalises(self, x, residual, activation, *vectors):
        if residual is not None:
            expect(residual, x.shape, "residual", "batch normalisation")
        if activation not in ("linear", "relu"):
            raise ValueError(f"batch normalisation applies 'linear' or 'relu'. Received: {activation!r}")
        return self._channels(x, *vectors)

    def _channels(self, x, *vectors):
        C = x.shape[-1]
        for vector in vectors:
            if vector is not None:
                expect(vector, (C,), "a per-channel vector", "batch normalisation")
        return C

    # Matrices and elements -------------------------------------------------------------------------------

    def matmul(self, a, b, bias=None, *, transpose_a=False, transpose_b=False, accumulate=False,
               activation="linear", alpha=0.0, out=None):
        """c[m,n] = f(bias[n] + sum over k of a[m,k] * b[k,n]), a or b transposed first; accumulate: c +=."""
        M, inner = reversed(a.shape) if transpose_a else a.shape
        inner_b, N = reversed(b.shape) if transpose_b else b.shape
        if inner != inner_b:
            raise ValueError(f"matmul: inner sizes {inner} and {inner_b} differ")
        if bias is not None:
            expect(bias, (N,), "bias", "matmul")
        out = self._out(out, (M, N), a, "matmul")
        self._do("matmul", (a, b, bias, out), dict(transpose_a=transpose_a, transpose_b=transpose_b,
                                                   accumulate=accumulate, activation=activation, alpha=alpha))
        return out

    def activation(self, x, name, alpha=0.0, *, out=None):
        """y = f(x), element by element; `name` is one of `activations.NAMES` (its formula stands there)."""
        out = self._out(out, x.shape, x, "activation")
        self._do("activation", (x, out), dict(activation=name, alpha=alpha))
        return out

    def activation_gradient(self, dy, x, y, name, alpha=0.0, *, out=None):
        """dx = dy * f'(x). Where the derivative follows from y alone x may be None, and vice versa."""
        for other in (x, y):
            if other is not None:
                expect(other, dy.shape, "x or y", "activation_gradient")
        out = self._out(out, dy.shape, dy, "activation_gradient")
        self._do("activation_gradient", (dy, x, y, out), dict(activation=name, alpha=alpha))
        return out

    def softmax(self, x, *, out=None):
        """y[..., c] = exp(x[..., c]) / sum over j of exp(x[..., j]), the largest x subtracted first."""
        out = self._out(out, x.shape, x, "softmax")
        self._do("softmax", (x, out), {})
        return out

    def softmax_gradient(self, dy, y, *, out=None):
        """dx = y * (dy - sum over j of dy[..., j] * y[..., j])."""
        expect(y, dy.shape, "y", "softmax_gradient")
        out = self._out(out, dy.shape, dy, "softmax_gradient")
        self._do("softmax_gradient", (dy, y, out), {})
        return out

    def dropout(self, x, state, *, rate, seed, stream, out=None):
        """y = x * mask / (1 - rate), mask = 1 with probability 1 - rate (Srivastava et al. 2014).

        The mask is a function of (seed, stream, state[0], element): Philox4x32-10 (Salmon et al. 2011), so
        the gradient is the same operation on dy, and every backend draws the same. state: uint64 (1,).
        """
        expect(state, (1,), "state", "dropout")
        out = self._out(out, x.shape, x, "dropout")
        self._do("dropout", (x, state, out), dict(rate=rate, seed=seed, stream=stream))
        return out

    def binary(self, a, b, name, *, out=None):
        """y = a (add | subtract | multiply | maximum | minimum) b; b repeats over the leading axes of a."""
        if tuple(a.shape[a.ndim - b.ndim:]) != tuple(b.shape):
            raise ValueError(f"{name}: shapes {tuple(a.shape)} and {tuple(b.shape)} do not match")
        out = self._out(out, a.shape, a, name)
        self._do("binary", (a, b, out), dict(name=name))
        return out

    def map(self, formula, *inputs, out=None):
        """outputs[i] = formula(inputs[i], ...), element by element, inputs repeated as NumPy broadcasts them.

        formula: a NumPy function of as many arrays (see `formula.py`) that gives one result or a tuple.
        out: an array or a tuple of them, which may be inputs. Returns the result or the list of results.
        """
        read = trace(formula, len(inputs))
        outs = [None] * len(read.outputs) if out is None else list(out) if isinstance(out, tuple) else [out]
        shape = np.broadcast_shapes(*(tuple(a.shape) for a in (*inputs, *outs) if a is not None))
        outs = [self._out(o, shape, inputs[0], f"map {read.name}") for o in outs]
        if len(outs) != len(read.outputs):
            raise ValueError(f"map {read.name}: {len(read.outputs)} results, {len(outs)} outputs")
        self._do("map", (*inputs, *outs), dict(formula=read))
        return outs[0] if read.single else outs

    def reduce(self, x, name="sum", axes=None, *, scale=1.0, accumulate=False, out=None):
        """out = scale * (sum | maximum | minimum of x over `axes`), or out += with accumulate.

        axes: a tuple of axis numbers (None: all, which gives shape (1,)). Sums are taken in chunks whose
        order never changes. Returns an array of the axes that are left.
        """
        if name not in REDUCTIONS:
            raise ValueError(f"reduce: `name` must be one of {', '.join(REDUCTIONS)}. Received: {name!r}")
        axes = tuple(range(x.ndim)) if axes is None else tuple(sorted(a % x.ndim for a in axes))
        kept = tuple(n for i, n in enumerate(x.shape) if i not in axes) or (1,)
        if accumulate and out is None:
            raise ValueError("reduce: accumulate adds to `out`, which is missing")
        out = self._out(out, kept, x, "reduce")
        self._do("reduce", (x, out), dict(name=name, axes=axes, scale=scale, accumulate=accumulate))
        return out

    def copy(self, x, out, *, shape, x_strides, y_strides, x_offset=0, y_offset=0, accumulate=False):
        """out[y_offset + i . y_strides] = x[x_offset + i . x_strides] for every index i below `shape`,
        counted in elements (or += with accumulate): joins, cuts, pads, crops, repeats, transposes arrays.

        Strides of x may be 0 (repetition) or negative (reversal); no element of out may be written twice.
        """
        sides = ("x", x, x_offset, x_strides), ("out", out, y_offset, y_strides)
        for name, array, offset, strides in sides:
            if len(strides) != len(shape):
                raise ValueError(f"copy: {len(shape)} axes need as many strides for `{name}`")
            ends = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
            low, high = offset + sum(min(e, 0) for e in ends), offset + sum(max(e, 0) for e in ends)
            if prod(shape) and (low < 0 or high >= prod(array.shape)):
                raise ValueError(f"copy: the block leaves `{name}` {tuple(array.shape)}")
        self._do("copy", (x, out), dict(shape=tuple(shape), x_strides=tuple(x_strides), x_offset=x_offset,
                                        y_strides=tuple(y_strides), y_offset=y_offset, accumulate=accumulate))

    def random(self, state, shape, dtype, *, distribution, seed, stream, out=None):
        """Random numbers: "uniform" in [0, 1) or "normal" (mean 0, variance 1).

        Element i is a function of (seed, stream, state[0], i): Philox4x32-10, as in `dropout`, with the same
        uniform numbers; normal ones by Box & Muller 1958 from two uniforms, so every backend draws the same.
        """
        expect(state, (1,), "state", "random")
        if distribution not in DISTRIBUTIONS:
            raise ValueError(f"random: `distribution` must be one of {', '.join(DISTRIBUTIONS)}. "
                             f"Received: {distribution!r}")
        if out is None:
            out = self.empty(tuple(shape), dtype)
        self._do("random", (state, out), dict(distribution=distribution, seed=seed, stream=stream))
        return out

    def upsample(self, x, *, size, interpolation="nearest", out=None):
        """Enlarges the spatial axes by whole factors `size`, by repetition or linear interpolation.

        nearest: y[n, o, c] = x[n, o // size, c]. linear: along each axis the value at (o + 0.5) / size - 0.5
        (half-pixel centres), clamped to the image. x (N, sizes..., C) -> (N, sizes * size..., C).
        """
        N, *sizes, C = x.shape
        out = self._out(out, (N, *(n * s for n, s in zip(sizes, size, strict=True)), C), x, "upsample")
        self._do("upsample", (x, out),
                 dict(size=tuple(size), interpolation=self._interpolates(interpolation)))
        return out

    def upsample_gradient(self, dy, *, size, interpolation="nearest", out=None):
        """dx: the transpose of `upsample`; dy (N, sizes * size..., C) -> (N, sizes..., C)."""
        N, *sizes, C = dy.shape
        if any(n % s for n, s in zip(sizes, size, strict=True)):
            raise ValueError(f"upsample_gradient: {tuple(sizes)} does not divide by {tuple(size)}")
        out = self._out(out, (N, *(n // s for n, s in zip(sizes, size, strict=True)), C), dy,
                        "upsample_gradient")
        self._do("upsample_gradient", (dy, out),
                 dict(size=tuple(size), interpolation=self._interpolates(interpolation)))
        return out

    @staticmethod
    def _interpolates(name):
        if name not in INTERPOLATIONS:
            raise ValueError(f"`interpolation` must be one of {', '.join(INTERPOLATIONS)}. "
                             f"Received: {name!r}")
        return name

    def fill(self, out, value=0.0):
        """out = value."""
        self._do("fill", (out,), dict(value=value))
        return out

    # Losses, metrics, optimisers ---------------------------------------------------------------------------

    def cross_entropy(self, prediction, target, weight=None, *, kind, from_logits, label_smoothing=0.0,
                      ignore_class=None, scale=1.0, through_softmax=False):
        """losses[m] = weight[m] * -sum over c of target[m,c] * log(prediction[m,c]), and scale * gradient.

        kind: "categorical" (target as prediction), "sparse" (target: int32 class numbers, (M...)), "binary"
        (target as prediction; mean over c of the two-class entropy). From probabilities: divided by their sum
        (not binary), clipped to [1e-7, 1 - 1e-7], as Keras. through_softmax: a softmax made prediction, the
        gradient is that of what the softmax took. Returns (losses (M...), gradient).
        """
        rows = tuple(prediction.shape[:-1])
        expect(target, rows if kind == "sparse" else prediction.shape, "target", "cross_entropy")
        if weight is not None:
            expect(weight, rows, "weight", "cross_entropy")
        losses, gradient = self.empty(rows, prediction.dtype), self.empty(prediction.shape, prediction.dtype)
        self._do("cross_entropy", (prediction, target, weight, losses, gradient), dict(
            kind=kind, from_logits=from_logits, label_smoothing=label_smoothing, ignore_class=ignore_class,
            scale=scale, through_softmax=through_softmax))
        return losses, gradient

    def accuracy(self, prediction, target, *, kind, threshold=0.5):
        """matches[m] = 1 where the largest class is the target's (binary: mean over c of agreement), or 0."""
        rows = tuple(prediction.shape[:-1])
        expect(target, rows if kind == "sparse" else prediction.shape, "target", "accuracy")
        matches = self.empty(rows, prediction.dtype)
        self._do("accuracy", (prediction, target, matches), dict(kind=kind, threshold=threshold))
        return matches

    def sgd(self, gradient, hyper, w, momentum=None, *, nesterov=False):
        """w -= lr*g; with momentum m = mu*m - lr*g, w += m; nesterov: w += mu*m - lr*g. hyper = (lr, mu)."""
        self._arena("sgd", hyper, 2, gradient, w, momentum)
        self._do("sgd", (gradient, hyper, w, momentum), dict(nesterov=nesterov))

    def adam(self, gradient, hyper, w, m, v):
        """m += (1-b1)(g - m); v += (1-b2)(g*g - v); w -= alpha * m / (sqrt(v) + epsilon) (Kingma & Ba 2015).

        hyper = (alpha, b1, b2, epsilon), alpha = lr * sqrt(1 - b2**t) / (1 - b1**t).
        """
        self._arena("adam", hyper, 4, gradient, w, m, v)
        self._do("adam", (gradient, hyper, w, m, v), {})

    def _arena(self, name, hyper, count, *arrays):
        expect(hyper, (count,), "hyper", name)
        for array in arrays:
            if array is not None:
                expect(array, arrays[0].shape, "an optimiser slot", name)

    def _out(self, out, shape, like, operation, dtype=None):
        if out is None:
            return self.empty(tuple(shape), dtype or like.dtype)
        expect(out, shape, "out", operation)
        return out


OPERATIONS = (
    "convolution", "convolution_input_gradient", "convolution_kernel_gradient",
    "max_pool", "max_pool_gradient", "average_pool", "average_pool_gradient",
    "batch_norm", "batch_norm_inference", "batch_norm_gradient",
    "upsample", "upsample_gradient",
    "matmul", "activation", "activation_gradient", "softmax", "softmax_gradient",
    "dropout", "random", "binary", "map", "reduce", "copy", "fill",
    "cross_entropy", "accuracy", "sgd", "adam",
)
