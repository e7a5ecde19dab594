/* window.cuh: the geometry of a sliding window over an image, as the numbers that all its kernels take. */
#ifndef WINDOW_CUH
#define WINDOW_CUH

/* Images have three spatial axes D, H, W, the window T, R, S; where there are fewer, the first sizes are 1.
 * i = o * stride + t * dilation - pad is the input position under tap t of output o. */
struct window {
    int N, C, K, groups, in[3], out[3], taps[3], stride[3], pad[3], dilation[3];
};

#define WINDOW_PARAMETERS \
    int N, int C, int K, int groups, int in_d, int in_h, int in_w, int out_d, int out_h, int out_w, int T, \
        int R, int S, int stride_d, int stride_h, int stride_w, int pad_d, int pad_h, int pad_w, \
        int dilation_d, int dilation_h, int dilation_w
#define WINDOW_GIVEN \
    { \
        N, C, K, groups, {in_d, in_h, in_w}, {out_d, out_h, out_w}, {T, R, S}, \
            {stride_d, stride_h, stride_w}, {pad_d, pad_h, pad_w}, \
        { \
            dilation_d, dilation_h, dilation_w \
        } \
    }

/* Pixel number n*D*H*W + (d*H + h)*W + w of an image of sizes D, H, W, and back. */
struct position {
    int n, at[3];
};

__device__ inline position position_of(int pixel, const int *sizes)
{
    position p;
    p.at[2] = pixel % sizes[2];
    pixel /= sizes[2];
    p.at[1] = pixel % sizes[1];
    pixel /= sizes[1];
    p.at[0] = pixel % sizes[0];
    p.n = pixel / sizes[0];
    return p;
}

__device__ inline bool inside(const int *at, const int *sizes)
{
    return (unsigned)at[0] < (unsigned)sizes[0] && (unsigned)at[1] < (unsigned)sizes[1]
           && (unsigned)at[2] < (unsigned)sizes[2];
}

__device__ inline int pixel_of(int n, const int *at, const int *sizes)
{
    return ((n * sizes[0] + at[0]) * sizes[1] + at[1]) * sizes[2] + at[2];
}

/* The input position under tap (t, r, s) of output o. */
__device__ inline position under_tap(const window &v, const position &o, int t, int r, int s)
{
    const int tap[3] = {t, r, s};
    position p = {o.n, {}};
#pragma unroll
    for (int axis = 0; axis < 3; axis++)
        p.at[axis] = o.at[axis] * v.stride[axis] + tap[axis] * v.dilation[axis] - v.pad[axis];
    return p;
}

#endif
