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
    k.to = luron_data(luron_grad_in_beta(c, 0, &k.beta));
    if (k.to) c->host->parallel_for(c, luron_numel(luron_in(c, 0)), 8192, BY_VECTORS(c, map), &k);
    k.to = luron_data(luron_grad_param_beta(c, 0, &k.beta));
    if (k.to) c->host->parallel_for(c, k.channels, 1, BY_VECTORS(c, sum), &k);
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
LOOP TYPED(map)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* y from x, or gx from gy */
    const work *k = arg;
    const REAL *x = k->x, *from = k->gy ? k->gy : k->x, *w = luron_data(luron_param(k->c, 0));
    REAL *restrict to = k->to;
    const int adds = k->gy && k->beta != 0;
    (void)chunk;
    for (int64_t at = begin, next; at < end; at = next) { /* what is left of a channel */
        const REAL weight = w[at / k->inner % k->channels];
        next = at / k->inner * k->inner + k->inner < end ? at / k->inner * k->inner + k->inner : end;
        for (int64_t i = at; i < next; i++) {
            const REAL v = from[i], y = x[i] > 0 ? v : v * weight; /* v is read in any case: no branch */
            to[i] = adds ? to[i] + y : y;
        }
    }
}
LOOP TYPED(sum)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* the gradient of weights begin.. */
    typedef int64_t lanes __attribute__((vector_size(32)));
    const work *k = arg;
    (void)chunk;
    for (int64_t ch = begin; ch < end; ch++) {
        quad four = { 0 };
        double all = 0;
        for (int64_t j = 0, i = 0; j < k->outer; j++, i = 0) {
            const REAL *x = (const REAL *)k->x + (j * k->channels + ch) * k->inner, *gy = (const REAL *)k->gy + (x - (const REAL *)k->x);
            for (; i + 4 <= k->inner; i += 4) four += (quad)((lanes)(QUAD(x + i) * QUAD(gy + i)) & ~(QUAD(x + i) > 0));
            for (; i < k->inner; i++) all += x[i] > 0 ? 0 : (double)x[i] * gy[i];
        }
        all += (four[0] + four[2]) + (four[1] + four[3]);
        ((REAL *)k->to)[ch] = (REAL)(k->beta != 0 ? ((REAL *)k->to)[ch] + all : all);
    }
}
#undef REAL
#endif
