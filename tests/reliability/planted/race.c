/* race.c -- a parallel sum as the kernels do not do it: all pieces of work add into one number. In a build with
 * ThreadSanitizer it has to be reported; tests/long/tsan.sh sees to it. With the argument "right" each has a place of
 * its own. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

enum { N = 1 << 20, GRAIN = 1 << 12 };
typedef struct sum {
    const float *x;
    double total, parts[N / GRAIN];
    bool right;
} sum;

static void piece(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    sum *s = arg;
    double part = 0;
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
    luron__parallel_for(4, N, GRAIN, piece, &s);
    for (int i = 0; s.right && i < N / GRAIN; i++)
        s.total += s.parts[i];
    return printf("%g\n", s.total) < 0;
}
