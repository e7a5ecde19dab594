/* kernel_gradient.cu: dkernel[(t,c),k] += sum over pixels o of x[o*stride + t*dilation - pad, c] * dy[o,k].
 *
 * Rows are (t,c), columns k, and the sum runs over the N * out pixels: a few outputs, each a very long sum.
 * So the sum is cut into parts for as many blocks as keep a GPU busy; each writes parts (parts, T*R*S*Cg, K),
 * and sum_parts adds them up in their order. grid: (tiles of dkernel, parts, groups). */
#include "gather.cuh"

/* This thread's quads of x: rows m = (t,c) do not change, pixels advance. */
struct pixel_columns {
    typedef share_along_side<TILE_M> share;
    const real *x;
    window v;
    int Cg, rows, pixels, k; /* rows from here on; number of pixels; first pixel of the step */
    int offset[4][4];        /* of each row of the quad: its tap's offset along the axes, and its channel */
    position at[QUADS(TILE_M)]; /* of the output pixel of each quad */

    __device__ pixel_columns(const real *x, const window &v, int m, int pixels, int k)
        : x(x), v(v), Cg(v.C / v.groups), rows(v.taps[0] * v.taps[1] * v.taps[2] * Cg - m - share::side()),
          pixels(pixels), k(k)
    {
#pragma unroll
        for (int j = 0; j < (VECTOR_A ? 1 : 4); j++) {
            walk place;
            place.start(m + share::side() + j, Cg, v.taps);
#pragma unroll
            for (int axis = 0; axis < 3; axis++)
                offset[j][axis] = place.tap[axis] * v.dilation[axis] - v.pad[axis];
            offset[j][3] = place.channel;
        }
#pragma unroll
        for (int i = 0; i < QUADS(TILE_M); i++)
            at[i] = position_of(k + share::k(i), v.out);
    }

    /* Where row j of the quad sees x from output pixel p; null: outside. */
    __device__ const real *seen(const position &p, int j) const
    {
        int i[3];
#pragma unroll
        for (int axis = 0; axis < 3; axis++)
            i[axis] = p.at[axis] * v.stride[axis] + offset[j][axis];
        return inside(i, v.in) ? x + (size_t)pixel_of(p.n, i, v.in) * v.C + offset[j][3] : 0;
    }

    __device__ quad get(int i) const
    {
        quad q = {{0, 0, 0, 0}};
        if (k + share::k(i) >= pixels)
            return q;
        if (VECTOR_A) {
            const real *p = rows > 0 ? seen(at[i], 0) : 0;
            return load_quad<1>(p, p ? 4 : 0);
        }
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const real *p = j < rows ? seen(at[i], j) : 0;
            if (p)
                q.v[j] = *p;
        }
        return q;
    }

    __device__ void advance()
    {
        k += TILE_K;
#pragma unroll
        for (int i = 0; i < QUADS(TILE_M); i++) {
            position &p = at[i];
            p.at[2] += TILE_K;
            while (p.at[2] >= v.out[2]) {
                p.at[2] -= v.out[2];
                if (++p.at[1] == v.out[1]) {
                    p.at[1] = 0;
                    if (++p.at[0] == v.out[0]) {
                        p.at[0] = 0;
                        p.n++;
                    }
                }
            }
        }
    }
};

struct kernel_gradient_source {
    typedef matrix_along_side<TILE_N, VECTOR_B> dy_rows;
    typedef pixel_columns::share share_a;
    typedef dy_rows::share share_b;
    pixel_columns x;
    dy_rows dy;

    __device__ quad a(int i) const { return x.get(i); }
    __device__ quad b(int i) const { return dy.get(i); }
    __device__ void advance()
    {
        x.advance();
        dy.advance();
    }
};

/* Sums at rows (t,c), columns k of a group that begins at `first`. */
struct kernel_store {
    finish end;
    int rows, K, first, width, m, n;

    template <int COUNT> __device__ void operator()(int row, int column, const real *sums) const
    {
        const int left = width - n - column;
        if (m + row < rows && left > 0)
            end.template operator()<COUNT>((size_t)(m + row) * K + first + n + column, 0, left, sums);
    }
};

extern "C" __global__ void __launch_bounds__(THREADS)
    convolution_kernel_gradient(const real *x, const real *dy, real *dkernel, WINDOW_PARAMETERS,
                                int steps_a_part, int accumulate)
{
    __shared__ __align__(16) tile_a at[2];
    __shared__ __align__(16) tile_b bt[2];
    const window v = WINDOW_GIVEN;
    const int Cg = C / groups, Kg = K / groups, rows = T * R * S * Cg, pixels = N * out_d * out_h * out_w;
    const int tiles_n = (Kg + TILE_N - 1) / TILE_N, m = blockIdx.x / tiles_n * TILE_M;
    const int n = blockIdx.x % tiles_n * TILE_N, group = blockIdx.z;
    const int first = blockIdx.y * steps_a_part,
              last = min(first + steps_a_part, (pixels + TILE_K - 1) / TILE_K);

    const int start = first * TILE_K;
    kernel_gradient_source source = {
        pixel_columns(x + group * Cg, v, m, pixels, start),
        kernel_gradient_source::dy_rows(dy + group * Kg + n, K, Kg - n, start, pixels),
    };
    thread_tile tile;
    multiply(source, last - first, at, bt, tile);
    dkernel += (size_t)blockIdx.y * rows * K;
    tile.each(kernel_store{{dkernel, 0, 0, accumulate, 0}, rows, K, group * Kg, Kg, m, n});
}
