/* batch_norm.cu: batch normalisation over M rows of C channels (Ioffe & Szegedy 2015), and its gradient.
 *
 * Statistics take three kernels, since blocks cannot wait for each other: each block one part of the rows,
 * then the parts are joined in their order, then every element is normalised. Blocks are X x Y threads: X
 * packs of WIDTH channels (4, or 1), Y rows at a time; grid: (parts of the rows, tiles of the channels). */
#include "elements.cuh"
#ifndef WIDTH
#define WIDTH 1
#endif
#define BLOCK 256 /* threads at most */

struct __align__(WIDTH * sizeof(real)) pack {
    real v[WIDTH];
};

__device__ inline int my_channel() { return (blockIdx.y * blockDim.x + threadIdx.x) * WIDTH; }

/* count values, their mean, and the sum of squares of their distances from it. */
struct moments {
    real count, mean, squares;

    /* Joins those of other values (Chan, Golub & LeVeque 1979). */
    __device__ void join(const moments &other)
    {
        const real both = count + other.count, apart = other.mean - mean;
        if (other.count == 0)
            return;
        mean += apart * other.count / both;
        squares += other.squares + apart * apart * count * other.count / both;
        count = both;
    }
};

/* The moments of each channel over one part of the rows. Sums are taken of distances from the thread's first
 * value: they are as small as the spread of the values, whatever their mean, so that nothing is lost in the
 * difference. */
extern "C" __global__ void batch_moments(const real *x, real *means, real *squares, int M, int C,
                                         int rows_a_part)
{
    __shared__ moments shared[WIDTH][BLOCK];
    const int channel = my_channel(), y = threadIdx.y, at = y * blockDim.x + threadIdx.x;
    const int first = blockIdx.x * rows_a_part + y, last = min(M, (int)(blockIdx.x + 1) * rows_a_part);
    moments mine[WIDTH] = {};
    if (channel < C && first < last) {
        const pack start = *(const pack *)(x + (size_t)first * C + channel);
        real sum[WIDTH] = {}, square[WIDTH] = {};
        int count = 1;
        for (int m = first + blockDim.y; m < last; m += blockDim.y, count++) {
            const pack value = *(const pack *)(x + (size_t)m * C + channel);
#pragma unroll
            for (int j = 0; j < WIDTH; j++) {
                const real apart = value.v[j] - start.v[j];
                sum[j] += apart;
                square[j] += apart * apart;
            }
        }
#pragma unroll
        for (int j = 0; j < WIDTH; j++) {
            mine[j].count = count;
            mine[j].mean = start.v[j] + sum[j] / count;
            mine[j].squares = square[j] - sum[j] * (sum[j] / count);
        }
    }
#pragma unroll
    for (int j = 0; j < WIDTH; j++)
        shared[j][at] = mine[j];
    for (int half = blockDim.y / 2; half > 0; half /= 2) {
        __syncthreads();
#pragma unroll
        for (int j = 0; j < WIDTH && y < half; j++) {
            mine[j].join(shared[j][at + half * blockDim.x]);
            shared[j][at] = mine[j];
        }
    }
#pragma unroll
    for (int j = 0; j < WIDTH; j++)
        if (y == 0 && channel < C) {
            means[(size_t)blockIdx.x * C + channel + j] = mine[j].mean;
            squares[(size_t)blockIdx.x * C + channel + j] = mine[j].squares;
        }
}

/* Joins the parts: mean and inv_std = 1 / sqrt(variance + epsilon); moving = momentum * moving + (1 -
 * momentum) * batch. block: 32 channels x 8 threads, which take neighbouring parts. */
extern "C" __global__ void batch_statistics(const real *means, const real *squares, real *moving_mean,
                                            real *moving_variance, real *mean, real *inv_std, int M, int C,
                                            int parts, int rows_a_part, real momentum, real epsilon)
{
    __shared__ moments shared[8][32];
    const int c = blockIdx.x * 32 + threadIdx.x, y = threadIdx.y, share = (parts + 7) / 8;
    moments all = {};
    for (int part = y * share; c < C && part < min((y + 1) * share, parts); part++) {
        const moments other = {(real)min(rows_a_part, M - part * rows_a_part), means[(size_t)part * C + c],
                               squares[(size_t)part * C + c]};
        if (all.count == 0)
            all = other;
        else
            all.join(other);
    }
    shared[y][threadIdx.x] = all;
    __syncthreads();
    if (y > 0 || c >= C)
        return;
    for (int other = 1; other < 8; other++)
        all.join(shared[other][threadIdx.x]);
    const real variance = all.squares / M;
    mean[c] = all.mean;
    inv_std[c] = 1 / sqrt(variance + epsilon);
    moving_mean[c] = moving_mean[c] * momentum + all.mean * (1 - momentum);
    moving_variance[c] = moving_variance[c] * momentum + variance * (1 - momentum);
}

/* y = f(gamma * (x - mean) * inv_std + beta + residual), f: relu or nothing. In inference, `variance` is
 * given, and inv_std is made from it. */
extern "C" __global__ void normalise(const real *x, const real *gamma, const real *beta, const real *residual,
                                     const real *mean, const real *variance, real *inv_std, real *out, int M,
                                     int C, int rows_a_part, int relu, real epsilon)
{
    const int channel = my_channel(), first = blockIdx.x * rows_a_part + threadIdx.y;
    if (channel >= C)
        return;
    real centre[WIDTH], scale[WIDTH], shift[WIDTH];
#pragma unroll
    for (int j = 0; j < WIDTH; j++) {
        const int c = channel + j;
        const real inverse = variance ? 1 / sqrt(variance[c] + epsilon) : inv_std[c];
        if (variance && blockIdx.x == 0 && threadIdx.y == 0)
            inv_std[c] = inverse;
        centre[j] = mean[c];
        scale[j] = gamma ? inverse * gamma[c] : inverse;
        shift[j] = beta ? beta[c] : 0;
    }
    for (int m = first; m < min(M, (int)(blockIdx.x + 1) * rows_a_part); m += blockDim.y) {
        const size_t at = (size_t)m * C + channel;
        pack value = *(const pack *)(x + at), added = {};
        if (residual)
            added = *(const pack *)(residual + at);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) {
            const real z = (value.v[j] - centre[j]) * scale[j] + shift[j] + added.v[j];
            value.v[j] = relu && z < 0 ? 0 : z;
        }
        *(pack *)(out + at) = value;
    }
}

/* What lets dy through: all of it, y > 0, or, without reading y, the normalised x > 0. */
enum { ALWAYS, FROM_Y, FROM_X };

/* A thread's channels of the normalisation: (x - centre) * scale + shift. */
struct channels {
    real centre[WIDTH], inverse[WIDTH], scale[WIDTH], shift[WIDTH];

    __device__ channels(const real *gamma, const real *beta, const real *mean, const real *inv_std, int first)
    {
#pragma unroll
        for (int j = 0; j < WIDTH; j++) {
            const int c = first + j;
            centre[j] = mean[c];
            inverse[j] = inv_std[c];
            scale[j] = gamma ? inv_std[c] * gamma[c] : inv_std[c];
            shift[j] = beta ? beta[c] : 0;
        }
    }
};

/* dz = dy where the relu gave more than 0, and 0 elsewhere; without a relu, dy. x: at the same place. */
__device__ inline pack slope_at(const real *dy, const real *y, size_t at, const pack &x, const channels &k,
                                int gate)
{
    pack dz = *(const pack *)(dy + at);
    if (gate == FROM_Y) {
        const pack out = *(const pack *)(y + at);
#pragma unroll
        for (int j = 0; j < WIDTH; j++)
            dz.v[j] = out.v[j] > 0 ? dz.v[j] : 0;
    } else if (gate == FROM_X) {
#pragma unroll
        for (int j = 0; j < WIDTH; j++)
            dz.v[j] = (x.v[j] - k.centre[j]) * k.scale[j] + k.shift[j] > 0 ? dz.v[j] : 0;
    }
    return dz;
}

/* The sums of dz and of dz * xhat of each channel, over one part of the rows; xhat = (x - mean) * inv_std. */
extern "C" __global__ void gradient_sums(const real *x, const real *dy, const real *y, const real *gamma,
                                         const real *beta, const real *mean, const real *inv_std, real *sums,
                                         int M, int C, int rows_a_part, int gate)
{
    __shared__ pack shared[2][BLOCK];
    const int channel = my_channel(), row = threadIdx.y, at = row * blockDim.x + threadIdx.x;
    const int first = blockIdx.x * rows_a_part + row, last = min(M, (int)(blockIdx.x + 1) * rows_a_part);
    const channels k(gamma, beta, mean, inv_std, min(channel, C - WIDTH));
    pack total = {}, product = {};
    for (int m = first; channel < C && m < last; m += blockDim.y) {
        const size_t place = (size_t)m * C + channel;
        const pack value = *(const pack *)(x + place), dz = slope_at(dy, y, place, value, k, gate);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) {
            total.v[j] += dz.v[j];
            product.v[j] += dz.v[j] * ((value.v[j] - k.centre[j]) * k.inverse[j]);
        }
    }
    shared[0][at] = total;
    shared[1][at] = product;
    for (int half = blockDim.y / 2; half > 0; half /= 2) {
        __syncthreads();
#pragma unroll
        for (int j = 0; j < WIDTH && row < half; j++) {
            shared[0][at].v[j] += shared[0][at + half * blockDim.x].v[j];
            shared[1][at].v[j] += shared[1][at + half * blockDim.x].v[j];
        }
    }
    real *part = sums + (size_t)blockIdx.x * 2 * C + channel; /* sums: (parts, 2, C) */
    if (row == 0 && channel < C) {
        *(pack *)part = shared[0][at];
        *(pack *)(part + C) = shared[1][at];
    }
}

/* totals (2, C) = the parts of gradient_sums, in their order; dbeta += the first row, dgamma += the second.
 * block: 32 columns x 8 threads, which take neighbouring parts. */
extern "C" __global__ void gradient_totals(const real *sums, real *totals, real *dgamma, real *dbeta, int C,
                                           int parts)
{
    __shared__ real shared[8][32];
    const int i = blockIdx.x * 32 + threadIdx.x, y = threadIdx.y, share = (parts + 7) / 8;
    real sum = 0;
    for (int part = y * share; i < 2 * C && part < min((y + 1) * share, parts); part++)
        sum += sums[(size_t)part * 2 * C + i];
    shared[y][threadIdx.x] = sum;
    __syncthreads();
    if (y > 0 || i >= 2 * C)
        return;
    for (int other = 1; other < 8; other++)
        sum += shared[other][threadIdx.x];
    totals[i] = sum;
    if (i < C && dbeta)
        dbeta[i] += sum;
    if (i >= C && dgamma)
        dgamma[i - C] += sum;
}

/* dx = gamma * inv_std * (dz - (sum dz + xhat * sum(dz * xhat)) / M); without totals, gamma * inv_std * dz.
 * */
extern "C" __global__ void normalise_gradient(const real *x, const real *dy, const real *y, const real *gamma,
                                              const real *beta, const real *mean, const real *inv_std,
                                              const real *totals, real *dx, real *dz, int M, int C,
                                              int rows_a_part, int gate)
{
    const int channel = my_channel(), first = blockIdx.x * rows_a_part + threadIdx.y;
    if (channel >= C)
        return;
    const channels k(gamma, beta, mean, inv_std, channel);
    real constant[WIDTH], slope[WIDTH];
#pragma unroll
    for (int j = 0; j < WIDTH; j++) {
        const int c = channel + j;
        constant[j] = totals ? totals[c] / M : 0;
        slope[j] = totals ? totals[C + c] / M : 0;
    }
    for (int m = first; m < min(M, (int)(blockIdx.x + 1) * rows_a_part); m += blockDim.y) {
        const size_t at = (size_t)m * C + channel;
        const pack value = *(const pack *)(x + at), back = slope_at(dy, y, at, value, k, gate);
        pack result;
#pragma unroll
        for (int j = 0; j < WIDTH; j++) {
            const real xhat = (value.v[j] - k.centre[j]) * k.inverse[j];
            result.v[j] = k.scale[j] * (back.v[j] - (constant[j] + xhat * slope[j]));
        }
        *(pack *)(dx + at) = result;
        if (dz)
            *(pack *)(dz + at) = back;
    }
}
