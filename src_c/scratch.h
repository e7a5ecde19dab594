/* scratch.h: cutting call->work into pieces, each on a cache line of its own. A kernel's cy_workspace
 * adds up the same cy_room()s that the kernel then takes. */
#ifndef CYCONV_SCRATCH_H
#define CYCONV_SCRATCH_H
#include <stddef.h>

enum { CY_CACHE_LINE = 64 };

static inline size_t cy_room(ptrdiff_t count, size_t size)
{
    const size_t bytes = (size_t)(count > 0 ? count : 0) * size;
    return (bytes + CY_CACHE_LINE - 1) / CY_CACHE_LINE * CY_CACHE_LINE;
}

static inline void *cy_take(char **at, ptrdiff_t count, size_t size)
{
    void *piece = *at;
    *at += cy_room(count, size);
    return piece;
}

/* Scratch of so many bytes for each of `threads` threads, and the part of thread `me`. Between them lies a gap: where
 * they were neighbours, a processor that fetches ahead of one thread, over the end of its scratch, would take the lines
 * that the other is writing, again and again. */
enum { CY_MOST_APART = 256 << 10 };

static inline size_t cy_apart(size_t bytes)
{
    return (2 * bytes < CY_MOST_APART ? 2 * bytes : CY_MOST_APART) / CY_CACHE_LINE * CY_CACHE_LINE;
}

static inline size_t cy_room_each(int threads, size_t bytes)
{
    return (size_t)threads * (cy_apart(bytes) + bytes);
}

static inline char *cy_take_mine(void *at, int me, size_t bytes)
{
    return (char *)at + (size_t)me * (cy_apart(bytes) + bytes) + cy_apart(bytes);
}

#endif
