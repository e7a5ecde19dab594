/* base.c: the fast forms for the processor that every 64-bit PC and ARM has: SSE2 or NEON. */
#define CY_VEC_BYTES 16
#define CY_LEVEL_NAME(name) name##_base
/* The register tile, measured: pixels by vectors of channels (and pixels by one vector). */
#define CY_TILE_PIXELS 6
#define CY_TILE_PIXELS_OF_ONE 8
#include "../fast/table.inc"
