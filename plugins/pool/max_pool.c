/* max_pool.c: the largest of each window. x (n,c,d,h,w) -> y (n,c,p,q,r). The first of equals wins, in the order of the
 * memory; a NaN wins over all before it, as in PyTorch. Where the winners lie is kept for backward. */
#ifndef REAL
#include "pool.h"
#define REAL float
#include "max_pool.c"
#define REAL double
#include "max_pool.c"
WIDE_PASS(planes) WIDE_PASS(pairs)

luron_status pool_max_setup(luron_call *c) {
    planes p;
    LURON_TRY(pool_set_out(c, &p));
    return c->host->declare_saved(c, 0, LURON_I32, LURON_SHAPE(p.n * p.out_size));
}
luron_status pool_max_forward(luron_call *c) {
    planes p;
    LURON_TRY(pool_open(c, &p));
    p.x = luron_data(luron_in(c, 0)), p.y = luron_data(luron_out(c, 0)), p.win = luron_data(luron_saved(c, 0));
    if (!p.pad[POOL_D] && !p.pad[POOL_H] && !p.pad[POOL_W]) luron_takes_largest(c); /* no window is without a place */
    if (pool_is_squares(&p))
        pool_choose_squares(&p, c);
    else
        c->host->parallel_for(c, p.n, pool_grain(&p),
            p.adaptive ? BY_TYPE(c, scan_planes) : pool_is_pairs(&p) ? BY_VECTORS(c, pairs) : BY_VECTORS(c, planes), &p);
    return LURON_OK;
}
luron_status pool_max_spread(luron_call *c, planes *p) {
    p->gx = luron_data(luron_grad_in_beta(c, 0, &p->beta));
    p->gy = luron_data(luron_grad_out(c, 0)), p->win = luron_data(luron_saved(c, 0));
    if (p->gx && p->beta == 0 && pool_is_squares(p))
        pool_spread_squares(p, c);
    else if (p->gx)
        c->host->parallel_for(c, p->n, pool_grain(p), BY_TYPE(c, spread), p);
    return LURON_OK;
}
luron_status pool_max_backward(luron_call *c) {
    planes p;
    LURON_TRY(pool_open(c, &p));
    return pool_max_spread(c, &p);
}

/* Dim after dim from the last, which finds the first of equals of the whole window. */
static luron_status compose(luron_call *c, const luron_ops *o) {
    planes p;
    LURON_TRY(pool_open(c, &p));
    luron_tensor *x = pool_padded(c, o, &p, o->in(c, 0), -INFINITY);
    for (int d = POOL_DIMS - 1; d >= POOL_DIMS - p.dims; d--) {
        luron_tensor *best = pool_place(c, o, &p, d, x, 0);
        for (int64_t k = 1; k < p.kernel[d]; k++) {
            luron_tensor *v = pool_place(c, o, &p, d, x, k);
            best = o->where(c, o->logical_or(c, o->gt(c, v, best), (o->isnan)(c, v)), v, best);
        }
        x = best;
    }
    return o->set_out(c, 0, x);
}
static luron_tensor *largest(luron_call *c, const luron_ops *o, luron_tensor *x, int dim) {
    return o->gather(c, x, dim, o->argmax(c, x, dim, 1));
}
static luron_status compose_adaptive(luron_call *c, const luron_ops *o) {
    planes p;
    LURON_TRY(pool_open(c, &p));
    return o->set_out(c, 0, pool_adaptive(c, o, &p, largest));
}

#define TYPES(n)                                                                                                       \
    static const luron_option *const options##n[] = {                                                                  \
        POOL_KERNEL(n),   POOL_STRIDE(n), POOL_PADDING(n, "places before and after that never win"),                   \
        POOL_DILATION(n), POOL_CEIL,      NULL};                                                                       \
    static const luron_option *const adaptive##n[] = {POOL_OUTPUT(n), NULL};                                           \
    const luron_layer_type pool_max##n##d =                                                                            \
        POOL_TYPE("MaxPool" #n "d", "the largest of each window", options##n, pool_in##n, pool_max_setup,              \
                  pool_max_forward, pool_max_backward, compose);                                                       \
    const luron_layer_type pool_adaptive_max##n##d =                                                                   \
        POOL_TYPE("AdaptiveMaxPool" #n "d", "the largest of as many windows as output_size says", adaptive##n,         \
                  pool_in##n, pool_max_setup, pool_max_forward, pool_max_backward, compose_adaptive);
TYPES(1) TYPES(2) TYPES(3)
#else
/* Place k of the windows lo .. hi - 1 of a row: it lies at x[from + o step] and at that plus base in the plane. */
LOOP TYPED(place)(const REAL *restrict x, REAL *restrict y, int32_t *restrict win, int32_t lo, int32_t hi,
                  int32_t step, int32_t from, int32_t base) {
    for (int32_t o = lo; o < hi; o++) {
        const REAL v = x[from + o * step], best = y[o];
        const int take = (v > best) | (v != v) | (win[o] < 0);
        y[o] = take ? v : best;
        win[o] = take ? base + from + o * step : win[o];
    }
}
/* The places of one row of the input (x; `base` is where it begins) in a row of windows. */
LOOP TYPED(row)(const planes *p, const REAL *restrict x, REAL *restrict y, int32_t *restrict win, int32_t base) {
    const int64_t s = p->step[POOL_W];
    for (int64_t k = 0; k < p->kernel[POOL_W]; k++) {
        const int64_t from = k * p->apart[POOL_W] - p->pad[POOL_W], last = p->in[POOL_W] - 1 - from;
        const int64_t lo = from < 0 ? (-from + s - 1) / s : 0, end = last < 0 ? 0 : last / s + 1;
        const int32_t l = (int32_t)lo, h = (int32_t)(end < p->out[POOL_W] ? end : p->out[POOL_W]), f = (int32_t)from;
        if (s == 1)
            TYPED(place)(x, y, win, l, h, 1, f, base);
        else if (s == 2)
            TYPED(place)(x, y, win, l, h, 2, f, base);
        else
            TYPED(place)(x, y, win, l, h, (int32_t)s, f, base);
    }
}
LOOP TYPED(plane)(const planes *p, const REAL *x, REAL *y, int32_t *win) {
    for (int64_t at = 0; at < p->out[POOL_D] * p->out[POOL_H]; at++, y += p->out[POOL_W], win += p->out[POOL_W]) {
        const int64_t d0 = at / p->out[POOL_H] * p->step[POOL_D] - p->pad[POOL_D],
                      h0 = at % p->out[POOL_H] * p->step[POOL_H] - p->pad[POOL_H];
        for (int64_t o = 0; o < p->out[POOL_W]; o++)
            y[o] = -INFINITY, win[o] = -1;
        for (int64_t i = 0; i < p->kernel[POOL_D]; i++) {
            const int64_t d = d0 + i * p->apart[POOL_D];
            for (int64_t j = 0; d >= 0 && d < p->in[POOL_D] && j < p->kernel[POOL_H]; j++) {
                const int64_t h = h0 + j * p->apart[POOL_H], base = (d * p->in[POOL_H] + h) * p->in[POOL_W];
                if (h >= 0 && h < p->in[POOL_H]) TYPED(row)(p, x + base, y, win, (int32_t)base);
            }
        }
    }
}
LOOP TYPED(planes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const planes *p = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++)
        TYPED(plane)(p, (const REAL *)p->x + i * p->in_size, (REAL *)p->y + i * p->out_size, p->win + i * p->out_size);
}
/* A row of n windows of two numbers side by side, of which the first lies at `base`. */
LOOP TYPED(row_of_pairs)(const REAL *restrict x, REAL *restrict y, int32_t *restrict win, int32_t n, int32_t base) {
    for (int32_t o = 0; o < n; o++) {
        const REAL v = x[2 * o], next = x[2 * o + 1];
        const int take = (next > v) | (next != next);
        y[o] = take ? next : v;
        win[o] = base + 2 * o + take;
    }
}
LOOP TYPED(pairs)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const planes *p = arg;
    const int64_t rows = p->in[POOL_D] * p->in[POOL_H], wide = p->in[POOL_W], n = p->out[POOL_W];
    (void)chunk;
    for (int64_t i = begin * rows; i < end * rows; i++)
        TYPED(row_of_pairs)((const REAL *)p->x + i * wide, (REAL *)p->y + i * n, p->win + i * n, (int32_t)n, (int32_t)(i % rows * wide));
}

/* One adaptive window, place by place. */
static int32_t TYPED(scan)(const planes *p, const REAL *x, int64_t od, int64_t oh, int64_t ow) {
    int64_t d0, d1, h0, h1, w0, w1;
    pool_span(p, POOL_D, od, &d0, &d1), pool_span(p, POOL_H, oh, &h0, &h1), pool_span(p, POOL_W, ow, &w0, &w1);
    int64_t best = (d0 * p->in[POOL_H] + h0) * p->in[POOL_W] + w0;
    REAL most = x[best];
    for (int64_t d = d0; d < d1; d++)
        for (int64_t h = h0; h < h1; h++)
            for (int64_t at = (d * p->in[POOL_H] + h) * p->in[POOL_W], w = w0; w < w1; w++)
                if (x[at + w] > most || x[at + w] != x[at + w]) most = x[at + w], best = at + w;
    return (int32_t)best;
}
static void TYPED(scan_planes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const planes *p = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *x = (const REAL *)p->x + i * p->in_size;
        int64_t at = i * p->out_size;
        for (int64_t d = 0; d < p->out[POOL_D]; d++)
            for (int64_t h = 0; h < p->out[POOL_H]; h++)
                for (int64_t w = 0; w < p->out[POOL_W]; w++, at++)
                    p->win[at] = TYPED(scan)(p, x, d, h, w), ((REAL *)p->y)[at] = x[p->win[at]];
    }
}

/* The gradient of each output goes to its winner. */
static void TYPED(spread)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const planes *p = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *gy = (const REAL *)p->gy + i * p->out_size;
        const int32_t *win = p->win + i * p->out_size;
        REAL *gx = (REAL *)p->gx + i * p->in_size;
        if (p->beta == 0) memset(gx, 0, (size_t)p->in_size * sizeof *gx);
        for (int64_t k = 0; k < p->out_size; k++)
            if (win[k] >= 0) gx[win[k]] += gy[k];
    }
}
#undef REAL
#endif
