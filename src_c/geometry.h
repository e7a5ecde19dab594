/* geometry.h: where a window lies over an image. Shared by the textbook loops and the fast forms. */
#ifndef CYCONV_GEOMETRY_H
#define CYCONV_GEOMETRY_H
#include "cyconv.h"
#include <string.h>

_Static_assert(sizeof(cy_conv) == CY_CONV_SIZES * sizeof(ptrdiff_t),
               "a cy_conv is the first CY_CONV_SIZES sizes of a call");

static inline cy_conv cy_geometry(const cy_call *call)
{
    cy_conv v;
    memcpy(&v, call->n, sizeof v);
    return v;
}

/* Position of pixel (n, d, h, w) in an image of size (., D, H, W): ((n*D + d)*H + h)*W + w. */
static inline ptrdiff_t cy_pixel(const ptrdiff_t size[3], ptrdiff_t n, ptrdiff_t d, ptrdiff_t h, ptrdiff_t w)
{
    return ((n * size[0] + d) * size[1] + h) * size[2] + w;
}

/* i = o*stride + t*dilation - pad: the input position under tap t of output o; -1 if it is padding. */
static inline ptrdiff_t cy_input_at(const cy_conv *v, int axis, ptrdiff_t o, ptrdiff_t t)
{
    ptrdiff_t i = o * v->stride[axis] + t * v->dilation[axis] - v->pad[axis];
    return 0 <= i && i < v->in[axis] ? i : -1;
}

/* The same equation solved for o: the output whose tap t lies over input i; -1 if there is none. */
static inline ptrdiff_t cy_output_at(const cy_conv *v, int axis, ptrdiff_t i, ptrdiff_t t)
{
    ptrdiff_t o = i + v->pad[axis] - t * v->dilation[axis];
    if (o < 0 || o % v->stride[axis] != 0)
        return -1;
    o /= v->stride[axis];
    return o < v->out[axis] ? o : -1;
}

#endif
