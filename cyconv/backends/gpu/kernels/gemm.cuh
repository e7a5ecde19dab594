/* gemm.cuh: c[m,n] = sum over k of a[m,k] * b[k,n], a tile of TILE_M x TILE_N a block.
 *
 *     for each step of TILE_K along k:          a source gives quads: four neighbours in memory
 *         registers <- a, b of the next step    while this step is computed
 *         sum[m][n] += at[k][m] * bt[k][n]      from shared memory; THREAD_M x THREAD_N sums a thread
 *         the other half of at, bt <- registers
 *         barrier
 *
 * A value that was loaded once from memory is used TILE_N or TILE_M times, and once loaded from shared
 * memory, THREAD_N or THREAD_M times. Shared memory has two halves by turns, so one barrier a step is enough.
 * Where a and b come from is the kernel's matter: convolutions gather them from images. With TENSOR_CORES the
 * same tiles are multiplied by tensor cores, in TF32. The scheme is Volkov & Demmel's (2008, "Benchmarking
 * GPUs to tune dense linear algebra"); the split of a tile over warps is the one that NVIDIA describes for
 * CUTLASS.
 *
 * Macros: TILE_M, TILE_N, TILE_K, THREAD_M, THREAD_N; VECTOR_A, VECTOR_B, VECTOR_C: 1 where all quads of that
 * matrix lie whole inside and begin at multiples of 16 bytes. */
#ifndef GEMM_CUH
#define GEMM_CUH
#include "elements.cuh"
#ifndef ACTIVATION
#define ACTIVATION ACT_linear
#endif
#include "activation.cuh"
#ifndef TILE_M
#define TILE_M 64
#define TILE_N 64
#define TILE_K 16
#define THREAD_M 8
#define THREAD_N 4
#define VECTOR_A 0
#define VECTOR_B 0
#define VECTOR_C 0
#endif

#define THREADS (TILE_M / THREAD_M * (TILE_N / THREAD_N))
/* Columns beyond the tile: with them, the threads of a warp write to different banks of shared memory. */
#ifdef TENSOR_CORES
#define SKEW 8
#else
#define SKEW 4
#endif
#define QUADS(side) ((side * TILE_K / 4 + THREADS - 1) / THREADS) /* a thread's share of a tile */

struct __align__(16) quad {
    real v[4];
};

/* Four neighbours, of which `left` may be read; the others are 0. */
template <int VECTOR> __device__ inline quad load_quad(const real *p, int left)
{
    quad q = {{0, 0, 0, 0}};
    if (VECTOR) {
        if (left > 0)
            q = *(const quad *)p;
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (i < left)
                q.v[i] = p[i];
    }
    return q;
}

/* Which quads of a tile this thread loads. A matrix whose quads run along k (k is its inner axis) is turned
 * on its way into shared memory; one whose quads run along its side (m or n) is stored as it comes. */
template <int SIDE> struct share_along_k {
    static const int STEP = THREADS / (TILE_K / 4);
    __device__ static int k() { return threadIdx.x % (TILE_K / 4) * 4; }
    __device__ static int side(int i) { return threadIdx.x / (TILE_K / 4) + i * STEP; }
    __device__ static bool mine(int i) { return QUADS(SIDE) * STEP == SIDE || side(i) < SIDE; }
    __device__ static void put(real (*tile)[SIDE + SKEW], int i, const quad &q)
    {
#pragma unroll
        for (int j = 0; j < 4; j++)
            tile[k() + j][side(i)] = q.v[j];
    }
};

template <int SIDE> struct share_along_side {
    static const int STEP = THREADS / (SIDE / 4);
    __device__ static int side() { return threadIdx.x % (SIDE / 4) * 4; }
    __device__ static int k(int i) { return threadIdx.x / (SIDE / 4) + i * STEP; }
    __device__ static bool mine(int i) { return QUADS(SIDE) * STEP == TILE_K || k(i) < TILE_K; }
    __device__ static void put(real (*tile)[SIDE + SKEW], int i, const quad &q)
    {
        *(quad *)&tile[k(i)][side()] = q;
    }
};

typedef real tile_a[TILE_K][TILE_M + SKEW];
typedef real tile_b[TILE_K][TILE_N + SKEW];

/* What a thread has of c, by cores of its own or by the warp's tensor cores: `add` one step, `each` sum. */
#ifdef TENSOR_CORES
#include "tensor_tile.cuh"
#else
#include "register_tile.cuh"
#endif

/* Adds `steps` steps of the source to `tile`. Source: share_a, share_b; a(i), b(i): this thread's quad i of
 * the step it stands at; advance(): to the next step. */
template <class Source>
__device__ inline void multiply(Source &source, int steps, tile_a *at, tile_b *bt, thread_tile &tile)
{
    typedef typename Source::share_a share_a;
    typedef typename Source::share_b share_b;
    quad a[QUADS(TILE_M)], b[QUADS(TILE_N)];

    for (int step = -1; step < steps; step++) {
        if (step + 1 < steps) {
            if (step >= 0)
                source.advance();
#pragma unroll
            for (int i = 0; i < QUADS(TILE_M); i++)
                if (share_a::mine(i))
                    a[i] = source.a(i);
#pragma unroll
            for (int i = 0; i < QUADS(TILE_N); i++)
                if (share_b::mine(i))
                    b[i] = source.b(i);
        }
        if (step >= 0)
            tile.add(at[step % 2], bt[step % 2]);
        if (step + 1 == steps)
            break;
#pragma unroll
        for (int i = 0; i < QUADS(TILE_M); i++)
            if (share_a::mine(i))
                share_a::put(at[(step + 1) % 2], i, to_tile(a[i]));
#pragma unroll
        for (int i = 0; i < QUADS(TILE_N); i++)
            if (share_b::mine(i))
                share_b::put(bt[(step + 1) % 2], i, to_tile(b[i]));
        __syncthreads();
    }
}

/* Quads of a matrix in memory, along k: row r at p + r * stride. */
template <int SIDE, int VECTOR> struct matrix_along_k {
    typedef share_along_k<SIDE> share;
    const real *p;
    int stride, rows, k, end;

    __device__ matrix_along_k(const real *p, int stride, int rows, int first, int end)
        : p(p), stride(stride), rows(rows), k(first + share::k()), end(end)
    {
    }
    __device__ quad get(int i) const
    {
        const int row = share::side(i);
        return load_quad<VECTOR>(p + (size_t)row * stride + k, row < rows ? end - k : 0);
    }
    __device__ void advance() { k += TILE_K; }
};

/* Quads of a matrix in memory, along its side: row k at p + k * stride, `columns` of them wide. */
template <int SIDE, int VECTOR> struct matrix_along_side {
    typedef share_along_side<SIDE> share;
    const real *p;
    int stride, left, k, end;

    __device__ matrix_along_side(const real *p, int stride, int columns, int first, int end)
        : p(p + share::side()), stride(stride), left(columns - share::side()), k(first), end(end)
    {
    }
    __device__ quad get(int i) const
    {
        const int row = k + share::k(i);
        return load_quad<VECTOR>(p + (size_t)row * stride, row < end ? left : 0);
    }
    __device__ void advance() { k += TILE_K; }
};

/* What becomes of the sums: f(sum + bias[n] + residual[at] + what was there, if it accumulates). */
struct finish {
    real *out;
    const real *bias, *residual;
    int accumulate;
    real alpha;

    /* COUNT neighbours at out[at], columns n...; `left` of them are inside. */
    template <int COUNT> __device__ void operator()(size_t at, int n, int left, const real *sums) const
    {
        struct __align__(COUNT * sizeof(real)) several {
            real v[COUNT];
        } result;
#pragma unroll
        for (int j = 0; j < COUNT; j++) {
            const int inside = VECTOR_C || j < left;
            real y = sums[j];
            if (bias)
                y += inside ? bias[n + j] : 0;
            if (residual)
                y += inside ? residual[at + j] : 0;
            if (accumulate)
                y += inside ? out[at + j] : 0;
            result.v[j] = activate(y, ACTIVATION, alpha);
        }
        if (VECTOR_C) {
            *(several *)(out + at) = result;
        } else {
#pragma unroll
            for (int j = 0; j < COUNT; j++)
                if (j < left)
                    out[at + j] = result.v[j];
        }
    }
};

#endif
