/* units.h: a loop whose units a team takes one after the other.
 *
 * Each thread takes its own part (that of cy_share), from its beginning, then what is left of the others', from their
 * ends. Which thread has a unit is not known before, so it must not show in the result. */
#ifndef CYCONV_UNITS_H
#define CYCONV_UNITS_H
#include "threads.h"

typedef struct {
    cy_team team;
    ptrdiff_t count, grain; /* units; as many are taken at once */
    ptrdiff_t next, last; /* those in hand: [next, last) */
    ptrdiff_t taken; /* grains, so far */
    uint64_t loop;
    double begun; /* seconds on the clock */
} cy_units;

/* The units [0, count) of a loop. `before`: how many such loops this thread has been through since the region began or
 * cy_wait was called last; each thread of the team passes the same. */
cy_units cy_units_of(cy_team team, ptrdiff_t before, ptrdiff_t count);

/* Takes more units in hand; returns whether there were any. */
int cy_take_units(cy_units *units);

/* The next unit, or -1. */
static inline ptrdiff_t cy_next(cy_units *units)
{
    return units->next < units->last || cy_take_units(units) ? units->next++ : -1;
}

#endif
