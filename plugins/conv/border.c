/* border.c -- borders that are made of the input: reflect, replicate and circular. Work is cut by planes, so that no two
 * pieces write to one place, and each place is summed in the order in which the padded plane lies in memory.            */
#ifndef REAL
#include "conv.h"

enum { GRAIN = 16384 };
typedef struct work {
    const conv_shapes *s;
    int mode;
    int64_t x[3], padded[3], before[3]; /* depth, height, width; those that are not there are 1 and have no border */
    const void *from;
    void *to;
    double beta;
} work;

int64_t conv_border_place(int mode, int64_t i, int64_t size) {
    if (i >= 0 && i < size) return i;
    switch (mode) {
    case CONV_REFLECT: return i < 0 ? -i : 2 * (size - 1) - i;
    case CONV_REPLICATE: return i < 0 ? 0 : size - 1;
    default: return i < 0 ? i + size : i - size;
    }
}

#define REAL float
#define NAME(x) x##_float
#include "border.c"
#define REAL double
#define NAME(x) x##_double
#include "border.c"

static work work_of(const luron_call *c, const conv_shapes *s) {
    work k = { .s = s, .mode = ((const conv *)luron_options(c))->padding_mode };
    for (int d = 0; d < 3; d++) {
        const int i = d - (3 - s->dims);
        k.x[d] = i < 0 ? 1 : s->x[i + 2], k.padded[d] = i < 0 ? 1 : s->padded[i + 2], k.before[d] = i < 0 ? 0 : s->before[i];
    }
    return k;
}
static void run(luron_call *c, work *k, void (*fn)(void *, int64_t, int64_t, int64_t)) {
    const int64_t volume = k->padded[0] * k->padded[1] * k->padded[2];
    c->host->parallel_for(c, k->s->x[0] * k->s->x[1], GRAIN / (volume + 1) + 1, fn, k);
}
void conv_pad(luron_call *c, const conv_shapes *s, const luron_view *x, void *padded) {
    work k = work_of(c, s);
    k.from = luron_data(x), k.to = padded;
    run(c, &k, c->dtype == LURON_F64 ? pad_double : pad_float);
}
void conv_fold(luron_call *c, const conv_shapes *s, const void *padded, luron_view *gx, double beta) {
    work k = work_of(c, s);
    k.from = padded, k.to = luron_data(gx), k.beta = beta;
    run(c, &k, c->dtype == LURON_F64 ? fold_double : fold_float);
}
#else
/* Row of the plane at `plane` that line i of the padded plane comes from. */
static int64_t NAME(row)(const work *k, int64_t i) {
    const int64_t z = conv_border_place(k->mode, i / k->padded[1] - k->before[0], k->x[0]);
    return z * k->x[1] + conv_border_place(k->mode, i % k->padded[1] - k->before[1], k->x[1]);
}
static void NAME(pad)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t lines = k->padded[0] * k->padded[1], width = k->padded[2];
    (void)chunk;
    for (int64_t plane = begin; plane < end; plane++)
        for (int64_t i = 0; i < lines; i++) {
            const REAL *from = (const REAL *)k->from + (plane * k->x[0] * k->x[1] + NAME(row)(k, i)) * k->x[2];
            REAL *to = (REAL *)k->to + (plane * lines + i) * width;
            for (int64_t j = 0; j < width; j++) to[j] = from[conv_border_place(k->mode, j - k->before[2], k->x[2])];
        }
}
static void NAME(fold)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t lines = k->padded[0] * k->padded[1], width = k->padded[2], n = k->x[0] * k->x[1] * k->x[2];
    (void)chunk;
    for (int64_t plane = begin; plane < end; plane++) {
        REAL *gx = (REAL *)k->to + plane * n;
        for (int64_t i = 0; i < n; i++) gx[i] = k->beta == 0 ? 0 : (REAL)k->beta * gx[i];
        for (int64_t i = 0; i < lines; i++) {
            const REAL *from = (const REAL *)k->from + (plane * lines + i) * width;
            REAL *to = gx + NAME(row)(k, i) * k->x[2];
            for (int64_t j = 0; j < width; j++) to[conv_border_place(k->mode, j - k->before[2], k->x[2])] += from[j];
        }
    }
}
#undef NAME
#undef REAL
#endif
