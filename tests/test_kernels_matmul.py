"""Matrix products: every level, both dtypes, against the reference."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels import FAST, at, check_all, check_threads, draw, draws, normal

FLAGS = list(product((False, True), repeat=3))


def check_product(M, N, K, transpose_a, transpose_b, accumulate):
    a = draw(*((K, M) if transpose_a else (M, K)))
    b = draw(*((N, K) if transpose_b else (K, N)), seed=1)
    options = dict(transpose_a=transpose_a, transpose_b=transpose_b, accumulate=accumulate)
    for bias in (draw(N, seed=2), None):
        check_all(
            lambda ops, a, b, bias, c: ops.matmul(a, b, bias, out=c, **options),
            a, b, bias, draw(M, N, seed=3), terms=K + 2,
        )  # fmt: skip


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize(
    "sizes", [(1, 1, 1), (13, 10, 33), (64, 16, 40), (5, 32, 7), (100, 49, 3), (1, 70, 90),
              (13, 530, 260)]  # the last one block of columns after the other
)
def test_matmul(sizes, flags):
    check_product(*sizes, *flags)


@draws
@given(st.integers(1, 130), st.integers(1, 70), st.integers(1, 40), st.sampled_from(FLAGS))
def test_matmul_of_drawn_sizes(M, N, K, flags):
    check_product(M, N, K, *flags)


@pytest.mark.parametrize("level", FAST)
def test_a_row_is_the_same_bytes_among_few_rows_and_many(level):
    """A prediction does not depend on how many others are asked for with it."""
    for (N, K), threads in product([(1, 1), (10, 1600), (33, 7), (700, 301)], (1, 2)):
        a, b, bias = normal((7, K), 1), normal((K, N), 2), normal((N,), 3)
        a, b, bias = (array.astype(np.float32) for array in (a, b, bias))
        with at(level, threads) as door:
            many = door.matmul(a, b, bias, activation="tanh")
            for rows in (1, 2, 3, 4, 5):
                few = door.matmul(np.ascontiguousarray(a[:rows]), b, bias, activation="tanh")
                assert few.tobytes() == many[:rows].tobytes()


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 30])
@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_activation_in_the_same_pass(name, rows, flags):
    transpose_a, transpose_b, accumulate = flags
    a = draw(*((20, rows) if transpose_a else (rows, 20)), low=-1, high=1)
    b = draw(*((21, 20) if transpose_b else (20, 21)), low=-1, high=1)
    options = dict(transpose_a=transpose_a, transpose_b=transpose_b, accumulate=accumulate, activation=name)
    check_all(
        lambda ops, a, b, bias, c: ops.matmul(a, b, bias, out=c, **options),
        a, b, draw(21, low=-1, high=1), draw(rows, 21, low=-1, high=1), terms=22,
    )  # fmt: skip


@pytest.mark.parametrize("flags", FLAGS, ids=str)
@pytest.mark.parametrize("sizes", [(250, 40, 150), (3, 700, 300), (13, 530, 260)])
def test_any_number_of_threads_gives_the_same_bytes(sizes, flags):
    M, N, K = sizes
    transpose_a, transpose_b, accumulate = flags
    options = dict(transpose_a=transpose_a, transpose_b=transpose_b, accumulate=accumulate)
    check_threads(
        lambda ops, a, b, bias, c: ops.matmul(a, b, bias, out=c, **options),
        draw(*((K, M) if transpose_a else (M, K))),
        draw(*((N, K) if transpose_b else (K, N))),
        draw(N),
        draw(M, N),
    )
