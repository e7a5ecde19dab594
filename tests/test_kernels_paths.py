"""Convolution: one geometry for each path through the fast kernels, and teams of threads."""

from dataclasses import dataclass
from math import prod

import numpy as np
import pytest
from kernels import check_all, check_threads, draw

from cyconv import shapes


@dataclass(frozen=True)
class Case:
    """One geometry: sizes and window of one to three axes, (before, after) padding of each."""

    sizes: tuple
    window: tuple
    N: int = 2
    C: int = 3  # of a group
    K: int = 4  # of a group
    strides: tuple = ()
    padding: tuple = ()
    dilation: tuple = ()
    groups: int = 1

    @property
    def options(self):
        ones = (1,) * len(self.sizes)
        none = ((0, 0),) * len(self.sizes)
        return dict(
            strides=self.strides or ones,
            padding=self.padding or none,
            dilation=self.dilation or ones,
            groups=self.groups,
            algorithm="direct",
        )

    @property
    def x_shape(self):
        return (self.N, *self.sizes, self.C * self.groups)

    @property
    def kernel_shape(self):
        return (*self.window, self.C, self.K * self.groups)

    @property
    def y_shape(self):
        o = self.options
        out = shapes.window_output(self.sizes, self.window, o["strides"], o["dilation"], o["padding"])
        return (self.N, *out, self.K * self.groups)


def same(*window):
    return tuple(((k - 1) // 2, k - 1 - (k - 1) // 2) for k in window)


# One line for each path through the kernels; what it is there for stands behind it.
CASES = [
    Case((9, 11), (3, 3), C=16, K=16, padding=same(3, 3)),  # weights used in place
    Case((8, 8), (3, 3), N=3, C=33, K=65, padding=same(3, 3)),  # channels beside every vector width
    Case((7, 6), (3, 3), C=5, K=40, padding=((2, 0), (0, 3))),  # asymmetric padding
    Case((12, 13), (5, 5), C=1, K=6),  # a first layer
    Case((12, 13), (3, 3), C=3, K=16, padding=same(3, 3)),
    Case((9, 10), (3, 3), C=4, K=8, strides=(2, 2), padding=same(3, 3)),
    Case((11, 10), (3, 2), C=4, K=8, strides=(3, 2), padding=((1, 1), (1, 0))),
    Case((9, 9), (2, 2), C=8, K=4, strides=(2, 2)),  # the last column is seen by no window
    Case((9, 9), (1, 1), C=8, K=4, strides=(3, 3)),  # most inputs are seen by no window
    Case((11, 12), (3, 3), C=4, K=20, dilation=(2, 3), padding=((2, 2), (3, 3))),
    Case((13, 12), (3, 4), C=2, K=3, strides=(3, 2), dilation=(2, 4), padding=((1, 2), (5, 6))),
    Case((6, 7), (1, 1), C=24, K=40),  # all pixels in one row
    Case((1, 1), (1, 1), N=1, C=1, K=1),
    Case((2, 3), (3, 3), N=1, C=2, K=2, padding=((4, 4), (3, 5))),  # windows of nothing but padding
    Case((8, 9), (3, 3), C=4, K=6, groups=3, padding=same(3, 3)),
    Case((8, 9), (3, 3), C=17, K=33, groups=2, strides=(2, 1), padding=same(3, 3)),
    Case((8, 19), (3, 3), C=1, K=1, groups=19, padding=same(3, 3)),  # depthwise
    Case((9, 9), (5, 3), C=1, K=1, groups=40, strides=(2, 2), dilation=(1, 2), padding=((2, 2), (2, 2))),
    Case((20,), (15,), C=1, K=1, groups=19),  # of a window row eight taps, three and one
    Case((6, 6), (3, 3), C=1, K=2, groups=5, padding=same(3, 3)),  # two filters a channel
    Case((400,), (7,), N=1, C=2, K=5, padding=((3, 3),)),  # several strips of one row
    Case((3,), (2,), N=1, C=2, K=5, padding=((400, 300),)),  # strips of nothing but padding
    Case((40,), (3,), C=16, K=16, padding=((2, 0),)),  # causal
    Case((6,), (3,), strides=(2,), padding=((2, 0),)),  # of one residue a single tap, shifted
    Case((4, 5, 6), (3, 2, 3), C=4, K=10, strides=(1, 2, 1), padding=((1, 1), (0, 1), (1, 1))),
    Case((5, 4, 5), (2, 2, 2), C=3, K=4, strides=(2, 2, 2), dilation=(2, 1, 1)),
    Case((3, 3), (3, 3), N=1, C=130, K=140, padding=same(3, 3)),  # few chunks of a large gradient
]


def check_case(case):
    x, kernel, dy = draw(*case.x_shape), draw(*case.kernel_shape, seed=1), draw(*case.y_shape, seed=2)
    bias = draw(case.K * case.groups, seed=3)
    bias_of_input = draw(case.C * case.groups, seed=4)
    taps, pixels = prod(case.window), prod(case.y_shape[:-1])

    def forward(ops, x, kernel, bias):
        return ops.convolution(x, kernel, bias, **case.options)

    def input_gradient(ops, dy, kernel, bias):
        return ops.convolution_input_gradient(dy, kernel, bias, input_shape=case.x_shape, **case.options)

    def added(ops, dy, kernel, bias, dx):
        if not ops.adds_gradients:
            return ops.binary(dx, input_gradient(ops, dy, kernel, bias), "add")
        return ops.convolution_input_gradient(dy, kernel, bias, input_shape=case.x_shape, accumulate=True,
                                              out=dx, **case.options)  # fmt: skip

    def kernel_gradient(ops, x, dy, dkernel, dbias):
        ops.convolution_kernel_gradient(x, dy, dkernel, dbias, **case.options)
        return (dkernel,) if dbias is None else (dkernel, dbias)

    for b in (bias, None):
        check_all(forward, x, kernel, b, terms=taps * case.C)
    for b in (bias_of_input, None):
        check_all(input_gradient, dy, kernel, b, terms=taps * case.K)
        check_all(added, dy, kernel, b, x, terms=taps * case.K)
    for b in (bias, None):
        check_all(kernel_gradient, x, dy, kernel, b, terms=pixels)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolution_and_gradients(case):
    check_case(case)


@pytest.mark.parametrize("groups", [1, 20])
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "tanh", "gelu"])
def test_activation_in_the_same_pass(name, groups):
    case = Case((7, 9), (3, 3), C=20 // groups, K=20 // groups, padding=same(3, 3), groups=groups)
    options = dict(case.options, activation=name, alpha=0.3)
    x, kernel = draw(*case.x_shape, low=-1, high=1), draw(*case.kernel_shape, low=-1, high=1)
    bias = draw(20, low=-1, high=1)
    check_all(lambda ops, x, k, b: ops.convolution(x, k, b, **options), x, kernel, bias, terms=180)
    check_all(
        lambda ops, dy, k, b: ops.convolution_input_gradient(dy, k, b, input_shape=case.x_shape, **options),
        draw(*case.y_shape, low=-1, high=1), kernel, bias, terms=180,
    )  # fmt: skip


def test_the_naive_algorithm_is_the_textbook_loop():
    case = CASES[1]
    x, kernel = draw(*case.x_shape), draw(*case.kernel_shape)
    options = dict(case.options, algorithm="naive")
    check_all(lambda ops, x, k: ops.convolution(x, k, **options), x, kernel, terms=300)


# Large enough for several threads, small enough to wait for.
THREADED = [
    Case((16, 16), (3, 3), N=3, C=32, K=48, padding=same(3, 3)),
    Case((15, 15), (3, 3), C=32, K=32, strides=(2, 2), padding=same(3, 3)),
    Case((20, 20), (1, 1), N=3, C=40, K=40),
    Case((4, 4), (3, 3), N=1, C=96, K=160, padding=same(3, 3)),  # channels shared out
    Case((30, 30), (3, 3), N=2, C=1, K=1, groups=70, padding=same(3, 3)),
    Case((18, 18), (3, 3), N=2, C=20, K=24, groups=2, padding=same(3, 3)),
    Case((5000,), (9,), N=1, C=3, K=20, padding=((4, 4),)),
]


@pytest.mark.parametrize("case", THREADED, ids=str)
def test_any_number_of_threads_gives_the_same_bytes(case):
    x, kernel, dy = draw(*case.x_shape), draw(*case.kernel_shape, seed=1), draw(*case.y_shape, seed=2)
    bias = draw(case.K * case.groups)

    def all_three(ops, x, kernel, dy, bias):
        y = ops.convolution(x, kernel, bias, **case.options)
        dx = ops.convolution_input_gradient(dy, kernel, input_shape=case.x_shape, **case.options)
        dkernel, dbias = np.zeros_like(kernel), np.zeros_like(bias)
        ops.convolution_kernel_gradient(x, dy, dkernel, dbias, **case.options)
        return y, dx, dkernel, dbias

    check_threads(all_three, x, kernel, dy, bias)
    check_all(all_three, x, kernel, dy, bias, terms=prod(case.y_shape))


def test_nan_and_infinity_pass_through_relu():
    x, kernel = np.ones((1, 5, 5, 2), np.float32), np.ones((1, 1, 2, 17), np.float32)
    x[0, 2, 2, 0], x[0, 1, 1, 0], x[0, 3, 3, 0] = np.nan, -np.inf, np.inf
    options = dict(Case((5, 5), (1, 1)).options, activation="relu")
    check_all(lambda ops, x, k: ops.convolution(x, k, **options), x, kernel, terms=2)
