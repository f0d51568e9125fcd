/* scaled.c: scaled_dot_product_attention. query (..., h, t, d), key (..., kv, s, d), value (..., kv, s, dv), mask that
 * broadcasts to (..., h, t, s) -> (..., h, t, dv). Vaswani and others, 2017. A row that sees nothing is zeros. */
#include "attention.h"
enum { QUERY, KEY, VALUE, MASK };
typedef struct scaled {
    double dropout_p, scale;
    int32_t is_causal, enable_gqa;
} scaled;

static luron_status check_shapes(luron_call *c) {
    const scaled *o = luron_options(c);
    const luron_view *q = luron_in(c, QUERY), *k = luron_in(c, KEY), *v = luron_in(c, VALUE);
    const int n = q->ndim;
    if (n < 2 || k->ndim != n || v->ndim != n)
        return luron_fail(c, LURON_E_SHAPE,
                          "query, key and value have %d, %d and %d dimensions, the same number of 2 or more expected",
                          n, k->ndim, v->ndim);
    for (int i = 0; i < n - 2; i++) {
        const int64_t a = q->shape[i], b = k->shape[i];
        const int grouped = o->enable_gqa && i == n - 3;
        if (b != v->shape[i] || (grouped && b ? a % b : a != b))
            return luron_fail(c, LURON_E_SHAPE,
                              "query, key and value have sizes %lld, %lld and %lld in dimension %lld, %s expected",
                              (long long)a, (long long)b, (long long)v->shape[i], (long long)luron_shown(c, i),
                              grouped ? "heads of which each of key and value serves as many of query" : "the same");
    }
    if (q->shape[n - 1] != k->shape[n - 1] || q->shape[n - 1] == 0)
        return luron_fail(c, LURON_E_SHAPE, "query has %lld features, key %lld: the same number of 1 or more expected",
                          (long long)q->shape[n - 1], (long long)k->shape[n - 1]);
    if (k->shape[n - 2] != v->shape[n - 2] || k->shape[n - 2] == 0)
        return luron_fail(c, LURON_E_SHAPE, "key has %lld places, value %lld: the same number of 1 or more expected",
                          (long long)k->shape[n - 2], (long long)v->shape[n - 2]);
    return LURON_OK;
}
static head_rows rows_in(const luron_view *v, char *data) {
    const int n = v->ndim;
    const int64_t row = v->shape[n - 1], head = v->shape[n - 2] * row;
    return (head_rows){data, n > 2 ? v->shape[n - 3] * head : head, head, row};
}
/* The sizes of a call and its mask. */
static luron_status open_heads(luron_call *c, heads *to) {
    const scaled *o = luron_options(c);
    const luron_view *q = luron_in(c, QUERY), *k = luron_in(c, KEY), *v = luron_in(c, VALUE);
    const int n = q->ndim;
    *to = (heads){.c = c, .n = 1, .h = n > 2 ? q->shape[n - 3] : 1, .kv = n > 2 ? k->shape[n - 3] : 1};
    for (int i = 0; i < n - 3; i++)
        to->n *= q->shape[i];
    to->t = q->shape[n - 2], to->s = k->shape[n - 2], to->d = q->shape[n - 1], to->dv = v->shape[n - 1];
    to->causal = o->is_causal, to->scale = o->scale > 0 ? o->scale : 1 / sqrt((double)to->d);
    to->p = luron_is_training(c) ? o->dropout_p : 0;
    to->q = rows_in(q, luron_data(q)), to->k = rows_in(k, luron_data(k)), to->v = rows_in(v, luron_data(v));
    to->sums = luron_data(luron_saved(c, 0)), to->scratch = luron_scratch(c);
    return mask_open(c, MASK, 1, n - 2, q->shape, to->t, to->s, &to->masks[0]);
}
static luron_status setup(luron_call *c) {
    const luron_view *q = luron_in(c, QUERY);
    heads k;
    int64_t shape[8];
    LURON_TRY(check_shapes(c));
    LURON_TRY(open_heads(c, &k));
    memcpy(shape, q->shape, (size_t)q->ndim * sizeof *shape);
    shape[q->ndim - 1] = k.dv;
    LURON_TRY(c->host->set_out(c, 0, LURON_REAL, q->ndim, shape));
    LURON_TRY(c->host->declare_saved(c, 0, LURON_REAL, LURON_SHAPE(k.n, k.h, k.t)));
    return c->host->declare_scratch(c, heads_scratch(&k));
}
static luron_status forward(luron_call *c) {
    heads k;
    LURON_TRY(open_heads(c, &k));
    k.y = rows_in(luron_out(c, 0), luron_data(luron_out(c, 0)));
    return heads_forward(&k);
}
static luron_status backward(luron_call *c) {
    heads k;
    LURON_TRY(open_heads(c, &k));
    luron_view *gq = luron_grad_in_beta(c, QUERY, &k.beta_q), *gk = luron_grad_in(c, KEY),
               *gv = luron_grad_in(c, VALUE);
    k.gy = rows_in(luron_grad_out(c, 0), luron_data(luron_grad_out(c, 0)));
    if (gq) k.gq = rows_in(gq, luron_data(gq));
    if (gk) k.gk = rows_in(gk, luron_data(gk));
    if (gv) k.gv = rows_in(gv, luron_data(gv));
    k.masks[0].grad = luron_data(luron_grad_in(c, MASK));
    return heads_backward(&k);
}

/* x with its last two dims behind one of heads and one for all before: (n, h, ...). */
static luron_tensor *flat(luron_call *c, const luron_ops *o, luron_tensor *x, int64_t n, int64_t h) {
    const int ndim = o->ndim(c, x);
    return o->reshape(c, x, LURON_SHAPE(n, h, o->size(c, x, ndim - 2), o->size(c, x, ndim - 1)));
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const luron_view *q = luron_in(c, QUERY);
    const int n = q->ndim;
    heads k;
    int64_t shape[8];
    luron_tensor *masks[2] = {NULL, NULL};
    LURON_TRY(open_heads(c, &k));
    if (luron_in(c, MASK)) {
        memcpy(shape, q->shape, (size_t)n * sizeof *shape);
        shape[n - 2] = k.t, shape[n - 1] = k.s;
        masks[0] = flat(c, o, o->expand(c, o->in(c, MASK), n, shape), k.n, k.h);
    }
    luron_tensor *y =
        attention_compose(&k, o, flat(c, o, o->in(c, QUERY), k.n, k.h), flat(c, o, o->in(c, KEY), k.n, k.kv),
                          flat(c, o, o->in(c, VALUE), k.n, k.kv), masks, NULL);
    memcpy(shape, q->shape, (size_t)n * sizeof *shape);
    shape[n - 1] = k.dv;
    return o->set_out(c, 0, o->reshape(c, y, n, shape));
}

static const luron_option *const options[] = {
    LURON_OPT_FLOAT(scaled, dropout_p, 0.0, 0, 1, "probability that a weight is dropped, when training"),
    LURON_OPT_BOOL(scaled, is_causal, 0, "query i sees the keys 1 to i alone"),
    LURON_OPT_FLOAT(scaled, scale, 0.0, 0, 1e9, "of the products; 0: 1 / sqrt(features)"),
    LURON_OPT_BOOL(scaled, enable_gqa, 0, "key and value may have fewer heads (dim -3), each for as many of query"),
    NULL};
static const luron_port *const in[] = {
    LURON_PORT("query", 0, LURON_REAL, 0, "(..., t, features)"),
    LURON_PORT("key", 0, LURON_REAL, 0, "(..., s, features)"),
    LURON_PORT("value", 0, LURON_REAL, 0, "(..., s, features of the output)"),
    LURON_PORT("attn_mask", LURON_PORT_OPTIONAL | LURON_PORT_MASK, LURON_REAL, 0,
               "broadcasts to (..., t, s): true where a key is seen, or numbers added to the products"),
    NULL};
const luron_layer_type attention_scaled = {.struct_size = sizeof(luron_layer_type),
                                           .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM | LURON_LAYER_FREES_OUT,
                                           .name = "ScaledDotProductAttention",
                                           .function = "scaled_dot_product_attention",
                                           .doc = "softmax(query key^T scale + mask) value",
                                           .options = options,
                                           .options_size = sizeof(scaled),
                                           .in = in,
                                           .setup = setup,
                                           .forward = forward,
                                           .backward = backward,
                                           .compose = compose};
