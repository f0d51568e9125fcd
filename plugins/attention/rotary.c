/* rotary.c: each pair of features of x (..., t, ..., d) turned by its position / base^(2 pair / d). Pairs are features i
 * and i + d / 2 as in GPT-NeoX and Llama, or, interleaved, 2i and 2i + 1 as in the paper. Su and others, 2021.       */
#include "positions.h"
typedef struct rotary {
    int64_t dim, seq_dim, offset;
    double base;
    int32_t interleaved;
} rotary;

/* The dim of the places, from 0; -1 and a message: there is none. */
static int places_dim(luron_call *c, const luron_view *x) {
    const rotary *o = luron_options(c);
    const int64_t at = o->seq_dim < 0 ? o->seq_dim + x->ndim : o->seq_dim;
    if (at >= 0 && at < x->ndim - 1) return (int)at;
    luron_fail(c, LURON_E_SHAPE, "seq_dim is %lld, a dimension before the last expected", (long long)luron_shown(c, o->seq_dim));
    return -1;
}
static luron_status setup(luron_call *c) {
    const rotary *o = luron_options(c);
    const luron_view *x = luron_in(c, 0);
    const int at = places_dim(c, x);
    if (at < 0) return LURON_E_SHAPE;
    const int64_t d = x->shape[x->ndim - 1], turned = o->dim ? o->dim : d;
    if (turned % 2 || turned > d || turned == 0)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld features, of which %lld are turned: an even number of them expected",
                          (long long)d, (long long)turned);
    LURON_TRY(positions_check(c, 1, x->shape[0], x->shape[at]));
    if (luron_in(c, 1) && luron_in(c, 1)->ndim == 2 && at == 0)
        return luron_fail(c, LURON_E_SHAPE, "positions has 2 dimensions, and input no batch");
    return luron_set_out_like(c, 0, x);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const rotary *r = luron_options(c);
    const luron_view *v = luron_in(c, 0);
    const int last = v->ndim - 1, at = places_dim(c, v);
    const int64_t d = v->shape[last], n = r->dim ? r->dim : d, pairs = n / 2;
    int64_t shape[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    luron_tensor *x = o->in(c, 0), *angles = positions_angles(c, o, 1, v->shape[at], pairs, r->base, r->offset), *turned[2];
    if (at) shape[0] = o->size(c, angles, 0);
    shape[at] = v->shape[at], shape[last] = pairs;
    angles = o->reshape(c, angles, v->ndim, shape);
    luron_tensor *cos = o->cast(c, o->cos(c, angles), c->dtype), *sin = o->cast(c, o->sin(c, angles), c->dtype);
    luron_tensor *a = r->interleaved ? o->slice(c, x, last, 0, n - 1, 2) : o->narrow(c, x, last, 0, pairs);
    luron_tensor *b = r->interleaved ? o->slice(c, x, last, 1, n - 1, 2) : o->narrow(c, x, last, pairs, pairs);
    turned[0] = o->sub(c, o->mul(c, a, cos), o->mul(c, b, sin));
    turned[1] = o->add(c, o->mul(c, b, cos), o->mul(c, a, sin));
    luron_tensor *y = r->interleaved ? o->stack(c, 2, turned, last + 1) : o->cat(c, 2, turned, last);
    for (int i = 0; i < v->ndim; i++) shape[i] = i == last ? n : v->shape[i];
    if (r->interleaved) y = o->reshape(c, y, v->ndim, shape);
    luron_tensor *whole[2] = {y, o->narrow(c, x, last, n, d - n)};
    return o->set_out(c, 0, n < d ? o->cat(c, 2, whole, last) : y);
}
static const luron_option *const options[] = {
    LURON_OPT_INT(rotary, dim, 0, 0, 1e9, "features that are turned, from the first; 0: all"),
    LURON_OPT_FLOAT(rotary, base, 10000, 1, 1e12, "the slowest pair turns by position / base"),
    LURON_OPT_BOOL(rotary, interleaved, 0, "pairs are neighbours; false: half of the features apart"),
    LURON_OPT_INT(rotary, offset, 0, 0, 1e12, "places before the first"),
    LURON_OPT_AXIS(rotary, seq_dim, -2, "dimension of the places"), NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., t, features)"), POSITIONS_PORT, NULL};
const luron_layer_type attention_rotary = {
    .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64, .name = "RotaryEmbedding",
    .doc = "turns pairs of features by their positions", .options = options, .options_size = sizeof(rotary), .in = in,
    .setup = setup, .compose = compose};
