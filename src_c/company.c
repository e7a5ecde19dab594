/* company.c: whether a plan gains from a team of threads, found out by trial.
 *
 *   every so often COMPARED + 1 runs go the other way: alone for together, together for alone
 *   the median of COMPARED runs each way says how to go on
 *   once most of the COMPARED were clearly slower, or two that are long, the trial ends: its median is known
 *
 * Where two cores share no cache, what one wrote costs the other 100 ns a line and more; a plan of small kernels then
 * takes longer on both than on one, though neither ever waits (threads.c could not tell). How far the cores are apart
 * no system call says, and in a virtual machine it changes: so it is tried. A trial's first run, in which data move
 * from core to core, does not count, unless runs are long. The first trial comes after FIRST times its time; from then
 * on a trial takes a hundredth of the time at most, and less each time that the same way wins clearly. */
#include "cyconv.h"

enum { COMPARED = CY_COMPARED, REST = 32, SUREST = 3 }; /* runs; runs between two trials; powers of two */
static const double SHARE = 100, FIRST = 16, CLEARLY = 1.2, LONG = 5e-3 /* seconds of a run */;

static double median(const double *seconds)
{
    double sorted[COMPARED];
    for (int i = 0; i < COMPARED; i++) {
        int j = i;
        for (; j > 0 && sorted[j - 1] > seconds[i]; j--)
            sorted[j] = sorted[j - 1];
        sorted[j] = seconds[i];
    }
    return sorted[COMPARED / 2];
}

int cy_goes_alone(const cy_company *c) { return c->trial ? !c->alone : c->alone; }

/* The trial is over: `spent` seconds were its own. */
static void conclude(cy_company *c, int changes, int clearly, double now)
{
    c->trial = 0;
    c->alone ^= changes;
    c->sure = changes || !clearly ? 0 : c->sure < SUREST ? c->sure + 1 : SUREST;
    c->rest = REST << c->sure;
    c->due = now + SHARE * c->spent * (1 << c->sure);
}

void cy_ran(cy_company *c, double seconds, double now)
{
    const int alone = cy_goes_alone(c);
    c->took[alone][c->runs[alone]++ % COMPARED] = seconds;
    c->spent = c->trial ? c->spent + seconds : 0;
    if (c->trial) {
        const double own = median(c->took[c->alone]);
        const int is_long = own > LONG, counts = c->trial <= COMPARED || is_long;
        c->slow = (c->trial > COMPARED ? 0 : c->slow) + (counts && seconds >= CLEARLY * own);
        if (c->slow == (is_long ? 2 : COMPARED / 2 + 1))
            conclude(c, 0, 1, now);
        else if (--c->trial == 0)
            conclude(c, median(c->took[!c->alone]) < own, 0, now);
    } else if (c->due == 0) {
        if (c->runs[0] < COMPARED) /* the first run finds nothing in the caches */
            return;
        c->rest = REST;
        c->due = now + FIRST * (COMPARED + 1) * seconds;
    } else if (--c->rest < 0 && now >= c->due)
        c->trial = COMPARED + 1;
}
