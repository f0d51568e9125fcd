/* compose.c: the layers in ops, step by step, from which higher derivatives follow. */
#include "recurrent.h"

enum { TOGETHER = 64 }; /* steps that are joined at once */

static luron_tensor *initial(const run *r, const luron_ops *o, int port, int64_t part) {
    luron_call *c = r->c;
    luron_tensor *given = luron_in(c, port) ? o->in(c, port) : NULL;
    if (!luron_in(c, port)) return o->expand(c, o->scalar(c, 0), LURON_SHAPE(r->n, r->h));
    return r->o->num_layers ? o->select(c, given, 0, part) : given;
}
/* One direction of a layer over x (t,n,in) -> (t,n,h); the last states in h_n and c_n. */
static luron_tensor *compose_part(const run *r, const luron_ops *o, luron_tensor *x, int64_t part, luron_tensor **h_n, luron_tensor **c_n) {
    luron_call *c = r->c;
    luron_tensor *w_hh = o->param(c, rnn_slot(r, part, W_HH)), *b_hh = r->o->bias ? o->param(c, rnn_slot(r, part, B_HH)) : NULL;
    const int64_t d = part % r->dirs, in = part < r->dirs ? r->in : r->out;
    luron_tensor *z = o->matmul(c, o->reshape(c, x, LURON_SHAPE(r->t * r->n, in)), o->param(c, rnn_slot(r, part, W_IH)), LURON_TRANS_B);
    if (r->o->bias) z = o->add_row(c, z, o->param(c, rnn_slot(r, part, B_IH)));
    z = o->reshape(c, z, LURON_SHAPE(r->t, r->n, r->wide));
    luron_tensor *h = initial(r, o, H_0, part), *cell_state = r->cell->has_c ? initial(r, o, C_0, part) : NULL, *all = NULL;
    luron_tensor *steps[TOGETHER + 1], *seen = rnn_composed_holds(r, o, 0);
    for (int64_t s = 0, m = 0; s < r->t; s++) {
        luron_tensor *before = h, *c_before = cell_state, *now = seen ? o->select(c, seen, 0, rnn_time(r, d, s)) : NULL;
        h = r->cell->compose(r, o, o->select(c, z, 0, rnn_time(r, d, s)), h, &cell_state, w_hh, b_hh);
        if (now) h = o->where(c, now, h, before);
        if (now && cell_state) cell_state = o->where(c, now, cell_state, c_before);
        steps[d ? TOGETHER - 1 - m : 1 + m] = o->reshape(c, h, LURON_SHAPE(1, r->n, r->h)), m++;
        if (m < TOGETHER && s + 1 < r->t) continue;
        luron_tensor **first = d ? steps + TOGETHER - m : steps + 1; /* in the order of time, what came before in front or behind */
        if (all) *(d ? &first[m] : --first) = all, m++;
        all = m > 1 ? o->cat(c, (int)m, first, 0) : *first;
        m = 0;
    }
    *h_n = h, *c_n = cell_state;
    return all;
}
/* x (t,n,out) with the dropout behind a layer: the numbers that forward draws. */
static luron_tensor *thinned(const run *r, const luron_ops *o, luron_tensor *x, int64_t layer) {
    const double p = r->o->dropout;
    if (!rnn_thins(r)) return x;
    luron_tensor *kept = o->ge(r->c, o->uniform(r->c, (int)layer, LURON_SHAPE(r->t, r->n, r->out)), o->scalar(r->c, p));
    return o->where(r->c, kept, o->scale(r->c, x, p < 1 ? 1 / (1 - p) : 0, 0), o->scalar(r->c, 0));
}
luron_status rnn_compose(luron_call *c, const luron_ops *o, const cell *k) {
    const run r = rnn_run(c, k);
    luron_tensor *x = o->in(c, INPUT), *h_n[MOST_PARAMS], *c_n[MOST_PARAMS], *y[2];
    const int64_t parts = r.layers * r.dirs;
    x = r.o->num_layers ? o->transpose(c, x, 0, 1) : x;
    luron_tensor *seen = rnn_composed_holds(&r, o, 0);
    if (seen) x = o->where(c, seen, x, o->scalar(c, 0));
    for (int64_t layer = 0; layer < r.layers; layer++) {
        for (int64_t d = 0; d < r.dirs; d++) y[d] = compose_part(&r, o, x, layer * r.dirs + d, &h_n[layer * r.dirs + d], &c_n[layer * r.dirs + d]);
        x = r.dirs > 1 ? o->cat(c, 2, y, 2) : y[0];
        if (layer + 1 < r.layers) x = thinned(&r, o, x, layer);
    }
    if (!r.o->num_layers) {
        LURON_TRY(o->set_out(c, 0, h_n[0]));
        return k->has_c ? o->set_out(c, 1, c_n[0]) : LURON_OK;
    }
    luron_tensor *within = rnn_composed_holds(&r, o, 1);
    if (within) x = o->where(c, within, x, o->scalar(c, 0));
    LURON_TRY(o->set_out(c, 0, o->transpose(c, x, 0, 1)));
    LURON_TRY(o->set_out(c, 1, o->stack(c, (int)parts, h_n, 0)));
    return k->has_c ? o->set_out(c, 2, o->stack(c, (int)parts, c_n, 0)) : LURON_OK;
}
