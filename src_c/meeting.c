/* meeting.c: how long the threads of a team take to meet: each counts itself and waits for the others, ROUNDS times; the
 * mean, the least of TRIES.
 *
 * It takes a cache line from core to core and back. Where two cores share a cache, that is some 100 ns; where they do not,
 * several times as much, and so does everything that one thread writes and another reads. */
#include "clock.h"
#include "threads.h"
#include <stdatomic.h>

enum { ROUNDS = 1000, TRIES = 20, WAKING = 100000 /* nanoseconds */ };

typedef struct {
    int threads; /* smaller teams are not measured */
    atomic_int met;
    double seconds;
} meetings;

static void meet(const cy_call *call, cy_team team, void *job)
{
    meetings *m = job;
    (void)call;
    if (team.size < m->threads)
        return;
    double start = 0;
    for (int round = 0; round <= ROUNDS; round++) {
        atomic_fetch_add(&m->met, 1);
        while (atomic_load(&m->met) < (round + 1) * team.size)
            ;
        if (round == 0)
            start = cy_seconds();
    }
    if (team.me == 0)
        m->seconds = (cy_seconds() - start) / ROUNDS;
}

double cy_measure_meeting(int threads)
{
    double least = 0;
    for (int i = 0; threads > 1 && i < TRIES; i++) {
        meetings m = {.threads = threads}; /* seconds stay 0 where no team came together */
        cy_parallel(NULL, threads, meet, &m);
        if (m.seconds > 0 && (least == 0 || m.seconds < least))
            least = m.seconds;
        nanosleep(&(struct timespec){0, WAKING}, NULL); /* who was woken is there for the next try */
    }
    return 1e9 * least;
}
