/* The one file that knows OpenMP. Work is cut by its size alone, so results never depend on the number of threads. */
#include "internal.h"

#include <omp.h>
#include <stdlib.h>

int luron__default_threads(void) {
    const char *text = getenv("LURON_NUM_THREADS");
    long n = text ? strtol(text, NULL, 10) : 0;
    if (n < 1) n = omp_get_max_threads();
    return n < 1 ? 1 : n > 256 ? 256 : (int)n;
}

void luron__parallel_for(int threads, int64_t n, int64_t grain, void (*fn)(void *arg, int64_t begin, int64_t end, int64_t chunk), void *arg) {
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    int64_t chunks = n / grain + (n % grain != 0);
    if (threads > chunks) threads = (int)chunks;
    /* A loop inside a parallel region runs on the thread that it is on. */
    if (threads <= 1 || omp_in_parallel()) {
        for (int64_t c = 0; c < chunks; c++) fn(arg, c * grain, c == chunks - 1 ? n : (c + 1) * grain, c);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int64_t c = 0; c < chunks; c++) fn(arg, c * grain, c == chunks - 1 ? n : (c + 1) * grain, c);
}
