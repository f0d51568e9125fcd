/* sequence.c: x (n,t,in), h_0, c_0 (layers dirs,n,h) -> y (n,t,dirs h), h_n, c_n; of a cell x (n,in), h, c (n,h) -> h, c.
 * The input product of all steps is one gemm, or a choice of rows; then one recurrent gemm and one pass over the gates a
 * step. Products add no bias and nothing that was there: the pass does, for the numbers are on its way.               */
#include "recurrent.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static int per_part(const run *r) { return r->o->bias ? 4 : 2; }
static int is_cell(const run *r) { return r->o->num_layers == 0; } /* a cell has no such option */
int rnn_slot(const run *r, int64_t part, int which) { return (int)part * per_part(r) + which; }
const luron_view *rnn_param(const run *r, int64_t part, int which) {
    return which < per_part(r) ? luron_param(r->c, rnn_slot(r, part, which)) : NULL;
}
int rnn_thins(const run *r) { return r->layers > 1 && r->o->dropout > 0 && luron_is_training(r->c); }

/* What follows from the options. */
static run sizes(luron_call *c, const cell *k) {
    const recurrent *o = luron_options(c);
    run r = { .c = c, .o = o, .cell = k, .h = o->hidden_size, .in = o->input_size, .dirs = o->bidirectional ? 2 : 1 };
    r.layers = o->num_layers ? o->num_layers : 1, r.out = r.dirs * r.h, r.wide = k->gates * r.h;
    r.size = c->dtype == LURON_F64 ? 8 : 4, r.split = k == &rnn_cell_gru && !o->reset_after, r.holds = rnn_holds(c, k);
    return r;
}
run rnn_run(luron_call *c, const cell *k) {
    run r = sizes(c, k);
    const luron_view *x = luron_in(c, INPUT);
    r.n = x->shape[0], r.t = is_cell(&r) ? 1 : x->shape[1];
    r.block = r.n < BLOCK_ROWS ? BLOCK_ROWS / (r.n ? r.n : 1) : 1;
    if (r.block > r.t) r.block = r.t;
    return r;
}

/* ---- parameters ------------------------------------------------------------------------------------------------------ */
luron_status rnn_declare(luron_call *c, const cell *k) {
    const run r = sizes(c, k);
    const recurrent *o = r.o;
    static const char *const names[] = { "weight_ih", "weight_hh", "bias_ih", "bias_hh" };
    const double near = 1 / sqrt((double)r.h);
    const luron_init own = luron_init_uniform(-near, near);
    const int64_t parts = r.layers * r.dirs;
    if (parts * per_part(&r) > MOST_PARAMS)
        return luron_fail(c, LURON_E_UNSUPPORTED, "%lld layers%s need %lld parameters, a layer holds at most %d: put several behind each other",
            (long long)r.layers, r.dirs > 1 ? " in two directions" : "", (long long)(parts * per_part(&r)), MOST_PARAMS);
    for (int64_t p = 0; p < parts; p++)
        for (int w = 0; w < per_part(&r); w++) {
            char name[48];
            const int64_t layer = p / r.dirs, cols = w == W_HH ? r.h : layer ? r.out : r.in;
            const luron_named_init *given = w == W_IH ? &o->weight_init : w == W_HH ? &o->recurrent_init : &o->bias_init;
            if (is_cell(&r)) snprintf(name, sizeof name, "%s", names[w]);
            else snprintf(name, sizeof name, "%s_l%d%s", names[w], (int)layer, p % r.dirs ? "_reverse" : "");
            const int64_t shape[2] = { r.wide, cols };
            LURON_TRY(c->host->declare_param(c, rnn_slot(&r, p, w), name, w < B_IH ? 2 : 1, shape, luron_init_or(given, own)));
        }
    return LURON_OK;
}

/* ---- shapes ---------------------------------------------------------------------------------------------------------- */
static luron_status check_state(luron_call *c, const run *r, int port) {
    const luron_view *v = luron_in(c, port);
    const int64_t parts = r->layers * r->dirs, *shape = v ? v->shape : NULL;
    const char *what = port == H_0 ? "h" : "c";
    if (!v) return LURON_OK;
    if (is_cell(r))
        return shape[0] == r->n && shape[1] == r->h ? LURON_OK : luron_fail(c, LURON_E_SHAPE,
            "%s has shape (%lld, %lld), (%lld, %lld) expected: n, hidden_size", what, (long long)shape[0], (long long)shape[1], (long long)r->n, (long long)r->h);
    if (shape[0] == parts && shape[1] == r->n && shape[2] == r->h) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "%s_0 has shape (%lld, %lld, %lld), (%lld, %lld, %lld) expected: layers times directions, n, hidden_size",
        what, (long long)shape[0], (long long)shape[1], (long long)shape[2], (long long)parts, (long long)r->n, (long long)r->h);
}

/* Lays out the scratch memory from base, NULL: none. @return its bytes, or a status. */
static int64_t lay_out(run *r, char *base) {
    const int64_t rows = r->t * r->n, wider = r->in > r->out ? r->in : r->out, several = r->layers > 1, two = r->cell == &rnn_cell_gru && !r->split;
    int64_t held = rnn_turns(r, r->in) ? r->in : 0, packed[2] = { 0 }; /* rows of turned_ih */
    if (several && rnn_turns(r, r->out) && r->out > held) held = r->out;
    for (int i = 0; i <= r->split && r->t > 1; i++)
        if ((packed[i] = rnn_packed_bytes(r, i)) < 0) return packed[i];
    const struct { char **to; int64_t n; } parts[] = {
        { &r->x, r->holds || (r->t > 1 && r->n > 1) ? rows * r->in : 0 }, { &r->thin, several && r->o->dropout > 0 ? rows * r->out : 0 },
        { &r->packed[0], packed[0] / r->size }, { &r->packed[1], packed[1] / r->size }, { &r->turned_ih, held ? (held + 1) * r->wide : 0 },
        { &r->turned_hh, rnn_turns(r, r->h) ? r->h * r->wide : 0 }, { &r->product, r->n * r->wide },
        { &r->zero, r->n * r->h > r->wide ? r->n * r->h : r->wide }, { &r->dy, several ? rows * wider : 0 }, { &r->dx, rows * wider },
        { &r->dz, r->block * r->n * r->wide }, { &r->dzh, two ? r->block * r->n * r->wide : 0 }, { &r->sums, 2 * r->wide },
        { &r->dh, r->n * r->h }, { &r->dc, r->n * r->h }, { &r->dreset, r->split ? r->n * r->h : 0 },
        { &r->held, r->holds ? 3 * r->n * r->h : 0 } };
    int64_t at = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        *parts[i].to = rnn_at(r, base, at);
        at += (parts[i].n + 15) / 16 * 16; /* 64 bytes */
    }
    if (!two) r->dzh = r->dz;
    for (int i = 0; i < 2; i++)
        if (!packed[i]) r->packed[i] = NULL;
    return at * r->size;
}

luron_status rnn_setup(luron_call *c, const cell *k) {
    run r = sizes(c, k);
    const luron_view *x = luron_in(c, INPUT);
    const int64_t features = x->shape[x->ndim - 1], parts = r.layers * r.dirs;
    if (features != r.in)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld features, input_size is %lld", (long long)features, (long long)r.in);
    if (x->shape[1] == 0) return luron_fail(c, LURON_E_SHAPE, "input has sequences of length 0, 1 or more expected");
    r = rnn_run(c, k);
    LURON_TRY(check_state(c, &r, H_0));
    if (k->has_c) LURON_TRY(check_state(c, &r, C_0));
    LURON_TRY(rnn_check_holds(&r));
    if (!is_cell(&r)) LURON_TRY(c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(r.n, r.t, r.out)));
    for (int i = 0; i <= k->has_c; i++)
        LURON_TRY(is_cell(&r) ? c->host->set_out(c, i, LURON_REAL, LURON_SHAPE(r.n, r.h))
                              : c->host->set_out(c, 1 + i, LURON_REAL, LURON_SHAPE(parts, r.n, r.h)));
    LURON_TRY(c->host->declare_saved(c, SAVED_GATES, LURON_REAL, LURON_SHAPE(parts, r.t, r.n, r.wide)));
    LURON_TRY(c->host->declare_saved(c, SAVED_OUTPUT, LURON_REAL, LURON_SHAPE(r.layers, r.t, r.n, r.out)));
    LURON_TRY(c->host->declare_saved(c, SAVED_LETTERS, LURON_I32, LURON_SHAPE(r.t, r.n)));
    if (k->extra) LURON_TRY(c->host->declare_saved(c, SAVED_EXTRA, LURON_REAL, LURON_SHAPE(parts, r.t, r.n, k->extra * r.h)));
    const int64_t bytes = lay_out(&r, NULL);
    return bytes < 0 ? (luron_status)bytes : c->host->declare_scratch(c, bytes);
}

/* ---- forward --------------------------------------------------------------------------------------------------------- */
run rnn_open(luron_call *c, const cell *k) {
    run r = rnn_run(c, k);
    lay_out(&r, luron_scratch(c));
    r.gates = luron_data(luron_saved(c, SAVED_GATES)), r.y = luron_data(luron_saved(c, SAVED_OUTPUT));
    if (k->extra) r.extra = luron_data(luron_saved(c, SAVED_EXTRA));
    r.letters = luron_data(luron_saved(c, SAVED_LETTERS));
    memset(r.zero, 0, (size_t)((r.n * r.h > r.wide ? r.n * r.h : r.wide) * r.size));
    return r;
}
void rnn_take_input(run *r) {
    char *x = luron_data(luron_in(r->c, INPUT));
    if (r->t > 1 && r->n > 1) rnn_swap(r, x, r->x, r->n, r->t, r->in, 0);
    else if (r->holds && r->t * r->n > 0) memcpy(r->x, x, (size_t)(r->t * r->n * r->in * r->size));
    else r->x = x; /* the two layouts are one */
    if (r->holds) rnn_hold_input(r);
}
char *rnn_initial(const run *r, int port, int64_t part) {
    const luron_view *v = luron_in(r->c, port);
    return v ? rnn_at(r, luron_data(v), part * r->n * r->h) : r->zero;
}
char *rnn_layer_input(run *r, int64_t layer) {
    char *below = rnn_at(r, r->y, (layer - 1) * r->t * r->n * r->out);
    if (layer == 0) return r->x;
    if (!rnn_thins(r)) return below;
    rnn_thin(r, layer - 1, below, r->thin);
    return r->thin;
}
step rnn_step(const run *r, int64_t layer, int64_t d, int64_t s) {
    const int64_t part = layer * r->dirs + d, at = rnn_time(r, d, s), before = s ? rnn_time(r, d, s - 1) : 0;
    const int64_t extra = r->cell->extra * r->h, first = part * r->t;
    char *y = rnn_at(r, r->y, layer * r->t * r->n * r->out + d * r->h);
    step k = { .r = r, .part = part, .prev_ld = s ? r->out : r->h, .c_ld = s ? extra : r->h };
    k.letters = layer == 0 && r->letters ? r->letters + at * r->n : NULL;
    k.b_ih = r->o->bias ? luron_data(rnn_param(r, part, B_IH)) : r->zero, k.b_hh = r->o->bias ? luron_data(rnn_param(r, part, B_HH)) : r->zero;
    if (layer == r->layers - 1 && !is_cell(r)) k.out = rnn_at(r, luron_data(luron_out(r->c, 0)), at * r->out + d * r->h);
    k.z = rnn_at(r, r->gates, (first + at) * r->n * r->wide);
    k.extra = rnn_at(r, r->extra, (first + at) * r->n * extra);
    k.h = rnn_at(r, y, at * r->n * r->out);
    k.prev = s ? rnn_at(r, y, before * r->n * r->out) : rnn_initial(r, H_0, part);
    if (r->cell->has_c) k.c_prev = s ? rnn_at(r, r->extra, (first + before) * r->n * extra) : rnn_initial(r, C_0, part);
    return k;
}

/* The last step of a part to h_n and c_n. */
static void put_final(const run *r, const step *k) {
    const int64_t extra = r->cell->extra * r->h, first = !is_cell(r);
    rnn_move(&(move) { r, k->h, rnn_at(r, luron_data(luron_out(r->c, (int)first)), k->part * r->n * r->h), 1, r->n, r->h, 0, r->out, 0, r->h, 0 });
    if (r->cell->has_c)
        rnn_move(&(move) { r, k->extra, rnn_at(r, luron_data(luron_out(r->c, (int)first + 1)), k->part * r->n * r->h), 1, r->n, r->h, 0, extra, 0, r->h, 0 });
}
static luron_status input_product(const run *r, int64_t layer, int64_t part, char *x) {
    const int64_t rows = r->t * r->n, in = layer ? r->out : r->in;
    char *w = luron_data(rnn_param(r, part, W_IH));
    if (layer || !r->letters)
        return rnn_product(r, LURON_TRANS_B, (matrix) { x, rows, in, in }, (matrix) { w, r->wide, in, in },
            (matrix) { rnn_at(r, r->gates, part * rows * r->wide), rows, r->wide, r->wide }, 0);
    rnn_turn(r, w, r->wide, in, r->turned_ih, 0);
    rnn_move(&(move) { r, r->zero, rnn_at(r, r->turned_ih, in * r->wide), 1, 1, r->wide, 0, 0, 0, 0, 0 });
    return LURON_OK;
}
static luron_status forward_part(const run *r, int64_t layer, int64_t d, char *x) {
    const int64_t part = layer * r->dirs + d;
    step k = { .r = r };
    LURON_TRY(input_product(r, layer, part, x));
    LURON_TRY(rnn_pack(r, part, LURON_TRANS_B));
    for (int64_t s = 0; s < r->t; s++) {
        k = rnn_step(r, layer, d, s);
        LURON_TRY(r->cell->forward(r, &k));
        if (r->holds) rnn_hold(&k, rnn_time(r, d, s));
    }
    put_final(r, &k);
    return LURON_OK;
}
luron_status rnn_forward(luron_call *c, const cell *k) {
    run r = rnn_open(c, k);
    LURON_TRY(rnn_check_lengths(&r));
    rnn_find_letters(&r, luron_data(luron_in(c, INPUT)));
    if (!r.letters) rnn_take_input(&r);
    for (int64_t layer = 0; layer < r.layers; layer++) {
        char *x = rnn_layer_input(&r, layer);
        for (int64_t d = 0; d < r.dirs; d++) LURON_TRY(forward_part(&r, layer, d, x));
    }
    return LURON_OK;
}
