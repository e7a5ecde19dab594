/* batches.c: a plan over several batches in one stretch, without a word to Python.
 *
 *   for each step: gather the batch's rows, count the step, write what the optimiser reads, run, note the results
 *
 * After a step's kernels no code of an interpreter is in a cache: what it does between two steps would take several
 * times as long as by itself. */
#include "threads.h"
#include <string.h>

/* A gather of one step. */
typedef struct {
    const cy_fed *fed;
    const int64_t *rows;
    ptrdiff_t batch;
} gathering;

/* to[i] = from[rows[i]], rows below 0 and behind the last one moved to the nearest. A thread has the images that it
 * will have in the layers. */
static void gather_body(const cy_call *call, cy_team team, void *job)
{
    const gathering *g = job;
    const cy_fed *fed = g->fed;
    const cy_range mine = cy_share(team, g->batch, 1);
    (void)call;
    for (ptrdiff_t i = mine.first; i < mine.last; i++) {
        const int64_t last = fed->count - 1, row = g->rows[i] < 0 ? 0 : g->rows[i] > last ? last : g->rows[i];
        memcpy(fed->to + (size_t)i * fed->bytes, fed->from + (size_t)row * fed->bytes, fed->bytes);
    }
}

/* Bytes that one thread copies from memory in a nanosecond, about. */
enum { COPIED_A_NANOSECOND = 8 };

static void gather(const cy_call *first, const cy_fed *fed, const int64_t *rows, ptrdiff_t batch)
{
    const double nanoseconds = (double)fed->bytes * (double)batch / COPIED_A_NANOSECOND;
    gathering g = {fed, rows, batch};
    cy_parallel(first, cy_threads(first, nanoseconds), gather_body, &g);
}

void cy_run_batches(const cy_call *calls, ptrdiff_t count, cy_company *company, double *seconds,
                    const cy_batches *b)
{
    for (ptrdiff_t step = 0; step < b->steps; step++) {
        cy_keep_alone(company && cy_goes_alone(company));
        for (int i = 0; i < b->feds; i++)
            gather(calls, &b->fed[i], b->rows + step * b->batch, b->batch);
        cy_keep_alone(0);
        if (b->drawn)
            ++*b->drawn;
        if (b->hyper)
            memcpy(b->hyper, b->hypers + (size_t)step * b->hyper_bytes, b->hyper_bytes);
        cy_run(calls, count, company, seconds);
        for (int i = 0; i < b->numbers; i++)
            b->noted[step * b->numbers + i] =
                b->wide ? *(const double *)b->number[i] : (double)*(const float *)b->number[i];
    }
}
