/* bench.h -- what the benchmarks in C share. */
#ifndef BENCH_H
#define BENCH_H
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/** The clock for work on so many threads: on one the time on the processor, in which other programs have no part. */
static inline clockid_t bench_clock(int threads) { return threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC; }

/** Seconds. */
static inline double bench_now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/** For qsort of doubles. */
static inline int bench_ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** Memory at a multiple of 64 bytes; the program ends where there is none. */
static inline void *bench_memory(int64_t bytes) {
    void *p = aligned_alloc(64, (size_t)(bytes / 64 + 2) * 64);
    if (!p) exit(1);
    return p;
}

#endif
