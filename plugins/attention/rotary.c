/* rotary.c: each pair of features of x (..., t, ..., d) turned by its position / base^(2 pair / d). Pairs are features
 * i and i + d / 2 as in GPT-NeoX and Llama, or, interleaved, 2i and 2i + 1 as in the paper. Su and others, 2021. */
#include "positions.h"
typedef struct rotary {
    int64_t dim, seq_dim, offset;
    double base;
    int32_t interleaved;
} rotary;

/* x as (n, t, heads, d): dims before the places are sequences, those behind heads. */
static luron_status open_rotary(luron_call *c, waves *w, turn *k) {
    const rotary *o = luron_options(c);
    const luron_view *x = luron_in(c, 0), *positions = luron_in(c, 1);
    const int64_t at = o->seq_dim < 0 ? o->seq_dim + x->ndim : o->seq_dim;
    if (at < 0 || at >= x->ndim - 1)
        return luron_fail(c, LURON_E_SHAPE, "seq_dim is %lld, a dimension before the last expected",
                          (long long)luron_shown(c, o->seq_dim));
    const int64_t d = x->shape[x->ndim - 1], turned = o->dim ? o->dim : d;
    if (turned % 2 || turned > d || turned == 0)
        return luron_fail(c, LURON_E_SHAPE,
                          "input has %lld features, of which %lld are turned: an even number of them expected",
                          (long long)d, (long long)turned);
    *w = (waves){.c = c,
                 .port = 1,
                 .n = at ? x->shape[0] : 1,
                 .per = 1,
                 .t = x->shape[at],
                 .pairs = turned / 2,
                 .offset = o->offset,
                 .base = o->base};
    *k = (turn){.heads = 1, .d = d, .head = d, .interleaved = o->interleaved};
    for (int i = 0; i < x->ndim - 1; i++)
        if (i > at || (i > 0 && i < at)) *(i < at ? &w->per : &k->heads) *= x->shape[i];
    k->place = k->heads * d, k->sequence = w->t * k->place;
    if (positions && positions->ndim == 2 && at == 0)
        return luron_fail(c, LURON_E_SHAPE, "positions has 2 dimensions, and input no batch");
    return waves_check(c, 1, w->n, w->t);
}
static luron_status setup(luron_call *c) {
    waves w;
    turn k;
    LURON_TRY(open_rotary(c, &w, &k));
    LURON_TRY(c->host->declare_scratch(c, waves_bytes(&w)));
    return luron_set_out_like(c, 0, luron_in(c, 0));
}
static luron_status run(luron_call *c, const luron_view *from, luron_view *to, int back, double beta) {
    waves w;
    turn k;
    LURON_TRY(open_rotary(c, &w, &k));
    LURON_TRY(waves_make(&w, luron_scratch(c)));
    k.w = &w, k.x = luron_data(from), k.y = luron_data(to), k.back = back, k.beta = beta;
    waves_turn(&k);
    return LURON_OK;
}
static luron_status forward(luron_call *c) { return run(c, luron_in(c, 0), luron_out(c, 0), 0, 0); }
static luron_status backward(luron_call *c) {
    double beta;
    luron_view *gx = luron_grad_in_beta(c, 0, &beta);
    return gx ? run(c, luron_grad_out(c, 0), gx, 1, beta) : LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, 0);
    waves w;
    turn k;
    LURON_TRY(open_rotary(c, &w, &k));
    luron_tensor *y = o->reshape(c, o->in(c, 0), LURON_SHAPE(w.n * w.per, w.t, k.heads, k.d));
    return o->set_out(c, 0, o->reshape(c, waves_turned(&w, o, y, k.interleaved), x->ndim, x->shape));
}
static const luron_option *const options[] = {
    LURON_OPT_INT(rotary, dim, 0, 0, 1e9, "features that are turned, from the first; 0: all"),
    LURON_OPT_FLOAT(rotary, base, 10000, 1, 1e12, "the slowest pair turns by position / base"),
    LURON_OPT_BOOL(rotary, interleaved, 0, "pairs are neighbours; false: half of the features apart"),
    LURON_OPT_INT(rotary, offset, 0, 0, 1e12, "places before the first"),
    LURON_OPT_AXIS(rotary, seq_dim, -2, "dimension of the places"),
    NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., t, ..., features)"), POSITIONS_PORT,
                                       NULL};
const luron_layer_type attention_rotary = {.struct_size = sizeof(luron_layer_type),
                                           .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                           .name = "RotaryEmbedding",
                                           .doc = "turns pairs of features by their positions",
                                           .options = options,
                                           .options_size = sizeof(rotary),
                                           .in = in,
                                           .setup = setup,
                                           .forward = forward,
                                           .backward = backward,
                                           .compose = compose};
