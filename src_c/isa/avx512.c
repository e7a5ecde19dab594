/* avx512.c: the fast forms for x86-64 with AVX-512 (F, BW, DQ, VL); nothing elsewhere. */
#define CY_VEC_BYTES 64
#define CY_LEVEL_NAME(name) name##_avx512
#ifdef __x86_64__
#include "../fast/table.inc"
#else
#include "../fast/no_table.inc"
#endif
