/* compose.c -- attention of heads in ops, from which higher derivatives follow. */
#include "attention.h"

/* x (n, kv, ...) with each head as often as it serves: (n, h, ...). */
static luron_tensor *repeated(const heads *k, const luron_ops *o, luron_tensor *x) {
    luron_call *c = k->c;
    const int64_t s = o->size(c, x, 2), d = o->size(c, x, 3), times = k->kv ? k->h / k->kv : 0;
    if (k->h == k->kv) return x;
    x = o->expand(c, o->unsqueeze(c, x, 2), LURON_SHAPE(k->n, k->kv, times, s, d));
    return o->reshape(c, x, LURON_SHAPE(k->n, k->h, s, d));
}
/* bool (t, s): the keys that a query may see; NULL: all. */
static luron_tensor *causal(const heads *k, const luron_ops *o) {
    luron_call *c = k->c;
    if (!k->causal) return NULL;
    luron_tensor *ones = o->expand(c, o->scalar(c, 1), LURON_SHAPE(k->t, k->s - k->extra));
    ones = o->tril(c, o->contiguous(c, ones), k->before);
    if (k->extra) ones = o->pad(c, ones, 2, (const int64_t[2]){0, 0}, (const int64_t[2]){0, k->extra}, 1);
    return o->gt(c, ones, o->scalar(c, 0));
}
luron_tensor *attention_weights(const heads *k, const luron_ops *o, luron_tensor *x, luron_tensor *const masks[2]) {
    luron_call *c = k->c;
    luron_tensor *seen = causal(k, o);
    for (int i = 0; i < 2; i++) {
        luron_tensor *one = masks[i];
        if (!one) continue;
        if (!k->masks[i].is_bool) {
            x = o->add(c, x, one);
            one = o->ne(c, one, o->scalar(c, -INFINITY));
        } else if (!k->masks[i].passes)
            one = o->logical_not(c, one);
        seen = seen ? o->logical_and(c, seen, one) : one;
    }
    /* A row without a key gives even weights first, and none behind. */
    if (seen) x = o->where(c, seen, x, o->scalar(c, c->dtype == LURON_F64 ? -1e300 : -1e38));
    x = o->softmax(c, x, -1);
    if (seen) x = o->where(c, seen, x, o->scalar(c, 0));
    if (k->p <= 0) return x;
    luron_tensor *kept = o->ge(c, o->uniform(c, 0, LURON_SHAPE(k->n, k->h, k->t, k->s)), o->scalar(c, k->p));
    return o->where(c, kept, o->scale(c, x, k->p < 1 ? 1 / (1 - k->p) : 0, 0), o->scalar(c, 0));
}
luron_tensor *attention_compose(const heads *k, const luron_ops *o, luron_tensor *q, luron_tensor *key, luron_tensor *v,
                                luron_tensor *const masks[2], luron_tensor **weights) {
    luron_call *c = k->c;
    luron_tensor *x = o->scale(c, o->matmul(c, q, repeated(k, o, key), LURON_TRANS_B), k->scale, 0);
    x = attention_weights(k, o, x, masks);
    if (weights) *weights = x;
    return o->matmul(c, x, repeated(k, o, v), 0);
}
