/* The one file that knows OpenMP. Work is cut by its size alone, so results never depend on the number of threads.
 *
 * Beside another busy program a parallel region can take milliseconds, for its last thread waits for a core. A guard
 * watches for that: when a region comes out late, the next ones run on one thread, the longer the more often it
 * happens. What it decides changes the time alone, never a result.                                                    */
#include "internal.h"

#include <omp.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_THREADS = 256, SKIP_MIN = 16, SKIP_MAX = 16384, FORGIVE_AFTER = 64 };
#define SLACK 1.5     /* a region may take this many times its share of the work ... */
#define GRACE 20e-6   /* ... and these seconds more */

/* About the machine, not about a context: one for each thread that opens regions. */
static _Thread_local struct guard {
    int skip;    /* regions still to run on one thread */
    int penalty; /* how many the next late one costs */
    int good;    /* regions in time since the last change */
    bool off;
} guard;

int luron__default_threads(void) {
    const char *text = getenv("LURON_NUM_THREADS");
    long n = text ? strtol(text, NULL, 10) : 0;
    if (n < 1) n = omp_get_max_threads();
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (int)n;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void luron__parallel_always(bool on) {
    guard.off = on;
    guard.skip = 0;
}

static void judge(double took, double share) {
    if (guard.off) return;
    if (guard.penalty < SKIP_MIN) guard.penalty = SKIP_MIN;
    if (took > SLACK * share + GRACE) {
        guard.skip = guard.penalty;
        guard.penalty = guard.penalty * 2 > SKIP_MAX ? SKIP_MAX : guard.penalty * 2;
        guard.good = 0;
    } else if (++guard.good == FORGIVE_AFTER) {
        guard.penalty /= 2;
        guard.good = 0;
    }
}

void luron__parallel_for(int threads, int64_t n, int64_t grain, void (*fn)(void *arg, int64_t begin, int64_t end, int64_t chunk), void *arg) {
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    int64_t chunks = n / grain + (n % grain != 0);
    if (threads > chunks) threads = (int)chunks;
    /* A loop inside a parallel region runs on the thread that it is on. */
    if (threads <= 1 || omp_in_parallel() || guard.skip > 0) {
        if (threads > 1 && guard.skip > 0) guard.skip--;
        for (int64_t c = 0; c < chunks; c++) fn(arg, c * grain, c == chunks - 1 ? n : (c + 1) * grain, c);
        return;
    }
    double quickest[MAX_THREADS], start = now();
    for (int t = 0; t < threads; t++) quickest[t] = 1e9; /* fewer threads than wanted may come */
#pragma omp parallel num_threads(threads)
    {
        double least = 1e9;
#pragma omp for schedule(dynamic, 1)
        for (int64_t c = 0; c < chunks; c++) {
            double began = now();
            fn(arg, c * grain, c == chunks - 1 ? n : (c + 1) * grain, c);
            double took = now() - began;
            if (took < least && (c < chunks - 1 || n % grain == 0)) least = took; /* the last chunk may be short */
        }
        quickest[omp_get_thread_num()] = least;
    }
    double least = 1e9;
    for (int t = 0; t < threads; t++)
        if (quickest[t] < least) least = quickest[t];
    judge(now() - start, least * (double)((chunks + threads - 1) / threads));
}
