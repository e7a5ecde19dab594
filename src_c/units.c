/* units.c: work that threads take over from each other.
 *
 *   left[thread] = (loop, first, last)        a thread's own part of a loop, as far as nobody has begun it
 *   the owner takes `first`, the others take `last - 1`, with one compare-and-swap
 *
 * A thread that the system has put aside for a while, or whose core is slow just now, would keep its team waiting with
 * half of the work; so it does with one unit, or a few where there are very many. Owner and others work from both ends, so each has its neighbouring units,
 * and the owner's caches, for as long as there are any (the stealing of Blumofe & Leiserson 1999; parts are
 * known from the start, so a word stands for their queue).
 *
 * Loops are numbered, and numbers grow. Who finds a smaller one in a thread's word knows that its part is still whole,
 * though the thread may not have come so far; a larger one, that nothing is left: nobody goes on while something is. */
#include "units.h"
#include "clock.h"
#include "scratch.h"

#ifdef CYCONV_PTHREADS
#include <stdatomic.h>

enum {
    BITS = 8,
    MOST = (1 << BITS) - 1, /* grains of a loop */
    LOOPS = 16              /* between two stages; a loop more is shared out beforehand */
};

static struct {
    _Alignas(2 * CY_CACHE_LINE) _Atomic uint64_t left; /* lines come in pairs */
} parts[CY_MOST_THREADS];

cy_units cy_units_of(cy_team team, ptrdiff_t before, ptrdiff_t count)
{
    cy_units units = {.team = team, .count = count, .grain = 1};
    if (team.size == 1 || before >= LOOPS) {
        const cy_range mine = cy_share(team, count, 1);
        units.team.size = 1;
        units.next = mine.first, units.last = mine.last;
    } else {
        units.grain = count / MOST + 1;
        units.loop = cy_stage() * LOOPS + (uint64_t)before;
        units.begun = team.me == 0 ? cy_seconds() : 0;
    }
    return units;
}

static ptrdiff_t grains_of(const cy_units *units) { return (units->count + units->grain - 1) / units->grain; }

/* Takes a grain of thread `whose`, its first or its last; -1: none is left. */
static ptrdiff_t take(const cy_units *units, int whose, int its_last)
{
    uint64_t left = atomic_load(&parts[whose].left);
    for (;;) {
        const uint64_t loop = left >> (2 * BITS);
        cy_range of = {(ptrdiff_t)(left >> BITS & MOST), (ptrdiff_t)(left & MOST)};
        if (loop < units->loop)
            of = cy_share((cy_team){whose, units->team.size}, grains_of(units), 1);
        if (loop > units->loop || of.first == of.last)
            return -1;
        const ptrdiff_t taken = its_last ? --of.last : of.first++;
        const uint64_t then = (units->loop << BITS | (uint64_t)of.first) << BITS | (uint64_t)of.last;
        if (atomic_compare_exchange_weak(&parts[whose].left, &left, then))
            return taken;
    }
}

int cy_take_units(cy_units *units)
{
    const cy_team team = units->team;
    for (int i = 0; team.size > 1 && i < team.size; i++) {
        const ptrdiff_t grain = take(units, (team.me + i) % team.size, i > 0);
        if (grain < 0)
            continue;
        const ptrdiff_t end = (grain + 1) * units->grain;
        units->next = grain * units->grain;
        units->last = end < units->count ? end : units->count;
        units->taken++;
        return 1;
    }
    if (team.size > 1 && team.me == 0 && units->taken > 0) {
        const double seconds = cy_seconds() - units->begun;
        cy_account(seconds, seconds * (double)grains_of(units) / (double)units->taken);
    }
    return 0;
}

#else

cy_units cy_units_of(cy_team team, ptrdiff_t before, ptrdiff_t count)
{
    (void)before;
    return (cy_units){.team = team, .count = count, .last = count};
}

int cy_take_units(cy_units *units)
{
    (void)units;
    return 0;
}

#endif
