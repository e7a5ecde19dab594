"""Where an operation gives the same bytes, and how far it is off where not: measured, for docs/equality.md.

    python tests/equality.py        prints the table of that page as this machine finds it

For every operation of the door there are cases; each runs on several numbers of threads, at every
instruction-set level, by every algorithm, fused and not, and as the definition in float64.
"""

import math

import numpy as np
from kernels import FAST, LEVELS, at

from cyconv import backends
from cyconv.backends import reference
from cyconv.compare.differing import difference

THREADS = (1, 2, 3, 5)
COLUMNS = ("threads", "avx", "base", "textbook", "winograd", "fused", "definition")


def draw(*shape, seed=0):
    """Normal float32 numbers, the same in every run."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


# Cases: operation -> functions of (door, type) that give the results as a list --------------------------


def window(k, padding=0, stride=1, dilation=1, dims=2):
    """Window arguments of pooling and convolution."""
    return dict(strides=(stride,) * dims, padding=((padding, padding),) * dims, dilation=(dilation,) * dims)


# N, sizes, C, K, window, padding, stride, groups: 3x3, few channels, 1x1, strided, depthwise, one axis
CONVOLUTIONS = [
    (3, (30, 30), 16, 32, (3, 3), 1, 1, 1), (2, (17, 19), 3, 8, (3, 3), 0, 1, 1),
    (2, (24, 24), 64, 32, (1, 1), 0, 1, 1), (2, (21, 21), 8, 16, (5, 5), 2, 2, 1),
    (2, (20, 20), 16, 16, (3, 3), 1, 1, 16), (4, (200,), 12, 20, (7,), 3, 1, 1),
]  # fmt: skip


def convolving(operation, algorithm="direct", shapes=CONVOLUTIONS, activation="linear"):
    """Cases of one of the three passes of a convolution."""
    for N, sizes, C, K, k, padding, stride, groups in shapes:
        options = dict(window(k, padding, stride, dims=len(sizes)), groups=groups, algorithm=algorithm)
        out = [(n + 2 * padding - m) // stride + 1 for n, m in zip(sizes, k, strict=True)]
        x, kernel, dy = draw(N, *sizes, C), draw(*k, C // groups, K), draw(N, *out, K)

        def case(door, t, x=x, kernel=kernel, dy=dy, options=options):
            x, kernel, dy = t(x), t(kernel), t(dy)
            if operation == "convolution":
                return [
                    door.convolution(x, kernel, t(draw(kernel.shape[-1])), activation=activation, **options)
                ]
            if operation == "convolution_input_gradient":
                return [door.convolution_input_gradient(dy, kernel, input_shape=x.shape, **options)]
            dkernel, dbias = np.zeros_like(kernel), t(np.zeros(dy.shape[-1], np.float32))
            door.convolution_kernel_gradient(x, dy, dkernel, dbias, **options)
            return [dkernel, dbias]

        yield case


def pooling(operation):
    """Cases of the four pooling operations."""
    for shape, k, stride, padding in (((4, 32, 32, 24), 2, 2, 0), ((2, 15, 17, 5), 3, 2, 1)):
        options = dict(window=(k, k), strides=(stride, stride), padding=((padding, padding),) * 2)

        def case(door, t, shape=shape, options=options):
            x = t(draw(*shape))
            if operation.startswith("max"):
                y, switches = door.max_pool(x, **options)
                if operation == "max_pool":
                    return [y, switches]
                return [door.max_pool_gradient(t(draw(*y.shape)), switches, input_shape=shape, **options)]
            y = door.average_pool(x, **options)
            if operation == "average_pool":
                return [y]
            return [door.average_pool_gradient(t(draw(*y.shape)), input_shape=shape, **options)]

        yield case


def normalising(operation):
    """Cases of the three operations of batch normalisation."""
    for shape in ((6, 28, 28, 24), (5, 9, 7, 3)):
        C = shape[-1]

        def case(door, t, shape=shape, C=C):
            x, gamma, beta, dy = t(draw(*shape)), t(draw(C)), t(draw(C, seed=1)), t(draw(*shape, seed=2))
            mean, variance = t(draw(C, seed=3)), t(draw(C, seed=4) ** 2 + 0.5)
            if operation == "batch_norm":
                y, m, s = door.batch_norm(x, gamma, beta, mean, variance, momentum=0.9, epsilon=1e-3)
                return [y, m, s, mean, variance]
            if operation == "batch_norm_inference":
                return list(door.batch_norm_inference(x, gamma, beta, mean, variance, epsilon=1e-3))
            dgamma, dbeta = np.zeros_like(gamma), np.zeros_like(gamma)
            inverse = t((1 / np.sqrt(np.float32(variance) + np.float32(1e-3))).astype(np.float32))
            dx = door.batch_norm_gradient(x, dy, gamma, mean, inverse, dgamma, dbeta)
            return [dx, dgamma, dbeta]

        yield case


def steady(x, y):
    """Sums, products and a quotient."""
    return x * y + 0.5 / (np.abs(x) + 1.0) - y


def curved(x, y):
    """What needs polynomials."""
    return np.exp(-np.abs(x)) * np.tanh(y) + np.log1p(np.abs(x)) + np.sqrt(np.abs(y))


def elements(call, shape=(5, 40, 41, 9), count=1):
    """A case of an operation of elements."""

    def case(door, t):
        return [call(door, *(t(draw(*shape, seed=i)) for i in range(count)))]

    return case


def activating(gradient):
    for name in reference.ACTIVATIONS:
        if not gradient:
            yield elements(lambda door, x, name=name: door.activation(x, name, 0.3))
            continue

        def slope(door, x, dy, name=name):
            return door.activation_gradient(dy, x, door.activation(x, name, 0.3), name, 0.3)

        yield elements(slope, count=2)


def multiplying():
    for M, K, N, ta, tb in (
        (64, 300, 48, False, False),
        (33, 65, 7, True, False),
        (40, 128, 30, False, True),
    ):

        def case(door, t, shapes=((K, M) if ta else (M, K), (N, K) if tb else (K, N)), ta=ta, tb=tb):
            a, b = (t(draw(*s)) for s in shapes)
            return [door.matmul(a, b, transpose_a=ta, transpose_b=tb)]

        yield case


STATE = np.full(1, 3, np.uint64)


def drawing(distribution):
    return lambda door, t: [door.random(STATE, (70_001,), t(np.zeros(1, np.float32)).dtype,
                                        distribution=distribution, seed=5, stream=2)]  # fmt: skip


def upsampling(gradient):
    for interpolation in ("nearest", "linear"):

        def call(door, x, interpolation=interpolation):
            run = door.upsample_gradient if gradient else door.upsample
            return run(x, size=(2, 2), interpolation=interpolation)

        yield elements(call, (4, 24, 26, 17))


def reducing():
    for name in ("sum", "maximum", "minimum"):
        for axes in (None, (0, 1, 2), (3,)):
            yield elements(lambda door, x, name=name, axes=axes: door.reduce(x, name, axes))


def copying(accumulate):
    def case(door, t):
        x, out = t(draw(40, 50, 60)), t(draw(50, 60, 40, seed=1))
        door.copy(
            x,
            out,
            shape=(50, 60, 40),
            x_strides=(60, 1, 3000),
            y_strides=(2400, 40, 1),
            accumulate=accumulate,
        )
        return [out]

    return case


def losing(kind):
    def case(door, t):
        x = t(draw(3000, 10))
        if kind == "sparse":
            target = np.random.default_rng(1).integers(0, 10, 3000).astype(np.int32)
        else:
            target = t(np.abs(draw(3000, 10, seed=1)) / 10)
        return list(door.cross_entropy(x, target, kind=kind, from_logits=True, scale=0.01))

    return case


def matching(door, t):
    target = np.random.default_rng(1).integers(0, 10, 3000).astype(np.int32)
    return [door.accuracy(t(draw(3000, 10)), target, kind="sparse")]


def descending(door, t):
    w, m = t(draw(50_000)), t(draw(50_000, seed=1))
    door.sgd(t(draw(50_000, seed=2)), t(np.float32([0.1, 0.9])), w, m, nesterov=True)
    return [w, m]


def adapting(door, t):
    w, m, v = t(draw(50_000)), t(draw(50_000, seed=1)), t(draw(50_000, seed=3) ** 2)
    door.adam(t(draw(50_000, seed=2)), t(np.float32([0.01, 0.9, 0.999, 1e-7])), w, m, v)
    return [w, m, v]


def filling(door, t):
    return [door.fill(t(draw(40_000)), 0.1)]


CASES = {
    **{name: list(convolving(name)) for name in
       ("convolution", "convolution_input_gradient", "convolution_kernel_gradient")},
    **{name: list(pooling(name)) for name in
       ("max_pool", "max_pool_gradient", "average_pool", "average_pool_gradient")},
    **{name: list(normalising(name)) for name in
       ("batch_norm", "batch_norm_inference", "batch_norm_gradient")},
    "upsample": list(upsampling(False)),
    "upsample_gradient": list(upsampling(True)),
    "matmul": list(multiplying()),
    "activation": list(activating(False)),
    "activation_gradient": list(activating(True)),
    "softmax": [elements(lambda door, x: door.softmax(x), (4000, 11))],
    "softmax_gradient": [elements(lambda door, dy, x: door.softmax_gradient(dy, door.softmax(x)),
                                  (4000, 11), 2)],
    "dropout": [elements(lambda door, x: door.dropout(x, STATE, rate=0.3, seed=1, stream=0))],
    "random": [drawing("uniform"), drawing("normal")],
    "binary": [elements(lambda door, a, b, name=name: door.binary(a, b, name), count=2)
               for name in reference.BINARIES],
    "map": [elements(lambda door, x, y, f=f: door.map(f, x, y), count=2) for f in (steady, curved)],
    "reduce": list(reducing()),
    "copy": [copying(False), copying(True)],
    "fill": [filling],
    "cross_entropy": [losing(kind) for kind in ("sparse", "categorical", "binary")],
    "accuracy": [matching],
    "sgd": [descending],
    "adam": [adapting],
}  # fmt: skip


# Fused and not ------------------------------------------------------------------------------------------


def fused_pairs(operation):
    """(the operation with what it can do besides, the same in several operations): pairs of cases."""
    shape = (4, 24, 24, 16)
    if operation in ("convolution", "convolution_input_gradient", "matmul"):
        for name in ("relu", "tanh", "elu"):
            yield _activated(operation, name)
    if operation == "convolution":
        kernel = draw(3, 3, 16, 16)
        options = dict(window((3, 3), 1), algorithm="direct")

        def with_shortcut(door, t):
            return [door.convolution(t(draw(*shape)), t(kernel), None, t(draw(*shape, seed=1)), **options)]

        def then_sum(door, t):
            y = door.convolution(t(draw(*shape)), t(kernel), None, **options)
            return [door.binary(y, t(draw(*shape, seed=1)), "add")]

        yield with_shortcut, then_sum
    if operation in ("batch_norm", "batch_norm_inference"):
        yield _normalised(operation, shape, True), _normalised(operation, shape, False)
    if operation == "batch_norm_gradient":
        yield _slopes(shape, True), _slopes(shape, False)


def _activated(operation, name):
    def run(door, t, fused):
        inside = dict(activation=name, alpha=0.3) if fused else {}
        x = t(draw(4, 24, 24, 16))
        options = dict(window((3, 3), 1), algorithm="direct")
        if operation == "convolution":
            y = door.convolution(x, t(draw(3, 3, 16, 16)), t(draw(16)), **inside, **options)
        elif operation == "matmul":
            y = door.matmul(t(draw(64, 100)), t(draw(100, 40)), t(draw(40)), **inside)
        else:
            y = door.convolution_input_gradient(x, t(draw(3, 3, 16, 16)), t(draw(16)), input_shape=x.shape,
                                                **inside, **options)  # fmt: skip
        return [y if fused else door.activation(y, name, 0.3)]

    return (lambda door, t: run(door, t, True)), (lambda door, t: run(door, t, False))


def _normalised(operation, shape, fused):
    def case(door, t):
        C = shape[-1]
        x, rest = t(draw(*shape)), t(draw(*shape, seed=9))
        vectors = t(draw(C)), t(draw(C, seed=1)), t(draw(C, seed=3)), t(draw(C, seed=4) ** 2 + 0.5)
        options = dict(epsilon=1e-3, **({"momentum": 0.9} if operation == "batch_norm" else {}))
        run = getattr(door, operation)
        if fused:
            return [run(x, *vectors, rest, activation="relu", **options)[0]]
        y = run(x, *vectors, **options)[0]
        return [door.activation(door.binary(y, rest, "add"), "relu")]

    return case


def _slopes(shape, fused):
    def case(door, t):
        C = shape[-1]
        x, dy, y = t(draw(*shape)), t(draw(*shape, seed=2)), t(np.maximum(draw(*shape, seed=5), 0))
        gamma, mean, inverse = t(draw(C)), t(draw(C, seed=3)), t(np.abs(draw(C, seed=4)) + 0.1)
        dgamma, dbeta = np.zeros_like(gamma), np.zeros_like(gamma)
        if fused:
            dx, dz = door.batch_norm_gradient(x, dy, gamma, mean, inverse, dgamma, dbeta, y=y, residual=True)
        else:
            dz = door.activation_gradient(dy, None, y, "relu")
            dx = door.batch_norm_gradient(x, dz, gamma, mean, inverse, dgamma, dbeta)
        return [dx, dz, dgamma, dbeta]

    return case


# Measuring ----------------------------------------------------------------------------------------------


def single(array):
    return array.copy()


def double(array):
    return array.astype(np.float64)


def run(case, level, threads=1):
    with at(level, threads) as door:
        return [np.array(r) for r in case(door, single)]


def apart(results, others):
    """None where all are the same bytes, else the largest relative difference."""
    pairs = list(zip(results, others, strict=True))
    if all(a.tobytes() == b.tobytes() for a, b in pairs):
        return None
    return max(difference("", a, b.astype(np.float64)).relative for a, b in pairs)


def worst(found):
    """The largest of some `apart`s; None where all are."""
    return max((f for f in found if f is not None), default=None)


def threads_of(operation):
    """One thread against more, at every fast level; Winograd's form too."""
    cases = CASES[operation] + (list(winograds(operation)) if operation.startswith("convolution") else [])
    return worst(
        apart(run(case, level, n), run(case, level, 1))
        for case in cases
        for level in FAST
        for n in THREADS[1:]
    )


def avx_of(operation):
    """The levels with fused multiply-add, AVX2 and AVX-512, with each other."""
    return _levels(operation, "avx2", "avx512")


def base_of(operation):
    """The level that every x86-64 processor has, against the best."""
    return _levels(operation, "base", FAST[-1])


def _levels(operation, one, other):
    if one == other or not {one, other} <= set(FAST):
        return None
    return worst(apart(run(case, one), run(case, other)) for case in CASES[operation])


def textbook_of(operation):
    """The best level against the textbook loops."""
    return worst(apart(run(case, FAST[-1]), run(case, "naive")) for case in CASES[operation])


def winograds(operation, algorithm="winograd"):
    """Cases of the shapes for which Winograd's form exists, by `algorithm`."""
    return convolving(operation, algorithm, [c for c in CONVOLUTIONS if c[4] == (3, 3) and c[6:] == (1, 1)])


def winograd_of(operation):
    """Winograd's algorithm against the direct one; math.nan where there is none."""
    if not operation.startswith("convolution"):
        return math.nan
    pairs = zip(winograds(operation), winograds(operation, "direct"), strict=True)
    return worst(apart(run(a, FAST[-1]), run(b, FAST[-1])) for a, b in pairs)


def fused_of(operation):
    """With what it can do besides, against several operations; math.nan where it does nothing besides."""
    pairs = list(fused_pairs(operation))
    if not pairs:
        return math.nan
    return worst(apart(run(a, FAST[-1]), run(b, FAST[-1])) for a, b in pairs)


def definition_of(operation):
    """Every level against the definition in float64, rounded to float32 once."""
    return worst(off(case, level) for case in CASES[operation] for level in LEVELS)


def off(case, level):
    """A case at a level against the definition: None where every element is the float32 nearest to it."""
    found = []
    for a, b in zip(run(case, level), case(backends.get("reference"), double), strict=True):
        same = a.tobytes() == np.asarray(b).astype(a.dtype).tobytes()
        found.append(None if same else difference("", a, np.asarray(b)).relative)
    return worst(found)


MEASURES = {column: globals()[f"{column}_of"] for column in COLUMNS}


def shown(value):
    """A cell of the table: rounded up to one digit."""
    if value is None:
        return "same"
    if value == 0:
        return "sign of 0"
    if math.isnan(value):
        return "-"
    exponent = math.floor(math.log10(value))
    digit = math.ceil(value / 10.0**exponent - 1e-9)
    return f"{digit}e{exponent}" if digit < 10 else f"1e{exponent + 1}"


if __name__ == "__main__":
    import sys

    for name in sys.argv[1:] or CASES:
        print(f"| `{name}` | {' | '.join(shown(MEASURES[c](name)) for c in COLUMNS)} |", flush=True)
