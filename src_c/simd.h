/* simd.h: the vector type of an ISA level, in GNU C: a += b * c works on all lanes at once, and the
 * flags of the file decide what instruction that becomes. No intrinsics.
 * Included once per level, after CY_VEC_BYTES. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LANES = CY_VEC_BYTES / 4 };

typedef float vf __attribute__((vector_size(CY_VEC_BYTES)));
typedef int32_t vi __attribute__((vector_size(CY_VEC_BYTES)));
/* The same in memory: at any float's address. */
typedef float vf_memory __attribute__((vector_size(CY_VEC_BYTES), aligned(4), may_alias));
typedef int32_t vi_memory __attribute__((vector_size(CY_VEC_BYTES), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline, unused))

INLINE vf load(const float *p) { return *(const vf_memory *)p; }
INLINE void store(float *p, vf v) { *(vf_memory *)p = v; }
INLINE vi load_int(const int32_t *p) { return *(const vi_memory *)p; }
INLINE void store_int(int32_t *p, vi v) { *(vi_memory *)p = v; }

INLINE vf splat(float x) { return x - (vf){0}; } /* x - 0 is x, also for -0 */
INLINE vi splat_int(int32_t x) { return x - (vi){0}; }
