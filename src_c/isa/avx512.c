/* avx512.c: the fast forms for x86-64 with AVX-512 (F, BW, DQ, VL); nothing elsewhere. */
#define CY_VEC_BYTES 64
#define CY_LEVEL_NAME(name) name##_avx512
/* The register tile, measured: pixels by vectors of channels (and pixels by one vector). */
#define CY_TILE_PIXELS 12
#define CY_TILE_PIXELS_OF_ONE 14
#ifdef __x86_64__
#include "../fast/table.inc"
#else
#include "../fast/no_table.inc"
#endif
