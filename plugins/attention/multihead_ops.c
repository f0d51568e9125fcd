/* multihead_ops.c -- multi-head attention in ops, from which higher derivatives follow. */
#include "multihead.h"

/* A projection of its input, (n, places, heads, head). */
static luron_tensor *projected(const sizes *m, const luron_ops *o, int i, int64_t places) {
    luron_call *c = m->c;
    const projection *p = &m->by[i];
    luron_tensor *w = o->param(c, p->slot);
    if (m->packed) w = o->narrow(c, w, 0, p->first, p->out);
    luron_tensor *x = o->matmul(c, o->in(c, multihead_port(c, i)), w, LURON_TRANS_B);
    if (m->bias_slot >= 0) x = o->add_row(c, x, o->narrow(c, o->param(c, m->bias_slot), 0, p->bias_first, p->out));
    x = o->reshape(c, x, LURON_SHAPE(m->n, places, p->out / m->head, m->head));
    if (!m->o->rotary || i == VALUE) return x;
    const waves places_of = multihead_waves(m, i);
    return waves_turned(&places_of, o, x, 0);
}
static luron_tensor *masks_of(const sizes *m, const luron_ops *o, int port) {
    luron_call *c = m->c;
    const luron_view *v = luron_in(c, port);
    if (!v) return NULL;
    luron_tensor *x = o->in(c, port);
    if (port == PADDING) return extra_mask(m, o, o->reshape(c, x, LURON_SHAPE(m->n, 1, 1, m->all)));
    if (v->ndim != 3) return extra_mask(m, o, x);
    x = o->expand(c, x, LURON_SHAPE(m->n * m->o->num_heads, m->t, m->all));
    return extra_mask(m, o, o->reshape(c, x, LURON_SHAPE(m->n, m->o->num_heads, m->t, m->all)));
}
luron_status multihead_compose(luron_call *c, const luron_ops *o) {
    sizes m;
    heads k;
    LURON_TRY(multihead_open(c, &m, &k));
    luron_tensor *q = projected(&m, o, QUERY, m.t), *kv[2], *weights;
    luron_tensor *const masks[2] = {masks_of(&m, o, MASK), masks_of(&m, o, PADDING)};
    for (int i = 0; i < 2; i++) {
        luron_tensor *both[2] = {luron_in(c, PAST_KEY) ? o->in(c, PAST_KEY + i) : NULL, projected(&m, o, KEY + i, m.s)};
        kv[i] = both[0] ? o->cat(c, 2, both, 1) : both[1];
        LURON_TRY(o->set_out(c, KEYS + i, kv[i]));
        kv[i] = extra_joined(&m, o, KEY + i, kv[i]);
    }
    luron_tensor *y = attention_compose(&k, o, o->transpose(c, q, 1, 2), o->transpose(c, kv[0], 1, 2),
                                        o->transpose(c, kv[1], 1, 2), masks, &weights);
    y = o->matmul(c, o->reshape(c, o->transpose(c, y, 1, 2), LURON_SHAPE(m.n, m.t, m.embed)), o->param(c, m.out_slot),
                  LURON_TRANS_B);
    if (m.o->bias) y = o->add_row(c, y, o->param(c, m.out_slot + 1));
    LURON_TRY(o->set_out(c, OUTPUT, y));
    if (!m.o->need_weights)
        weights = o->expand(c, o->scalar(c, 0), LURON_SHAPE(m.n, 0, k.s));
    else if (m.o->average_attn_weights)
        weights = o->mean(c, weights, 1, (const int[]){1}, 0);
    return o->set_out(c, WEIGHTS, weights);
}
