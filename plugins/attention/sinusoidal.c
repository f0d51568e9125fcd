/* sinusoidal.c: x (n,t,d) plus sin and cos of its positions, in turn: feature 2i sin, 2i + 1 cos of position /
 * base^(2i / d). Vaswani and others, 2017.                                                                           */
#ifndef REAL
#include "positions.h"
typedef struct sinusoidal {
    double base;
    int64_t offset;
} sinusoidal;
typedef struct work {
    const waves *w;
    int64_t d;
    const char *x;
    char *y;
} work;
#define REAL float
#include "sinusoidal.c"
#define REAL double
#include "sinusoidal.c"

static waves waves_of(luron_call *c) {
    const sinusoidal *o = luron_options(c);
    const luron_view *x = luron_in(c, 0);
    const int64_t d = x->shape[2], pairs = (d + 1) / 2;
    const double base = pow(o->base, (double)(2 * pairs) / (double)(d ? d : 1)); /* of an odd d: 2i / d all the same */
    return (waves){.c = c,
                   .port = 1,
                   .n = x->shape[0],
                   .per = 1,
                   .t = x->shape[1],
                   .pairs = pairs,
                   .offset = o->offset,
                   .base = base};
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const waves w = waves_of(c);
    LURON_TRY(waves_check(c, 1, x->shape[0], x->shape[1]));
    LURON_TRY(c->host->declare_scratch(c, waves_bytes(&w)));
    return luron_set_out_like(c, 0, x);
}
static luron_status forward(luron_call *c) {
    waves w = waves_of(c);
    LURON_TRY(waves_make(&w, luron_scratch(c)));
    work k = {&w, luron_in(c, 0)->shape[2], luron_data(luron_in(c, 0)), luron_data(luron_out(c, 0))};
    c->host->parallel_for(c, w.n * w.t, 1 + 16384 / (k.d + 1), BY_TYPE(c, add_waves), &k);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    double beta;
    luron_view *gx = luron_grad_in_beta(c, 0, &beta);
    return gx ? c->host->sum_to(c, luron_grad_out(c, 0), gx, beta) : LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const waves w = waves_of(c);
    luron_tensor *angles = waves_angles(&w, o), *both[2] = {o->sin(c, angles), o->cos(c, angles)},
                 *all = o->stack(c, 2, both, 3);
    all = o->reshape(c, all, LURON_SHAPE(o->size(c, angles, 0), w.t, 2 * w.pairs));
    return o->set_out(c, 0,
                      o->add(c, o->in(c, 0), o->cast(c, o->narrow(c, all, 2, 0, luron_in(c, 0)->shape[2]), c->dtype)));
}
static const luron_option *const options[] = {
    LURON_OPT_FLOAT(sinusoidal, base, 10000, 1, 1e12, "the longest wave is 2 pi base"),
    LURON_OPT_INT(sinusoidal, offset, 0, 0, 1e12, "places before the first"), NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 3, "(n, t, features)"), POSITIONS_PORT, NULL};
const luron_layer_type attention_sinusoidal = {.struct_size = sizeof(luron_layer_type),
                                               .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_IN | LURON_LAYER_FREES_OUT,
                                               .name = "SinusoidalPositionalEncoding",
                                               .doc = "adds sines and cosines of the positions",
                                               .options = options,
                                               .options_size = sizeof(sinusoidal),
                                               .in = in,
                                               .setup = setup,
                                               .forward = forward,
                                               .backward = backward,
                                               .compose = compose};
#else
static void TYPED(add_waves)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* places of all sequences */
    const work *k = arg;
    const waves *w = k->w;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const int64_t wave = (w->m > 1 ? i : i % w->t) * w->pairs;
        const REAL *x = (const REAL *)k->x + i * k->d, *sine = (const REAL *)w->sin + wave,
                   *cosine = (const REAL *)w->cos + wave;
        REAL *y = (REAL *)k->y + i * k->d;
        for (int64_t j = 0; j < k->d; j++)
            y[j] = x[j] + (j % 2 ? cosine[j / 2] : sine[j / 2]);
    }
}
#undef REAL
#endif
