/* convolution.cu: the convolution as a product of matrices that are gathered while they are multiplied.
 *
 *     y[m,k] = f(bias[k] + residual[m,k] + sum over (t,c) of x[pixel(m,t),c] * kernel[(t,c),k])
 *
 * m: output pixels (N * out), t: taps, c: channels of a group. grid: (tiles of y, 1, groups * parts). With
 * several parts of the sum over (t,c), y is parts (parts, M, K), which sum_parts adds up. */
#include "gather.cuh"

struct convolution_source {
    typedef gather::share share_a;
    typedef matrix_along_side<TILE_N, VECTOR_B> kernel_rows;
    typedef kernel_rows::share share_b;
    gather pixels;
    kernel_rows kernel;

    __device__ quad a(int i) const { return pixels.get(i); }
    __device__ quad b(int i) const { return kernel.get(i); }
    __device__ void advance()
    {
        pixels.advance();
        kernel.advance();
    }
};

/* Sums at rows = pixels in order, columns = channels `first`... of `channels`, of which this group has
 * `width`. */
struct pixel_store {
    finish end;
    int M, channels, first, width, m, n;

    template <int COUNT> __device__ void operator()(int row, int column, const real *sums) const
    {
        const int left = width - n - column, channel = first + n + column;
        if (m + row < M && left > 0)
            end.template operator()<COUNT>((size_t)(m + row) * channels + channel, channel, left, sums);
    }
};

extern "C" __global__ void __launch_bounds__(THREADS)
    convolution(const real *x, const real *kernel, const real *bias, const real *residual, real *y,
                WINDOW_PARAMETERS, int parts, int steps_a_part, real alpha)
{
    __shared__ __align__(16) tile_a at[2];
    __shared__ __align__(16) tile_b bt[2];
    const window v = WINDOW_GIVEN;
    const int Cg = C / groups, Kg = K / groups, M = N * out_d * out_h * out_w, terms = T * R * S * Cg;
    const int tiles_n = (Kg + TILE_N - 1) / TILE_N, m = blockIdx.x / tiles_n * TILE_M;
    const int n = blockIdx.x % tiles_n * TILE_N, group = blockIdx.z / parts, part = blockIdx.z % parts;
    const int first = part * steps_a_part, last = min(first + steps_a_part, (terms + TILE_K - 1) / TILE_K);

    gathered_axes axes;
#pragma unroll
    for (int axis = 0; axis < 3; axis++) {
        axes.size[axis] = v.in[axis];
        axes.stride[axis] = v.stride[axis];
        axes.origin[axis] = -v.pad[axis];
        axes.step[axis] = v.dilation[axis];
        axes.taps[axis] = v.taps[axis];
    }
    const int start = first * TILE_K;
    convolution_source source = {
        gather(x + group * Cg, C, Cg, axes, m, M, v.out, start),
        convolution_source::kernel_rows(kernel + group * Kg + n, K, Kg - n, start, terms),
    };
    thread_tile tile;
    multiply(source, last - first, at, bt, tile);
    y += (size_t)part * M * K;
    tile.each(pixel_store{{y, bias, residual, 0, alpha}, M, K, group * Kg, Kg, m, n});
}
