/* matmul.cu: c[m,n] = f(bias[n] + sum over k of a[m,k] * b[k,n]), each of a and b transposed or not.
 * The macros of gemm.cuh, and TRANSPOSE_A, TRANSPOSE_B: 1 where a is stored (K, M), b (N, K). */
#include "gemm.cuh"
#ifndef TRANSPOSE_A
#define TRANSPOSE_A 0
#define TRANSPOSE_B 0
#endif

#if TRANSPOSE_A
typedef matrix_along_side<TILE_M, VECTOR_A> operand_a;
#else
typedef matrix_along_k<TILE_M, VECTOR_A> operand_a;
#endif
#if TRANSPOSE_B
typedef matrix_along_k<TILE_N, VECTOR_B> operand_b;
#else
typedef matrix_along_side<TILE_N, VECTOR_B> operand_b;
#endif

struct two_matrices {
    typedef operand_a::share share_a;
    typedef operand_b::share share_b;
    operand_a left;
    operand_b right;

    __device__ quad a(int i) const { return left.get(i); }
    __device__ quad b(int i) const { return right.get(i); }
    __device__ void advance()
    {
        left.advance();
        right.advance();
    }
};

/* The sums at (row, column) of a tile that begins at (m, n) of c (M, N). */
struct matrix_store {
    finish end;
    int M, N, m, n;

    template <int COUNT> __device__ void operator()(int row, int column, const real *sums) const
    {
        if (m + row < M && n + column < N)
            end.template operator()<COUNT>((size_t)(m + row) * N + n + column, n + column, N - n - column,
                                           sums);
    }
};

/* grid: (tiles of c, parts of k). With several parts, c is parts (parts, M, N), which sum_parts adds up. */
extern "C" __global__ void __launch_bounds__(THREADS)
    matmul(const real *a, const real *b, const real *bias, real *c, int M, int N, int K, int steps_a_part,
           int accumulate, real alpha)
{
    __shared__ __align__(16) tile_a at[2];
    __shared__ __align__(16) tile_b bt[2];
    const int tiles_n = (N + TILE_N - 1) / TILE_N, m = blockIdx.x / tiles_n * TILE_M;
    const int n = blockIdx.x % tiles_n * TILE_N;
    const int first = blockIdx.y * steps_a_part, last = min(first + steps_a_part, (K + TILE_K - 1) / TILE_K);

    const int start = first * TILE_K;
#if TRANSPOSE_A
    const operand_a left(a + m, M, M - m, start, K);
#else
    const operand_a left(a + (size_t)m * K, K, M - m, start, K);
#endif
#if TRANSPOSE_B
    const operand_b right(b + (size_t)n * K, K, N - n, start, K);
#else
    const operand_b right(b + n, N, N - n, start, K);
#endif
    two_matrices source = {left, right};
    thread_tile tile;
    multiply(source, last - first, at, bt, tile);
    c += (size_t)blockIdx.y * M * N;
    tile.each(matrix_store{{c, bias, 0, accumulate, alpha}, M, N, m, n});
}
