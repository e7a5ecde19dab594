/* threads.h: how a kernel is shared out among threads.
 *
 * A kernel is one body; every thread of the team runs it and takes its part of the work: a range that follows
 * from its number, or units one after the other (units.h). What is summed up is cut into chunks that follow from the shape alone,
 * and the chunks are added in their order: so the bytes of a result do not depend on the team's size. */
#ifndef CYCONV_THREADS_H
#define CYCONV_THREADS_H
#include "cyconv.h"

/* Nanoseconds on one thread below which a team is not called: bringing one together takes about 1000. */
#define CY_SERIAL_NANOSECONDS 10e3

enum {
    CY_GRAIN = 64,             /* elements: a vector or a cache line is never shared by two threads */
    CY_FMAS_A_NANOSECOND = 32, /* for estimates of a kernel's time: a core of these days */
};

enum { CY_MOST_THREADS = 1 << 10 };

/* Thread `me` of a team of `size`. */
typedef struct {
    int me, size;
} cy_team;

typedef void (*cy_body)(const cy_call *call, cy_team team, void *job);

/* A range [first, last). */
typedef struct {
    ptrdiff_t first, last;
} cy_range;

/* The most threads that a kernel uses which takes about that long on one; its scratch is sized by the
 * same number. */
static inline int cy_threads(const cy_call *call, double nanoseconds)
{
    return nanoseconds < CY_SERIAL_NANOSECONDS || call->threads < 1 ? 1 : call->threads;
}

/* This thread's part of `count` units, cut at multiples of `grain`. */
static inline cy_range cy_share(cy_team team, ptrdiff_t count, ptrdiff_t grain)
{
    const ptrdiff_t grains = (count + grain - 1) / grain;
    const ptrdiff_t first = grains * team.me / team.size * grain;
    const ptrdiff_t last = grains * (team.me + 1) / team.size * grain;
    return (cy_range){first < count ? first : count, last < count ? last : count};
}

/* Runs body once in each thread of a team of at most `threads` (threads.c: how the team comes together). */
void cy_parallel(const cy_call *call, int threads, cy_body body, void *job);

/* Keeps the regions of the calling thread on that thread, until it is called with 0. */
void cy_keep_alone(int alone);

/* Every thread of the team waits here for the others. */
void cy_wait(cy_team team);

/* For units.c. A number that grows from region to region and with every cy_wait, the same for a whole team; and word
 * that the caller took `seconds` for a loop whose units would have taken it `alone` seconds, all of them. */
uint64_t cy_stage(void);
void cy_account(double seconds, double alone);

#endif
