/* tables.h: the kernel tables that dispatch.c chooses from; one is defined per element type or ISA level. */
#ifndef CYCONV_TABLES_H
#define CYCONV_TABLES_H
#include "cyconv.h"

extern const cy_entry cy_naive_f32[CY_OPS], cy_naive_f64[CY_OPS]; /* complete */
extern const cy_entry cy_fast_base[CY_OPS], cy_fast_avx2[CY_OPS], cy_fast_avx512[CY_OPS]; /* gaps are {0} */

/* One run of independent FMAs on this thread, `rounds` long: how many operations it did. */
double cy_fma_chains_base(ptrdiff_t rounds), cy_fma_chains_avx2(ptrdiff_t rounds),
    cy_fma_chains_avx512(ptrdiff_t rounds);

#endif
