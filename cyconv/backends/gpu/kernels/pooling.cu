/* pooling.cu: largest and mean value under a window, for each channel, and how their gradients come back.
 *
 * A thread has WIDTH neighbouring channels (4, or 1) of one pixel. The gradients are gathered: a thread adds
 * up what comes back to its input from all windows that cover it, in their order, so nothing is added
 * atomically. */
#include "elements.cuh"
#include "window.cuh"
#ifndef WIDTH
#define WIDTH 1
#endif

template <class T> struct __align__(WIDTH * sizeof(T)) pack {
    T v[WIDTH];
};
typedef pack<real> reals;
typedef pack<int> integers;

/* Channel and pixel of a thread; false: there is none for it. */
__device__ inline bool my_pixel(int N, int C, const int *sizes, int &pixel, int &channel)
{
    const int i = thread_number(), packs = C / WIDTH;
    pixel = i / packs;
    channel = i % packs * WIDTH;
    return pixel < N * sizes[0] * sizes[1] * sizes[2];
}

/* The outputs first..last whose windows cover input i of an axis; none if first > last. */
struct covering {
    int first[3], last[3];
};

__device__ inline covering windows_over(const window &v, const int *i)
{
    covering c;
#pragma unroll
    for (int axis = 0; axis < 3; axis++) {
        const int end = i[axis] + v.pad[axis], begin = end - (v.taps[axis] - 1) * v.dilation[axis];
        c.first[axis] = begin <= 0 ? 0 : (begin + v.stride[axis] - 1) / v.stride[axis];
        c.last[axis] = min(end / v.stride[axis], v.out[axis] - 1);
    }
    return c;
}

/* y = max of x under the window; switches, where wanted, = the flat input position (d*H + h)*W + w of the first
 * maximum, in the order of the loops. Padding never wins; the first NaN does. */
extern "C" __global__ void max_pool(const real *x, real *y, int *switches, WINDOW_PARAMETERS)
{
    const window v = WINDOW_GIVEN;
    int pixel, channel;
    if (!my_pixel(N, C, v.out, pixel, channel))
        return;
    const position o = position_of(pixel, v.out);
    reals best;
    integers where;
#pragma unroll
    for (int j = 0; j < WIDTH; j++) {
        best.v[j] = -1 / (real)0;
        where.v[j] = -1;
    }
    for (int t = 0; t < T; t++)
        for (int r = 0; r < R; r++)
            for (int s = 0; s < S; s++) {
                const position i = under_tap(v, o, t, r, s);
                if (!inside(i.at, v.in))
                    continue;
                const int here = pixel_of(0, i.at, v.in);
                const reals seen = *(const reals *)(x + (size_t)pixel_of(i.n, i.at, v.in) * C + channel);
#pragma unroll
                for (int j = 0; j < WIDTH; j++) {
                    const real value = seen.v[j], old = best.v[j];
                    if (where.v[j] < 0 || value > old || (value != value && old == old)) {
                        best.v[j] = value;
                        where.v[j] = here;
                    }
                }
            }
    const size_t out = (size_t)pixel * C + channel;
    *(reals *)(y + out) = best;
    if (switches)
        *(integers *)(switches + out) = where;
}

/* dx[i] = sum of dy[o] over the outputs o whose switch is i. */
extern "C" __global__ void max_pool_gradient(const real *dy, const int *switches, real *dx, WINDOW_PARAMETERS)
{
    const window v = WINDOW_GIVEN;
    int pixel, channel;
    if (!my_pixel(N, C, v.in, pixel, channel))
        return;
    const position i = position_of(pixel, v.in);
    const covering c = windows_over(v, i.at);
    const int here = pixel_of(0, i.at, v.in);
    reals sum = {};
    for (int d = c.first[0]; d <= c.last[0]; d++)
        for (int h = c.first[1]; h <= c.last[1]; h++)
            for (int w = c.first[2]; w <= c.last[2]; w++) {
                const int at[3] = {d, h, w};
                const size_t out = (size_t)pixel_of(i.n, at, v.out) * C + channel;
                const reals slope = *(const reals *)(dy + out);
                const integers winner = *(const integers *)(switches + out);
#pragma unroll
                for (int j = 0; j < WIDTH; j++)
                    sum.v[j] += winner.v[j] == here ? slope.v[j] : 0;
            }
    *(reals *)(dx + (size_t)pixel * C + channel) = sum;
}

/* By how many positions the sum under the window of output o is divided: those inside, or, if padding counts,
 * all. */
__device__ inline real positions(const window &v, const int *o, int count_padding)
{
    int count = 1;
#pragma unroll
    for (int axis = 0; axis < 3; axis++) {
        const int first = o[axis] * v.stride[axis] - v.pad[axis], last = first + v.taps[axis];
        count *= count_padding ? v.taps[axis] : min(last, v.in[axis]) - max(first, 0);
    }
    return (real)max(count, 1);
}

/* y = sum of x under the window / positions. */
extern "C" __global__ void average_pool(const real *x, real *y, WINDOW_PARAMETERS, int count_padding)
{
    const window v = WINDOW_GIVEN;
    int pixel, channel;
    if (!my_pixel(N, C, v.out, pixel, channel))
        return;
    const position o = position_of(pixel, v.out);
    const real count = positions(v, o.at, count_padding);
    reals sum = {};
    for (int t = 0; t < T; t++)
        for (int r = 0; r < R; r++)
            for (int s = 0; s < S; s++) {
                const int at[3] = {o.at[0] * stride_d + t - pad_d, o.at[1] * stride_h + r - pad_h,
                                   o.at[2] * stride_w + s - pad_w};
                if (!inside(at, v.in))
                    continue;
                const reals seen = *(const reals *)(x + (size_t)pixel_of(o.n, at, v.in) * C + channel);
#pragma unroll
                for (int j = 0; j < WIDTH; j++)
                    sum.v[j] += seen.v[j];
            }
#pragma unroll
    for (int j = 0; j < WIDTH; j++)
        sum.v[j] /= count;
    *(reals *)(y + (size_t)pixel * C + channel) = sum;
}

/* dx[i] = sum of dy[o] / positions(o) over the windows o that cover i. */
extern "C" __global__ void average_pool_gradient(const real *dy, real *dx, WINDOW_PARAMETERS,
                                                 int count_padding)
{
    const window v = WINDOW_GIVEN;
    int pixel, channel;
    if (!my_pixel(N, C, v.in, pixel, channel))
        return;
    const position i = position_of(pixel, v.in);
    const covering c = windows_over(v, i.at);
    reals sum = {};
    for (int d = c.first[0]; d <= c.last[0]; d++)
        for (int h = c.first[1]; h <= c.last[1]; h++)
            for (int w = c.first[2]; w <= c.last[2]; w++) {
                const int at[3] = {d, h, w};
                const real count = positions(v, at, count_padding);
                const reals slope = *(const reals *)(dy + (size_t)pixel_of(i.n, at, v.out) * C + channel);
#pragma unroll
                for (int j = 0; j < WIDTH; j++)
                    sum.v[j] += slope.v[j] / count;
            }
    *(reals *)(dx + (size_t)pixel * C + channel) = sum;
}
