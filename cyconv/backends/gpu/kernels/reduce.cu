/* reduce.cu: sums, maxima and minima over axes. x (A, R, B, S, C) -> y (A, B, C): R and S are reduced. The
 * R * S terms of a result are cut into chunks, blockIdx.y counts them, and each chunk gives a row of y; another
 * launch reduces those. Chunks follow from the shape alone, and inside them the order is fixed, so the same
 * numbers give the same bytes. */
#include "elements.cuh"

enum { SUM, MAXIMUM, MINIMUM, THREADS = 256 };

__device__ inline real combined(real a, real b, int name)
{
    return name == SUM ? a + b : name == MAXIMUM ? larger(a, b) : smaller(a, b);
}

/* Where term t of result o stands in x. */
__device__ inline int place(int o, int t, int R, int B, int S, int C)
{
    const int c = o % C, b = o / C % B, a = o / C / B, r = t / S, s = t % S;
    return (((a * R + r) * B + b) * S + s) * C + c;
}

/* y (+)= scale * total. */
__device__ inline void store(real *y, real total, real scale, int accumulate)
{
    *y = scale * total + (accumulate ? *y : 0);
}

/* One thread a result and chunk: neighbours read neighbours where C is large. */
extern "C" __global__ void reduce_by_thread(const real *x, real *y, int A, int R, int B, int S, int C, int name,
                                            int chunk, real scale, int accumulate)
{
    const int o = thread_number(), results = A * B * C, terms = R * S;
    const int first = blockIdx.y * chunk, last = first + chunk < terms ? first + chunk : terms;
    if (o >= results)
        return;
    real total = name == SUM ? 0 : x[place(o, first, R, B, S, C)];
    for (int t = first; t < last; t++)
        total = combined(total, x[place(o, t, R, B, S, C)], name);
    store(y + (size_t)blockIdx.y * results + o, total, scale, accumulate);
}

/* One block a result and chunk: neighbours read neighbours where C is 1. */
extern "C" __global__ void reduce_by_block(const real *x, real *y, int A, int R, int B, int S, int C, int name,
                                           int chunk, real scale, int accumulate)
{
    __shared__ real totals[THREADS];
    const int o = blockIdx.x, me = threadIdx.x, terms = R * S;
    const int first = blockIdx.y * chunk, last = first + chunk < terms ? first + chunk : terms;
    real total = name == SUM ? 0 : x[place(o, first, R, B, S, C)];
    for (int t = first + me; t < last; t += THREADS)
        total = combined(total, x[place(o, t, R, B, S, C)], name);
    totals[me] = total;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (me < half)
            totals[me] = combined(totals[me], totals[me + half], name);
        __syncthreads();
    }
    if (me == 0)
        store(y + (size_t)blockIdx.y * A * B * C + o, totals[0], scale, accumulate);
}
