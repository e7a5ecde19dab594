/* elements.cu: activations, arithmetic, filling, strided copies: one thread an element. */
#include "activation.cuh"

/* y = f(x). */
extern "C" __global__ void activation(const real *x, real *y, int n, int code, real alpha)
{
    const int i = thread_number();
    if (i < n)
        y[i] = activate(x[i], code, alpha);
}

/* dx = dy * f'(x). x or y may be missing where the derivative does not need it. */
extern "C" __global__ void activation_gradient(const real *dy, const real *x, const real *y, real *dx, int n,
                                               int code, real alpha)
{
    const int i = thread_number();
    if (i < n)
        dx[i] = dy[i] * slope(x ? x[i] : 0, y ? y[i] : 0, code, alpha);
}

/* y[i] = a[i] (add | subtract | multiply | maximum | minimum) b[i % size of b]. */
extern "C" __global__ void binary(const real *a_, const real *b_, real *y, int n, int size, int code)
{
    const int i = thread_number();
    if (i >= n)
        return;
    const real a = a_[i], b = b_[size == n ? i : i % size];
    switch (code) {
    case BIN_add: y[i] = a + b; break;
    case BIN_subtract: y[i] = a - b; break;
    case BIN_multiply: y[i] = a * b; break;
    case BIN_maximum: y[i] = larger(a, b); break;
    default: y[i] = smaller(a, b);
    }
}

extern "C" __global__ void fill(real *y, int n, real value)
{
    const int i = thread_number();
    if (i < n)
        y[i] = value;
}

/* y[y_offset + i . y_strides] (+)= x[x_offset + i . x_strides] for each of the n indices i below the sizes. */
extern "C" __global__ void copy(const real *x, real *y, int n, int x_offset, int y_offset, int accumulate,
                                int n0, int n1, int n2, int n3, int n4, int n5,
                                int x0, int x1, int x2, int x3, int x4, int x5,
                                int y0, int y1, int y2, int y3, int y4, int y5)
{
    const int sizes[6] = {n0, n1, n2, n3, n4, n5};
    const int x_strides[6] = {x0, x1, x2, x3, x4, x5}, y_strides[6] = {y0, y1, y2, y3, y4, y5};
    int rest = thread_number();
    if (rest >= n)
        return;
#pragma unroll
    for (int axis = 5; axis >= 0; axis--) {
        const int at = rest % sizes[axis];
        rest /= sizes[axis];
        x_offset += at * x_strides[axis];
        y_offset += at * y_strides[axis];
    }
    y[y_offset] = x[x_offset] + (accumulate ? y[y_offset] : 0);
}
