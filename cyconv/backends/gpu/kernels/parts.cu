/* parts.cu: sums that were cut into parts, for as many blocks as keep a GPU busy. Parts are added up in their
 * order, so the bytes are the same in each run; atomic additions would not give that. */
#ifndef ACTIVATION
#define ACTIVATION ACT_linear
#endif
#include "activation.cuh"

/* The sum of eight threads' values, in the order of threadIdx.y; only threads with y = 0 may use it. */
__device__ inline real sum_of_eight(real (*sums)[32], real sum)
{
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    for (int other = 1; threadIdx.y == 0 && other < 8; other++)
        sum += sums[other][threadIdx.x];
    return sum;
}

/* out = f(bias + residual + parts[0] + parts[1] + ... + what was there, if it accumulates).
 * block: 32 elements x 8 threads; those of an element take neighbouring parts. */
extern "C" __global__ void sum_parts(const real *parts, const real *bias, const real *residual, real *out,
                                     int count, int columns, int splits, int accumulate, real alpha)
{
    __shared__ real sums[8][32];
    const int i = blockIdx.x * 32 + threadIdx.x, share = (splits + 7) / 8, first = threadIdx.y * share;
    real sum = 0;
    if (i < count)
        for (int split = first; split < min(first + share, splits); split++)
            sum += parts[(size_t)split * count + i];
    sum = sum_of_eight(sums, sum);
    if (threadIdx.y > 0 || i >= count)
        return;
    if (bias)
        sum += bias[i % columns];
    if (residual)
        sum += residual[i];
    if (accumulate)
        sum += out[i];
    out[i] = activate(sum, ACTIVATION, alpha);
}

/* parts[p,k] = sum over the rows m of part p of dy[m,k]: a bias's gradient before sum_parts.
 * block: 32 columns x 8 threads, which take every eighth row; grid: (tiles of columns, parts). */
extern "C" __global__ void column_sums(const real *dy, real *parts, int M, int K, int rows_a_part)
{
    __shared__ real sums[8][32];
    const int k = blockIdx.x * 32 + threadIdx.x, first = blockIdx.y * rows_a_part;
    real sum = 0;
    if (k < K)
        for (int m = first + threadIdx.y; m < min(first + rows_a_part, M); m += 8)
            sum += dy[(size_t)m * K + k];
    sum = sum_of_eight(sums, sum);
    if (threadIdx.y == 0 && k < K)
        parts[(size_t)blockIdx.y * K + k] = sum;
}
