/* simd.h: the vector type of an ISA level, in GNU C: a += b * c works on all lanes at once, and the
 * flags of the file decide what instruction that becomes. No intrinsics. Where a loop over the lanes
 * stands below, the compiler makes one instruction of it (a masked load, a square root, a maximum).
 * Included once per level, after CY_VEC_BYTES. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Compilers warn of vectors wider than a register as arguments; every function with one is inlined. */
#pragma GCC diagnostic ignored "-Wpsabi"

enum { LANES = CY_VEC_BYTES / 4 };

typedef float vf __attribute__((vector_size(CY_VEC_BYTES)));
typedef int32_t vi __attribute__((vector_size(CY_VEC_BYTES)));
/* The same in memory: at any float's address. */
typedef float vf_memory __attribute__((vector_size(CY_VEC_BYTES), aligned(4), may_alias));
typedef int32_t vi_memory __attribute__((vector_size(CY_VEC_BYTES), aligned(4), may_alias));
typedef double vd __attribute__((vector_size(2 * CY_VEC_BYTES))); /* as many lanes as a vf */

#define INLINE static inline __attribute__((always_inline, unused))
#define CALLED static __attribute__((noinline, unused)) /* its loops have the registers for themselves */

INLINE vf load(const float *p) { return *(const vf_memory *)p; }
INLINE void store(float *p, vf v) { *(vf_memory *)p = v; }
INLINE vi load_int(const int32_t *p) { return *(const vi_memory *)p; }
INLINE void store_int(int32_t *p, vi v) { *(vi_memory *)p = v; }

INLINE vf splat(float x) { return x - (vf){0}; } /* x - 0 is x, also for -0 */
INLINE vi splat_int(int32_t x) { return x - (vi){0}; }
INLINE vd to_double(vf x) { return __builtin_convertvector(x, vd); }
#define to_float(x) __builtin_convertvector(x, vf) /* no function: gcc notes each vd that is an argument */

INLINE ptrdiff_t ceil_div(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }
INLINE ptrdiff_t round_up(ptrdiff_t a, ptrdiff_t b) { return ceil_div(a, b) * b; }
INLINE ptrdiff_t min_of(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
INLINE ptrdiff_t max_of(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* The lanes that p has left, at most all: those of p[0..n). */
INLINE int lanes_left(ptrdiff_t n) { return n < LANES ? (int)n : LANES; }

/* unroll 1: a loop that is unrolled before it is looked at would not become one instruction. */

/* The first n lanes, n in 0..LANES; the rest is 0 and its memory is not touched. */
INLINE vf load_part(const float *p, int n)
{
    vf v;
    if (n >= LANES)
        return load(p);
#pragma GCC unroll 1
    for (int i = 0; i < LANES; i++)
        v[i] = i < n ? p[i] : 0;
    return v;
}

/* The same as calls: where loops around them must be unrolled (the accumulators of a tile), which a loop
 * inside would prevent. */
CALLED void load_part_call(const float *p, int n, vf *v) { *v = load_part(p, n); }

INLINE vi load_int_part(const int32_t *p, int n)
{
    vi v;
    if (n >= LANES)
        return load_int(p);
#pragma GCC unroll 1
    for (int i = 0; i < LANES; i++)
        v[i] = i < n ? p[i] : 0;
    return v;
}

INLINE void store_part(float *p, vf x, int n)
{
    float v[LANES];
    if (n >= LANES) {
        store(p, x);
        return;
    }
    store(v, x);
#pragma GCC unroll 1
    for (int i = 0; i < LANES; i++)
        if (i < n)
            p[i] = v[i];
}

/* The first n lanes of a row that goes on for `room` floats from p: what lies behind the n lanes is read too, or
 * overwritten with anything, if it belongs to the same row. Whoever stores so goes through the row forwards: the
 * next store puts right what this one spoilt, and the last does not spoil. */
INLINE vf load_within(const float *p, int n, ptrdiff_t room)
{
    return room >= LANES ? load(p) : load_part(p, n);
}

INLINE void store_within(float *p, vf x, int n, ptrdiff_t room)
{
    if (room >= LANES)
        store(p, x);
    else
        store_part(p, x, n);
}

CALLED void store_part_call(float *p, const vf *v, int n) { store_part(p, *v, n); }

INLINE void store_int_part(int32_t *p, vi x, int n)
{
    int32_t v[LANES];
    if (n >= LANES) {
        store_int(p, x);
        return;
    }
    store_int(v, x);
#pragma GCC unroll 1
    for (int i = 0; i < LANES; i++)
        if (i < n)
            p[i] = v[i];
}

/* a where the mask's lane is -1, b where it is 0: as a comparison of vectors gives it. */
INLINE vf choose(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
INLINE vi choose_int(vi mask, vi a, vi b) { return (mask & a) | (~mask & b); }

/* max and min; a NaN on either side wins. */
INLINE vf vec_max(vf a, vf b) { return choose((a > b) | (a != a), a, b); }
INLINE vf vec_min(vf a, vf b) { return choose((a < b) | (a != a), a, b); }
INLINE vf vec_relu(vf x) { return choose(x < 0, splat(0), x); }
INLINE vf vec_abs(vf x) { return (vf)((vi)x & 0x7fffffff); }

INLINE vf vec_sqrt(vf x)
{
    for (int i = 0; i < LANES; i++)
        x[i] = __builtin_sqrtf(x[i]);
    return x;
}

/* 0, 1, 2, ... and the mask of the first n lanes. */
INLINE vi lane_numbers(void)
{
    vi v;
    for (int i = 0; i < LANES; i++)
        v[i] = i;
    return v;
}
INLINE vi first_lanes(int n) { return lane_numbers() < n; }

/* The sum of all lanes, in their order. */
INLINE float sum_lanes(vf x)
{
    float total = x[0];
    for (int i = 1; i < LANES; i++)
        total += x[i];
    return total;
}

/* Lane i is p[i * step], for the first n lanes: a column of a matrix whose rows are `step` long. */
INLINE vf load_column(const float *p, ptrdiff_t step, int n)
{
    vf v = splat(0);
    if (step == 1)
        return load_part(p, n);
    if (n >= LANES)
        for (int i = 0; i < LANES; i++)
            v[i] = p[i * step];
    else
        for (int i = 0; i < n; i++)
            v[i] = p[i * step];
    return v;
}

INLINE void store_column(float *p, ptrdiff_t step, vf v, int n)
{
    if (step == 1) {
        store_part(p, v, n);
        return;
    }
    if (n >= LANES)
        for (int i = 0; i < LANES; i++)
            p[i * step] = v[i];
    else
        for (int i = 0; i < n; i++)
            p[i * step] = v[i];
}
