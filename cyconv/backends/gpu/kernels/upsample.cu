/* upsample.cu: enlarging by whole factors, and its transpose, in which every input gathers from the outputs
 * that took from it, so nothing is added by two threads. Formula: `upsample` of the door. */
#include "elements.cuh"

/* Output o of an axis enlarged `size` times takes (1 - weight) of input `low` and weight of low + 1. */
__device__ static void enlarge(int o, int size, int in, int linear, int *low, real *weight)
{
    if (!linear) {
        *low = o / size;
        *weight = 0;
        return;
    }
    real exact = (o + (real)0.5) / size - (real)0.5;
    exact = exact < 0 ? 0 : exact > in - 1 ? in - 1 : exact;
    *low = (int)exact;
    *weight = exact - *low;
}

/* What input i gives to output o. */
__device__ static real share(int i, int o, int size, int in, int linear)
{
    int low;
    real weight;
    enlarge(o, size, in, linear, &low, &weight);
    return i == low ? 1 - weight : i == low + 1 ? weight : 0;
}

/* y[n,o,c] = sum over the corners of share * x[n,corner,c]; one thread an element of y. */
extern "C" __global__ void upsample(const real *x, real *y, int count, int D, int H, int W, int sd, int sh,
                                    int sw, int C, int linear)
{
    int rest = thread_number();
    if (rest >= count)
        return;
    const int in[3] = {D, H, W}, size[3] = {sd, sh, sw};
    const int c = rest % C, element = rest;
    int low[3];
    real weight[3], total = 0;
    rest /= C;
    for (int axis = 2; axis >= 0; axis--) {
        enlarge(rest % (in[axis] * size[axis]), size[axis], in[axis], linear, &low[axis], &weight[axis]);
        rest /= in[axis] * size[axis];
    }
    for (int corner = 0; corner < 8; corner++) {
        real part = 1;
        int at = rest; /* the image's number */
        for (int axis = 0; axis < 3; axis++) {
            const int high = corner >> axis & 1;
            part *= high ? weight[axis] : 1 - weight[axis];
            at = at * in[axis] + low[axis] + high;
        }
        if (part != 0)
            total += part * x[at * C + c];
    }
    y[element] = total;
}

/* dx[n,i,c] = sum over the outputs o that took from i of share * dy[n,o,c]; one thread an element of dx. */
extern "C" __global__ void upsample_gradient(const real *dy, real *dx, int count, int D, int H, int W, int sd,
                                             int sh, int sw, int C, int linear)
{
    int rest = thread_number();
    if (rest >= count)
        return;
    const int in[3] = {D, H, W}, size[3] = {sd, sh, sw};
    const int c = rest % C, element = rest;
    int i[3], first[3], last[3];
    rest /= C;
    for (int axis = 2; axis >= 0; axis--) {
        const int reach = linear ? size[axis] : 0, out = in[axis] * size[axis];
        i[axis] = rest % in[axis];
        rest /= in[axis];
        first[axis] = max(i[axis] * size[axis] - reach, 0);
        last[axis] = min((i[axis] + 1) * size[axis] + reach, out);
    }
    real total = 0;
    for (int d = first[0]; d < last[0]; d++)
        for (int h = first[1]; h < last[1]; h++)
            for (int w = first[2]; w < last[2]; w++) {
                const real part = share(i[0], d, sd, D, linear) * share(i[1], h, sh, H, linear)
                                  * share(i[2], w, sw, W, linear);
                if (part != 0)
                    total += part * dy[(((rest * D * sd + d) * H * sh + h) * W * sw + w) * C + c];
            }
    dx[element] = total;
}
