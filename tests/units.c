/* Loops of units (src_c/units.c) in many regions: each unit of each loop must be done once, whoever does it; and what a
 * slow thread has not begun is taken over. Prints "ok", or what is wrong. tests/test_units.py builds and runs it. */
#include "units.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_UNITS = 700, MOST_LOOPS = 40, SLOW = 20, TRIES = 1000 };

typedef struct {
    int units, loops, stages, seed;
    int done[MOST_LOOPS][MOST_UNITS];
} region;

static void work(const cy_call *call, cy_team team, void *job)
{
    region *r = job;
    (void)call;
    for (int stage = 0; stage < r->stages; stage++) {
        if (stage)
            cy_wait(team);
        for (int loop = 0; loop < r->loops; loop++) {
            cy_units units = cy_units_of(team, loop, r->units);
            for (ptrdiff_t i; (i = cy_next(&units)) >= 0;) {
                r->done[stage * r->loops + loop][i]++;
                if ((i * 7 + team.me + r->seed) % 97 == 0) /* some take longer */
                    for (volatile int k = 0; k < 3000; k++)
                        ;
            }
        }
    }
}

/* Regions of random sizes, by teams of up to 6. */
static int every_unit_once(int regions, unsigned seed)
{
    static region r;
    srand(seed);
    for (int i = 0; i < regions; i++) {
        memset(&r, 0, sizeof r);
        r.units = rand() % 10 ? rand() % 40 : rand() % MOST_UNITS;
        r.loops = 1 + rand() % (rand() % 8 ? 3 : 18); /* some have more than are numbered */
        r.stages = 1 + rand() % (MOST_LOOPS / r.loops < 4 ? MOST_LOOPS / r.loops : 4);
        r.seed = rand();
        cy_parallel(NULL, 1 + rand() % 6, work, &r);
        for (int loop = 0; loop < r.stages * r.loops; loop++)
            for (int unit = 0; unit < MOST_UNITS; unit++)
                if (r.done[loop][unit] != (unit < r.units)) {
                    printf("unit %d of %d of loop %d was done %d times\n", unit, r.units, loop,
                           r.done[loop][unit]);
                    return 0;
                }
    }
    return 1;
}

static void slow_member(const cy_call *call, cy_team team, void *job)
{
    int *by_caller = job;
    cy_units units = cy_units_of(team, 0, SLOW);
    (void)call;
    for (int done = 0; cy_next(&units) >= 0;) {
        if (team.me)
            nanosleep(&(struct timespec){0, 10000000}, NULL);
        else if (team.size == 2)
            *by_caller = ++done;
    }
}

/* The caller's part are 10 of 20. */
static int the_slow_are_helped(void)
{
    int by_caller = 0;
    for (int i = 0; i < TRIES && !by_caller;
         i++) { /* until a member came in time: the first call may only wake it */
        for (int call = 0; call < 3 && !by_caller; call++)
            cy_parallel(NULL, 2, slow_member, &by_caller);
        nanosleep(&(struct timespec){0, 1000000},
                  NULL); /* the pool may have chosen to be alone for a while */
    }
    if (by_caller <= SLOW / 2)
        printf("the caller did %d of %d units, beside a thread that sleeps\n", by_caller, SLOW);
    return by_caller > SLOW / 2;
}

int main(int count, char **arguments)
{
    const int regions = count > 1 ? atoi(arguments[1]) : 1000;
    if (!every_unit_once(regions, 1) || !the_slow_are_helped())
        return 1;
    const pid_t child = fork(); /* it has a pool of its own, and its parent's numbers of loops */
    if (child == 0)
        _exit(!every_unit_once(regions, 2));
    int status = 1;
    if (waitpid(child, &status, 0) != child || status || !every_unit_once(regions, 3))
        return 1;
    puts("ok");
    return 0;
}
