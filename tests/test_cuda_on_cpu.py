"""The stand-in for a GPU itself: it runs kernels, and refuses what a GPU would leave to chance."""

import numpy as np
import pytest
from cuda_on_cpu import RawModule, thread_order

TILE = """
extern "C" __global__ void product(const float *a, const float *b, float *c, int n)
{
    __shared__ float at[8][8], bt[8][8];
    const int x = threadIdx.x, y = threadIdx.y, i = blockIdx.y * 8 + y, j = blockIdx.x * 8 + x;
    float sum = 0;
    for (int k = 0; k < n; k += 8) {
        at[y][x] = a[i * n + k + x];
        bt[y][x] = b[(k + y) * n + j];
        FIRST;
        for (int q = 0; q < 8; q++)
            sum += at[y][q] * bt[q][x];
        SECOND;
    }
    c[i * n + j] = sum;
}
"""
ORDERS = (0, 1, 2, 3)


def product(first="__syncthreads()", second="__syncthreads()"):
    """Whether the tiled product is right, for each order of threads."""
    module = RawModule(TILE, (f"-DFIRST={first}", f"-DSECOND={second}"))
    a, b = np.random.default_rng(0).uniform(1, 2, (2, 16, 16)).astype(np.float32)
    for order in ORDERS:
        c = np.zeros_like(a)
        with thread_order(order):
            module.get_function("product")((2, 2), (8, 8), (a, b, c, np.int32(16)))
        yield np.allclose(c, a @ b, rtol=1e-5)


def test_barriers_hold_in_every_order_and_are_missed_where_they_lack():
    assert all(product())
    assert not all(product(first=""))
    assert not all(product(second=""))


def run(body, *args, threads=64, head="float *y"):
    text = f'extern "C" __global__ void k({head})\n{{\n{body}\n}}\n'
    RawModule(text).get_function("k")((1,), (threads,), args)


@pytest.mark.parametrize("order", ORDERS)
def test_shuffles_and_votes_join_the_lanes_of_a_warp(order):
    y = np.zeros(64, np.float32)
    with thread_order(order):
        run("""float v = threadIdx.x;
               for (int step = 16; step; step /= 2)
                   v += __shfl_xor_sync(0xffffffffu, v, step);
               const unsigned odd = __ballot_sync(0xffffffffu, threadIdx.x % 2);
               y[threadIdx.x] = odd == 0xaaaaaaaau ? v : -1;""", y)
    assert (y[:32] == sum(range(32))).all() and (y[32:] == sum(range(32, 64))).all()


def test_shuffles_down_keep_the_own_value_past_the_end():
    y = np.zeros(32, np.float32)
    run("y[threadIdx.x] = __shfl_down_sync(0xffffffffu, (float)threadIdx.x, 8);", y, threads=32)
    np.testing.assert_array_equal(y, [*range(8, 32), *range(24, 32)])


def test_integers_are_counted_atomically_and_floats_are_not():
    counts = np.zeros(2, np.int32)
    run("atomicAdd(y + threadIdx.x % 2, 1);", counts, head="int *y")
    np.testing.assert_array_equal(counts, [32, 32])
    with pytest.raises(RuntimeError, match="order of a sum"):
        run("atomicAdd(y, 1.0f);", np.zeros(1, np.float32))


def test_a_barrier_is_for_all_threads():
    y = np.zeros(64, np.float32)
    with pytest.raises(RuntimeError, match=r"line 4: a barrier that 24 of 64 threads never reach"):
        run("if (threadIdx.x < 40)\n__syncthreads();", y)
    with pytest.raises(RuntimeError, match="different barriers, lines 4 and 5"):
        run("if (threadIdx.x < 40)\n__syncthreads();\nelse __syncthreads();", y)
    with pytest.raises(RuntimeError, match="shuffle that 12 of 32 threads never reach"):
        run("if (threadIdx.x < 20) y[0] = __shfl_sync(0xffffffffu, 1.0f, 0);", y, threads=32)


def test_shared_memory_holds_nothing_that_may_be_counted_on():
    y = np.zeros(64, np.float32)
    run("""__shared__ float s[64];
           if (threadIdx.x)
               s[threadIdx.x] = 1;
           __syncthreads();
           y[threadIdx.x] = s[threadIdx.x];""", y)
    assert np.isnan(y[0]) and (y[1:] == 1).all()


def test_arguments_are_of_just_the_parameters_types():
    y, head = np.zeros(4, np.float32), "float *y, int n, float f, const float *z"
    body = "if (threadIdx.x < n) y[threadIdx.x] = z ? z[0] : f;"
    run(body, y, np.int32(3), np.float32(2.5), np.uintp(0), head=head)
    np.testing.assert_array_equal(y, [2.5, 2.5, 2.5, 0])
    good = (y, np.int32(3), np.float32(2), y)
    wrongs = (0, y.astype(float)), (1, 3), (1, np.int64(3)), (2, np.float64(2)), (3, None), (3, np.uintp(8))
    for position, wrong in wrongs:
        arguments = [wrong if i == position else a for i, a in enumerate(good)]
        with pytest.raises(TypeError, match=f"argument {position} must be"):
            run(body, *arguments, head=head)
    with pytest.raises(TypeError, match="takes 4 arguments"):
        run(body, y, head=head)
    with pytest.raises(ValueError, match="no GPU runs"):
        run(body, *good, head=head, threads=2048)


def test_tensor_cores_multiply_as_the_manual_says():
    """Fragments laid out by hand from the tables of mma.m16n8k8 in the PTX manual."""
    generator = np.random.default_rng(1)
    a, b = generator.integers(-8, 8, (16, 8)).astype("f"), generator.integers(-8, 8, (8, 8)).astype("f")
    c = np.ones((16, 8), np.float32)
    run("""const int group = threadIdx.x / 4, member = threadIdx.x % 4;
           unsigned fa[4], fb[2];
           fa[0] = __float_as_uint(a[group * 8 + member]);
           fa[1] = __float_as_uint(a[(group + 8) * 8 + member]);
           fa[2] = __float_as_uint(a[group * 8 + member + 4]);
           fa[3] = __float_as_uint(a[(group + 8) * 8 + member + 4]);
           fb[0] = __float_as_uint(b[member * 8 + group]);
           fb[1] = __float_as_uint(b[(member + 4) * 8 + group]);
           float *rows = c + group * 8 + member * 2;
           float fc[4] = {rows[0], rows[1], rows[64], rows[65]};
           cuda::mma_m16n8k8(fc, fa, fb, 0);
           rows[0] = fc[0], rows[1] = fc[1], rows[64] = fc[2], rows[65] = fc[3];""",
        a, b, c, threads=32, head="const float *a, const float *b, float *c")
    np.testing.assert_array_equal(c, a @ b + 1)
