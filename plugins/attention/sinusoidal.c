/* sinusoidal.c: x (n,t,d) plus sin and cos of its positions, in turn: feature 2i sin, 2i + 1 cos of position /
 * base^(2i / d). Vaswani and others, 2017.                                                                           */
#include "positions.h"
typedef struct sinusoidal {
    double base;
    int64_t offset;
} sinusoidal;

luron_status positions_check(luron_call *c, int port, int64_t n, int64_t t) {
    const luron_view *v = luron_in(c, port);
    if (!v || (v->ndim == 1 && v->shape[0] == t) || (v->ndim == 2 && v->shape[0] == n && v->shape[1] == t)) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "positions: shape (%lld) or (%lld, %lld) expected", (long long)t, (long long)n, (long long)t);
}
/* 0, 1 ... n - 1 in float64. */
static luron_tensor *counted(luron_call *c, const luron_ops *o, int64_t n) {
    luron_tensor *ones = o->expand(c, o->cast(c, o->scalar(c, 1), LURON_F64), LURON_SHAPE(n));
    return o->sub(c, o->cumsum(c, ones, 0), ones);
}
luron_tensor *positions_angles(luron_call *c, const luron_ops *o, int port, int64_t t, int64_t pairs, double base,
                               int64_t offset) {
    const luron_view *v = luron_in(c, port);
    luron_tensor *at = v ? o->scale(c, o->cast(c, o->in(c, port), LURON_F64), 1, -(double)luron_shown(c, 0))
                         : o->scale(c, counted(c, o, t), 1, (double)offset);
    at = o->reshape(c, at, LURON_SHAPE(v && v->ndim == 2 ? v->shape[0] : 1, t, 1));
    return o->mul(c, at, o->exp(c, o->scale(c, counted(c, o, pairs), -log(base) / (double)pairs, 0)));
}

static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    LURON_TRY(positions_check(c, 1, x->shape[0], x->shape[1]));
    return luron_set_out_like(c, 0, x);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const sinusoidal *s = luron_options(c);
    const luron_view *x = luron_in(c, 0);
    const int64_t t = x->shape[1], d = x->shape[2], pairs = (d + 1) / 2;
    const double base = pow(s->base, (double)(2 * pairs) / (double)(d ? d : 1)); /* of an odd d: 2i / d all the same */
    luron_tensor *angles = positions_angles(c, o, 1, t, pairs, base, s->offset);
    luron_tensor *both[2] = {o->sin(c, angles), o->cos(c, angles)}, *waves = o->stack(c, 2, both, 3);
    waves = o->reshape(c, waves, LURON_SHAPE(o->size(c, angles, 0), t, 2 * pairs));
    return o->set_out(c, 0, o->add(c, o->in(c, 0), o->cast(c, o->narrow(c, waves, 2, 0, d), c->dtype)));
}
static const luron_option *const options[] = {LURON_OPT_FLOAT(sinusoidal, base, 10000, 1, 1e12, "the longest wave is 2 pi base"),
    LURON_OPT_INT(sinusoidal, offset, 0, 0, 1e12, "places before the first"), NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 3, "(n, t, features)"), POSITIONS_PORT, NULL};
const luron_layer_type attention_sinusoidal = {
    .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64, .name = "SinusoidalPositionalEncoding",
    .doc = "adds sines and cosines of the positions", .options = options, .options_size = sizeof(sinusoidal), .in = in,
    .setup = setup, .compose = compose};
