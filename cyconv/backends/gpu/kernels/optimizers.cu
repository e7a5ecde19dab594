/* optimizers.cu: one step of an optimiser over the flat arena of all parameters. What changes from step to
 * step (learning rate, bias correction) is read from the small array hyper. */
#include "elements.cuh"

/* No momentum: w -= lr*g.  Else m = mu*m - lr*g and w += m, or Nesterov's w += mu*m - lr*g. hyper: lr, mu. */
extern "C" __global__ void sgd(const real *gradient, const real *hyper, real *w, real *momentum, int n,
                               int nesterov)
{
    const int i = thread_number();
    if (i >= n)
        return;
    const real lr = hyper[0], mu = hyper[1], g = gradient[i];
    if (!momentum) {
        w[i] -= lr * g;
        return;
    }
    const real m = mu * momentum[i] - lr * g;
    momentum[i] = m;
    w[i] += nesterov ? mu * m - lr * g : m;
}

/* m += (g - m)(1 - beta_1);  v += (g^2 - v)(1 - beta_2);  w -= alpha * m / (sqrt(v) + epsilon): Kingma and Ba
 * 2015; alpha has the bias correction in it. hyper: alpha, beta_1, beta_2, epsilon. */
extern "C" __global__ void adam(const real *gradient, const real *hyper, real *w, real *m_, real *v_, int n)
{
    const int i = thread_number();
    if (i >= n)
        return;
    const real alpha = hyper[0], beta_1 = hyper[1], beta_2 = hyper[2], epsilon = hyper[3], g = gradient[i];
    const real m = m_[i] + (g - m_[i]) * (1 - beta_1), v = v_[i] + (g * g - v_[i]) * (1 - beta_2);
    m_[i] = m;
    v_[i] = v;
    w[i] -= alpha * m / (sqrt(v) + epsilon);
}
