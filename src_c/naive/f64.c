/* f64.c: the textbook loops in double. */
typedef double real;
#define CY_TABLE cy_naive_f64
#include "table.inc"
