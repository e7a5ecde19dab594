/* meeting.c: how long the threads of a team take to meet: ROUNDS times cy_wait, the mean, the least of TRIES.
 *
 * It takes a cache line from core to core and back. Where two cores share a cache, that is some 100 ns; where they do not,
 * several times as much, and so does everything that one thread writes and another reads. */
#include "clock.h"
#include "threads.h"

enum { ROUNDS = 1000, TRIES = 20, WAKING = 100000 /* nanoseconds */ };

static void meet(const cy_call *call, cy_team team, void *seconds)
{
    (void)call;
    if (team.size == 1)
        return;
    cy_wait(team);
    const double start = cy_seconds();
    for (int i = 0; i < ROUNDS; i++)
        cy_wait(team);
    if (team.me == 0)
        *(double *)seconds = (cy_seconds() - start) / ROUNDS;
}

double cy_measure_meeting(int threads)
{
    double least = 0;
    for (int i = 0; i < TRIES; i++) {
        double seconds = 0; /* stays so where no team came together */
        cy_parallel(NULL, threads, meet, &seconds);
        nanosleep(&(struct timespec){0, WAKING}, NULL); /* who was woken is there for the next try */
        if (seconds > 0 && (least == 0 || seconds < least))
            least = seconds;
    }
    return 1e9 * least;
}
