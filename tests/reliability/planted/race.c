/* race.c -- a parallel sum as the kernels do not do it: all pieces of work add into one number. In a build with
 * ThreadSanitizer it has to be reported; tests/long/tsan.sh sees to it. With the argument "right" each has a place of
 * its own. */
#include "internal.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { N = 1 << 20, GRAIN = 1 << 14 };
typedef struct sum {
    const float *x;
    double total, parts[N / GRAIN];
    bool right;
    atomic_int begun;
} sum;

/* On a busy machine one thread may do it all: the first waits for another. Relaxed, so that it puts nothing in order.
 */
static void wait_for_company(sum *s) {
    atomic_fetch_add_explicit(&s->begun, 1, memory_order_relaxed);
    for (int i = 0; i < 1000000 && atomic_load_explicit(&s->begun, memory_order_relaxed) < 2; i++)
        sched_yield();
}

static void piece(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    sum *s = arg;
    double part = 0;
    wait_for_company(s);
    for (int64_t i = begin; i < end; i++)
        part += (double)s->x[i];
    if (s->right)
        s->parts[chunk] = part;
    else
        s->total += part;
}

int main(int argc, char **argv) {
    static float x[N];
    static sum s;
    s.x = x, s.right = argc > 1 && !strcmp(argv[1], "right");
    luron__parallel_always(true);
    for (int i = 0; i < N; i++)
        x[i] = 1;
    for (int i = 0; i < 50; i++) { /* locks of the runtime put things in order by chance: again and again */
        atomic_store_explicit(&s.begun, 0, memory_order_relaxed);
        luron__parallel_for(4, N, GRAIN, piece, &s);
    }
    for (int i = 0; s.right && i < N / GRAIN; i++)
        s.total += s.parts[i];
    return printf("%g\n", s.total) < 0;
}
