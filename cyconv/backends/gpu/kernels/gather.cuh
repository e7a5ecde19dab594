/* gather.cuh: the pixels that a window sees, as a matrix that is never written out: row m is a pixel, column
 * k = (tap, channel) one of the numbers under the window there ("implicit GEMM": Chetlur et al. 2014, cuDNN).
 *
 * Both ways through a convolution look like this. Along each axis, tap j of row position i sees
 *     i * stride + origin + j * step,     0 where that is outside the image.
 * Forward, step = dilation and origin = -pad. Backward, rows are pixels of x, and the image is dy; see
 * `backward_axes` in convolution.cu. */
#ifndef GATHER_CUH
#define GATHER_CUH
#include "gemm.cuh"
#include "window.cuh"

struct gathered_axes {
    int size[3], stride[3], origin[3], step[3], taps[3];
};

/* A place (tap, channel) along k; it moves forwards only. */
struct walk {
    int channel, tap[3];

    __device__ void start(int k, int channels, const int *taps)
    {
        channel = k % channels;
        k /= channels;
        tap[2] = k % taps[2];
        k /= taps[2];
        tap[1] = k % taps[1];
        tap[0] = k / taps[1];
    }
    /* Whether the tap is another afterwards. */
    __device__ bool move(int by, int channels, const int *taps)
    {
        channel += by;
        if (channel < channels)
            return false;
        do {
            channel -= channels;
            if (++tap[2] == taps[2]) {
                tap[2] = 0;
                if (++tap[1] == taps[1]) {
                    tap[1] = 0;
                    tap[0]++;
                }
            }
        } while (channel >= channels);
        return true;
    }
};

/* This thread's quads of the matrix: quad i is of pixel row `share::side(i)`, all at one place of the walk.
 * */
struct gather {
    typedef share_along_k<TILE_M> share;
    const real *image; /* its first channel that is looked at */
    int stride, channels;
    gathered_axes axes;
    walk here;
    int row[QUADS(TILE_M)][3], first[QUADS(TILE_M)]; /* where tap 0 of each row lies; its pixel number */
    int pixel[QUADS(TILE_M)];                         /* under the tap of the walk; -1: outside */

    __device__ gather(const real *image, int stride, int channels, const gathered_axes &axes, int m, int M,
                      const int *row_sizes, int k)
        : image(image), stride(stride), channels(channels), axes(axes)
    {
#pragma unroll
        for (int i = 0; i < QUADS(TILE_M); i++) {
            const int at = m + share::side(i);
            const position p = position_of(at, row_sizes);
#pragma unroll
            for (int axis = 0; axis < 3; axis++)
                row[i][axis] = p.at[axis] * axes.stride[axis] + axes.origin[axis];
            first[i] = pixel_of(p.n, row[i], axes.size);
            if (at >= M)
                row[i][0] = -(1 << 30); /* never inside */
        }
        here.start(k + share::k(), channels, axes.taps);
        locate();
    }

    __device__ int pixel_under(int i, const int *tap) const
    {
        const int by[3] = {tap[0] * axes.step[0], tap[1] * axes.step[1], tap[2] * axes.step[2]};
        const int at[3] = {row[i][0] + by[0], row[i][1] + by[1], row[i][2] + by[2]};
        const int further = (by[0] * axes.size[1] + by[1]) * axes.size[2] + by[2];
        return tap[0] < axes.taps[0] && inside(at, axes.size) ? first[i] + further : -1;
    }

    __device__ void locate()
    {
#pragma unroll
        for (int i = 0; i < QUADS(TILE_M); i++)
            pixel[i] = pixel_under(i, here.tap);
    }

    __device__ quad get(int i) const
    {
        if (VECTOR_A)
            return load_quad<1>(image + (size_t)max(pixel[i], 0) * stride + here.channel,
                                pixel[i] >= 0 ? 4 : 0);
        quad q;
        walk each = here;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int at = pixel_under(i, each.tap);
            q.v[j] = at < 0 ? 0 : image[(size_t)at * stride + each.channel];
            each.move(1, channels, axes.taps);
        }
        return q;
    }

    __device__ bool advance()
    {
        const bool moved = here.move(TILE_K, channels, axes.taps);
        if (VECTOR_A && moved)
            locate();
        return moved;
    }
};

#endif
