/* tensor_tile.cuh: the tile's sums by tensor cores: c[16,8] += a[16,8] b[8,8], an instruction a warp, with a
 * and b in TF32 (8 bits of exponent, 10 of fraction) and sums in float32.
 *
 * Who holds what (PTX manual, mma.m16n8k8): lane = 4 * group + member;
 *     a: rows group, group + 8; columns member, member + 4      b: rows member, member + 4; column group
 *     c: rows group, group + 8; columns 2 * member, 2 * member + 1 */
#define WARP_N (TILE_N / THREAD_N < 8 ? TILE_N : 8 * THREAD_N)
#define WARP_M (32 * THREAD_M * THREAD_N / WARP_N)

#ifdef __CUDACC__
__device__ inline void mma(float *c, const unsigned *a, const unsigned *b)
{
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ inline unsigned tf32(float x)
{
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
}
#else
#define mma(c, a, b) cuda::mma_m16n8k8(c, a, b, __LINE__)
#define tf32(x) cuda::round_to_tf32(x)
#endif

/* Numbers are rounded once, on their way into a tile. */
__device__ inline quad to_tile(const quad &q)
{
    quad rounded;
#pragma unroll
    for (int i = 0; i < 4; i++)
        rounded.v[i] = __uint_as_float(tf32(q.v[i]));
    return rounded;
}

struct thread_tile {
    float sum[WARP_M / 16][WARP_N / 8][4];
    int m, n, group, member; /* where this warp's part begins; this lane */

    __device__ thread_tile()
    {
        const int warp = threadIdx.x / 32, across = TILE_N / WARP_N;
        m = warp / across * WARP_M;
        n = warp % across * WARP_N;
        group = threadIdx.x % 32 / 4;
        member = threadIdx.x % 4;
#pragma unroll
        for (int i = 0; i < WARP_M / 16; i++)
#pragma unroll
            for (int j = 0; j < WARP_N / 8; j++)
#pragma unroll
                for (int l = 0; l < 4; l++)
                    sum[i][j][l] = 0;
    }

    __device__ void add(const tile_a &at, const tile_b &bt)
    {
#pragma unroll
        for (int k = 0; k < TILE_K; k += 8) {
            unsigned a[WARP_M / 16][4], b[WARP_N / 8][2];
#pragma unroll
            for (int i = 0; i < WARP_M / 16; i++)
#pragma unroll
                for (int l = 0; l < 4; l++)
                    a[i][l] = __float_as_uint(at[k + member + l / 2 * 4][m + i * 16 + group + l % 2 * 8]);
#pragma unroll
            for (int j = 0; j < WARP_N / 8; j++)
#pragma unroll
                for (int l = 0; l < 2; l++)
                    b[j][l] = __float_as_uint(bt[k + member + l * 4][n + j * 8 + group]);
#pragma unroll
            for (int i = 0; i < WARP_M / 16; i++)
#pragma unroll
                for (int j = 0; j < WARP_N / 8; j++)
                    mma(sum[i][j], a[i], b[j]);
        }
    }

    /* take(row, column, two neighbouring sums) for all that this thread has. */
    template <class Take> __device__ void each(const Take &take) const
    {
#pragma unroll
        for (int i = 0; i < WARP_M / 16; i++)
#pragma unroll
            for (int j = 0; j < WARP_N / 8; j++)
#pragma unroll
                for (int l = 0; l < 4; l += 2)
                    take.template operator()<2>(m + i * 16 + group + l * 4, n + j * 8 + member * 2,
                                                sum[i][j] + l);
    }
};
