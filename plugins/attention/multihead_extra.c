/* multihead_extra.c: keys and values behind all others, (n, all, kv heads, head) -> (n, all + extra, ...), which masks
 * do not hide and a later call does not see: parameters bias_k and bias_v (1, 1, numbers) of add_bias_kv, then zeros of
 * add_zero_attn, as PyTorch's. */
#ifndef REAL
#include "multihead.h"
#define REAL float
#include "multihead_extra.c"
#define REAL double
#include "multihead_extra.c"

static int64_t width_of(const sizes *m) { return m->kv * m->head; }
luron_status extra_declare(const sizes *m) {
    luron_call *c = m->c;
    if (!m->o->add_bias_kv) return LURON_OK;
    const luron_init init = luron_init_(LURON_INIT_XAVIER_NORMAL, 1, 0);
    LURON_TRY(c->host->declare_param(c, m->extra_slot, "bias_k", LURON_SHAPE(1, 1, width_of(m)), init));
    return c->host->declare_param(c, m->extra_slot + 1, "bias_v", LURON_SHAPE(1, 1, width_of(m)), init);
}
void extra_append(const sizes *m, int input, const char *from, char *to) {
    const size_t row = (size_t)(width_of(m) * attention_size(m->c)), rows = (size_t)m->all * row;
    for (int64_t b = 0; b < m->n; b++, from += rows, to += rows + (size_t)m->extra * row) {
        memcpy(to, from, rows);
        memset(to + rows, 0, (size_t)m->extra * row);
        if (m->o->add_bias_kv) memcpy(to + rows, luron_data(luron_param(m->c, m->extra_slot + input - KEY)), row);
    }
}
void extra_give(const sizes *m, int input, char *grad, const char *from) {
    const size_t row = (size_t)(width_of(m) * attention_size(m->c)), rows = (size_t)m->all * row;
    luron_view *bias = m->o->add_bias_kv ? luron_grad_param(m->c, m->extra_slot + input - KEY) : NULL;
    for (int64_t b = 0; b < m->n; b++) {
        const char *at = grad + (size_t)b * (rows + (size_t)m->extra * row);
        if (bias) BY_TYPE(m->c, add)(width_of(m), at + rows, luron_data(bias));
        memmove(grad + (size_t)b * rows, at, rows);
    }
    if (from) BY_TYPE(m->c, add)(m->n * m->all * width_of(m), from, grad);
}

luron_tensor *extra_joined(const sizes *m, const luron_ops *o, int input, luron_tensor *x) {
    luron_call *c = m->c;
    luron_tensor *part[3] = {x};
    int n = 1;
    if (m->o->add_bias_kv)
        part[n++] =
            o->expand(c, o->reshape(c, o->param(c, m->extra_slot + input - KEY), LURON_SHAPE(1, 1, m->kv, m->head)),
                      LURON_SHAPE(m->n, 1, m->kv, m->head));
    if (m->o->add_zero_attn) part[n++] = o->expand(c, o->scalar(c, 0), LURON_SHAPE(m->n, 1, m->kv, m->head));
    return n > 1 ? o->cat(c, n, part, 1) : x;
}
luron_tensor *extra_mask(const sizes *m, const luron_ops *o, luron_tensor *mask) {
    luron_call *c = m->c;
    const int ndim = o->ndim(c, mask), last = ndim > 0 ? ndim - 1 : 0;
    int64_t shape[8], before[8] = {0}, after[8] = {0};
    if (!m->extra || last > 7) return mask;
    for (int i = 0; i < last; i++)
        shape[i] = o->size(c, mask, i);
    shape[last] = m->all, after[last] = m->extra; /* one number may have stood for all keys, and for all else */
    return o->pad(c, o->expand(c, mask, last + 1, shape), last + 1, before, after, 0);
}
#else
static void TYPED(add)(int64_t n, const void *from, void *to) {
    for (int64_t i = 0; i < n; i++)
        ((REAL *)to)[i] += ((const REAL *)from)[i];
}
#undef REAL
#endif
