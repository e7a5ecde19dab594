/* avx2.c: the fast forms for x86-64 with AVX2 and FMA; nothing elsewhere. */
#define CY_VEC_BYTES 32
#define CY_LEVEL_NAME(name) name##_avx2
/* The register tile, measured: pixels by vectors of channels (and pixels by one vector). */
#define CY_TILE_PIXELS 6
#define CY_TILE_PIXELS_OF_ONE 8
#ifdef __x86_64__
#include "../fast/table.inc"
#else
#include "../fast/no_table.inc"
#endif
