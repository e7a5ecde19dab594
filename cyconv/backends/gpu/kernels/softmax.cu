/* softmax.cu: the softmax over the last axis, and its gradient. y may lie where x does, dx where dy does. */
#include "rows.cuh"

/* y[m,c] = exp(x[m,c] - max) / sum over j of exp(x[m,j] - max). */
extern "C" __global__ void softmax(const real *x, real *y, int M, int C, int lanes)
{
    const int thread = thread_number(), lane = thread % lanes, m = min(thread / lanes, M - 1);
    x += (size_t)m * C;
    y += (size_t)m * C;
    const exponentials e = exponentials_of(x, C, lane, lanes);
    if (thread / lanes == m)
        for (int c = lane; c < C; c += lanes)
            y[c] = exp(x[c] - e.top) / e.total;
}

/* dx[m,c] = y[m,c] * (dy[m,c] - sum over j of dy[m,j] * y[m,j]). */
extern "C" __global__ void softmax_gradient(const real *dy, const real *y, real *dx, int M, int C, int lanes)
{
    const int thread = thread_number(), lane = thread % lanes, m = min(thread / lanes, M - 1);
    dy += (size_t)m * C;
    y += (size_t)m * C;
    real total = 0;
    for (int c = lane; c < C; c += lanes)
        total += dy[c] * y[c];
    total = sum_of_lanes(total, lanes);
    if (thread / lanes == m)
        for (int c = lane; c < C; c += lanes)
            dx[(size_t)m * C + c] = y[c] * (dy[c] - total);
}
