/* pointwise.c -- losses of one term an element, in pieces: what a type computes of a piece is in pointwise.h. */
#ifndef REAL
#include "loss.h"
#include <string.h>

enum { GRAIN = 4096 }; /* elements whose terms are added up in one chunk */
typedef struct pointwise {
    luron_call *c;
    const loss_pointwise *type;
    uint32_t dtype;
    const luron_host *host;
    const loss *o;
    const luron_view *shape;   /* of the input */
    const luron_view *wv, *pv; /* weight and pos_weight, which broadcast to it, or NULL */
    const void *x, *t, *w, *p, *gy;
    void *each, *gx, *gt; /* NULL: not wanted */
    double *sums, scale, beta_x, beta_t;
} pointwise;
static int64_t chunks(int64_t n) { return n / GRAIN + (n % GRAIN != 0); }

static luron_status check_broadcast(luron_call *c, int port, const char *name) {
    const luron_view *v = luron_in(c, port), *x = luron_in(c, INPUT);
    if (!v) return LURON_OK;
    if (v->ndim > x->ndim)
        return luron_fail(c, LURON_E_SHAPE, "%s has %d dimensions, input has %d", name, (int)v->ndim, (int)x->ndim);
    for (int i = 1; i <= v->ndim; i++) {
        const int64_t have = v->shape[v->ndim - i], want = x->shape[x->ndim - i];
        if (have != 1 && have != want)
            return luron_fail(c, LURON_E_SHAPE, "%s has size %lld in dimension %d, expected 1 or %lld as in input", name,
                              (long long)have, -i, (long long)want);
    }
    return LURON_OK;
}

luron_status loss_pointwise_setup(luron_call *c) {
    const luron_view *x = luron_in(c, INPUT), *t = luron_in(c, TARGET);
    const int32_t reduction = ((const loss *)c->options)->reduction;
    if (x->ndim != t->ndim)
        return luron_fail(c, LURON_E_SHAPE, "target has %d dimensions, input has %d: the two must have one shape", (int)t->ndim,
                          (int)x->ndim);
    for (int i = 0; i < x->ndim; i++)
        if (x->shape[i] != t->shape[i])
            return luron_fail(c, LURON_E_SHAPE, "target has size %lld in dimension %lld, input has %lld: the two must have one shape",
                              (long long)t->shape[i], (long long)luron_shown(c, i), (long long)x->shape[i]);
    if (reduction == LOSS_BATCHMEAN && x->ndim == 0)
        return luron_fail(c, LURON_E_SHAPE, "input has no dimension, reduction \"batchmean\" divides by the size of the first");
    LURON_TRY(check_broadcast(c, WEIGHT, "weight"));
    LURON_TRY(check_broadcast(c, POS_WEIGHT, "pos_weight"));
    LURON_TRY(c->host->declare_scratch(c, chunks(luron_numel(x)) * (int64_t)sizeof(double)));
    return reduction == LOSS_NONE ? luron_set_out_like(c, 0, x) : c->host->set_out(c, 0, LURON_REAL, 0, NULL);
}

/* Where element i of `shape` lies in v, which broadcasts to it. */
static int64_t broadcast_at(const luron_view *v, const luron_view *shape, int64_t i) {
    int64_t at = 0, step = 1;
    for (int d = 1; d <= v->ndim; d++) {
        const int64_t size = shape->shape[shape->ndim - d], own = v->shape[v->ndim - d];
        if (own != 1) at += i % size * step;
        i /= size, step *= own;
    }
    return at;
}

/* The loops of a type by dtype. */
static void run(const pointwise *k, loss_piece *at, int what, void *to) {
    const int which = k->dtype == LURON_F64 ? 2 : k->host->vector_bytes >= 32;
    at->what = what, at->to = to;
    k->type->piece[which](at);
}
/* u, then v, if so many are needed. */
static void functions(const pointwise *k, loss_piece *at, int needs, void *u, void *v) {
    if (needs > 0 && k->type->u) {
        run(k, at, LOSS_U, u);
        k->host->map(k->host, (uint32_t)k->type->u(k->o), k->dtype, at->n, u, u);
    }
    if (needs > 1 && k->type->v) {
        run(k, at, LOSS_V, v);
        k->host->map(k->host, (uint32_t)k->type->v(k->o), k->dtype, at->n, v, v);
    }
}
#define REAL float
#include "pointwise.c"
#define REAL double
#include "pointwise.c"

static pointwise open_pointwise(luron_call *c, const loss_pointwise *type) {
    const luron_view *x = luron_in(c, INPUT), *w = luron_in(c, WEIGHT), *p = luron_in(c, POS_WEIGHT);
    return (pointwise) { .c = c, .type = type, .dtype = c->dtype, .host = c->host, .o = c->options, .shape = x, .wv = w, .pv = p,
        .x = luron_data(x), .w = luron_data(w), .p = luron_data(p), .t = luron_data(luron_in(c, TARGET)), .sums = luron_scratch(c) };
}
static double divisor(const pointwise *k) {
    if (k->o->reduction == LOSS_MEAN) return (double)luron_numel(k->shape);
    return k->o->reduction == LOSS_BATCHMEAN ? (double)k->shape->shape[0] : 1;
}

luron_status loss_pointwise_forward(luron_call *c, const loss_pointwise *type) {
    pointwise k = open_pointwise(c, type);
    const int64_t n = luron_numel(k.shape);
    if (k.o->reduction == LOSS_NONE) k.each = luron_data(luron_out(c, 0));
    c->host->parallel_for(c, n, GRAIN, BY_TYPE(c, terms), &k);
    double sum = 0;
    for (int64_t i = 0; i < chunks(n); i++) sum += k.sums[i];
    loss_put(c, sum / divisor(&k));
    return LURON_OK;
}

luron_status loss_pointwise_backward(luron_call *c, const loss_pointwise *type) {
    pointwise k = open_pointwise(c, type);
    LURON_TRY(loss_no_gradient(c, WEIGHT, "weight"));
    LURON_TRY(loss_no_gradient(c, POS_WEIGHT, "pos_weight"));
    k.gx = luron_data(luron_grad_in_beta(c, INPUT, &k.beta_x));
    k.gt = luron_data(luron_grad_in_beta(c, TARGET, &k.beta_t));
    k.scale = loss_reduced_gradient(c) / divisor(&k);
    if (k.o->reduction == LOSS_NONE) k.gy = luron_data(luron_grad_out(c, 0));
    c->host->parallel_for(c, luron_numel(k.shape), GRAIN, BY_TYPE(c, slopes), &k);
    return LURON_OK;
}

luron_status loss_pointwise_finish(luron_call *c, const luron_ops *o, luron_tensor *terms) {
    pointwise k = open_pointwise(c, NULL);
    if (k.wv) terms = o->mul(c, terms, o->in(c, WEIGHT));
    return o->set_out(c, 0, loss_reduce(c, o, terms, o->scalar(c, divisor(&k))));
}
#else
/* Elements first .. first + n; p as it is broadcast, or 1. */
static loss_piece TYPED(open_piece)(const pointwise *k, int64_t first, int64_t n, REAL *p, const REAL *u, const REAL *v) {
    if (k->p)
        for (int64_t i = 0; i < n; i++) p[i] = ((const REAL *)k->p)[broadcast_at(k->pv, k->shape, first + i)];
    return (loss_piece) { .o = k->o, .n = n, .x = (const REAL *)k->x + first, .t = (const REAL *)k->t + first, .p = p, .u = u, .v = v };
}
static int64_t TYPED(within)(int64_t at, int64_t end) { return end - at < LOSS_PIECE ? end - at : LOSS_PIECE; }

static void TYPED(terms)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const pointwise *k = arg;
    REAL p[LOSS_PIECE], u[LOSS_PIECE] = { 0 }, v[LOSS_PIECE] = { 0 }, terms[LOSS_PIECE];
    quad low = { 0 }, high = { 0 };
    double rest = 0;
    for (int i = 0; i < LOSS_PIECE; i++) p[i] = 1;
    for (int64_t at = begin, n; at < end; at += n) {
        n = TYPED(within)(at, end);
        loss_piece piece = TYPED(open_piece)(k, at, n, p, u, v);
        functions(k, &piece, 2, u, v);
        run(k, &piece, LOSS_TERM, terms);
        for (int64_t i = 0; k->w && i < n; i++) terms[i] *= ((const REAL *)k->w)[broadcast_at(k->wv, k->shape, at + i)];
        if (k->each) {
            memcpy((REAL *)k->each + at, terms, (size_t)n * sizeof(REAL));
            continue;
        }
        int64_t i = 0;
        for (; i + 8 <= n; i += 8) low += QUAD(terms + i), high += QUAD(terms + i + 4);
        for (; i < n; i++) rest += (double)terms[i];
    }
    k->sums[chunk] = FOLDED(low, high) + rest;
}

/* What slopes are multiplied by: the gradient of the result, and the weight. */
static void TYPED(put_slopes)(int64_t n, const REAL *restrict by, const REAL *restrict slope, double beta, void *gradient, int64_t first) {
    REAL *restrict to = (REAL *)gradient + first;
    if (beta != 0)
        for (int64_t i = 0; i < n; i++) to[i] = to[i] + by[i] * slope[i];
    else
        for (int64_t i = 0; i < n; i++) to[i] = by[i] * slope[i];
}
static void TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const pointwise *k = arg;
    REAL p[LOSS_PIECE], u[LOSS_PIECE] = { 0 }, v[LOSS_PIECE] = { 0 }, slope[LOSS_PIECE], by[LOSS_PIECE];
    (void)chunk;
    for (int i = 0; i < LOSS_PIECE; i++) p[i] = 1;
    for (int64_t at = begin, n; at < end; at += n) {
        n = TYPED(within)(at, end);
        loss_piece piece = TYPED(open_piece)(k, at, n, p, u, v);
        for (int64_t i = 0; i < n; i++) by[i] = k->gy ? (REAL)k->scale * ((const REAL *)k->gy)[at + i] : (REAL)k->scale;
        for (int64_t i = 0; k->w && i < n; i++) by[i] *= ((const REAL *)k->w)[broadcast_at(k->wv, k->shape, at + i)];
        functions(k, &piece, k->gt ? 2 : k->type->slope_needs, u, v);
        for (int what = LOSS_GRAD_X; what <= LOSS_GRAD_T; what++) {
            void *gradient = what == LOSS_GRAD_X ? k->gx : k->gt;
            if (!gradient) continue;
            run(k, &piece, what, slope);
            TYPED(put_slopes)(n, by, slope, what == LOSS_GRAD_X ? k->beta_x : k->beta_t, gradient, at);
        }
    }
}
#undef REAL
#endif
