/* additive.c: weights softmax(sum over features of scale tanh(query + key)) for value, as Keras's AdditiveAttention.
 * query (n,t,d), value (n,s,d), key (n,s,d), mask (n,s) -> (n,t,d), weights (n,t,s). Bahdanau and others, 2015.      */
#include "attention.h"
enum { QUERY, VALUE, KEY, MASK };
typedef struct additive {
    int64_t embed_dim;
    double dropout;
    int32_t use_scale, is_causal;
    luron_named_init scale_init;
} additive;

static luron_status declare(luron_call *c) {
    const additive *o = luron_options(c);
    if (!o->use_scale) return LURON_OK;
    const double near = sqrt(3 / (double)o->embed_dim); /* Keras: glorot_uniform of a vector, both fans its length */
    return c->host->declare_param(c, 0, "scale", LURON_SHAPE(o->embed_dim),
                                  luron_init_or(&o->scale_init, luron_init_uniform(-near, near)));
}
static luron_status check_shapes(luron_call *c) {
    const additive *o = luron_options(c);
    const luron_view *q = luron_in(c, QUERY), *v = luron_in(c, VALUE), *mask = luron_in(c, MASK);
    static const char *const names[] = {"query", "value", "key"};
    for (int i = QUERY; i <= KEY; i++) {
        const luron_view *x = luron_in(c, i);
        if (!x) continue;
        if (x->shape[0] != q->shape[0] || (i == KEY && x->shape[1] != v->shape[1]))
            return luron_fail(c, LURON_E_SHAPE,
                              "query, value and key: the same batch, and as many keys as values expected");
        if (x->shape[2] != o->embed_dim && !(i == VALUE && luron_in(c, KEY)))
            return luron_fail(c, LURON_E_SHAPE, "%s has %lld features, embed_dim is %lld", names[i],
                              (long long)x->shape[2], (long long)o->embed_dim);
    }
    if (v->shape[1] == 0) return luron_fail(c, LURON_E_SHAPE, "value has sequences of length 0, 1 or more expected");
    if (!mask || (mask->shape[0] == v->shape[0] && mask->shape[1] == v->shape[1])) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "value_mask has shape (%lld, %lld), (%lld, %lld) expected: n, values",
                      (long long)mask->shape[0], (long long)mask->shape[1], (long long)v->shape[0],
                      (long long)v->shape[1]);
}
static luron_status setup(luron_call *c) {
    const luron_view *q = luron_in(c, QUERY), *v = luron_in(c, VALUE);
    LURON_TRY(check_shapes(c));
    LURON_TRY(c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(q->shape[0], q->shape[1], v->shape[2])));
    return c->host->set_out(c, 1, LURON_REAL, LURON_SHAPE(q->shape[0], q->shape[1], v->shape[1]));
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const additive *a = luron_options(c);
    const luron_view *q = luron_in(c, QUERY), *v = luron_in(c, VALUE);
    const int last = -1;
    heads k = {.c = c,
               .n = q->shape[0],
               .h = 1,
               .t = q->shape[1],
               .s = v->shape[1],
               .causal = a->is_causal,
               .p = luron_is_training(c) ? a->dropout : 0};
    luron_tensor *key = o->in(c, luron_in(c, KEY) ? KEY : VALUE), *masks[2] = {NULL, NULL};
    luron_tensor *x = o->tanh(c, o->add(c, o->unsqueeze(c, o->in(c, QUERY), 2), o->unsqueeze(c, key, 1)));
    if (a->use_scale) x = o->mul(c, x, o->param(c, 0));
    x = o->unsqueeze(c, o->sum(c, x, 1, &last, 0), 1);
    if (luron_in(c, MASK)) {
        masks[0] = o->reshape(c, o->in(c, MASK), LURON_SHAPE(k.n, 1, 1, k.s));
        k.masks[0] = (key_mask){.is_bool = luron_dtype(luron_in(c, MASK)) == LURON_B8, .passes = 1};
    }
    x = o->squeeze(c, attention_weights(&k, o, x, masks), 1);
    LURON_TRY(o->set_out(c, 1, x));
    return o->set_out(c, 0, o->matmul(c, x, o->in(c, VALUE), 0));
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(additive, embed_dim, 1, 1e9, "features of query and key"),
    LURON_OPT_BOOL(additive, use_scale, 1, "a weight for each feature of the sum"),
    LURON_OPT_FLOAT(additive, dropout, 0.0, 0, 1, "probability that a weight is dropped, when training"),
    LURON_OPT_BOOL(additive, is_causal, 0, "query i sees the keys 1 to i alone"),
    LURON_OPT_INITIALISER(additive, scale_init, "first scale; nil: uniform within sqrt(3 / embed_dim)"),
    NULL};
static const luron_port *const in[] = {
    LURON_PORT("query", 0, LURON_REAL, 3, "(n, t, embed_dim)"),
    LURON_PORT("value", 0, LURON_REAL, 3, "(n, s, features)"),
    LURON_PORT("key", LURON_PORT_OPTIONAL, LURON_REAL, 3, "(n, s, embed_dim); absent: value"),
    LURON_PORT("value_mask", LURON_PORT_OPTIONAL | LURON_PORT_MASK, LURON_REAL, 2,
               "(n, s): true where a value is seen, or numbers that are added"),
    NULL};
static const luron_port *const out[] = {LURON_PORT("output", 0, LURON_REAL, 3, "(n, t, features)"),
                                        LURON_PORT("weights", 0, LURON_REAL, 3, "(n, t, s)"), NULL};
const luron_layer_type attention_additive = {.struct_size = sizeof(luron_layer_type),
                                             .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM,
                                             .name = "AdditiveAttention",
                                             .doc = "attention with weights from tanh(query + key)",
                                             .options = options,
                                             .options_size = sizeof(additive),
                                             .in = in,
                                             .out = out,
                                             .declare = declare,
                                             .setup = setup,
                                             .compose = compose};
