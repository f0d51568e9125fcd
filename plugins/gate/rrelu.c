/* rrelu.c: y = x above 0, else a x, a uniform in [lower, upper) when training, which backward draws again; otherwise
 * their mean. */
#ifndef REAL
#include "../loops.h"
#include "gate.h"
typedef struct work {
    luron_call *c;
    const void *x, *from;
    void *to;
    double beta;
} work;
enum { PIECE = 1024, GRAIN = 16384 };
#define REAL float
#include "rrelu.c"
#define REAL double
#include "rrelu.c"

static luron_status setup(luron_call *c) {
    const gate *o = luron_options(c);
    if (o->lower > o->upper)
        return luron_fail(c, LURON_E_ARGUMENT, "lower is %g, expected at most upper, %g", o->lower, o->upper);
    return luron_set_out_like(c, 0, luron_in(c, 0));
}
static luron_status forward(luron_call *c) {
    work k = {c, luron_data(luron_in(c, 0)), luron_data(luron_in(c, 0)), luron_data(luron_out(c, 0)), 0};
    c->host->parallel_for(c, luron_numel(luron_in(c, 0)), GRAIN, BY_TYPE(c, lean), &k);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    work k = {c, luron_data(luron_in(c, 0)), luron_data(luron_grad_out(c, 0)), NULL, 0};
    k.to = luron_data(luron_grad_in_beta(c, 0, &k.beta));
    if (k.to) c->host->parallel_for(c, luron_numel(luron_in(c, 0)), GRAIN, BY_TYPE(c, lean), &k);
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const gate *g = luron_options(c);
    const luron_view *v = luron_in(c, 0);
    luron_tensor *x = o->in(c, 0), *slope = o->scalar(c, (g->lower + g->upper) / 2);
    if (luron_is_training(c)) slope = o->scale(c, o->uniform(c, 0, v->ndim, v->shape), g->upper - g->lower, g->lower);
    return o->set_out(c, 0, o->where(c, o->gt(c, x, o->scalar(c, 0)), x, o->mul(c, slope, x)));
}
static const luron_option *const options[] = {LURON_OPT_FLOAT(gate, lower, 0.125, 0, 1e9, "least slope below 0"),
                                              LURON_OPT_FLOAT(gate, upper, 1.0 / 3, 0, 1e9, "largest slope below 0"),
                                              NULL};
const luron_layer_type gate_rrelu = {.struct_size = sizeof(luron_layer_type),
                                     .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM | LURON_LAYER_FREES_OUT,
                                     .name = "RReLU",
                                     .function = "rrelu",
                                     .doc = "x if positive, else a slope times x, at random when training",
                                     GATE_OPTIONS,
                                     .setup = setup,
                                     .forward = forward,
                                     .backward = backward,
                                     .compose = compose};
#else
static void TYPED(lean)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* y from x, or gx from gy */
    const work *k = arg;
    const gate *o = luron_options(k->c);
    const REAL *x = k->x, *from = k->from, least = (REAL)o->lower, wide = (REAL)(o->upper - o->lower);
    const REAL mean = (REAL)((o->lower + o->upper) / 2);
    REAL *restrict to = k->to;
    float u[PIECE];
    (void)chunk;
    for (int64_t at = begin; at < end; at += PIECE) {
        const int64_t m = end - at < PIECE ? end - at : PIECE;
        const int draws = luron_is_training(k->c);
        if (draws) k->c->host->rand_uniform(k->c, 0, at, m, u);
        for (int64_t i = 0; i < m; i++) {
            const REAL slope = draws ? (REAL)u[i] * wide + least : mean, v = from[at + i];
            const REAL y = x[at + i] > 0 ? v : slope * v; /* v is read in any case: no branch */
            to[at + i] = k->beta != 0 ? to[at + i] + y : y;
        }
    }
}
#undef REAL
#endif
