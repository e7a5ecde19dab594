/* input_gradient.cu: dx[i,c] = f(bias[c] + sum over (t,k) of dy[o,k] * kernel[t,c,k]), o*stride + t*dilation
 * - pad = i.
 *
 * Which taps reach input i depends on i modulo the stride. Inputs of one remainder (a class) form an image of
 * their own, i = remainder + stride * j, over which dy is correlated with every (stride / g)-th tap, g =
 * gcd(stride, dilation): a convolution of stride 1. So no product with a zero between dy's pixels is ever
 * computed. grid: (tiles of the largest class, classes, groups * parts). */
#include "gather.cuh"

/* One axis of a class. */
struct class_axis {
    int count; /* of inputs in it */
    int taps, first, step; /* their number, the first one, how far apart in the kernel */
    int origin, back; /* tap j of input j' sees output j' + origin - j * back */
};

__device__ inline class_axis axis_of_class(int remainder, int in, int taps, int stride, int pad, int dilation)
{
    class_axis a;
    int g = stride, rest = dilation % stride;
    while (rest > 0) { /* Euclid */
        const int next = g % rest;
        g = rest;
        rest = next;
    }
    a.step = stride / g;
    a.back = dilation / g;
    a.count = remainder < in ? (in - remainder - 1) / stride + 1 : 0;
    a.first = 0;
    while (a.first < a.step && (remainder + pad - a.first * dilation) % stride != 0)
        a.first++;
    const bool reached = a.first < a.step && a.first < taps;
    a.taps = reached ? (taps - a.first - 1) / a.step + 1 : 0;
    a.origin = reached ? (remainder + pad - a.first * dilation) / stride : 0;
    return a;
}

struct gradient_source {
    typedef gather::share share_a;
    typedef share_along_k<TILE_N> share_b;
    gather outputs;
    const real *kernel; /* row c, column k at kernel[((tap)*Cg + c)*K + k] */
    int Cg, K, left, first[3], step[3], R, S;
    size_t tap;

    __device__ void locate()
    {
        const int *j = outputs.here.tap;
        const int t = first[0] + j[0] * step[0], r = first[1] + j[1] * step[1], s = first[2] + j[2] * step[2];
        tap = (size_t)((t * R + r) * S + s) * Cg;
    }
    __device__ quad a(int i) const { return outputs.get(i); }
    __device__ quad b(int i) const
    {
        const int c = share_b::side(i);
        const walk &here = outputs.here;
        if (VECTOR_B)
            return load_quad<1>(kernel + (tap + c) * K + here.channel,
                                c < left && here.tap[0] < outputs.axes.taps[0] ? 4 : 0);
        quad q;
        walk each = here;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int t = first[0] + each.tap[0] * step[0], r = first[1] + each.tap[1] * step[1];
            const int s = first[2] + each.tap[2] * step[2];
            q.v[j] = c < left && each.tap[0] < outputs.axes.taps[0]
                         ? kernel[((size_t)((t * R + r) * S + s) * Cg + c) * K + each.channel]
                         : 0;
            each.move(1, outputs.channels, outputs.axes.taps);
        }
        return q;
    }
    __device__ void advance()
    {
        if (outputs.advance())
            locate();
    }
};

/* Sums at rows = inputs of the class, in their places of dx. */
struct class_store {
    finish end;
    int M, channels, first, width, m, n;
    int count[3], remainder[3], stride[3], in[3];

    template <int COUNT> __device__ void operator()(int row, int column, const real *sums) const
    {
        const int left = width - n - column, channel = first + n + column;
        if (m + row >= M || left <= 0)
            return;
        position p = position_of(m + row, count);
#pragma unroll
        for (int axis = 0; axis < 3; axis++)
            p.at[axis] = remainder[axis] + p.at[axis] * stride[axis];
        const size_t pixel = pixel_of(p.n, p.at, in);
        end.template operator()<COUNT>(pixel * channels + channel, channel, left, sums);
    }
};

extern "C" __global__ void __launch_bounds__(THREADS)
    convolution_input_gradient(const real *dy, const real *kernel, const real *bias, real *dx,
                               WINDOW_PARAMETERS, int parts, int steps_a_part, real alpha)
{
    __shared__ __align__(16) tile_a at[2];
    __shared__ __align__(16) tile_b bt[2];
    const window v = WINDOW_GIVEN;
    const int Cg = C / groups, Kg = K / groups, group = blockIdx.z / parts, part = blockIdx.z % parts;

    class_store store;
    gathered_axes axes;
    int first_tap[3], tap_step[3], M = N, terms = Kg, rest = blockIdx.y;
#pragma unroll
    for (int axis = 2; axis >= 0; axis--) {
        const int remainder = rest % v.stride[axis];
        rest /= v.stride[axis];
        const class_axis a =
            axis_of_class(remainder, v.in[axis], v.taps[axis], v.stride[axis], v.pad[axis], v.dilation[axis]);
        axes.size[axis] = v.out[axis];
        axes.stride[axis] = 1;
        axes.origin[axis] = a.origin;
        axes.step[axis] = -a.back;
        axes.taps[axis] = a.taps;
        first_tap[axis] = a.first;
        tap_step[axis] = a.step;
        store.count[axis] = a.count;
        store.remainder[axis] = remainder;
        store.stride[axis] = v.stride[axis];
        store.in[axis] = v.in[axis];
        M *= a.count;
        terms *= a.taps;
    }
    const int tiles_n = (Cg + TILE_N - 1) / TILE_N, m = blockIdx.x / tiles_n * TILE_M;
    const int n = blockIdx.x % tiles_n * TILE_N;
    if (m >= M) /* a smaller class */
        return;
    const int steps = (terms + TILE_K - 1) / TILE_K, first = part * steps_a_part;
    const int last = min(first + steps_a_part, steps);

    thread_tile tile;
    if (first < last) {
        gradient_source source = {
            gather(dy + group * Kg, K, Kg, axes, m, M, store.count, first * TILE_K),
            kernel + (size_t)n * K + group * Kg,
            Cg,
            K,
            Cg - n,
            {first_tap[0], first_tap[1], first_tap[2]},
            {tap_step[0], tap_step[1], tap_step[2]},
            R,
            S,
            0,
        };
        source.locate();
        multiply(source, last - first, at, bt, tile);
    }
    dx += (size_t)part * N * in_d * in_h * in_w * C;
    store.end = {dx, bias, 0, 0, alpha};
    store.M = M;
    store.channels = C;
    store.first = group * Cg;
    store.width = Cg;
    store.m = m;
    store.n = n;
    tile.each(store);
}
