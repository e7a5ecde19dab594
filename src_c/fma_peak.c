/* fma_peak.c: the measured ceiling that benchmarks hold every kernel against. */
#include "clock.h"
#include "tables.h"
#include "threads.h"

enum { ROUNDS = 20000, MOST_THREADS = 256, TRIES = 200 };

typedef struct {
    double (*chains)(ptrdiff_t rounds);
    double seconds, operations[MOST_THREADS];
    int threads, complete; /* teams of fewer members are not measured */
} peak_job;

/* Runs chains of FMAs until the time is up and counts what was done. */
static void measure(const cy_call *call, cy_team team, void *job_)
{
    peak_job *job = job_;
    double operations = 0;
    (void)call;
    if (team.size < job->threads)
        return;
    const double start = cy_seconds();
    while (cy_seconds() - start < job->seconds)
        operations += job->chains(ROUNDS);
    if (team.me == 0)
        job->complete = 1;
    job->operations[team.me] = operations;
}

/* 10^9 operations a second (an FMA is two) that `threads` threads reach together in registers. */
double cy_measure_fma(int level, double seconds, int threads)
{
    static double (*const chains[CY_LEVELS])(ptrdiff_t) = {cy_fma_chains_base, cy_fma_chains_base,
                                                           cy_fma_chains_avx2, cy_fma_chains_avx512};
    if (level < 0 || level >= CY_LEVELS || !cy_has_level(level) || seconds <= 0)
        return 0;
    threads = threads < 1 ? 1 : threads > MOST_THREADS ? MOST_THREADS : threads;
    peak_job job = {chains[level], seconds, {0}, cy_has_threads() ? threads : 1, 0};
    double took = 0;
    for (int i = 0; i < TRIES && !job.complete; i++) {
        if (i)
            nanosleep(&(struct timespec){0, 5000000}, NULL);
        const double start = cy_seconds();
        cy_parallel(NULL, threads, measure, &job);
        took = cy_seconds() - start;
    }
    double operations = 0;
    for (int i = 0; i < threads; i++)
        operations += job.operations[i];
    return operations / took / 1e9;
}
