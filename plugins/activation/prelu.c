/* prelu.c: y = x if x > 0, else weight x; one weight, or one a channel. x (n,C,...), weight (1) or (C) -> y as x. */
#ifndef REAL
#include "activation.h"
typedef struct prelu { int64_t num_parameters; double init; luron_named_init weight_init; } prelu;
/* Channel k of K lies at (j K + k) inner of each of the outer blocks j; one weight: a single channel. */
typedef struct work { luron_call *c; int64_t outer, channels, inner; const void *x, *gy; void *to; double beta; } work;

static luron_status declare(luron_call *c) {
    const prelu *o = c->options;
    return c->host->declare_param(c, 0, "weight", LURON_SHAPE(o->num_parameters), luron_init_or(&o->weight_init, luron_init_constant(o->init)));
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const int64_t n = ((const prelu *)c->options)->num_parameters, channels = x->ndim > 1 ? x->shape[1] : 1;
    if (n != 1 && n != channels)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld channels, num_parameters is %lld", (long long)channels, (long long)n);
    return luron_set_out_like(c, 0, x);
}
static work split(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const int64_t n = ((const prelu *)c->options)->num_parameters;
    work k = { c, n > 1 ? x->shape[0] : 1, n, 1, luron_data(x), NULL, NULL, 0 };
    for (int i = n > 1 ? 2 : 0; i < x->ndim; i++) k.inner *= x->shape[i];
    return k;
}
#define REAL float
#include "prelu.c"
#define REAL double
#include "prelu.c"
WIDE_PASS(map) WIDE_PASS(sum)

static luron_status forward(luron_call *c) {
    work k = split(c);
    k.to = luron_data(luron_out(c, 0));
    c->host->parallel_for(c, luron_numel(luron_in(c, 0)), 8192, BY_VECTORS(c, map), &k);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    work k = split(c);
    k.gy = luron_data(luron_grad_out(c, 0));
    luron_view *gx = luron_grad_in_beta(c, 0, &k.beta);
    if (gx) {
        k.to = luron_data(gx);
        c->host->parallel_for(c, luron_numel(gx), 8192, BY_VECTORS(c, map), &k);
    }
    luron_view *gw = luron_grad_param_beta(c, 0, &k.beta);
    if (!gw) return LURON_OK;
    k.to = luron_data(gw);
    c->host->parallel_for(c, k.channels, 1, BY_VECTORS(c, sum), &k);
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *w = o->param(c, 0);
    int64_t shape[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    const int ndim = o->ndim(c, x);
    if (ndim > 1) shape[1] = ((const prelu *)c->options)->num_parameters, w = o->reshape(c, w, ndim, shape);
    else if (ndim == 0) w = o->reshape(c, w, 0, shape);
    return o->set_out(c, 0, o->where(c, o->gt(c, x, o->scalar(c, 0)), x, o->mul(c, w, x)));
}
static const luron_option *const options[] = { LURON_OPT_INT(prelu, num_parameters, 1, 1, 1e9, "1, or the number of channels"),
    LURON_OPT_FLOAT(prelu, init, 0.25, 0, 0, "slope at first"), LURON_OPT_INITIALISER(prelu, weight_init, "first slopes; nil: init"), NULL };
const luron_layer_type activation_prelu = { .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
    .name = "PReLU", .function = "prelu", .doc = "x if positive, else a learned weight times x", WITH_OPTIONS(prelu), .declare = declare,
    .setup = setup, .forward = forward, .backward = backward, .compose = compose };
#else
INLINE void TYPED(map_run)(int64_t n, const REAL *x, const REAL *from, REAL w, int adds, REAL *to) {
    for (int64_t i = 0; i < n; i++) {
        const REAL y = x[i] > 0 ? from[i] : from[i] * w;
        to[i] = adds ? to[i] + y : y;
    }
}
LOOP TYPED(map)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* y from x, or gx from gy */
    const work *k = arg;
    const REAL *x = k->x, *from = k->gy ? k->gy : k->x, *w = luron_data(luron_param(k->c, 0));
    REAL *to = k->to;
    (void)chunk;
    for (int64_t at = begin, n; at < end; at += n) { /* what is left of a channel */
        const int64_t left = k->inner - at % k->inner;
        n = k->channels == 1 || left > end - at ? end - at : left;
        const REAL weight = w[k->channels > 1 ? at / k->inner % k->channels : 0];
        if (k->gy && k->beta != 0) TYPED(map_run)(n, x + at, from + at, weight, 1, to + at);
        else TYPED(map_run)(n, x + at, from + at, weight, 0, to + at);
    }
}
/* Of what is not positive. */
INLINE double TYPED(sum_run)(int64_t n, const REAL *x, const REAL *gy) {
    typedef int64_t lanes __attribute__((vector_size(32)));
    quad low = { 0 }, high = { 0 };
    double rest = 0;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const quad a = QUAD(x + i), b = QUAD(x + i + 4);
        low += (quad)((lanes)(a * QUAD(gy + i)) & ~(a > 0)), high += (quad)((lanes)(b * QUAD(gy + i + 4)) & ~(b > 0));
    }
    for (; i < n; i++) rest += x[i] > 0 ? 0 : (double)x[i] * gy[i];
    return FOLDED(low, high) + rest;
}
LOOP TYPED(sum)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* the gradient of weights begin.. */
    const work *k = arg;
    (void)chunk;
    for (int64_t ch = begin; ch < end; ch++) {
        double all = 0;
        for (int64_t j = 0; j < k->outer; j++) {
            const int64_t at = (j * k->channels + ch) * k->inner;
            all += TYPED(sum_run)(k->inner, (const REAL *)k->x + at, (const REAL *)k->gy + at);
        }
        ((REAL *)k->to)[ch] = (REAL)(k->beta != 0 ? ((REAL *)k->to)[ch] + all : all);
    }
}
#undef REAL
#endif
