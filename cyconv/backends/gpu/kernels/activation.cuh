/* activation.cuh: the activations and their derivatives, one line each; what they are called by number comes
 * from the C engine's list (ACT_relu and so on stand before every source). alpha is leaky_relu's slope or
 * elu's alpha. A NaN stays a NaN: "x < 0 ? 0 : x" and not "x > 0 ? x : 0". */
#ifndef ACTIVATION_CUH
#define ACTIVATION_CUH
#include "elements.cuh"

#define SELU_SCALE ((real)1.0507009873554805)
#define SELU_ALPHA ((real)1.6732632423543772)
#define SQRT_HALF ((real)0.70710678118654752)      /* sqrt(1/2) */
#define SQRT_2_OVER_PI ((real)0.79788456080286536) /* sqrt(2/pi) */
#define NORMAL_AT_0 ((real)0.39894228040143268)    /* 1/sqrt(2 pi) */

__device__ inline real clip(real x, real low, real high) { return x < low ? low : x > high ? high : x; }

__device__ inline real sigmoid(real x) { return 1 / (1 + exp(-x)); }

__device__ inline real softplus(real x) { return (x < 0 ? 0 : x) + log1p(exp(-fabs(x))); }

__device__ inline real hard_sigmoid(real x) { return clip(x + 3, 0, 6) / 6; }

/* gelu_tanh's argument: sqrt(2/pi) (x + 0.044715 x^3). */
__device__ inline real gelu_inner(real x)
{
    return SQRT_2_OVER_PI * (x + (real)0.044715 * x * x * x);
}

/* f(x). */
__device__ static real activate(real x, int code, real alpha)
{
    switch (code) {
    case ACT_relu: return x < 0 ? 0 : x;
    case ACT_relu6: return clip(x, 0, 6);
    case ACT_leaky_relu: return x < 0 ? alpha * x : x;
    case ACT_elu: return x < 0 ? alpha * expm1(x) : x;
    case ACT_selu: return SELU_SCALE * (x < 0 ? SELU_ALPHA * expm1(x) : x);
    case ACT_tanh: return tanh(x);
    case ACT_sigmoid: return sigmoid(x);
    case ACT_hard_sigmoid: return hard_sigmoid(x);
    case ACT_hard_tanh: return clip(x, -1, 1);
    case ACT_exponential: return exp(x);
    case ACT_softplus: return softplus(x);
    case ACT_softsign: return x / (1 + fabs(x));
    case ACT_log_sigmoid: return -softplus(-x);
    case ACT_silu: return x * sigmoid(x);
    case ACT_gelu: return x * (1 + erf(x * SQRT_HALF)) / 2;
    case ACT_gelu_tanh: return x * (1 + tanh(gelu_inner(x))) / 2;
    case ACT_mish: return x * tanh(softplus(x));
    case ACT_hard_silu: return x * hard_sigmoid(x);
    default: return x;
    }
}

/* f'(x), from y = f(x) where that is enough, else from x. */
__device__ static real slope(real x, real y, int code, real alpha)
{
    switch (code) {
    case ACT_relu: return y > 0;
    case ACT_relu6: return y > 0 && y < 6;
    case ACT_leaky_relu: return y > 0 ? 1 : alpha;
    case ACT_elu: return y > 0 ? 1 : y + alpha;
    case ACT_selu: return y > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA;
    case ACT_tanh: return 1 - y * y;
    case ACT_sigmoid: return y * (1 - y);
    case ACT_hard_sigmoid: return y > 0 && y < 1 ? 1 / (real)6 : 0;
    case ACT_hard_tanh: return y > -1 && y < 1;
    case ACT_exponential: return y;
    case ACT_softplus: return -expm1(-y); /* sigmoid(x) = 1 - e^-y */
    case ACT_softsign: return (1 - fabs(y)) * (1 - fabs(y));
    case ACT_log_sigmoid: return -expm1(y); /* sigmoid(-x) = 1 - e^y */
    case ACT_silu: return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    case ACT_gelu: return (1 + erf(x * SQRT_HALF)) / 2 + x * NORMAL_AT_0 * exp(-x * x / 2);
    case ACT_gelu_tanh: {
        const real t = tanh(gelu_inner(x));
        return (1 + t) / 2 + x * (1 - t * t) * SQRT_2_OVER_PI * (1 + (real)(3 * 0.044715) * x * x) / 2;
    }
    case ACT_mish: {
        const real t = tanh(softplus(x));
        return t + x * (1 - t * t) * sigmoid(x);
    }
    case ACT_hard_silu: return x < -3 ? 0 : x > 3 ? 1 : (2 * x + 3) / 6;
    default: return 1;
    }
}

#endif
