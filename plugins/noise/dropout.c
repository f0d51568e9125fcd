/* dropout.c: y = x / (1 - p) with probability 1 - p, else 0, when training; otherwise y = x. What
 * is kept follows from the numbers of the call, which backward draws again: no mask is stored.                        */
#ifndef REAL
#include "noise.h"
#include <string.h>
typedef struct dropout { double p; } dropout;
typedef struct work { luron_call *c; const void *from; void *to; double beta; } work;
enum { PIECE = 1024, GRAIN = 16384 };
static double factor(double p) { return p < 1 ? 1 / (1 - p) : 0; }
#define REAL float
#define BITS uint32_t
#define NAME(x) x##_float
#include "dropout.c"
#define REAL double
#define BITS uint64_t
#define NAME(x) x##_double
#include "dropout.c"

static luron_status run(luron_call *c, work k, int64_t n) {
    c->host->parallel_for(c, n, GRAIN, c->dtype == LURON_F64 ? thin_double : thin_float, &k);
    return LURON_OK;
}
static luron_status forward(luron_call *c) {
    return run(c, (work) { c, luron_data(luron_in(c, 0)), luron_data(luron_out(c, 0)), 0 }, luron_numel(luron_in(c, 0)));
}
static luron_status backward(luron_call *c) {
    double beta;
    luron_view *gx = luron_grad_in_beta(c, 0, &beta);
    return gx ? run(c, (work) { c, luron_data(luron_grad_out(c, 0)), luron_data(gx), beta }, luron_numel(gx)) : LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const double p = ((const dropout *)c->options)->p;
    luron_tensor *x = o->in(c, 0);
    if (!luron_is_training(c)) return o->set_out(c, 0, x);
    int64_t shape[8];
    const int ndim = o->ndim(c, x);
    for (int i = 0; i < ndim; i++) shape[i] = o->size(c, x, i);
    luron_tensor *kept = o->ge(c, o->uniform(c, 0, ndim, shape), o->scalar(c, p));
    return o->set_out(c, 0, o->where(c, kept, o->scale(c, x, factor(p), 0), o->scalar(c, 0)));
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(dropout, p, 0.5, 0, 1, "probability of a 0"), NULL };
const luron_layer_type noise_dropout = {
    .struct_size = sizeof(luron_layer_type), .flags = NOISE_FLAGS,
    .name = "Dropout", .function = "dropout", .doc = "zeros at random when training", .options = options,
    .options_size = sizeof(dropout), .forward = forward, .backward = backward, .compose = compose
};
#else
/* v or, whatever v is, 0; without a branch, which nobody could predict. */
static inline REAL NAME(kept)(int is_kept, REAL v) {
    BITS bits;
    memcpy(&bits, &v, sizeof v);
    bits &= (BITS)0 - (BITS)is_kept;
    memcpy(&v, &bits, sizeof v);
    return v;
}
/* Without u: x as it is. */
static void NAME(put)(int64_t n, const float *u, REAL least, REAL times, const REAL *from, REAL *to, int add) {
    if (!u && !add)
        for (int64_t i = 0; i < n; i++) to[i] = from[i];
    else if (!u)
        for (int64_t i = 0; i < n; i++) to[i] += from[i];
    else if (!add)
        for (int64_t i = 0; i < n; i++) to[i] = NAME(kept)((REAL)u[i] >= least, from[i] * times);
    else
        for (int64_t i = 0; i < n; i++) to[i] += NAME(kept)((REAL)u[i] >= least, from[i] * times);
}
static void NAME(thin)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const double p = ((const dropout *)k->c->options)->p;
    const REAL least = (REAL)p, times = (REAL)factor(p), *from = k->from;
    REAL *to = k->to;
    float u[PIECE];
    const int training = luron_is_training(k->c);
    (void)chunk;
    for (int64_t at = begin; at < end; at += PIECE) {
        const int64_t m = end - at < PIECE ? end - at : PIECE;
        if (training) k->c->host->rand_uniform(k->c, 0, at, m, u);
        NAME(put)(m, training ? u : NULL, least, times, from + at, to + at, k->beta != 0);
    }
}
#undef NAME
#undef BITS
#undef REAL
#endif
