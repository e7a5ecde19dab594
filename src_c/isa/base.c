/* base.c: the fast forms for the processor that every 64-bit PC and ARM has: SSE2 or NEON. */
#define CY_VEC_BYTES 16
#define CY_LEVEL_NAME(name) name##_base
#include "../fast/table.inc"
