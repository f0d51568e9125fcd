/* masks.c -- masks that broadcast over heads, queries and keys. */
#include "attention.h"
#include <stdio.h>

static void shape_text(char *to, size_t size, int n, const int64_t *shape) {
    size_t at = 0;
    for (int i = 0; i < n && at < size; i++)
        at += (size_t)snprintf(to + at, size - at, "%s%lld", i ? ", " : "", (long long)shape[i]);
}
luron_status mask_open(luron_call *c, int port, int passes, int n_lead, const int64_t *lead, int64_t t, int64_t s,
                       key_mask *m) {
    const luron_view *v = luron_in(c, port);
    int64_t whole[MOST_LEAD + 2], step[MOST_LEAD + 2] = {0}, apart = 1;
    const int ndim = n_lead + 2, missing = v ? ndim - v->ndim : 0;
    *m = (key_mask){.passes = passes, .n_lead = n_lead};
    if (!v) return LURON_OK;
    for (int i = 0; i < n_lead; i++)
        whole[i] = m->lead[i] = lead[i];
    whole[n_lead] = t, whole[n_lead + 1] = s;
    int fits = missing >= 0;
    for (int i = v->ndim - 1; fits && i >= 0; i--) {
        fits = v->shape[i] == whole[missing + i] || v->shape[i] == 1;
        if (v->shape[i] != 1) step[missing + i] = apart;
        apart *= v->shape[i];
    }
    if (!fits) {
        char is[160] = "", wanted[160] = "";
        shape_text(is, sizeof is, v->ndim, v->shape), shape_text(wanted, sizeof wanted, ndim, whole);
        return luron_fail(c, LURON_E_SHAPE,
                          "mask has shape (%s), which does not broadcast to (%s): heads, queries, keys", is, wanted);
    }
    m->data = luron_data(v), m->is_bool = luron_dtype(v) == LURON_B8;
    memcpy(m->step, step, (size_t)n_lead * sizeof *step);
    m->row = step[n_lead], m->col = step[n_lead + 1];
    return LURON_OK;
}
int64_t mask_row(const key_mask *m, int64_t item, int64_t row) {
    int64_t at = row * m->row;
    for (int i = m->n_lead - 1; i >= 0; i--)
        at += item % m->lead[i] * m->step[i], item /= m->lead[i];
    return at;
}
