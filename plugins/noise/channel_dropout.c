/* channel_dropout.c: dropout of whole channels, and alpha dropout, which keeps mean 0 and variance 1 of what comes out
 * of a SELU: what is dropped becomes the least that SELU gives, and all is scaled and shifted by that (Klambauer et
 * al., 2017). y = x times + plus with probability 1 - p, else `dropped`; one decision for `run` numbers. */
#ifndef REAL
#include "noise.h"
#include <math.h>
#include <string.h>
typedef struct dropout {
    double p;
} dropout;
typedef struct decided {
    luron_call *c;
    int64_t run;
    double p, times, plus, dropped, beta;
    const void *x;
    void *y;
} decided;
enum { PIECE = 1024, GRAIN = 16384 };
#define REAL float
#define NAME(x) x##_float
#include "channel_dropout.c"
#define REAL double
#define NAME(x) x##_double
#include "channel_dropout.c"

/* PyTorch's constants: 1.758... is SELU's scale times its alpha. */
static decided of_call(luron_call *c, int alpha) {
    const double p = ((const dropout *)luron_options(c))->p, least = -1.7580993408473766;
    decided k = {.c = c, .run = 1, .p = p, .times = p < 1 ? 1 / (1 - p) : 0};
    if (!alpha || p == 1) return k;
    k.times = 1 / sqrt((least * least * p + 1) * (1 - p));
    k.plus = -least * k.times * p, k.dropped = least * k.times * (1 - p);
    return k;
}
/* Channels are at dim 1, and at 0 of an input without a batch: one that has `unbatched` dims. */
static int dims_of_channels(const luron_view *x, int unbatched) { return x->ndim == unbatched ? 1 : 2; }
static decided by_channels(luron_call *c, int alpha, int unbatched) {
    decided k = of_call(c, alpha);
    const luron_view *x = luron_in(c, 0);
    for (int i = dims_of_channels(x, unbatched); i < x->ndim; i++)
        k.run *= x->shape[i];
    return k;
}
static luron_status run(luron_call *c, decided k, const void *from, void *to, int64_t n, double beta) {
    k.x = from, k.y = to, k.beta = beta;
    c->host->parallel_for(c, n, GRAIN, c->dtype == LURON_F64 ? decide_double : decide_float, &k);
    return LURON_OK;
}
static luron_status forward(luron_call *c, decided k) {
    return run(c, k, luron_data(luron_in(c, 0)), luron_data(luron_out(c, 0)), luron_numel(luron_in(c, 0)), 0);
}
static luron_status backward(luron_call *c, decided k) {
    double beta;
    luron_view *gx = luron_grad_in_beta(c, 0, &beta);
    k.plus = k.dropped = 0;
    return gx ? run(c, k, luron_data(luron_grad_out(c, 0)), luron_data(gx), luron_numel(gx), beta) : LURON_OK;
}
/* n_dims: those that decisions are made for; the others have one together. */
static luron_status composed(luron_call *c, const luron_ops *o, decided k, int n_dims) {
    luron_tensor *x = o->in(c, 0);
    const int ndim = o->ndim(c, x);
    int64_t shape[8];
    if (!luron_is_training(c)) return o->set_out(c, 0, x);
    for (int i = 0; i < ndim; i++)
        shape[i] = i < n_dims ? o->size(c, x, i) : 1;
    luron_tensor *kept = o->ge(c, o->uniform(c, 0, ndim, shape), o->scalar(c, k.p));
    return o->set_out(c, 0, o->where(c, kept, o->scale(c, x, k.times, k.plus), o->scalar(c, k.dropped)));
}
static luron_status setup_ranks(luron_call *c, int least, int most, const char *wanted) {
    const luron_view *x = luron_in(c, 0);
    if (x->ndim < least || x->ndim > most)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, %s expected", (int)x->ndim, wanted);
    return luron_set_out_like(c, 0, x);
}

static const luron_option *const options[] = {LURON_OPT_FLOAT(dropout, p, 0.5, 0, 1, "probability of being dropped"),
                                              NULL};
#define TYPE(id, type_name, alpha, unbatched, least, most, shapes, text)                                               \
    static const luron_port *const in_##id[] = {LURON_PORT("input", 0, LURON_REAL, 0, shapes), NULL};                  \
    static luron_status setup_##id(luron_call *c) { return setup_ranks(c, least, most, shapes); }                      \
    static luron_status forward_##id(luron_call *c) { return forward(c, by_channels(c, alpha, unbatched)); }           \
    static luron_status backward_##id(luron_call *c) { return backward(c, by_channels(c, alpha, unbatched)); }         \
    static luron_status compose_##id(luron_call *c, const luron_ops *o) {                                              \
        return composed(c, o, of_call(c, alpha), dims_of_channels(luron_in(c, 0), unbatched));                         \
    }                                                                                                                  \
    const luron_layer_type noise_##id = {.struct_size = sizeof(luron_layer_type),                                      \
                                         .flags = NOISE_FLAGS,                                                         \
                                         .name = type_name,                                                            \
                                         .doc = text,                                                                  \
                                         .options = options,                                                           \
                                         .options_size = sizeof(dropout),                                              \
                                         .in = in_##id,                                                                \
                                         .setup = setup_##id,                                                          \
                                         .forward = forward_##id,                                                      \
                                         .backward = backward_##id,                                                    \
                                         .compose = compose_##id};
TYPE(dropout1d, "Dropout1d", 0, 2, 2, 3, "(n, c, l) or (c, l)", "zeros whole channels at random when training")
TYPE(dropout2d, "Dropout2d", 0, 0, 3, 4, "(n, c, h, w) or (n, c, l)", "zeros whole channels at random when training")
TYPE(dropout3d, "Dropout3d", 0, 4, 4, 5, "(n, c, d, h, w) or (c, d, h, w)",
     "zeros whole channels at random when training")
TYPE(feature_alpha_dropout, "FeatureAlphaDropout", 1, 0, 2, 8, "(n, c, ...)", "AlphaDropout of whole channels")

static luron_status forward_alpha(luron_call *c) { return forward(c, of_call(c, 1)); }
static luron_status backward_alpha(luron_call *c) { return backward(c, of_call(c, 1)); }
static luron_status compose_alpha(luron_call *c, const luron_ops *o) { return composed(c, o, of_call(c, 1), 8); }
const luron_layer_type noise_alpha_dropout = {.struct_size = sizeof(luron_layer_type),
                                              .flags = NOISE_FLAGS,
                                              .name = "AlphaDropout",
                                              .doc = "dropout behind SELU: mean 0 and variance 1 stay",
                                              .options = options,
                                              .options_size = sizeof(dropout),
                                              .forward = forward_alpha,
                                              .backward = backward_alpha,
                                              .compose = compose_alpha};
#else
/* n numbers of one decision. */
static void NAME(put)(int64_t n, int kept, const decided *k, const REAL *x, REAL *y) {
    const REAL times = (REAL)k->times, plus = (REAL)k->plus, dropped = (REAL)k->dropped;
    for (int64_t i = 0; i < n; i++) {
        const REAL v = kept ? x[i] * times + plus : dropped;
        y[i] = k->beta != 0 ? y[i] + v : v;
    }
}
/* n numbers with a decision each, without a branch, which nobody could predict. */
static void NAME(put_each)(int64_t n, const float *u, const decided *k, const REAL *x, REAL *y) {
    const REAL least = (REAL)k->p, times = (REAL)k->times, plus = (REAL)k->plus, dropped = (REAL)k->dropped;
    const int adds = k->beta != 0;
    for (int64_t i = 0; i < n; i++) {
        const REAL kept = x[i] * times + plus, v = (REAL)u[i] >= least ? kept : dropped;
        y[i] = adds ? y[i] + v : v;
    }
}
static void NAME(decide)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const decided *k = arg;
    const REAL *x = k->x, least = (REAL)k->p;
    REAL *y = k->y;
    float u[PIECE];
    (void)chunk;
    if (!luron_is_training(k->c)) {
        for (int64_t i = begin; i < end; i++)
            y[i] = k->beta != 0 ? y[i] + x[i] : x[i];
        return;
    }
    for (int64_t at = begin; at < end;) { /* as many decisions as there are in a piece, and what they decide */
        const int64_t first = at / k->run, last = (end - 1) / k->run;
        const int64_t m = last - first + 1 < PIECE ? last - first + 1 : PIECE;
        k->c->host->rand_uniform(k->c, 0, first, m, u);
        if (k->run == 1) NAME(put_each)(m, u, k, x + at, y + at), at += m;
        for (int64_t i = 0; k->run > 1 && i < m; i++) {
            const int64_t stop = (first + i + 1) * k->run < end ? (first + i + 1) * k->run : end;
            NAME(put)(stop - at, (REAL)u[i] >= least, k, x + at, y + at);
            at = stop;
        }
    }
}
#undef NAME
#undef REAL
#endif
