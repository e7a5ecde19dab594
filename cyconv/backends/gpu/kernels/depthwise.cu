/* depthwise.cu: convolutions in which each channel sees only itself: as many groups as channels, K = C *
 * multiple.
 *
 *     y[o,k] = f(bias[k] + residual[o,k] + sum over t of x[pixel(o,t), k / multiple] * kernel[t,k])
 *
 * There is no sum over channels, so nothing to tile: a thread has WIDTH channels (4, or 1) of one pixel;
 * neighbours read the same pixels from the cache. */
#ifndef ACTIVATION
#define ACTIVATION ACT_linear
#endif
#include "activation.cuh"
#include "window.cuh"
#ifndef WIDTH
#define WIDTH 1
#endif

struct __align__(WIDTH * sizeof(real)) pack {
    real v[WIDTH];
};

/* f(sum + bias + residual) of WIDTH channels. */
__device__ inline pack finished(pack sum, const real *bias, const real *residual, int channel, size_t at,
                                real alpha)
{
#pragma unroll
    for (int j = 0; j < WIDTH; j++)
        sum.v[j] = activate(sum.v[j] + (bias ? bias[channel + j] : 0) + (residual ? residual[at + j] : 0),
                            ACTIVATION, alpha);
    return sum;
}

extern "C" __global__ void depthwise(const real *x, const real *kernel, const real *bias,
                                     const real *residual, real *y, WINDOW_PARAMETERS, real alpha)
{
    const window v = WINDOW_GIVEN;
    const int i = thread_number(), packs = K / WIDTH, pixel = i / packs, k = i % packs * WIDTH;
    if (pixel >= N * out_d * out_h * out_w)
        return;
    const position o = position_of(pixel, v.out);
    const int c = k / (K / C);
    pack sum = {};
    for (int t = 0; t < T; t++)
        for (int r = 0; r < R; r++)
            for (int s = 0; s < S; s++) {
                const position p = under_tap(v, o, t, r, s);
                if (!inside(p.at, v.in))
                    continue;
                const pack seen = *(const pack *)(x + (size_t)pixel_of(p.n, p.at, v.in) * C + c);
                const pack weight = *(const pack *)(kernel + ((t * R + r) * S + s) * K + k);
#pragma unroll
                for (int j = 0; j < WIDTH; j++)
                    sum.v[j] += seen.v[j] * weight.v[j];
            }
    const size_t at = (size_t)pixel * K + k;
    *(pack *)(y + at) = finished(sum, bias, residual, k, at, alpha);
}

/* The output whose tap lies over input i of an axis; -1 if there is none. */
__device__ inline int output_at(int i, int tap, int stride, int pad, int dilation, int out)
{
    const int o = i + pad - tap * dilation;
    return o >= 0 && o % stride == 0 && o / stride < out ? o / stride : -1;
}

/* dx[i,c] = f(bias[c] + sum over t and the k of channel c of dy[o,k] * kernel[t,k]), o*stride + t*dilation -
 * pad = i. */
extern "C" __global__ void depthwise_input_gradient(const real *dy, const real *kernel, const real *bias,
                                                    real *dx, WINDOW_PARAMETERS, real alpha)
{
    const window v = WINDOW_GIVEN;
    const int i = thread_number(), packs = C / WIDTH, pixel = i / packs, c = i % packs * WIDTH,
              multiple = K / C;
    if (pixel >= N * in_d * in_h * in_w)
        return;
    const position here = position_of(pixel, v.in);
    pack sum = {};
    for (int t = 0; t < T; t++)
        for (int r = 0; r < R; r++)
            for (int s = 0; s < S; s++) {
                const int at[3] = {output_at(here.at[0], t, stride_d, pad_d, dilation_d, out_d),
                                   output_at(here.at[1], r, stride_h, pad_h, dilation_h, out_h),
                                   output_at(here.at[2], s, stride_w, pad_w, dilation_w, out_w)};
                if (at[0] < 0 || at[1] < 0 || at[2] < 0)
                    continue;
                const real *slopes = dy + (size_t)pixel_of(here.n, at, v.out) * K + c * multiple;
                const real *weights = kernel + ((t * R + r) * S + s) * K + c * multiple;
                for (int k = 0; k < multiple; k++) { /* with WIDTH channels, one */
                    const pack slope = *(const pack *)(slopes + k), weight = *(const pack *)(weights + k);
#pragma unroll
                    for (int j = 0; j < WIDTH; j++)
                        sum.v[j] += slope.v[j] * weight.v[j];
                }
            }
    const size_t at = (size_t)pixel * C + c;
    *(pack *)(dx + at) = finished(sum, bias, 0, c, at, alpha);
}

/* parts[p,t,k] = sum over the pixels o of part p of x[pixel(o,t), k / multiple] * dy[o,k]; sum_parts adds
 * them up. block: 32 channels x 8 threads, which take every eighth pixel; grid: (tiles of k, parts, taps). */
extern "C" __global__ void depthwise_kernel_gradient(const real *x, const real *dy, real *parts,
                                                     WINDOW_PARAMETERS, int pixels_a_part)
{
    __shared__ real sums[8][32];
    const window v = WINDOW_GIVEN;
    const int k = blockIdx.x * 32 + threadIdx.x, c = k / (K / C), tap = blockIdx.z,
              first = blockIdx.y * pixels_a_part;
    const int t = tap / S / R, r = tap / S % R, s = tap % S;
    real sum = 0;
    for (int m = first + threadIdx.y; k < K && m < min(first + pixels_a_part, N * out_d * out_h * out_w);
         m += 8) {
        const position o = position_of(m, v.out);
        const position p = under_tap(v, o, t, r, s);
        if (inside(p.at, v.in))
            sum += x[(size_t)pixel_of(p.n, p.at, v.in) * C + c] * dy[(size_t)m * K + k];
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y > 0 || k >= K)
        return;
    for (int other = 1; other < 8; other++)
        sum += sums[other][threadIdx.x];
    parts[((size_t)blockIdx.y * gridDim.z + tap) * K + k] = sum;
}
