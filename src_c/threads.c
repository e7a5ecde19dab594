/* threads.c: the pool of threads behind cy_parallel.
 *
 *   the caller              opens a region, waits a moment for members, closes it, runs its part, waits for theirs
 *   a thread of the pool    waits for a region, joins it while it is open, runs its part, says so
 *
 * The team is whoever has joined in time: kernels give the same bytes for a team of any size, so a thread that
 * the system has put aside, because another program wants its core, costs the gain of one region and not a
 * slice of time. No wait spins for long, at most from one step of training to the next: then it sleeps, and the
 * system may move the thread that it waits
 * for to the free core. (Beside another busy program, GCC's OpenMP makes a step several times as long.)
 * Who is woken must not wake on the core of the waker, who spins there until the system's next tick: Linux is told
 * to take another one.
 *
 * The barrier is the central one of Mellor-Crummey & Scott 1991; spinning for a while before sleeping is Karlin
 * et al. 1991. */
#ifdef __linux__
#define _GNU_SOURCE /* a thread's cores */
#endif
#include "threads.h"

#ifdef CYCONV_PTHREADS
#include "clock.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

/* Seconds. A wait spins, then sleeps; an open region waits for members that are awake, or, for at most twice as long as
 * regions usually take, for those that were woken for it: they are there for the next one. */
static const double SPIN = 300e-6, JOIN_AWAKE = 5e-6, JOIN_WOKEN = 200e-6;
enum { USUAL_OF = 16 }; /* about so many regions */
/* A caller whom company costs more than it gains, reckoned over about CREDIT, works alone for a while: SHORTEST at
 * first, twice as long each time that it happens again within a second, at most LONGEST; then it tries again. */
static const double CREDIT = 6e-3, TRIAL = 1e-3, SHORTEST = 2e-3, LONGEST = 128e-3, SECOND = 1;

/* pool.region holds the region's number, whether it is closed, and how many joined, in one word: a change is
 * one compare-and-swap, so nobody joins a region that is over. */
typedef _Atomic uint64_t word;
enum { JOINED = CY_MOST_THREADS - 1, CLOSED = CY_MOST_THREADS, NUMBER = 2 * CY_MOST_THREADS };

static struct {
    atomic_flag busy; /* one region at a time: a caller that finds the pool busy runs alone */
    int threads; /* started so far */
    pthread_t thread[JOINED];
    word region;
    atomic_int wanted; /* the most members beside the caller */
    const cy_call *call;
    cy_body body;
    void *job;
    double waited; /* by the caller, in this region */
    double counted, alone; /* in loops of units, by the caller; what they would have taken it alone */
    double ahead, alone_until, alone_for;
    double usual; /* how long regions take */
    word running; /* members that have yet to finish their part */
    word arrivals, phase; /* of the barrier */
    atomic_int asleep; /* at least as many as there are */
#ifdef __linux__
    atomic_int core[JOINED]; /* where each thread was when it last began to wait */
#endif
    pthread_mutex_t mutex; /* for sleeping */
    pthread_cond_t wake;
} pool = {
    .busy = ATOMIC_FLAG_INIT,
    .region = CLOSED,
    .ahead = 6e-3,
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .wake = PTHREAD_COND_INITIALIZER,
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Waits until *w is not `seen`, at most `seconds`, without sleeping. Returns the last value. */
static uint64_t spin(word *w, uint64_t seen, double seconds)
{
    uint64_t now;
    const double end = cy_seconds() + seconds;
    while ((now = atomic_load(w)) == seen && cy_seconds() < end)
        relax();
    return now;
}

/* Waits until *w is not `seen`: spins, then sleeps. Who changes *w calls wake_sleepers() after it. The sleeper
 * counts itself and then looks at *w, the waker changes *w and then looks at the count: one sees the other. */
static uint64_t await(word *w, uint64_t seen)
{
    uint64_t now = spin(w, seen, SPIN);
    if (now != seen)
        return now;
    pthread_mutex_lock(&pool.mutex);
    for (;;) {
        atomic_fetch_add(&pool.asleep, 1);
        if ((now = atomic_load(w)) != seen)
            break;
        pthread_cond_wait(&pool.wake, &pool.mutex);
    }
    pthread_mutex_unlock(&pool.mutex);
    return now;
}

/* Wakes all who sleep; returns whether there may have been any. */
static int wake_sleepers(void)
{
    if (!atomic_load(&pool.asleep))
        return 0;
    pthread_mutex_lock(&pool.mutex);
    atomic_store(&pool.asleep, 0);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
    return 1;
}

#ifdef __linux__
static void note_core(int thread) { atomic_store(&pool.core[thread], sched_getcpu()); }

/* Bars threads that went to sleep on the caller's core from it, before they are woken: the system would put them
 * back there, though another core is free. They stay barred until they meet the caller on another core. */
static void clear_core(int members)
{
    const int here = sched_getcpu();
    cpu_set_t others;
    if (!atomic_load(&pool.asleep))
        return;
    for (int i = 0; i < members; i++)
        if (atomic_load(&pool.core[i]) == here
            && pthread_getaffinity_np(pool.thread[i], sizeof others, &others) == 0) {
            CPU_CLR(here, &others);
            if (CPU_COUNT(&others)
                == 0) { /* barred from all others before: where the caller may go, it may */
                if (sched_getaffinity(0, sizeof others, &others))
                    return;
                CPU_CLR(here, &others);
            }
            if (CPU_COUNT(&others) > 0)
                pthread_setaffinity_np(pool.thread[i], sizeof others, &others);
        }
}
#else
static void note_core(int thread) { (void)thread; }
static void clear_core(int members) { (void)members; }
#endif

/* Joins the region that `seen` shows, if it is open and has room. Returns the number in the team, or 0. */
static int join(uint64_t seen)
{
    while (!(seen & CLOSED) && (int)(seen & JOINED) < atomic_load(&pool.wanted))
        if (atomic_compare_exchange_weak(&pool.region, &seen, seen + 1))
            return (int)(seen & JOINED) + 1;
    return 0;
}

static void *member(void *number)
{
    const int thread = (int)(intptr_t)number;
    uint64_t seen = CLOSED;
    for (;;) {
        note_core(thread);
        seen = await(&pool.region, seen);
        const int me = join(seen);
        if (me) {
            while (!((seen = atomic_load(&pool.region)) & CLOSED)) /* until the team's size is known */
                relax();
            pool.body(pool.call, (cy_team){me, 1 + (int)(seen & JOINED)}, pool.job);
            if (atomic_fetch_sub(&pool.running, 1) == 1)
                wake_sleepers();
        }
    }
    return number;
}

#ifndef _WIN32
/* A forked process has no threads but the one that forked: its pool begins anew. */
static void begin_anew(void)
{
    atomic_flag_clear(&pool.busy);
    pool.threads = 0;
    atomic_fetch_or(&pool.region, CLOSED);
    atomic_store(&pool.asleep, 0);
    atomic_store(&pool.arrivals, 0);
    pthread_mutex_init(&pool.mutex, NULL);
    pthread_cond_init(&pool.wake, NULL);
}
#endif

/* Starts threads until there are `count`, or as many as the system gives. Signals stay with the caller's. */
static void start(int count)
{
#ifndef _WIN32
    static int prepared;
    sigset_t all, before;
    if (!prepared)
        prepared = pthread_atfork(NULL, NULL, begin_anew) == 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
    for (; pool.threads < count; pool.threads++) {
        pthread_t *thread = &pool.thread[pool.threads];
        if (pthread_create(thread, NULL, member, (void *)(intptr_t)pool.threads) != 0)
            break;
        pthread_detach(*thread);
    }
#ifndef _WIN32
    pthread_sigmask(SIG_SETMASK, &before, NULL);
#endif
}

/* Opens a region for `wanted` members and closes it when they have joined or the time is up. Returns how
 * many did. */
static int gather(int wanted)
{
    uint64_t now = (atomic_load(&pool.region) & ~(uint64_t)(CLOSED | JOINED)) + NUMBER;
    clear_core(wanted);
    atomic_store(&pool.wanted, wanted);
    atomic_store(&pool.region, now);
    const double woken = 2 * pool.usual < JOIN_WOKEN ? 2 * pool.usual : JOIN_WOKEN;
    const double end = (wake_sleepers() && woken > JOIN_AWAKE ? woken : JOIN_AWAKE) + cy_seconds();
    while ((int)((now = atomic_load(&pool.region)) & JOINED) < wanted && cy_seconds() < end)
        relax();
    do
        atomic_store(&pool.running, now & JOINED); /* before the last of them can finish */
    while (!atomic_compare_exchange_weak(&pool.region, &now, now | CLOSED));
    return (int)(now & JOINED);
}

/* What a region gained, against what it would have taken the caller alone, and lost in waiting, decides whether the
 * caller asks for company in the next ones. */
static void learn(int team, double waited, double took, double now)
{
    const double alone =
        pool.alone + team * (took - waited - pool.counted); /* the rest is cut into equal parts */
    const double ahead = pool.ahead + alone - took;
    if (team == 1)
        return;
    pool.ahead = ahead < CREDIT ? ahead : CREDIT;
    if (ahead >= 0)
        return;
    const double longer = now - pool.alone_until < SECOND ? 2 * pool.alone_for : SHORTEST;
    pool.alone_for = longer < LONGEST ? longer : LONGEST;
    pool.alone_until = now + pool.alone_for;
    pool.ahead = TRIAL;
}

/* The region, by a team that comes together; the caller holds pool.busy. */
static void run_together(const cy_call *call, int wanted, cy_body body, void *job)
{
    if (pool.threads < wanted)
        start(wanted);
    pool.call = call, pool.body = body, pool.job = job, pool.waited = 0, pool.counted = pool.alone = 0;
    const int members = gather(wanted < pool.threads ? wanted : pool.threads);
    const double begun = cy_seconds();
    body(call, (cy_team){0, 1 + members}, job);
    const double done = cy_seconds();
    for (uint64_t left = atomic_load(&pool.running); left;)
        left = await(&pool.running, left);
    const double now = cy_seconds();
    pool.usual += (now - begun - pool.usual) / USUAL_OF;
    learn(1 + members, pool.waited + now - done, now - begun, now);
}

static _Thread_local int kept_alone;

void cy_keep_alone(int alone) { kept_alone = alone; }

void cy_parallel(const cy_call *call, int threads, cy_body body, void *job)
{
    threads = threads <= JOINED ? threads : JOINED;
    if (threads > 1 && !kept_alone && !atomic_flag_test_and_set(&pool.busy)) {
        const int together = cy_seconds() >= pool.alone_until;
        if (together)
            run_together(call, threads - 1, body, job);
        atomic_flag_clear(&pool.busy);
        if (together)
            return;
    }
    body(call, (cy_team){0, 1}, job);
}

void cy_wait(cy_team team)
{
    if (team.size == 1)
        return;
    const uint64_t phase = atomic_load(&pool.phase);
    if ((int)atomic_fetch_add(&pool.arrivals, 1) == team.size - 1) {
        atomic_store(&pool.arrivals, 0);
        atomic_store(&pool.phase, phase + 1);
        wake_sleepers();
    } else {
        const double start = cy_seconds();
        await(&pool.phase, phase);
        if (team.me == 0)
            pool.waited += cy_seconds() - start;
    }
}

uint64_t cy_stage(void) { return atomic_load(&pool.region) / NUMBER + atomic_load(&pool.phase); }

void cy_account(double seconds, double alone) { pool.counted += seconds, pool.alone += alone; }

#else

void cy_keep_alone(int alone) { (void)alone; }

void cy_parallel(const cy_call *call, int threads, cy_body body, void *job)
{
    (void)threads;
    body(call, (cy_team){0, 1}, job);
}

void cy_wait(cy_team team) { (void)team; }

uint64_t cy_stage(void) { return 0; }

void cy_account(double seconds, double alone) { (void)seconds, (void)alone; }

#endif
