/* philox.h: Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel
 * random numbers: as easy as 1, 2, 3" (SC 2011). Word j of block i depends on i, j and the key alone:
 * any thread can make any part of the stream, on any machine, and gets the same bits. */
#ifndef CYCONV_PHILOX_H
#define CYCONV_PHILOX_H
#include <math.h>
#include <stdint.h>

enum { CY_PHILOX_ROUNDS = 10 };
#define CY_PHILOX_M0 0xD2511F53u
#define CY_PHILOX_M1 0xCD9E8D57u
#define CY_PHILOX_W0 0x9E3779B9u /* the golden ratio */
#define CY_PHILOX_W1 0xBB67AE85u /* sqrt(3) - 1 */

/* Ten rounds of  (c0,c1,c2,c3) <- (hi(M1*c2)^c1^k0, lo(M1*c2), hi(M0*c0)^c3^k1, lo(M0*c0)). */
static inline void cy_philox(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    for (int round = 0; round < CY_PHILOX_ROUNDS; round++) {
        uint64_t p0 = (uint64_t)CY_PHILOX_M0 * c[0];
        uint64_t p1 = (uint64_t)CY_PHILOX_M1 * c[2];
        uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c[3] ^ k1,
                            (uint32_t)p0};
        for (int j = 0; j < 4; j++)
            c[j] = next[j];
        k0 += CY_PHILOX_W0;
        k1 += CY_PHILOX_W1;
    }
}

/* u = (word >> 8) * 2^-24 >= rate, as integers: word >> 8 >= cy_drop_below(rate). */
static inline uint32_t cy_drop_below(double rate) { return (uint32_t)ceil(rate * 16777216.0); }

#endif
