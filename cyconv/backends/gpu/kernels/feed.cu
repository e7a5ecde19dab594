/* feed.cu: the two ends of a captured step: rows of the data come in, loss and metrics are counted. */
#include "elements.cuh"

/* out[i] = data[rows[i]], rows of `width` words of 4 bytes. The data's address is read from *data, so that a
 * captured step serves any data. */
extern "C" __global__ void gather(const unsigned long long *data, const int *rows, unsigned *out, int count,
                                  int width)
{
    const int i = thread_number();
    if (i < count)
        out[i] = ((const unsigned *)*data)[(size_t)rows[i / width] * width + i % width];
}

/* sums[i] += scales[i] * (the number at address values[i]), in float64; one thread a sum. */
extern "C" __global__ void tally(const unsigned long long *values, const double *scales, double *sums, int n)
{
    const int i = thread_number();
    if (i < n)
        sums[i] += scales[i] * (double)*(const real *)values[i];
}
