/* squares.c: max pooling by windows of 2 x 2 side by side, the commonest, of float in whole vectors: outputs with their
 * winners as max_pool.c has them (the first of equals, a NaN over all before it), and the gradient. */
#ifndef REAL
#include "pool.h"

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));
typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t ints4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t ints8 __attribute__((vector_size(32), aligned(4), may_alias));

/* A row of n windows: `x` and `z` are the rows of their numbers, which lie at `base` and at base + wide in the plane.
 */
typedef struct row {
    const void *x, *z, *gy;
    void *y, *gx, *gz;
    int32_t *win;
    int32_t n, base, wide;
} row;

/* Along dim d, are windows two places side by side? Is each place one? */
static int is_twos(const planes *p, int d) {
    return p->kernel[d] == 2 && p->step[d] == 2 && p->apart[d] == 1 && !p->pad[d] && 2 * p->out[d] <= p->in[d];
}
static int is_ones(const planes *p, int d) {
    return p->kernel[d] == 1 && p->step[d] == 1 && p->pad[d] == 0 && p->out[d] == p->in[d];
}
int pool_is_squares(const planes *p) { return is_ones(p, POOL_D) && is_twos(p, POOL_H) && is_twos(p, POOL_W); }
int pool_is_pairs(const planes *p) { return is_ones(p, POOL_D) && is_ones(p, POOL_H) && is_twos(p, POOL_W); }

/* The largest of the numbers v[0] .. v[3] of each window, of which the first lies at `at`. */
#define CHOOSE(vector, ints, v, at)                                                                                    \
    vector best = v[0];                                                                                                \
    ints won = at;                                                                                                     \
    const ints places[] = {at, at + 1, at + r->wide, at + r->wide + 1};                                                \
    for (int k = 1; k < 4; k++) {                                                                                      \
        const ints take = (ints)(v[k] > best) | (ints)(v[k] != v[k]);                                                  \
        best = (vector)(((ints)v[k] & take) | ((ints)best & ~take));                                                   \
        won = (places[k] & take) | (won & ~take);                                                                      \
    }
/* Windows from o on, so many at a time; @return the first that is left. A vector of 32 bytes is turned by halves:
 * windows 0, 1, 4, 5 are in one, 2, 3, 6, 7 in the other. */
#define HALVES(v) __builtin_shufflevector(v, v, 0, 1, 4, 5, 2, 3, 6, 7)
INLINE int32_t choose8(const row *r, int32_t o) {
    for (; o + 8 <= r->n; o += 8) {
        const eight *x = (const eight *)((const float *)r->x + 2 * o),
                    *z = (const eight *)((const float *)r->z + 2 * o);
        const eight v[] = {__builtin_shufflevector(x[0], x[1], 0, 2, 8, 10, 4, 6, 12, 14),
                           __builtin_shufflevector(x[0], x[1], 1, 3, 9, 11, 5, 7, 13, 15),
                           __builtin_shufflevector(z[0], z[1], 0, 2, 8, 10, 4, 6, 12, 14),
                           __builtin_shufflevector(z[0], z[1], 1, 3, 9, 11, 5, 7, 13, 15)};
        const ints8 at = r->base + 2 * o + (ints8){0, 2, 8, 10, 4, 6, 12, 14};
        CHOOSE(eight, ints8, v, at)
        *(eight *)((float *)r->y + o) = HALVES(best), *(ints8 *)(r->win + o) = HALVES(won);
    }
    return o;
}
INLINE int32_t choose4(const row *r, int32_t o) {
    for (; o + 4 <= r->n; o += 4) {
        const four *x = (const four *)((const float *)r->x + 2 * o), *z = (const four *)((const float *)r->z + 2 * o);
        const four v[] = {
            __builtin_shufflevector(x[0], x[1], 0, 2, 4, 6), __builtin_shufflevector(x[0], x[1], 1, 3, 5, 7),
            __builtin_shufflevector(z[0], z[1], 0, 2, 4, 6), __builtin_shufflevector(z[0], z[1], 1, 3, 5, 7)};
        const ints4 at = r->base + 2 * o + (ints4){0, 2, 4, 6};
        CHOOSE(four, ints4, v, at)
        *(four *)((float *)r->y + o) = best, *(ints4 *)(r->win + o) = won;
    }
    return o;
}

/* The same with the gradient: each number of a window gets that of the output if it has won, or 0. */
#define SPREAD(vector, ints, g, won, at)                                                                               \
    const vector a = (vector)((ints)g & (won == at)), b = (vector)((ints)g & (won == at + 1)),                         \
                 c = (vector)((ints)g & (won == at + r->wide)), d = (vector)((ints)g & (won == at + r->wide + 1))
INLINE int32_t spread8(const row *r, int32_t o) {
    for (; o + 8 <= r->n; o += 8) {
        const eight gy = *(const eight *)((const float *)r->gy + o), g = HALVES(gy);
        const ints8 win = *(const ints8 *)(r->win + o), won = HALVES(win);
        const ints8 at = r->base + 2 * o + (ints8){0, 2, 8, 10, 4, 6, 12, 14};
        eight *x = (eight *)((float *)r->gx + 2 * o), *z = (eight *)((float *)r->gz + 2 * o);
        SPREAD(eight, ints8, g, won, at);
        x[0] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
        x[1] = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
        z[0] = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13);
        z[1] = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    }
    return o;
}
INLINE int32_t spread4(const row *r, int32_t o) {
    for (; o + 4 <= r->n; o += 4) {
        const four g = *(const four *)((const float *)r->gy + o);
        const ints4 won = *(const ints4 *)(r->win + o), at = r->base + 2 * o + (ints4){0, 2, 4, 6};
        four *x = (four *)((float *)r->gx + 2 * o), *z = (four *)((float *)r->gz + 2 * o);
        SPREAD(four, ints4, g, won, at);
        x[0] = __builtin_shufflevector(a, b, 0, 4, 1, 5), x[1] = __builtin_shufflevector(a, b, 2, 6, 3, 7);
        z[0] = __builtin_shufflevector(c, d, 0, 4, 1, 5), z[1] = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    }
    return o;
}
/* PASSES(name): name_float and name_double for parallel_for, and name_wide in vectors of 32 bytes. */
#define PASS(how, name, loop, bytes)                                                                                   \
    how static void name(void *arg, int64_t begin, int64_t end, int64_t chunk) {                                       \
        (void)chunk;                                                                                                   \
        loop(arg, begin, end, bytes);                                                                                  \
    }
#if defined(__x86_64__)
#define PASS_WIDE(name) PASS(__attribute__((target("avx2"))), name##_wide, name##_planes_float, 32)
#else
#define PASS_WIDE(name)
#endif
#define PASSES(name)                                                                                                   \
    PASS(, name##_float, name##_planes_float, 16)                                                                      \
    PASS(, name##_double, name##_planes_double, 0)                                                                     \
    PASS_WIDE(name)
#define REAL float
#include "squares.c"
#define REAL double
#include "squares.c"
PASSES(choose)
PASSES(spread)

void pool_choose_squares(const planes *p, luron_call *c) {
    c->host->parallel_for(c, p->n, pool_grain(p), BY_VECTORS(c, choose), (void *)p);
}
void pool_spread_squares(const planes *p, luron_call *c) {
    c->host->parallel_for(c, p->n, pool_grain(p), BY_VECTORS(c, spread), (void *)p);
}
#else
INLINE void TYPED(choose_row)(const row *r, int bytes) {
    const REAL *x = r->x, *z = r->z;
    int32_t o = bytes == 32 ? choose8(r, 0) : 0;
    for (o = bytes ? choose4(r, o) : 0; o < r->n; o++) {
        const REAL v[] = {x[2 * o], x[2 * o + 1], z[2 * o], z[2 * o + 1]};
        int at = 0;
        for (int k = 1; k < 4; k++)
            at = ((v[k] > v[at]) | (v[k] != v[k])) ? k : at;
        ((REAL *)r->y)[o] = v[at];
        r->win[o] = r->base + 2 * o + (at & 1) + (at & 2 ? r->wide : 0);
    }
}
INLINE void TYPED(spread_row)(const row *r, int bytes) {
    int32_t o = bytes == 32 ? spread8(r, 0) : 0;
    for (o = bytes ? spread4(r, o) : 0; o < r->n; o++) {
        REAL *x = (REAL *)r->gx + 2 * o, *z = (REAL *)r->gz + 2 * o;
        const int32_t at = r->win[o] - r->base - 2 * o;
        const REAL g = ((const REAL *)r->gy)[o];
        x[0] = at == 0 ? g : 0, x[1] = at == 1 ? g : 0;
        z[0] = at == r->wide ? g : 0, z[1] = at == r->wide + 1 ? g : 0;
    }
}
/* The next row of windows; the last of a depth may leave a line of the input. */
LOOP TYPED(next_row)(const planes *p, row *r, int64_t *at, int64_t *out, int64_t h) {
    const int32_t lines = h + 1 < p->out[POOL_H] ? 2 : (int32_t)(p->in[POOL_H] - 2 * h);
    r->base += lines * r->wide, *at += lines * r->wide, *out += r->n;
}
LOOP TYPED(choose_planes)(const planes *p, int64_t begin, int64_t end, int bytes) {
    int64_t at = begin * p->in_size, out = begin * p->out_size;
    for (int64_t plane = begin; plane < end; plane++) {
        row r = {.n = (int32_t)p->out[POOL_W], .wide = (int32_t)p->in[POOL_W]};
        for (int64_t d = 0; d < p->out[POOL_D]; d++)
            for (int64_t h = 0; h < p->out[POOL_H]; h++) {
                r.x = (const REAL *)p->x + at, r.z = (const REAL *)r.x + r.wide;
                r.y = (REAL *)p->y + out, r.win = p->win + out;
                TYPED(choose_row)(&r, bytes);
                TYPED(next_row)(p, &r, &at, &out, h);
            }
    }
}
LOOP TYPED(spread_planes)(const planes *p, int64_t begin, int64_t end, int bytes) {
    const int all = 2 * p->out[POOL_H] == p->in[POOL_H] && 2 * p->out[POOL_W] == p->in[POOL_W];
    int64_t at = begin * p->in_size, out = begin * p->out_size;
    for (int64_t plane = begin; plane < end; plane++) {
        row r = {.n = (int32_t)p->out[POOL_W], .wide = (int32_t)p->in[POOL_W]};
        if (!all) memset((REAL *)p->gx + at, 0, (size_t)p->in_size * sizeof(REAL));
        for (int64_t d = 0; d < p->out[POOL_D]; d++)
            for (int64_t h = 0; h < p->out[POOL_H]; h++) {
                r.gx = (REAL *)p->gx + at, r.gz = (REAL *)r.gx + r.wide;
                r.gy = (const REAL *)p->gy + out, r.win = p->win + out;
                TYPED(spread_row)(&r, bytes);
                TYPED(next_row)(p, &r, &at, &out, h);
            }
    }
}
#undef REAL
#endif
