/* random.cu: random numbers as a function of a counter: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel
 * random numbers: as easy as 1, 2, 3", SC 2011). One thread makes one block of four words; word j of block i
 * belongs to element 4 i + j. key: the seed; counter: i (64 bits), stream, state. */
#include "elements.cuh"

__device__ static void philox(int block, unsigned long long seed, unsigned stream, unsigned state,
                              unsigned words[4])
{
    unsigned c0 = (unsigned)block, c1 = 0, c2 = stream, c3 = state;
    unsigned k0 = (unsigned)seed, k1 = (unsigned)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const unsigned long long p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
        c0 = (unsigned)(p1 >> 32) ^ c1 ^ k0;
        c1 = (unsigned)p1;
        c2 = (unsigned)(p0 >> 32) ^ c3 ^ k1;
        c3 = (unsigned)p0;
        k0 += 0x9E3779B9u; /* the golden ratio */
        k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

/* u_i = (word >> 8) * 2^-24; normal: pairs become sqrt(-2 ln(1 - u)) times cos and sin of 2 pi v. */
extern "C" __global__ void random_numbers(const unsigned long long *state, real *y, int n,
                                          unsigned long long seed, unsigned stream, int normal)
{
    const int block = thread_number();
    if (block > (n - 1) / 4)
        return;
    unsigned words[4];
    philox(block, seed, stream, (unsigned)*state, words);
    real u[4];
    for (int j = 0; j < 4; j++)
        u[j] = (real)(words[j] >> 8) * (real)(1.0 / 16777216.0);
    for (int j = 0; j < 4 && normal; j += 2) {
        const real radius = sqrt(-2 * log1p(-u[j])), angle = (real)6.283185307179586 * u[j + 1];
        u[j] = radius * cos(angle);
        u[j + 1] = radius * sin(angle);
    }
    for (int j = 0; j < 4 && 4 * block + j < n; j++)
        y[4 * block + j] = u[j];
}

/* y = x * scale where word >> 8 >= drop_below, else 0; scale = 1 / (1 - rate), drop_below = rate * 2^24. */
extern "C" __global__ void dropout(const real *x, const unsigned long long *state, real *y, int n,
                                   unsigned long long seed, unsigned stream, unsigned drop_below, real scale)
{
    const int block = thread_number();
    if (block > (n - 1) / 4)
        return;
    unsigned words[4];
    philox(block, seed, stream, (unsigned)*state, words);
    for (int j = 0; j < 4 && 4 * block + j < n; j++)
        y[4 * block + j] = words[j] >> 8 >= drop_below ? x[4 * block + j] * scale : 0;
}
