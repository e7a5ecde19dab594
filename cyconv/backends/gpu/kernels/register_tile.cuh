/* register_tile.cuh: sum[i][j] += at[k][m_i] * bt[k][n_j], THREAD_M x THREAD_N sums in a thread's registers.
 *
 * A warp covers a block of the tile, WARP_ROWS x WARP_COLUMNS threads. A thread has quads of rows and columns
 * that lie a part of the tile apart, so that the quads which a warp reads together are neighbours. */
#define ROWS (TILE_M / THREAD_M)
#define COLUMNS (TILE_N / THREAD_N)
#define WARP_COLUMNS (COLUMNS < 8 ? COLUMNS : 8)
#define WARP_ROWS (32 / WARP_COLUMNS)

/* A number on its way into a tile. */
__device__ inline const quad &to_tile(const quad &q) { return q; }

struct thread_tile {
    real sum[THREAD_M][THREAD_N];
    int m, n; /* of the first quads */

    __device__ thread_tile()
    {
        const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, across = COLUMNS / WARP_COLUMNS;
        m = (warp / across * WARP_ROWS + lane / WARP_COLUMNS) * 4;
        n = (warp % across * WARP_COLUMNS + lane % WARP_COLUMNS) * 4;
#pragma unroll
        for (int i = 0; i < THREAD_M; i++)
#pragma unroll
            for (int j = 0; j < THREAD_N; j++)
                sum[i][j] = 0;
    }

    __device__ void add(const tile_a &at, const tile_b &bt)
    {
#pragma unroll
        for (int k = 0; k < TILE_K; k++) {
            quad a[THREAD_M / 4], b[THREAD_N / 4];
#pragma unroll
            for (int i = 0; i < THREAD_M / 4; i++)
                a[i] = *(const quad *)&at[k][m + i * (ROWS * 4)];
#pragma unroll
            for (int j = 0; j < THREAD_N / 4; j++)
                b[j] = *(const quad *)&bt[k][n + j * (COLUMNS * 4)];
#pragma unroll
            for (int i = 0; i < THREAD_M; i++)
#pragma unroll
                for (int j = 0; j < THREAD_N; j++)
                    sum[i][j] += a[i / 4].v[i % 4] * b[j / 4].v[j % 4];
        }
    }

    /* take(row, column, four neighbouring sums) for all that this thread has. */
    template <class Take> __device__ void each(const Take &take) const
    {
#pragma unroll
        for (int i = 0; i < THREAD_M; i++)
#pragma unroll
            for (int j = 0; j < THREAD_N; j += 4)
                take.template operator()<4>(m + i / 4 * (ROWS * 4) + i % 4, n + j / 4 * (COLUMNS * 4),
                                            &sum[i][j]);
    }
};
