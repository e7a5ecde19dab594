/* losses.cu: cross-entropies with their gradients, and the accuracy, over M rows of C classes.
 * losses[m] = weight[m] * loss_m;  gradient[m,c] = scale * weight[m] * d loss_m / d prediction[m,c]. */
#include "rows.cuh"

enum { CATEGORICAL, SPARSE, BINARY };

/* The target of one row. */
struct target {
    const real *values; /* categorical, binary: C of them */
    int label;          /* sparse */
    int kind;
    real keep, share; /* smoothed: t * keep + share */
};

__device__ inline real target_at(const target &t, int c)
{
    return (t.kind == SPARSE ? (real)(c == t.label) : t.values[c]) * t.keep + t.share;
}

__device__ inline real clipped(real x, real low, real high) { return x < low ? low : x > high ? high : x; }

/* q = softmax(x):  loss = -sum_c t log q,  d loss/dx = q * sum_c t - t. */
__device__ static real from_logits(const real *x, const target &t, int C, int lane, int lanes, real scale,
                                   real *gradient)
{
    const exponentials e = exponentials_of(x, C, lane, lanes);
    real loss = 0, sum_t = 0;
    for (int c = lane; c < C; c += lanes)
        if (target_at(t, c) != 0) {
            loss -= target_at(t, c) * (x[c] - e.top - log(e.total));
            sum_t += target_at(t, c);
        }
    sum_t = sum_of_lanes(sum_t, lanes);
    for (int c = lane; gradient && c < C; c += lanes)
        gradient[c] = scale * (exp(x[c] - e.top) / e.total * sum_t - target_at(t, c));
    return sum_of_lanes(loss, lanes);
}

/* q = p / sum p,  clipped to [low, high]:  loss = -sum_c t log q.
 * With g = d loss/dq = -t/q (0 where clipped):  d loss/dp = (g - sum_c g q) / sum p. */
__device__ static real from_probabilities(const real *p, const target &t, int C, int lane, int lanes, real low,
                                          real high, real scale, real *gradient)
{
    real total = 0, loss = 0, sum_gq = 0;
    for (int c = lane; c < C; c += lanes)
        total += p[c];
    total = sum_of_lanes(total, lanes);
    for (int c = lane; c < C; c += lanes) {
        const real q = p[c] / total;
        if (target_at(t, c) != 0)
            loss -= target_at(t, c) * log(clipped(q, low, high));
        if (low <= q && q <= high)
            sum_gq -= target_at(t, c);
    }
    sum_gq = sum_of_lanes(sum_gq, lanes);
    for (int c = lane; gradient && c < C; c += lanes) {
        const real q = p[c] / total, g = low <= q && q <= high ? -target_at(t, c) / q : 0;
        gradient[c] = scale * (g - sum_gq) / total;
    }
    return sum_of_lanes(loss, lanes);
}

/* Each class by itself, q = sigmoid(x):  loss = mean_c (max(x,0) - x t + log(1 + e^-|x|)), slope (q - t) / C;
 * q = p clipped:  loss = -mean_c (t log q + (1 - t) log(1 - q)), slope ((1 - t)/(1 - q) - t/q) / C. */
__device__ static real of_two_classes(const real *p, const target &t, int C, int lane, int lanes, int logits,
                                      real low, real high, real scale, real *gradient)
{
    real loss = 0;
    for (int c = lane; c < C; c += lanes) {
        const real x = p[c], yes = target_at(t, c), no = 1 - yes;
        real slope;
        if (logits) {
            loss += (x < 0 ? 0 : x) + log1p(exp(-fabs(x))) - x * yes;
            slope = 1 / (1 + exp(-x)) - yes;
        } else {
            const real q = clipped(x, low, high);
            loss -= yes * log(q) + no * log(1 - q);
            slope = x < low || x > high ? 0 : no / (1 - q) - yes / q;
        }
        if (gradient)
            gradient[c] = scale * slope / C;
    }
    return sum_of_lanes(loss, lanes) / C;
}

/* labels: of sparse targets, values: of the others. A label outside 0..C-1 gives NaN; the label `ignored`,
 * where `ignores`, loss 0 and gradient 0. */
extern "C" __global__ void cross_entropy(const real *prediction, const real *values, const int *labels,
                                         const real *weight, real *losses, real *gradient, int M, int C,
                                         int lanes, int kind, int logits, int ignores, int ignored,
                                         int through_softmax, real keep, real share, real scale, real low,
                                         real high)
{
    const int thread = thread_number(), lane = thread % lanes, m = min(thread / lanes, M - 1);
    const int mine = thread / lanes == m; /* threads behind the last row work along, and store nothing */
    const target t = {values + (size_t)m * C, kind == SPARSE ? labels[m] : 0, kind, keep, share};
    const real *p = prediction + (size_t)m * C;
    const int leave_out = kind == SPARSE && ignores && t.label == ignored;
    const int outside = kind == SPARSE && !leave_out && (t.label < 0 || t.label >= C);
    const real w = weight ? weight[m] : 1;
    real *row = gradient && mine ? gradient + (size_t)m * C : 0;
    real loss;
    if (kind == BINARY)
        loss = of_two_classes(p, t, C, lane, lanes, logits, low, high, w * scale, row);
    else if (logits)
        loss = from_logits(p, t, C, lane, lanes, w * scale, row);
    else
        loss = from_probabilities(p, t, C, lane, lanes, low, high, w * scale, row);
    if (leave_out || outside) {
        const real value = outside ? (real)__int_as_float(0x7fc00000) : 0; /* NaN */
        loss = value;
        for (int c = lane; row && c < C; c += lanes)
            row[c] = value;
    }
    if (mine && lane == 0)
        losses[m] = w * loss;
    if (through_softmax && gradient) { /* p came from a softmax: the gradient is that of what it took */
        real total = 0;
        for (int c = lane; row && c < C; c += lanes)
            total += row[c] * p[c];
        total = sum_of_lanes(total, lanes);
        for (int c = lane; row && c < C; c += lanes)
            row[c] = p[c] * (row[c] - total);
    }
}

__device__ static int first_maximum(const real *x, int C)
{
    int best = 0;
    for (int c = 1; c < C; c++)
        if (x[c] > x[best])
            best = c;
    return best;
}

/* categorical: argmax p == argmax t;  sparse: argmax p == t;  binary: mean_c ((p > threshold) == t). */
extern "C" __global__ void accuracy(const real *prediction, const real *values, const int *labels,
                                    real *matches, int M, int C, int kind, real threshold)
{
    const int m = thread_number();
    if (m >= M)
        return;
    const real *p = prediction + (size_t)m * C, *t = values + (size_t)m * C;
    if (kind == BINARY) {
        int equal = 0;
        for (int c = 0; c < C; c++)
            equal += (real)(p[c] > threshold) == t[c];
        matches[m] = (real)equal / C;
    } else {
        matches[m] = first_maximum(p, C) == (kind == SPARSE ? labels[m] : first_maximum(t, C));
    }
}
