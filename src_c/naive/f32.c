/* f32.c: the textbook loops in float. */
typedef float real;
#define CY_TABLE cy_naive_f32
#include "table.inc"
