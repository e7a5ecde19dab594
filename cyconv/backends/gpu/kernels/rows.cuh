/* rows.cuh: kernels over rows of C values. `lanes` threads of a warp (1, 2, 4, ... 32) share a row: each takes
 * every lanes-th value, and shuffles give all of them the sum. No thread leaves before the last shuffle. */
#ifndef ROWS_CUH
#define ROWS_CUH
#include "elements.cuh"

__device__ inline real sum_of_lanes(real value, int lanes)
{
    for (int step = lanes / 2; step > 0; step /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, step);
    return value;
}

__device__ inline real maximum_of_lanes(real value, int lanes)
{
    for (int step = lanes / 2; step > 0; step /= 2)
        value = larger(value, __shfl_xor_sync(0xffffffffu, value, step));
    return value;
}

/* The largest of a row's C values, and the sum of exp(x - largest): what a softmax divides by. */
struct exponentials {
    real top, total;
};

__device__ inline exponentials exponentials_of(const real *x, int C, int lane, int lanes)
{
    exponentials e = {x[0], 0};
    for (int c = lane; c < C; c += lanes)
        e.top = larger(e.top, x[c]);
    e.top = maximum_of_lanes(e.top, lanes);
    for (int c = lane; c < C; c += lanes)
        e.total += exp(x[c] - e.top);
    e.total = sum_of_lanes(e.total, lanes);
    return e;
}

#endif
