/* clock.h: seconds on a clock that never goes back. */
#ifndef CYCONV_CLOCK_H
#define CYCONV_CLOCK_H
#include <time.h>

static inline double cy_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
